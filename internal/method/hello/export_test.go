package hello

// Derive makes the reset key of a container from a root.
var Derive = derive
