package pages

// signOutPage is signout.html: asks whether to sign out, so that a link from elsewhere
// cannot do it (OpenID Connect RP-Initiated Logout 1.0 section 2).
type signOutPage struct {
	frame
	who
	StayHref string // where to go instead; "" leaves the link out
}

func (signOutPage) file() string { return "signout.html" }
