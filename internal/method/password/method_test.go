package password

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/gate"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/slowhash"
)

// desk keeps one person's password in memory.
type desk struct {
	all    []method.Credential
	sealed map[string]string // by what it was sealed for
}

func (d *desk) Credentials(context.Context, directory.TenantID, directory.UserID) ([]method.Credential, error) {
	return d.all, nil
}

func (d *desk) MethodPolicy(_ context.Context, _ directory.TenantID, _ string, body any) (method.Revision, error) {
	body.(*Policy).Targets = method.Everybody("enabled")
	return method.Revision{}, nil
}

func (d *desk) SaveMethodPolicy(context.Context, directory.TenantID, string, method.Revision, any, audit.Event) error {
	return nil
}

func (d *desk) GroupsOf(context.Context, directory.TenantID, string) (map[directory.GroupID]bool, error) {
	return nil, nil
}

func (d *desk) Seal(_ context.Context, tenant string, plain []byte, where ...string) (string, error) {
	key := tenant + "|" + strings.Join(where, "|")
	d.sealed[key] = string(plain)
	return key, nil
}

func (d *desk) Open(_ context.Context, tenant, sealed string, where ...string) ([]byte, error) {
	if key := tenant + "|" + strings.Join(where, "|"); key != sealed || d.sealed[key] == "" {
		return nil, keyring.ErrSealed
	}
	return []byte(d.sealed[sealed]), nil
}

func newDesk(g *gate.Gate) (*desk, Method) {
	d := &desk{sealed: map[string]string{}}
	return d, Method{Credentials: d, Policies: d, Groups: d, Keys: d, Gate: g}
}

var home = signin.Place{Address: netip.MustParseAddr("192.0.2.1")}

// set keeps a password as [Passwords.Set] would, without a registry.
func set(t *testing.T, m Method, d *desk, typed string) {
	t.Helper()
	s := Passwords{Method: m, Rand: rand.Reader}
	c := Change{Tenant: directory.Tenant{ID: "contoso"}, User: directory.User{ID: "mira"}, New: typed, Place: home}
	p, err := s.check(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := s.hashed(t.Context(), c, nil, p)
	if err != nil {
		t.Fatal(err)
	}
	d.all = []method.Credential{fresh}
}

func TestAPasswordIsTheSameFromEveryKeyboard(t *testing.T) {
	d, m := newDesk(gate.New(gate.Config{}))
	set(t, m, d, "vier Tassen Blattgr\u00fcn")
	for typed, want := range map[string]error{
		"vier Tassen Blattgr\u00fcn":            nil,
		"vier Tassen Blattgru\u0308n":           nil, // marks that combine
		"vier\u00a0Tassen Blattgr\u00fcn":       nil, // a space of another kind
		"Vier Tassen Blattgr\u00fcn":            ErrWrong,
		"vier Tassen Blattgr\u00fcn ":           ErrWrong,
		"":                                      ErrWrong,
		strings.Repeat("vier Tassen ", 1000):    ErrWrong,
		"vier Tassen Blattgr\u00fcn\x00":        ErrWrong,
		"vier Tassen Blattgr\u00fcn\u200b":      ErrWrong,
		"vier Tassen Blattgr\u00fcn' OR '1'='1": ErrWrong,
	} {
		p, err := m.Verify(t.Context(), signin.Attempt{Tenant: "contoso", User: "mira", Typed: typed, Place: home, At: time.Now()})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v", typed, err)
		}
		if err == nil && (p.Factors != signin.Knowledge || p.PhishingResistant || p.MustRenew) {
			t.Errorf("%q: %+v", typed, p)
		}
	}
}

// A busy server answers alike for who has a password, who has none, and who does not exist.
func TestEverybodyWaitsAtTheGate(t *testing.T) {
	g := gate.New(gate.Config{Slots: 1, Wait: time.Millisecond})
	d, m := newDesk(g)
	set(t, m, d, "vier Tassen Blattgrün")
	leave, err := g.Enter(t.Context(), gate.Class{Tenant: "contoso"})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	a := signin.Attempt{Tenant: "contoso", User: "mira", Typed: "vier Tassen Blattgrün", Place: home}
	if _, err := m.Verify(t.Context(), a); !errors.Is(err, gate.ErrBusy) {
		t.Errorf("the right one: %v", err)
	}
	a.Typed = "\x00"
	if _, err := m.Verify(t.Context(), a); !errors.Is(err, gate.ErrBusy) {
		t.Errorf("what can't be one: %v", err)
	}
	d.all = nil
	if _, err := m.Verify(t.Context(), a); !errors.Is(err, gate.ErrBusy) {
		t.Errorf("without one: %v", err)
	}
	if err := m.Queue(t.Context(), a); !errors.Is(err, gate.ErrBusy) {
		t.Errorf("nobody: %v", err)
	}
}

func TestEveryRefusalIsOneThatTheLogTells(t *testing.T) {
	d, m := newDesk(gate.New(gate.Config{}))
	a := signin.Attempt{Tenant: "contoso", User: "mira", Typed: "vier Tassen Blattgrün", Place: home}
	_, none := m.Verify(t.Context(), a)
	set(t, m, d, a.Typed)
	d.all[0].FrozenAt = time.Now()
	_, frozen := m.Verify(t.Context(), a)
	d.all[0].FrozenAt = time.Time{}
	a.Typed = "drei Dosen Kupferdraht"
	_, wrong := m.Verify(t.Context(), a)
	for what, err := range map[string]error{"none": none, "frozen": frozen, "wrong": wrong} {
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.AADSTS == 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAHashIsWorthNothingInAnotherRow(t *testing.T) {
	d, m := newDesk(gate.New(gate.Config{}))
	set(t, m, d, "vier Tassen Blattgrün")
	a := signin.Attempt{Tenant: "contoso", User: "mira", Typed: "vier Tassen Blattgrün", Place: home}
	if strings.Contains(string(d.all[0].Data), "argon2id") {
		t.Errorf("the hash is not sealed: %s", d.all[0].Data)
	}
	for _, hash := range d.sealed {
		if ok, err := slowhash.Matches(hash, []byte(a.Typed)); err != nil || !ok {
			t.Errorf("what is sealed is no hash: %v", err)
		}
	}
	d.all[0].ID = "another"
	if _, err := m.Verify(t.Context(), a); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("in another row: %v", err)
	}
}

func TestTwoOtherProofsMayReset(t *testing.T) {
	always := func(signin.Proof) bool { return true }
	proof := func(m signin.MethodID) signin.Proof { return signin.Proof{Method: m} }
	pass := signin.Proof{Method: "accesspass", Pass: &signin.PassUsed{}}
	for _, row := range []struct {
		name   string
		proofs []signin.Proof
		want   bool
	}{
		{"none", nil, false},
		{"one", []signin.Proof{proof("passkey")}, false},
		{"one twice", []signin.Proof{proof("otc"), proof("otc")}, false},
		{"one and the password", []signin.Proof{proof("otc"), proof(MethodID)}, false},
		{"one and a pass", []signin.Proof{proof("otc"), pass}, false},
		{"one, and one for another purpose", []signin.Proof{proof("otc"), {Method: "passkey", Purpose: "register"}}, false},
		{"two", []signin.Proof{proof("otc"), proof("passkey")}, true},
	} {
		if got := MayReset(signin.Session{Proofs: row.proofs}, always); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	if MayReset(signin.Session{Proofs: []signin.Proof{proof("otc"), proof("passkey")}}, func(p signin.Proof) bool { return p.Method == "otc" }) {
		t.Error("an old proof counted")
	}
}

func TestAPolicyHasBounds(t *testing.T) {
	for name, change := range map[string]func(*Policy){
		"a minimum of 7":         func(p *Policy) { p.MinimumLength = 7 },
		"a minimum of 65":        func(p *Policy) { p.MinimumLength = 65 },
		"a word of three":        func(p *Policy) { p.BannedWords = []string{"abc"} },
		"a word of signs":        func(p *Policy) { p.BannedWords = []string{"....."} },
		"a word without an end":  func(p *Policy) { p.BannedWords = []string{strings.Repeat("a", 33)} },
		"a thousand and a word":  func(p *Policy) { p.BannedWords = make([]string, 1001) },
		"a state of its own":     func(p *Policy) { p.State = "maybe" },
		"nothing out of the way": func(*Policy) {},
	} {
		p := DefaultPolicy()
		change(&p)
		if err := p.Check(); (err == nil) != (name == "nothing out of the way") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
