package access

// A Set is what a tenant's rules come to, ready to be asked. It is immutable.
type Set struct {
	policies  []Policy
	locations map[string]Location
	strengths map[string]*Strength
}
