package pages

import "time"

// securityInfoPage is securityinfo.html: a person's own methods and sessions. Its forms
// carry ids only, never anything secret.
type securityInfoPage struct {
	frame
	Name        string
	Username    string
	Notice      string // what just happened, in the page's language; may be empty
	Pass        *ownPass
	Methods     []ownMethod // all but the pass
	Sessions    []ownSession
	Changes     []change // newest first
	Signals     *signals // to authenticators; nil for none
	SignOutHref string

	RemoveAction     string // takes the field method: the id of a method to remove
	EndAction        string // takes the field session: the id of a session to end
	EverywhereAction string // ends all sessions
}

// An ownPass is a person's Temporary Access Pass.
type ownPass struct {
	ID       string
	State    string // a usability reason of Graph: EnabledByPolicy, NotYetValid, Expired, OneTimeUsed …
	StartsAt time.Time
	EndsAt   time.Time
	Once     bool
}

// An ownMethod is another registered method.
type ownMethod struct {
	ID          string
	Icon        string // a symbol of icons.svg
	Name        string // in the page's language
	Description string
	Removable   bool
	ChangeHref  string // the page on which it is changed and removed; "" leaves the link out
}

// An ownSession is one place where a person is signed in.
type ownSession struct {
	ID      string
	Icon    string // device, phone or globe
	Device  string
	Place   string // may be empty
	SeenAt  time.Time
	Current bool // the one that shows this page
}

// A change is something that happened to an account.
type change struct {
	Text string // in the page's language
	At   time.Time
}

func (securityInfoPage) file() string { return "securityinfo.html" }
