package method_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func provedBy(id string) []signin.Proof {
	return []signin.Proof{{Method: "passkey", Factors: signin.Knowledge | signin.Possession, Credential: &signin.CredentialUsed{ID: id}, FreshUntil: nine.Add(time.Minute)}}
}

// estate is what is left of a person's sign-ins: a pass p let s1 in, which registered a key k1
// and joined d1; k1 let s2 in, which registered k2 and the PIN pin1; that let s3 in. The rest is
// theirs without the pass.
var estate = method.Estate{
	Credentials: []method.Credential{
		{ID: "own"},
		{ID: "k3", Origin: method.Origin{Session: "s3"}}, // before its cause, so that one round is not enough
		{ID: "k1", Origin: method.Origin{Session: "s1", Pass: "p"}},
		{ID: "k2", Origin: method.Origin{Session: "s2", Methods: []string{"k1"}}},
		{ID: "gone", Origin: method.Origin{Session: "s9", Methods: []string{"k2"}}}, // s9 is over
	},
	PINs: []method.PIN{{ID: "pin1", Origin: method.Origin{Session: "s2"}}, {ID: "pin0"}},
	Sessions: []signin.Session{
		{ID: "s0", Proofs: provedBy("own")},
		{ID: "s3", Method: "pin1"},
		{ID: "s2", Proofs: provedBy("k1")},
		{ID: "s1", PassID: "p"},
	},
	Devices: []directory.Device{{ID: "d1", JoinedIn: "s1"}, {ID: "d2", JoinedIn: "s8", JoinedWith: "p"}, {ID: "d0"}},
}

func ids(e method.Estate) []string {
	var all []string
	for _, c := range e.Credentials {
		all = append(all, c.ID)
	}
	for _, p := range e.PINs {
		all = append(all, p.ID)
	}
	for _, s := range e.Sessions {
		all = append(all, s.ID)
	}
	for _, d := range e.Devices {
		all = append(all, string(d.ID))
	}
	slices.Sort(all)
	return all
}

func TestALineageIsAllThatCameFromAPassAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name string
		seed method.Seed
		want []string
	}{
		{"a pass", method.Seed{Pass: "p"}, []string{"d1", "d2", "gone", "k1", "k2", "k3", "pin1", "s1", "s2", "s3"}},
		{"a session further down", method.Seed{Sessions: []string{"s2"}}, []string{"gone", "k2", "k3", "pin1", "s2", "s3"}},
		{"a method", method.Seed{Credentials: []string{"pin1"}}, []string{"k3", "pin1", "s3"}},
		{"a pass of which nothing is left", method.Seed{Pass: "other"}, nil},
		{"nothing", method.Seed{Sessions: []string{""}, Credentials: []string{""}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ids(estate.From(c.seed)); !slices.Equal(got, c.want) {
				t.Errorf("From = %v, want %v", got, c.want)
			}
		})
	}
}

// A PIN that was theirs and was reset with a pass is in the hands of whoever had the pass: it goes, and what
// it proved since. What it proved before stays.
func TestAPINThatWasResetBelongsToTheResetsLineageFromThenOn(t *testing.T) {
	later := nine.Add(time.Hour)
	e := method.Estate{
		Credentials: []method.Credential{
			{ID: "before", CreatedAt: nine, Origin: method.Origin{Methods: []string{"pin"}}},
			{ID: "since", CreatedAt: later, Origin: method.Origin{Methods: []string{"pin"}}},
			{ID: "other", CreatedAt: later, Origin: method.Origin{Methods: []string{"untouched"}}},
		},
		PINs: []method.PIN{
			{ID: "untouched"},
			{ID: "second", CreatedAt: nine, Renewals: []method.Renewal{{At: later, Methods: []string{"since"}}}}, // by what came from it
			{ID: "third", CreatedAt: nine, Renewals: []method.Renewal{{At: nine, Methods: []string{"pin"}}}},     // by the PIN, before
			{ID: "pin", CreatedAt: nine, Renewals: []method.Renewal{{At: nine, Pass: "mine"}, {At: later, Session: "s", Pass: "p", Case: "c"}}},
		},
		Sessions: []signin.Session{
			{ID: "s1", Method: "pin", CreatedAt: later.Add(-time.Microsecond)},
			{ID: "s2", Method: "pin", CreatedAt: later},
			{ID: "s3", Method: "untouched", CreatedAt: later},
		},
	}
	for _, c := range []struct {
		name string
		seed method.Seed
		want []string
	}{
		{"the pass of the reset", method.Seed{Pass: "p"}, []string{"pin", "s2", "second", "since"}},
		{"its case", method.Seed{Case: "c"}, []string{"pin", "s2", "second", "since"}},
		{"its session", method.Seed{Sessions: []string{"s"}}, []string{"pin", "s2", "second", "since"}},
		{"an earlier reset", method.Seed{Pass: "mine"}, []string{"before", "pin", "s1", "s2", "second", "since", "third"}},
		{"the PIN itself", method.Seed{Credentials: []string{"pin"}}, []string{"before", "pin", "s1", "s2", "second", "since", "third"}},
		{"another", method.Seed{Pass: "q", Case: "d"}, nil},
	} {
		if got := ids(e.From(c.seed)); !slices.Equal(got, c.want) {
			t.Errorf("%s: From = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestATagChangesWithWhatItNames(t *testing.T) {
	whole := estate.From(method.Seed{Pass: "p"})
	again := estate.From(method.Seed{Pass: "p"})
	slices.Reverse(again.Sessions)
	if whole.Tag() != again.Tag() {
		t.Error("the order changes the tag")
	}
	for name, less := range map[string]func(*method.Estate){
		"a method": func(e *method.Estate) { e.Credentials = e.Credentials[1:] },
		"a PIN":    func(e *method.Estate) { e.PINs = nil },
		"session":  func(e *method.Estate) { e.Sessions = e.Sessions[1:] },
		"a device": func(e *method.Estate) { e.Devices = e.Devices[1:] },
	} {
		e := whole
		if less(&e); e.Tag() == whole.Tag() {
			t.Errorf("the tag is the same without %s", name)
		}
	}
}

func TestWhatIsFrozenIsThawedByAnotherMethodOnly(t *testing.T) {
	frozen := method.Credential{ID: "k1", Origin: method.Origin{Session: "s1", Pass: "p"}}
	session := func(id, pass string, proofs []signin.Proof) signin.Session {
		return signin.Session{ID: id, PassID: pass, Proofs: proofs}
	}
	fresh := provedBy("own")
	for _, c := range []struct {
		name  string
		s     signin.Session
		wants error
	}{
		{"by a method of their own", session("s0", "", fresh), nil},
		{"by the method itself", session("s2", "", provedBy("k1")), method.ErrThaw},
		{"by a method that it registered", session("s4", "", provedBy("k2")), method.ErrThaw},
		{"in the session that registered it", session("s1", "", fresh), method.ErrThaw},
		{"by the pass that it came from", session("s5", "p", fresh), method.ErrThaw},
		{"by a new pass", session("s6", "q", fresh), nil},
		{"without a fresh proof", session("s0", "", []signin.Proof{{FreshUntil: nine.Add(-time.Second)}}), method.ErrProof},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := estate
			e.Sessions = append(slices.Clone(estate.Sessions), c.s)
			if got := method.MayThaw(c.s, frozen, e, nine); got != c.wants { //nolint:errorlint // none is wrapped
				t.Errorf("MayThaw = %v, want %v", got, c.wants)
			}
		})
	}
}

// Whoever has a key of a pass may remove what is between: what it was registered by is noted with it.
func TestRootsLeadPastWhatIsGone(t *testing.T) {
	at := func(hours int) time.Time { return nine.Add(time.Duration(hours) * time.Hour) }
	e := method.Estate{
		Credentials: []method.Credential{
			{ID: "own", CreatedAt: at(-9)},
			{ID: "k1", CreatedAt: at(1), Origin: method.Origin{Session: "s1", Pass: "p", Case: "c"}},
		},
		PINs: []method.PIN{{ID: "pin", CreatedAt: at(-9), Renewals: []method.Renewal{{At: at(2), Session: "s9", Pass: "q"}, {At: at(7), Pass: "late"}}}},
	}
	register := func(id string, hour int, by string) {
		t.Helper()
		c := method.Credential{ID: id, CreatedAt: at(hour), Origin: method.Origin{Session: "in " + by, Methods: []string{by}}}
		var err error
		if c.Origin.Roots, err = e.Roots(c.Origin, c.CreatedAt); err != nil {
			t.Fatal(err)
		}
		e.Credentials = append(e.Credentials, c)
	}
	gone := func(id string) {
		e.Credentials = slices.DeleteFunc(e.Credentials, func(c method.Credential) bool { return c.ID == id })
	}
	register("mine", 3, "own")
	register("k2", 3, "k1")
	gone("k1")
	register("k3", 4, "k2")
	gone("k2")
	register("k4", 5, "k3")
	gone("k3")
	register("by pin", 5, "pin")
	register("then", 6, "by pin")
	gone("by pin")
	e.PINs = nil
	for _, c := range []struct {
		name string
		seed method.Seed
		want []string
	}{
		{"the pass", method.Seed{Pass: "p"}, []string{"k4"}},
		{"the case", method.Seed{Case: "c"}, []string{"k4"}},
		{"its session", method.Seed{Sessions: []string{"s1"}}, []string{"k4"}},
		{"a key between", method.Seed{Credentials: []string{"k2"}}, []string{"k4"}},
		{"the pass of a reset", method.Seed{Pass: "q"}, []string{"then"}},
		{"that of a later reset", method.Seed{Pass: "late"}, nil},
		{"another", method.Seed{Pass: "r", Case: "d"}, nil},
		{"their own", method.Seed{Credentials: []string{"own"}}, []string{"mine", "own"}},
	} {
		if got := ids(e.From(c.seed)); !slices.Equal(got, c.want) {
			t.Errorf("%s: From = %v, want %v", c.name, got, c.want)
		}
	}
	if _, err := e.Roots(method.Origin{Methods: []string{"k3"}}, at(6)); !errors.Is(err, method.ErrProof) {
		t.Errorf("by a key that is gone: %v", err)
	}
	// Passes are remembered for good, and nothing can be pushed out.
	if all, err := e.Roots(method.Origin{Methods: []string{"k4"}}, at(24*500)); err != nil || len(all) != 2 {
		t.Errorf("after 500 days: %v, %v; want the case and the pass", all, err)
	}
	var err error
	for i := range 600 {
		by := e.Credentials[len(e.Credentials)-1]
		c := method.Credential{ID: fmt.Sprint("more", i), CreatedAt: at(8), Origin: method.Origin{Session: fmt.Sprint("of", i), Methods: []string{by.ID}}}
		if c.Origin.Roots, err = e.Roots(c.Origin, c.CreatedAt); err != nil {
			break
		}
		e.Credentials = []method.Credential{c}
	}
	if !errors.Is(err, method.ErrTooMany) {
		t.Errorf("without end: %v", err)
	}
}
