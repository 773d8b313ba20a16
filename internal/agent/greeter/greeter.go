// Package greeter is the sign-in screen of a Linux machine, between greetd and the agent. The
// agent (root) makes the lock screen's pages, proves people and issues tickets; the greeter
// (greetd's unprivileged user, in a compositor) shows them in two fenced browsers, tells what
// came back, and hands the ticket to PAM by greetd. It decides nothing. docs/linux.md is the
// administrator's page; rules 21 and 22 of docs/threat-model.md shape it.
//
//	agent ── greeter.sock: calls both ways ──▶ greeter ──▶ greetd ──▶ PAM ──▶ agent (ticket)
//	  │                                        │    └─ fence ─ web sign-in's browser (_postern-web) ─▶ server
//	  └── screen.sock: the lock screen ◀───────┴────── lock screen's browser
package greeter

import (
	"path/filepath"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/fault"
)

// Socket is where the greeter finds the agent, unless it is told otherwise.
const Socket = "/run/postern/greeter.sock"

// ScreenSocket is where the pages of the lock screen are, beside the agent's socket.
func ScreenSocket(socket string) string { return filepath.Join(filepath.Dir(socket), "screen.sock") }

// Redirect is where web sign-in comes back to. Nobody listens there: the fence answers.
const Redirect = "http://localhost"

// Service is the name of greetd in PAM.
const Service = "greetd"

// Faults of the sign-in screen.
var (
	ErrNoGreeter = &fault.Error{
		Kind: fault.Unavailable, Code: "greeterAway",
		Text: "No sign-in screen is attached to the agent.", Remedy: "Restart it: systemctl restart greetd",
	}
	ErrSession = &fault.Error{
		Kind: fault.Unavailable, Code: "sessionRefused",
		Text: "You are signed in, but the session could not be opened.", Remedy: "Try again, or ask your administrator: the log of greetd says why.",
	}
	ErrNoSession = &fault.Error{
		Kind: fault.Unsupported, Code: "sessionNone",
		Text: "There is no desktop on this machine that could be started.", Remedy: "Install one, or set session-command in /etc/postern/agent.yaml.",
	}
)

// Calls of the agent.
const (
	callHello = "hello" // hello
	callShow  = "show"  // show
	callHide  = "hide"  // hide
	callOpen  = "open"  // open
)

// Calls of the greeter.
const (
	callReturned = "returned" // returned ─▶ bool: it belongs to the sign-in under way
	callCrashed  = "crashed"  // trouble
	callBrowser  = "browser"  // trouble, with nothing in it when the browser works: of trying it
	callTrouble  = "trouble"  // trouble: of the screen itself, for the log
	callRefused  = "refused"  // refused, for the log
	callBack     = "back"
)

// hello is the first call on a connection.
type hello struct {
	Enter string      `json:"enter"`          // path that opens the lock screen to its browser
	Site  *kiosk.Site `json:"site,omitempty"` // what web sign-in may open, if the device has joined
}

// show shows a page. Turn counts shows and hides, so that one that is overtaken does nothing.
type show struct {
	Turn uint64     `json:"turn"`
	URL  string     `json:"url"`
	Lang string     `json:"lang"`
	Site kiosk.Site `json:"site"`
}

type hide struct {
	Turn uint64 `json:"turn"`
}

// open opens a session.
type open struct {
	User   string   `json:"user"`
	Ticket string   `json:"ticket"` // for PAM's first question
	Cmd    []string `json:"cmd"`
	Env    []string `json:"env"`
}

type returned struct {
	Query string `json:"query"`
}

type trouble struct {
	Fault *fault.Error `json:"fault"`
	Text  string       `json:"text"` // for the log
}

type refused struct {
	Host string `json:"host"`
	Code string `json:"code"`
}
