package pages

import "time"

// accessPassPage is accesspass.html: asks for a Temporary Access Pass, in the field
// accesspass. What was typed is never shown again.
type accessPassPage struct {
	frame
	who
	OtherWaysHref string
	Provider      string    // of the person's domain, where they can sign in as well
	FederatedHref string    // there; empty when the domain has none
	WorksFrom     time.Time // set when what was typed is right, but too early
}

func (accessPassPage) file() string { return "accesspass.html" }
