package pam

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/tap"
)

// A Line is something that the person reads.
type Line struct {
	Text  string
	Error bool
}

// A Question is something that the person answers.
type Question struct {
	Text   string
	Hidden bool
}

// Work is what the agent does for the conversation.
type Work int

// The works.
const (
	NoWork Work = iota
	UnlockPIN
	RedeemPass
	RedeemTicket
	StartCode
	AwaitCode
	ChangePIN
	RenewPIN // change an expired one, then unlock by the new one
)

// A Move is what happens next: lines are shown, then there is one question, one work, or the
// end.
type Move struct {
	Say    []Line
	Ask    *Question
	Do     Work
	Secret string // for Do
	Former string // PIN, for ChangePIN and RenewPIN
	End    bool
	Result Code
	Method Method // how it ended well
	// Expired says that the PIN was right and opens nothing before it is changed: the account
	// phase asks for that.
	Expired bool
}

// An Outcome is what came of a work.
type Outcome struct {
	Person Person
	Grant  Grant // of StartCode
	Err    error
}

// A Conversation holds what was said. It is pure: it knows no clock and no socket.
type Conversation struct {
	attempt Attempt
	policy  Policy
	state   state
	renew   bool // the PIN has expired: somebody is about to come in by the new one
	former  string
	next    string
	doing   Work
}

type state int

const (
	atSecret state = iota
	atCode
	atFormer
	atNew
	atAgain
)

// Ticket prefixes the tickets that web sign-in at the lock screen ends in.
const Ticket = "postern-ticket:"

// Begin opens a conversation; recent tells that a proof for this elevation still counts.
// expired that they just came by a PIN that has to be changed.
func Begin(a Attempt, p Policy, recent, expired bool) (*Conversation, Move) {
	c := &Conversation{attempt: a, policy: p, renew: expired && a.Request.Action == ChangeToken}
	if a.Request.Action == ChangeToken {
		m := c.beginChange()
		return c, m
	}
	if a.Elevate && recent {
		return c, Move{End: true, Method: ByProof}
	}
	m := c.beginAuth()
	return c, m
}

func (c *Conversation) pin() bool {
	return c.attempt.Person.PIN == device.PINSet && c.policy.UsePIN && !c.attempt.Remote
}

func (c *Conversation) pass() bool {
	return c.policy.Online && c.policy.WebSignIn && (!c.attempt.Elevate || c.policy.ElevationPass)
}

// code says whether a device code is offered. It is never fresh, so it gives no rights; and
// who is remote could be anybody who talks somebody into approving it.
func (c *Conversation) code() bool {
	return c.policy.Online && c.policy.WebSignIn && !c.attempt.Elevate && (!c.attempt.Remote || c.policy.RemoteDeviceCode)
}

func (c *Conversation) beginAuth() Move {
	phone := ""
	if c.code() {
		phone = " (Enter alone: use your phone)"
	}
	switch {
	case c.pin() && c.pass() && c.policy.PINHasLetters:
		return ask("Device PIN, or the word pass and a pass" + phone + ": ")
	case c.pin() && c.pass():
		return ask("Device PIN or pass" + phone + ": ")
	case c.pin():
		return ask("Device PIN" + phone + ": ")
	case c.pass():
		return ask("Temporary Access Pass" + phone + ": ")
	case c.code():
		return c.do(StartCode, "")
	}
	return end(Unavailable, c.whyNothing())
}

func (c *Conversation) whyNothing() string {
	switch {
	case !c.policy.Online && c.attempt.Remote:
		return "This device has no connection to its server. Remote sign-in needs one."
	case !c.policy.Online && c.attempt.Person.PIN == device.PINLocked:
		return "Too many wrong PINs were typed, and there is no connection to the server. Connect this device, then use a pass."
	case !c.policy.Online:
		return "This device has no connection to its server. Without one, only people with a PIN on it can sign in."
	case c.attempt.Elevate:
		return "Administrator rights need a device PIN. Set one up with passwd or on the lock screen."
	}
	return "There is no way to sign in here. Ask your administrator."
}

func (c *Conversation) beginChange() Move {
	switch {
	case c.attempt.Remote:
		return end(TokenUnchanged, "A device PIN is changed at the device itself.")
	case !c.policy.UsePIN:
		return end(TokenUnchanged, "Device PINs are switched off by your organisation.")
	case c.attempt.Person.PIN == device.PINSet:
		c.state = atFormer
		if c.policy.MaySetPIN {
			return ask("Present device PIN (Enter alone: you forgot it): ")
		}
		return ask("Present device PIN: ")
	case c.policy.MaySetPIN:
		c.state = atNew
		return ask("New device PIN: ")
	}
	return end(TokenUnchanged, "To choose a PIN, first sign in with a pass or by web sign-in, then try again within 10 minutes.")
}

// Answer goes on with what the person typed.
func (c *Conversation) Answer(text string) Move {
	if len(text) > maxSecretLength {
		return c.refuse("That is too long.")
	}
	switch c.state {
	case atCode:
		return c.do(AwaitCode, "")
	case atFormer:
		if text == "" && !c.policy.MaySetPIN {
			return c.refuse("The PIN stays as it was.")
		}
		c.former, c.state = text, atNew
		return ask("New device PIN: ")
	case atNew:
		c.next, c.state = text, atAgain
		return ask("New device PIN again: ")
	case atAgain:
		if text != c.next {
			return c.refuse("The two are not the same. The PIN stays as it was.")
		}
		work := ChangePIN
		if c.renew {
			work = RenewPIN
		}
		m := c.do(work, text)
		m.Former = c.former
		return m
	}
	return c.secret(text)
}

// secret tells what was typed at the one question: a ticket, a PIN, or a pass. A PIN goes to
// the TPM only, so what looks like one is never sent to the server.
func (c *Conversation) secret(text string) Move {
	if strings.HasPrefix(text, Ticket) {
		return c.do(RedeemTicket, text)
	}
	word, rest, spaced := strings.Cut(text, " ")
	named := spaced && strings.EqualFold(word, "pass")
	if named {
		text = rest
	}
	_, err := tap.ParsePasscode(text)
	switch {
	case text == "" && c.code():
		return c.do(StartCode, "")
	case text == "":
		return end(AuthFailed, "")
	case c.pin() && !named && (digits(text) || c.policy.PINHasLetters):
		return c.do(UnlockPIN, text)
	case !c.pass():
		return end(AuthFailed, "That can't be used here.")
	case err != nil && digits(text):
		return end(AuthFailed, c.noPINHere())
	case err != nil:
		return end(AuthFailed, "That's not a pass. Passes are letters and digits, as your helpdesk gave them to you.")
	}
	return c.do(RedeemPass, text)
}

func (c *Conversation) noPINHere() string {
	if c.attempt.Remote {
		return "A device PIN works at the device itself only. Use a pass here."
	}
	return "There is no PIN for you here that works. Use a pass."
}

func digits(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c < '0' || c > '9' })
}

// Outcome goes on with what came of the work.
func (c *Conversation) Outcome(o Outcome) Move {
	if c.doing == UnlockPIN && errors.Is(o.Err, ErrExpired) {
		if c.attempt.Peer.UID != 0 { // a screen locker, which changes no PIN
			return end(AuthFailed, "Your device PIN has expired. Switch to the greeter, or type passwd elsewhere, and choose a new one.")
		}
		return Move{End: true, Method: ByPIN, Expired: true, Say: []Line{{Text: "Your device PIN has expired. Choose a new one now."}}}
	}
	if o.Err != nil {
		return c.failed(o.Err)
	}
	switch c.doing {
	case StartCode:
		c.state = atCode
		return Move{Ask: &Question{Text: codeText(o.Grant)}}
	case ChangePIN, RenewPIN:
		return Move{End: true, Say: []Line{{Text: "Your device PIN is changed."}}, Method: ByPIN}
	}
	if c.attempt.Person.ID != "" && o.Person.ID != c.attempt.Person.ID {
		return end(AuthFailed, "You signed in as somebody else.")
	}
	by := map[Work]Method{UnlockPIN: ByPIN, RedeemPass: ByPass, RedeemTicket: ByTicket, AwaitCode: ByDeviceCode}[c.doing]
	if by == "" {
		return end(SystemError, "")
	}
	m := Move{End: true, Method: by}
	if by == ByPIN && o.Person.Notice != "" {
		m.Say = []Line{{Text: o.Person.Notice}}
	}
	if c.policy.UsePIN && !c.attempt.Remote && !c.attempt.Elevate && o.Person.PIN != device.PINSet && (by == ByPass || by == ByTicket) {
		m.Say = []Line{{Text: "Now choose a device PIN: type passwd within 10 minutes."}}
	}
	return m
}

// codeText is one question: OpenSSH and others hide what is merely said until somebody asks.
func codeText(g Grant) string {
	text := ""
	if g.Complete != "" {
		text = QR(g.Complete) + "\n"
	}
	text += fmt.Sprintf("Open %s and enter the code %s\n", g.URL, g.Code)
	if g.Number != "" {
		text += "The page asks for this number: " + g.Number + "\n"
	}
	return text + "Press Enter when you have signed in there: "
}

func (c *Conversation) failed(err error) Move {
	f, told := errors.AsType[*fault.Error](err)
	result, text := SystemError, "Something went wrong. Try again."
	if told {
		result, text = AuthFailed, f.Error()
	}
	if c.attempt.Request.Action == ChangeToken {
		result = TokenUnchanged
	}
	return end(result, text)
}

func (c *Conversation) refuse(text string) Move {
	if c.attempt.Request.Action == ChangeToken {
		return end(TokenUnchanged, text)
	}
	return end(AuthFailed, text)
}

func (c *Conversation) do(w Work, secret string) Move {
	c.doing = w
	return Move{Do: w, Secret: secret}
}

func ask(text string) Move { return Move{Ask: &Question{Text: text, Hidden: true}} }

func end(result Code, text string) Move {
	m := Move{End: true, Result: result}
	if text != "" {
		m.Say = []Line{{Text: text, Error: true}}
	}
	return m
}

// AccountMove answers the account phase. People who come with an ssh key meet no other check.
// Who came by a PIN that has expired changes it first, whatever else is asked for.
func AccountMove(a Attempt, admitted error, fresh, expired bool, window time.Duration) Move {
	f, told := errors.AsType[*fault.Error](admitted)
	switch {
	case a.Person.ID == "":
		return end(UserUnknown, "")
	case !a.Person.Enabled:
		return end(AccountExpired, "This account is disabled. Ask your helpdesk.")
	case told:
		return end(Denied, f.Error())
	case admitted != nil:
		return end(SystemError, "")
	case expired:
		return end(TokenRequired, "")
	case !fresh:
		return end(Denied, staleText(window))
	}
	return Move{End: true}
}

func staleText(window time.Duration) string {
	if window < time.Minute {
		return "This needs a fresh proof each time."
	}
	return fmt.Sprintf("This needs a proof of the last %d minutes.", int(window.Minutes()))
}
