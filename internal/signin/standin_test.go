package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

const contoso = directory.TenantID("7b1ee3a5-0d7a-4b5b-9d0e-0a4d4a7a4a01")

// people can be typed by their names; nobody has the name of the last one.
var people = []directory.UserID{"sam", "kim", "dan", "nobody"}

func upn(id directory.UserID) string { return string(id) + "@contoso.example" }

var (
	errWrong = &fault.Error{Kind: fault.Unauthorized, Code: "wrongAnswer", AADSTS: 1, Text: "Only the log may tell."}
	errCred  = &fault.Error{Kind: fault.Unauthorized, Code: "goneOrFrozen", AADSTS: 2, Text: "Only the log may tell."}
)

// someMethod is a method whose right answer is the id of the person.
type someMethod struct {
	id      MethodID
	yield   Yield
	enabled bool
	frozen  map[directory.UserID]bool // or removed; a person who is not in it never had one
	end     time.Duration             // of the pass that a proof is by; 0 for none
	given   map[string]directory.UserID
}

func (m *someMethod) usable(user directory.UserID) bool {
	frozen, has := m.frozen[user]
	return has && !frozen
}

func (m *someMethod) ID() MethodID                         { return m.id }
func (m *someMethod) Name() string                         { return string(m.id) }
func (m *someMethod) Yield() Yield                         { return m.yield }
func (m *someMethod) Queue(context.Context, Attempt) error { return nil }
func (m *someMethod) Enabled(context.Context, directory.TenantID) (bool, error) {
	return m.enabled, nil
}

func (m *someMethod) Offered(_ context.Context, _ directory.TenantID, user directory.UserID) (Yield, error) {
	if !m.usable(user) {
		return Yield{}, nil
	}
	return m.yield, nil
}

func (m *someMethod) Verify(_ context.Context, a Attempt) (Proof, error) {
	if !m.usable(a.User) || a.Typed != string(a.User) {
		return Proof{}, errWrong
	}
	p := Proof{
		Method: m.id, At: a.At, Factors: m.yield.Factors, PhishingResistant: m.yield.PhishingResistant,
		AMR: []string{string(m.id)}, FreshUntil: a.At.Add(10 * time.Minute), Credential: &CredentialUsed{ID: string(m.id)},
	}
	if m.end != 0 {
		p.Pass = &PassUsed{ID: "pass", End: a.At.Add(m.end)}
	}
	m.given[proofKey(p)] = a.User
	return p, nil
}

func proofKey(p Proof) string { return fmt.Sprint(p.Method, p.At.UnixNano()) }

type priorMethod struct{ *someMethod }

func (m priorMethod) Prior(_ context.Context, _ directory.TenantID, user directory.UserID) (bool, error) {
	return m.usable(user), nil
}

type namelessMethod struct{ *someMethod }

func (m namelessMethod) Discover(_ context.Context, a Attempt) (directory.TenantID, directory.UserID, error) {
	if a.Typed == "wrong" {
		return "", "", errWrong
	}
	return contoso, directory.UserID(a.Typed), nil
}

// simpleStore keeps the contract of [Store] for one caller at a time. It locks no counters.
type simpleStore struct {
	Store
	users        map[directory.UserID]*directory.User
	methods      []*someMethod
	transactions map[string]row
	sessions     map[string]sessionRow
	familiar     map[string]MethodID
}

type row struct {
	tenant     directory.TenantID
	hash, body string
	made, ends time.Time
	version    int64
}

type sessionRow struct {
	Session
	hash string
}

func (s *simpleStore) TenantOf(_ context.Context, domain string) (directory.TenantID, error) {
	if domain != "contoso.example" {
		return "", directory.ErrTenantUnknown
	}
	return contoso, nil
}

func (s *simpleStore) User(_ context.Context, _ directory.TenantID, id directory.UserID) (directory.User, error) {
	if u := s.users[id]; u != nil {
		return *u, nil
	}
	return directory.User{}, directory.ErrUserUnknown
}

func (s *simpleStore) UserByName(ctx context.Context, tenant directory.TenantID, name string) (directory.User, error) {
	id, _, _ := strings.Cut(strings.ToLower(name), "@")
	return s.User(ctx, tenant, directory.UserID(id))
}

func (s *simpleStore) CreateTransaction(_ context.Context, t Transaction, hash string) error {
	body, err := json.Marshal(t)
	s.transactions[t.ID] = row{tenant: t.Tenant, hash: hash, body: string(body), made: t.CreatedAt, ends: t.ExpiresAt}
	return err
}

func (s *simpleStore) Transaction(_ context.Context, tenant directory.TenantID, id string) (Transaction, string, error) {
	r, ok := s.transactions[id]
	if !ok || r.tenant != tenant {
		return Transaction{}, "", ErrGone
	}
	t := Transaction{Tenant: tenant, ID: id, CreatedAt: r.made, ExpiresAt: r.ends, Version: r.version}
	return t, r.hash, json.Unmarshal([]byte(r.body), &t)
}

func (s *simpleStore) SaveTransaction(_ context.Context, t Transaction) error {
	r := s.transactions[t.ID]
	if r.version != t.Version {
		return ErrChanged
	}
	body, err := json.Marshal(t)
	r.body, r.version = string(body), r.version+1
	s.transactions[t.ID] = r
	return err
}

func (s *simpleStore) NoteTransaction(ctx context.Context, t Transaction, _ audit.Event) error {
	return s.SaveTransaction(ctx, t)
}

func (s *simpleStore) Bar(ctx context.Context, t Transaction, _ *PassUsed, _ audit.Event) error {
	return s.SaveTransaction(ctx, t)
}

func (s *simpleStore) Charge(context.Context, directory.TenantID, []Bucket, time.Time) (time.Duration, error) {
	return 0, nil
}

func (s *simpleStore) LastSeen(context.Context, directory.TenantID, directory.UserID) (access.Sighting, bool, error) {
	return access.Sighting{}, false, nil
}

func (s *simpleStore) RecordSignIn(context.Context, audit.Event) error { return nil }

func (s *simpleStore) Accept(ctx context.Context, t Transaction, _ []Bucket, _, _ time.Time) error {
	if !s.standing(t.User, t.Proofs) {
		return errCred
	}
	return s.SaveTransaction(ctx, t)
}

// standing reports whether the credentials of all proofs are there and not frozen.
func (s *simpleStore) standing(user directory.UserID, proofs []Proof) bool {
	return !slices.ContainsFunc(proofs, func(p Proof) bool {
		return slices.ContainsFunc(s.methods, func(m *someMethod) bool { return m.id == p.Method && !m.usable(user) })
	})
}

func (s *simpleStore) Complete(ctx context.Context, c Completion) (Session, error) {
	t := c.Transaction
	stored, _, err := s.Transaction(ctx, t.Tenant, t.ID)
	if err != nil {
		return Session{}, err
	}
	if stored.Done() {
		return s.sessions[stored.Session].Session, nil
	}
	user := s.users[t.User]
	old := s.sessions[c.Session.ID]
	switch {
	case user == nil || !user.AccountEnabled:
		return Session{}, directory.ErrUserUnknown
	case t.provedBefore(user.SessionsValidFrom):
		return Session{}, ErrGone
	case !s.standing(t.User, c.Session.Proofs):
		return Session{}, errCred
	case c.Raised != "" && (old.hash != c.Raised || old.User != t.User || !s.lives(old, c.At)):
		return Session{}, ErrGone
	}
	t.Session, t.DoneAt = c.Session.ID, c.At
	if err := s.SaveTransaction(ctx, t); err != nil {
		return Session{}, err
	}
	s.sessions[c.Session.ID] = sessionRow{c.Session, c.SecretHash}
	if c.PlaceHash != "" {
		s.familiar[string(t.User)+c.PlaceHash] = c.Method
	}
	return c.Session, nil
}

// lives reports whether r lives at at: a session ends with its person and its credentials.
func (s *simpleStore) lives(r sessionRow, at time.Time) bool {
	u := s.users[r.User]
	return u != nil && u.AccountEnabled && !r.CreatedAt.Before(u.SessionsValidFrom) && at.Before(r.ExpiresAt) && s.standing(r.User, r.Proofs)
}

func (s *simpleStore) Session(_ context.Context, _ directory.TenantID, id, hash string, at time.Time) (Session, directory.User, error) {
	r := s.sessions[id]
	if r.hash != hash || !s.lives(r, at) {
		return Session{}, directory.User{}, ErrGone
	}
	return r.Session, *s.users[r.User], nil
}

func (s *simpleStore) Familiar(_ context.Context, _ directory.TenantID, user directory.UserID, place string) (MethodID, bool, error) {
	last, ok := s.familiar[string(user)+place]
	return last, ok, nil
}

func (s *simpleStore) FamiliarToAnybody(context.Context, directory.TenantID, string) (bool, error) {
	return false, nil
}

type simplePolicies struct {
	Policy

	strongest bool
}

func (p *simplePolicies) SignInPolicy(context.Context, directory.TenantID) (Policy, error) {
	return p.Policy, nil
}

func (p *simplePolicies) StrongestFirst(context.Context, directory.TenantID, directory.UserID) (bool, error) {
	return p.strongest, nil
}

type simpleSecrets struct{}

func (simpleSecrets) MAC(_ context.Context, tenant, label string, message []byte) (string, error) {
	h := hmac.New(sha256.New, []byte(tenant+"|"+label))
	h.Write(message)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
}
