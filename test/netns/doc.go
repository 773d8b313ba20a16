// Package netns tries a device and its server on two hosts: network namespaces with a router
// between them, the built programs, a TPM. On the way the tests cut the link, delay and lose
// packets, put a captive portal or a foreign proxy there, and restart the server. docs/proof.md
// says what has to come of it.
package netns
