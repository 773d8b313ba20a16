package totp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// desk is a server's registered methods and keys, in memory.
type desk struct {
	all    []method.Credential
	off    bool
	sealed map[string]string // by what it was sealed for
}

func (d *desk) Credentials(_ context.Context, tenant directory.TenantID, user directory.UserID) ([]method.Credential, error) {
	var own []method.Credential
	for _, c := range d.all {
		if c.Tenant == tenant && c.User == user {
			own = append(own, c)
		}
	}
	return own, nil
}

func (d *desk) MethodPolicy(_ context.Context, _ directory.TenantID, _ string, body any) (method.Revision, error) {
	if !d.off {
		*body.(*Policy) = Policy{method.Everybody("enabled")}
	}
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

func (d *desk) MAC(_ context.Context, tenant, label string, message []byte) (string, error) {
	return tenant + label + string(message), nil
}

var nine = time.Date(2026, 11, 12, 9, 0, 0, 0, time.UTC)

// enrolled is a desk at which a person has an app, and its key.
func enrolled(t *testing.T, tenant directory.TenantID, user directory.UserID) (*desk, Method, Key) {
	t.Helper()
	d := &desk{sealed: map[string]string{}}
	m := Method{Credentials: d, Policies: d, Groups: d, Keys: d}
	e := Enrolment{Method: m, Rand: rand.Reader, Now: func() time.Time { return nine.Add(-time.Hour) }}
	who := Owner{Tenant: tenant, User: user, Session: "session"}
	k, ticket, err := e.Begin(t.Context(), who, SHA1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Finish(t.Context(), who, ticket, k.Code(Step(e.Now())), method.Credential{Tenant: tenant, User: user})
	if err != nil {
		t.Fatal(err)
	}
	d.all = []method.Credential{c}
	return d, m, k
}

func TestOnlyTheOwnCodeOfNowIsTaken(t *testing.T) {
	d, m, k := enrolled(t, "contoso", "mira")
	now := Step(nine)
	for _, row := range []struct {
		name  string
		user  directory.UserID
		typed string
		want  error
	}{
		{"the code of now", "mira", k.Code(now), nil},
		{"with a space", "mira", k.Code(now)[:3] + " " + k.Code(now)[3:], nil},
		{"one step early", "mira", k.Code(now + 1), nil},
		{"one step late", "mira", k.Code(now - 1), nil},
		{"two steps early", "mira", k.Code(now + 2), ErrWrong},
		{"two steps late", "mira", k.Code(now - 2), ErrWrong},
		{"somebody else's", "kim", k.Code(now), ErrWrong},
		{"no code", "mira", "Kennwort", ErrWrong},
	} {
		p, err := m.Verify(t.Context(), signin.Attempt{Tenant: "contoso", User: row.user, Typed: row.typed, At: nine})
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && (p.Factors.Multi() || p.PhishingResistant || p.Credential.ID != d.all[0].ID || p.Credential.Counter == 0) {
			t.Errorf("%s: %+v", row.name, p)
		}
	}
	if _, err := m.Verify(t.Context(), signin.Attempt{Tenant: "fabrikam", User: "mira", Typed: k.Code(now), At: nine}); !errors.Is(err, ErrWrong) {
		t.Errorf("in another tenant: %v", err)
	}
	moved := d.all[0]
	moved.ID = "another-row"
	d.all = append(d.all[:0:0], moved)
	if _, err := m.Verify(t.Context(), signin.Attempt{Tenant: "contoso", User: "mira", Typed: k.Code(now), At: nine}); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("a key that was moved to another row: %v", err)
	}
}

func TestAnAppIsOfferedToWhomPolicyAndFreezeLet(t *testing.T) {
	d, m, _ := enrolled(t, "contoso", "mira")
	offered := func(user directory.UserID) bool {
		y, err := m.Offered(t.Context(), "contoso", user)
		if err != nil {
			t.Fatal(err)
		}
		return !y.None()
	}
	if !offered("mira") || offered("kim") {
		t.Error("an app is offered to somebody else than its owner")
	}
	d.all[0].FrozenAt = nine
	if offered("mira") {
		t.Error("a frozen app is offered")
	}
	d.all[0].FrozenAt, d.off = time.Time{}, true
	if offered("mira") {
		t.Error("an app is offered while policy is off")
	}
}

func TestACredentialHoldsNoKeyInTheClear(t *testing.T) {
	d, _, k := enrolled(t, "contoso", "mira")
	raw, err := json.Marshal(d.all[0])
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.ReplaceAll(k.Text(), " ", ""); strings.Contains(string(raw), text) || strings.Contains(string(raw), string(k.Secret)) {
		t.Errorf("%s", raw)
	}
}

// docs/throttling.md says how likely guessing is.
func TestGuessingACodeIsUnlikely(t *testing.T) {
	c, now, tries := signin.Counter{}, nine, 0
	rule := Method{}.Tries()
	for ; now.Before(nine.Add(24 * time.Hour)); now = now.Add(time.Second) {
		var wait time.Duration
		if c, wait = rule.Charge(c, now); wait == 0 {
			tries++
		}
	}
	if tries > Guesses {
		t.Errorf("%d tries in a day, %d are promised", tries, Guesses)
	}
	if chance := Chance(Most); chance > 0.00065 {
		t.Errorf("chance %v", chance)
	}
}
