package pages

import "github.com/postern-id/postern/internal/signin"

// signedOutPage is signedout.html: this browser is signed out.
type signedOutPage struct {
	frame
	SignInHref string // "" leaves the link out
	BackHref   string // the application that asked; "" leaves the link out
	Upstreams  []signin.Upstream
	StillThere bool // the upstream did not say that it signed the person out
}

func (signedOutPage) file() string { return "signedout.html" }
