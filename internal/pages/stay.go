package pages

// stayPage is stay.html: asks whether the browser stays signed in. The answer is in the
// field stay: yes or no.
type stayPage struct {
	frame
	who
	Pass *issuedPass // the pass that was just used; nil after another method
}

// An issuedPass says where a pass came from, so that its owner notices a wrong one.
type issuedPass struct {
	By     string // the issuer's display name
	Reason string // as the issuer gave it; may be empty
}

func (stayPage) file() string { return "stay.html" }
