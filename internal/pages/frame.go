package pages

import (
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A frame is what every page has.
type frame struct {
	Tenant   string         // the tenant's display name
	Lang     string         // from design.LanguageFor; "" and unknown ones are English
	Zone     *time.Location // the tenant's; nil is UTC
	Helpdesk Helpdesk

	Action      string            // where the page's form posts to
	Form        map[string]string // hidden inputs of that form, such as the transaction's id
	FormTargets []string          // URLs elsewhere that the form's POST leads to, such as the redirect_uri
	Frames      []string          // pages elsewhere that this one loads unseen, such as those for logout
	Fetches     bool              // its script asks this server
	Installs    bool              // it is an app that can be installed
	KeepOpener  bool              // an application may have opened this page in a pop-up

	Fault         *fault.Error // what went wrong; nil when the page is first shown
	CorrelationID string       // the one in the sign-in event
	ShortCode     string       // the same, short enough to say aloud

	Brand brand // how the tenant wants its pages to look

	LanguageHref string // page to choose a language; "" leaves the link out
}

// Helpdesk says how to reach the people who help. Empty fields are left out.
type Helpdesk struct {
	Phone string // as people write it: 020 7946 0120
	Hours string // such as "day and night"
	Mail  string
}

// shared makes every struct that embeds a frame a page's base.
func (f frame) shared() frame { return f }

// ErrorCode returns the stable code of what went wrong, for data-error, or "".
func (f frame) ErrorCode() string {
	if f.Fault == nil {
		return ""
	}
	return f.Fault.Code
}

// SaidCode returns the code to show and search for: Entra's where there is one.
func (f frame) SaidCode() string {
	switch {
	case f.Fault == nil:
		return generalCode
	case f.Fault.AADSTS != 0:
		return "AADSTS" + strconv.Itoa(f.Fault.AADSTS)
	}
	return f.Fault.Code
}

// A who names the person whom a page is about.
type who struct {
	Username   string // as typed, so that the person can see and correct it
	NotYouHref string // back to the page that asks for it; "" leaves the link out
}
