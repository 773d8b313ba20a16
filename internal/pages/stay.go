package pages

// stayPage is stay.html: asks whether the browser stays signed in. The answer is in the
// field stay: yes or no. At a device's lock screen, whose browser keeps nothing, it only says
// where the pass came from.
type stayPage struct {
	frame
	who
	Pass   *issuedPass // the pass that was just used; nil after another method
	Device string      // name of the device that is signed in to; empty in a browser by itself
}

// An issuedPass says where a pass came from, so that its owner notices a wrong one.
type issuedPass struct {
	By     string // the issuer's display name
	Reason string // as the issuer gave it; may be empty
}

func (stayPage) file() string { return "stay.html" }
