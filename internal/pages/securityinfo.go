package pages

import "time"

// securityInfoPage is securityinfo.html: a person's own methods, sessions and devices. Its forms
// carry ids only, never anything secret.
type securityInfoPage struct {
	frame
	Name        string
	Username    string
	Notice      string // what just happened, in the page's language; may be empty
	Pass        *ownPass
	Methods     []ownMethod // all but the pass
	Only        string      // name of the one method whose loss leaves only a pass; empty for none
	Nothing     bool        // there is no way in but a pass
	AddHref     string      // "" when policy lets the person add nothing
	FreshUntil  time.Time   // changes need no other proof until then; zero when they do
	ProveHref   string      // makes the proof fresh
	LostPhone   string      // guides; "" leaves them out
	LostKey     string
	Sessions    []ownSession
	Devices     []ownDevice
	Changes     []change // newest first
	Signals     *signals // to authenticators; nil for none
	SignOutHref string

	RemoveAction     string // takes the field method: the id of the pass
	EndAction        string // takes the field session: the id of a session to end
	EverywhereAction string // ends all sessions
}

// An ownPass is a person's Temporary Access Pass.
type ownPass struct {
	ID       string
	State    string // a usability reason of Graph: EnabledByPolicy, NotYetValid, Expired, OneTimeUsed …
	Stopped  bool   // by what became of its owner or issuer
	StartsAt time.Time
	EndsAt   time.Time
	Once     bool
}

// An ownMethod is another registered method.
type ownMethod struct {
	ID      string
	Icon    string // a symbol of icons.svg
	Name    string // as the person calls it, or the device of a PIN
	Kind    string // in the page's language; empty when Name says it
	UsedAt  time.Time
	UsedOn  string // browser or device of the last use; may be empty
	AddedAt time.Time
	Frozen  bool
	Href    string // page to change or remove it

	Unreadable bool // what is stored of it can't be read
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

// An ownDevice is a device that a person joined.
type ownDevice struct {
	Name   string
	System string
	SeenAt time.Time
	Off    bool // switched off by an administrator

	Unreadable bool // what is stored of it can't be read
}

// A change is something that happened to an account.
type change struct {
	Text string // in the page's language
	At   time.Time
}

func (securityInfoPage) file() string { return "securityinfo.html" }
