package pam

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

var (
	ada       = Person{ID: "a", Name: "ada", UID: 200001, Enabled: true, PIN: device.PINSet}
	withoutID = Person{}
	open      = Policy{Online: true, UsePIN: true, WebSignIn: true}
	errWrong  = &fault.Error{Kind: fault.Forbidden, Code: "pinWrong", Text: "That's not the PIN.", Remedy: "Four tries are left."}
)

func local(p Person) Attempt {
	return Attempt{Person: p, Request: Request{Action: Auth, User: "ada", Service: "login", TTY: "tty1"}}
}

func from(p Person, change func(*Attempt)) Attempt {
	a := local(p)
	change(&a)
	return a
}

func with(p Policy, change func(*Policy)) Policy {
	change(&p)
	return p
}

func TestWhatIsAskedFor(t *testing.T) {
	remote := func(a *Attempt) { a.Remote = true }
	elevate := func(a *Attempt) { a.Elevate = true }
	offline := with(open, func(p *Policy) { p.Online = false })
	stopped := ada
	stopped.PIN = device.PINLocked
	tests := []struct {
		name    string
		attempt Attempt
		policy  Policy
		want    string // in the question, or in what is said at the end
	}{
		{"PIN or pass at the device", local(ada), open, "Device PIN or pass (Enter alone"},
		{"a word in front of a pass where PINs have letters", local(ada), with(open, func(p *Policy) { p.PINHasLetters = true }), "or the word pass and a pass"},
		{"the PIN alone where web sign-in is off", local(ada), with(open, func(p *Policy) { p.WebSignIn = false }), "Device PIN: "},
		{"the PIN alone without a network", local(ada), offline, "Device PIN: "},
		{"a pass from a stranger", local(withoutID), open, "Temporary Access Pass"},
		{"a pass after too many wrong PINs", local(stopped), open, "Temporary Access Pass"},
		{"no PIN from afar", from(ada, remote), open, "Temporary Access Pass: "},
		{"a code from afar where policy says so", from(ada, remote), with(open, func(p *Policy) { p.RemoteDeviceCode = true }), "Pass (Enter alone"},
		{"the PIN for rights", from(ada, elevate), open, "Device PIN: "},
		{"PIN or pass for rights where policy says so", from(ada, elevate), with(open, func(p *Policy) { p.ElevationPass = true }), "Device PIN or pass: "},
		{"no rights from afar without a pass", from(ada, func(a *Attempt) { a.Remote, a.Elevate = true, true }), open, "Administrator rights need a device PIN"},
		{"nothing from afar without a network", from(ada, remote), offline, "no connection"},
		{"nothing for strangers without a network", local(withoutID), offline, "only people with a PIN"},
		{"nothing without network after wrong PINs", local(stopped), offline, "Too many wrong PINs"},
		{"no PIN where they are switched off", local(ada), with(offline, func(p *Policy) { p.UsePIN = false }), "only people with a PIN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, m := Begin(tt.attempt, tt.policy, false, false)
			if got := words(m); !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if m.Ask != nil && !m.Ask.Hidden {
				t.Error("the secret is shown")
			}
			if m.End && m.Result == Success {
				t.Error("let in without a proof")
			}
		})
	}
}

func words(m Move) string {
	if m.Ask != nil {
		return m.Ask.Text
	}
	for _, l := range m.Say {
		return l.Text
	}
	return ""
}

func TestWhatWasTypedGoesWhereItBelongs(t *testing.T) {
	letters := with(open, func(p *Policy) { p.PINHasLetters = true })
	afar := from(ada, func(a *Attempt) { a.Remote = true })
	none := ada
	none.PIN = device.PINNone
	tests := []struct {
		name    string
		attempt Attempt
		policy  Policy
		typed   string
		want    Work
	}{
		{"digits are a PIN", local(ada), open, "246810", UnlockPIN},
		{"a short number is a PIN, too", local(ada), open, "1", UnlockPIN},
		{"letters are a pass", local(ada), open, "abcd-efgh", RedeemPass},
		{"letters may be a PIN", local(ada), letters, "ABCDEFGH", UnlockPIN},
		{"the word makes it a pass", local(ada), letters, "pass ABCDEFGH", RedeemPass},
		{"the word makes digits a pass", local(ada), open, "pass 23456789", RedeemPass},
		{"nothing is a code", local(ada), open, "", StartCode},
		{"a ticket is a ticket", local(ada), open, Ticket + "x", RedeemTicket},
		// Secrets that must stay on this machine.
		{"a PIN that was typed from afar is not sent to the server", afar, open, "246810", NoWork},
		{"a PIN of somebody without one is not sent to the server", local(none), open, "100100", NoWork},
		{"what is no pass is not sent to the server", local(none), open, "my old password!", NoWork},
		{"a pass is nothing for rights", from(ada, func(a *Attempt) { a.Elevate = true }), open, "ABCDEFGH", NoWork},
		{"nothing is nothing from afar", afar, open, "", NoWork},
		{"an endless secret is nothing", local(ada), open, strings.Repeat("1", 300), NoWork},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := Begin(tt.attempt, tt.policy, false, false)
			m := c.Answer(tt.typed)
			if m.Do != tt.want {
				t.Errorf("does %v, want %v", m.Do, tt.want)
			}
			if tt.want == NoWork && (!m.End || m.Result != AuthFailed) {
				t.Errorf("%+v, want a refusal", m)
			}
			if strings.Contains(m.Secret, "pass ") {
				t.Errorf("the secret is %q", m.Secret)
			}
		})
	}
}

func TestAWrongPINEndsTheConversation(t *testing.T) {
	c, _ := Begin(local(ada), open, false, false)
	c.Answer("111111")
	m := c.Outcome(Outcome{Err: errWrong})
	if !m.End || m.Result != AuthFailed || words(m) != errWrong.Error() || !m.Say[0].Error {
		t.Errorf("%+v", m)
	}
}

func TestWhatBreaksIsNotToldInDetail(t *testing.T) {
	c, _ := Begin(local(ada), open, false, false)
	c.Answer("111111")
	m := c.Outcome(Outcome{Err: errors.New("open /dev/tpmrm0: permission denied")})
	if !m.End || m.Result != SystemError || strings.Contains(words(m), "tpm") {
		t.Errorf("%+v", m)
	}
}

func TestSomebodyElsesProofOpensNothing(t *testing.T) {
	c, _ := Begin(local(ada), open, false, false)
	c.Answer("ABCD-EFGH")
	if m := c.Outcome(Outcome{Person: Person{ID: "b", Name: "bob"}}); m.Result != AuthFailed {
		t.Errorf("%+v", m)
	}
}

func TestACodeIsShownInOneQuestionAndTheAnswerDoesNotMatter(t *testing.T) {
	c, _ := Begin(local(ada), open, false, false)
	c.Answer("")
	m := c.Outcome(Outcome{Grant: Grant{URL: "https://x.example/device", Complete: "https://x.example/device?c=1", Code: "ABCD-EFGH", Number: "42"}})
	if m.Ask == nil || m.Ask.Hidden || m.Say != nil {
		t.Fatalf("%+v", m)
	}
	for _, want := range []string{"https://x.example/device", "ABCD-EFGH", "42", "█"} {
		if !strings.Contains(m.Ask.Text, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if m := c.Answer("111111"); m.Do != AwaitCode || m.Secret != "" {
		t.Errorf("%+v", m)
	}
	if m := c.Outcome(Outcome{Person: ada}); !m.End || m.Result != Success || m.Method != ByDeviceCode {
		t.Errorf("%+v", m)
	}
}

func TestAPINIsChangedByWhoKnowsIt(t *testing.T) {
	change := from(ada, func(a *Attempt) { a.Request.Action = ChangeToken })
	c, m := Begin(change, open, false, false)
	for _, step := range []struct{ question, answer string }{{"Present", "246810"}, {"New device PIN: ", "975318"}, {"again", "975318"}} {
		if !strings.Contains(words(m), step.question) {
			t.Fatalf("%q, want %q", words(m), step.question)
		}
		m = c.Answer(step.answer)
	}
	if m.Do != ChangePIN || m.Former != "246810" || m.Secret != "975318" {
		t.Fatalf("%+v", m)
	}
	if m := c.Outcome(Outcome{Err: errWrong}); m.Result != TokenUnchanged {
		t.Errorf("%+v", m)
	}
}

func TestAPINThatExpiredIsChangedBeforeItOpens(t *testing.T) {
	c, _ := Begin(local(ada), open, false, false)
	c.Answer("246810")
	m := c.Outcome(Outcome{Err: ErrExpired})
	if !m.End || m.Result != Success || !m.Expired || !strings.Contains(words(m), "has expired") {
		t.Fatalf("%+v", m)
	}
	locker, _ := Begin(from(ada, func(a *Attempt) { a.Peer.UID = 200001 }), open, false, false)
	locker.Answer("246810")
	if m := locker.Outcome(Outcome{Err: ErrExpired}); !m.End || m.Result != AuthFailed || m.Expired {
		t.Fatalf("a screen locker: %+v", m)
	}
	for _, fresh := range []bool{true, false} {
		if m := AccountMove(local(ada), nil, fresh, true, 0); m.Result != TokenRequired {
			t.Errorf("the account phase: %+v", m)
		}
	}
	off := local(ada)
	off.Person.Enabled = false
	if m := AccountMove(off, nil, true, true, 0); m.Result != AccountExpired {
		t.Errorf("of somebody who is switched off: %+v", m)
	}
	change := from(ada, func(a *Attempt) { a.Request.Action = ChangeToken })
	c, _ = Begin(change, open, false, true)
	for _, typed := range []string{"246810", "975318"} {
		c.Answer(typed)
	}
	if m = c.Answer("975318"); m.Do != RenewPIN || m.Former != "246810" || m.Secret != "975318" {
		t.Fatalf("%+v", m)
	}
	if m := c.Outcome(Outcome{Err: errWrong}); !m.End || m.Result != TokenUnchanged {
		t.Errorf("not changed, and let in: %+v", m)
	}
	if m := c.Outcome(Outcome{Person: ada}); !m.End || m.Result != Success || m.Expired {
		t.Errorf("%+v", m)
	}
}

func TestOneIsToldThatThePINExpiresSoon(t *testing.T) {
	c, _ := Begin(local(ada), open, false, false)
	c.Answer("246810")
	warned := ada
	warned.Notice = "It expires."
	if m := c.Outcome(Outcome{Person: warned}); m.Result != Success || len(m.Say) != 1 || m.Say[0].Error {
		t.Errorf("%+v", m)
	}
}

func TestAPINIsNotChanged(t *testing.T) {
	none := ada
	none.PIN = device.PINNone
	change := func(p Person, afar bool) Attempt {
		return from(p, func(a *Attempt) { a.Request.Action, a.Remote = ChangeToken, afar })
	}
	for name, tt := range map[string]struct {
		attempt Attempt
		policy  Policy
	}{
		"from afar":                    {change(ada, true), open},
		"where PINs are switched off":  {change(ada, false), with(open, func(p *Policy) { p.UsePIN = false })},
		"without one or a fresh proof": {change(none, false), open},
	} {
		if _, m := Begin(tt.attempt, tt.policy, false, false); !m.End || m.Result != TokenUnchanged || words(m) == "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
	c, _ := Begin(change(ada, false), open, false, false)
	if m := c.Answer(""); !m.End || m.Result != TokenUnchanged {
		t.Errorf("a forgotten one without a fresh proof: %+v", m)
	}
	c, _ = Begin(change(ada, false), with(open, func(p *Policy) { p.MaySetPIN = true }), false, false)
	for _, text := range []string{"", "975318"} {
		c.Answer(text)
	}
	if m := c.Answer("975318"); m.Do != ChangePIN || m.Former != "" {
		t.Errorf("a forgotten one after a fresh proof: %+v", m)
	}
	c, _ = Begin(change(none, false), with(open, func(p *Policy) { p.MaySetPIN = true }), false, false)
	c.Answer("975318")
	if m := c.Answer("975319"); !m.End || m.Result != TokenUnchanged {
		t.Errorf("two that differ: %+v", m)
	}
}

func TestTheAccountPhase(t *testing.T) {
	disabled := ada
	disabled.Enabled = false
	for name, tt := range map[string]struct {
		person   Person
		admitted error
		fresh    bool
		want     Code
	}{
		"somebody of the tenant":     {ada, nil, true, Success},
		"nobody":                     {Person{}, nil, true, UserUnknown},
		"somebody who is disabled":   {disabled, nil, true, AccountExpired},
		"a device that was revoked":  {ada, errWrong, true, Denied},
		"a check that broke":         {ada, errors.New("x"), true, SystemError},
		"rights without a new proof": {ada, nil, false, Denied},
	} {
		if m := AccountMove(local(tt.person), tt.admitted, tt.fresh, false, 0); !m.End || m.Result != tt.want {
			t.Errorf("%s: %+v, want %d", name, m, tt.want)
		}
	}
}
