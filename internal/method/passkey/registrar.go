package passkey

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// A Registrar adds passkeys, for their person and for those who may do it for others. Every
// field is required.
type Registrar struct {
	Method
	Registry *method.Registry
	Secrets  Secrets
	Now      func() time.Time // UTC
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

const labelCreation = "challenge of a passkey registration"

// A Beginning is a registration that somebody asks for.
type Beginning struct {
	Tenant directory.Tenant
	User   directory.User
	// Within is what the answer must come back in: the session of the person; empty for who
	// registers a key for somebody else.
	Within string
	// For is how long the answer may take; zero is [Timeout].
	For time.Duration
}

// Begin returns the options of a registration and when they end.
func (r Registrar) Begin(ctx context.Context, b Beginning) (Creation, time.Time, error) {
	policy, ok, err := r.policyFor(ctx, b.Tenant.ID, b.User.ID)
	if err != nil {
		return Creation{}, time.Time{}, err
	}
	if err := mayBegin(policy, ok, b.Within != ""); err != nil {
		return Creation{}, time.Time{}, err
	}
	there, err := r.Keys(ctx, b.Tenant.ID, b.User.ID)
	if err != nil {
		return Creation{}, time.Time{}, err
	}
	var keys []Key
	for _, one := range there {
		keys = append(keys, one.Key)
	}
	if b.For == 0 {
		b.For = Timeout
	}
	end := r.Now().Add(b.For).Truncate(time.Second)
	challenge, err := r.challenge(ctx, b, end)
	if err != nil {
		return Creation{}, end, err
	}
	return NewCreation(r.Party, b.Tenant.DisplayName, policy, challenge, personOf(b.Tenant.ID, b.User), keys), end, nil
}

func personOf(tenant directory.TenantID, user directory.User) Person {
	return Person{Handle: Handle(tenant, user.ID), Name: user.UserPrincipalName, DisplayName: user.DisplayName}
}

func mayBegin(p Policy, inScope, self bool) error {
	switch {
	case !inScope:
		return method.ErrOff
	case self && !p.SelfService:
		return ErrNoSelfService
	}
	return nil
}

// A challenge is 48 bytes: when it ends (seconds since 1970), 8 random bytes, and the keyed
// hash of both with whom it is for and what it belongs to. So nothing is kept of registrations
// that never come back, and none comes back for another person, in another session or too
// late. Twice it can't be used either: the key is there then.
const (
	sizeEnd    = 8
	sizeRandom = 8
	sizeHash   = 32
)

func (r Registrar) challenge(ctx context.Context, b Beginning, end time.Time) ([]byte, error) {
	head := make([]byte, sizeEnd+sizeRandom)
	binary.BigEndian.PutUint64(head, uint64(end.Unix()))
	if _, err := rand.Read(head[sizeEnd:]); err != nil {
		return nil, err
	}
	hash, err := r.hash(ctx, b, head)
	return slices.Concat(head, hash), err
}

func (r Registrar) hash(ctx context.Context, b Beginning, head []byte) ([]byte, error) {
	message := append([]byte(string(b.User.ID)+"|"+b.Within+"|"+r.Party.ID+"|"), head...)
	text, err := r.Secrets.MAC(ctx, string(b.Tenant.ID), labelCreation, message)
	if err != nil {
		return nil, err
	}
	hash, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && len(hash) != sizeHash {
		err = ErrResponse
	}
	return hash, err
}

// ours reports whether the challenge in an answer was made for b and has not ended.
func (r Registrar) ours(ctx context.Context, b Beginning, challenge []byte) (bool, error) {
	if len(challenge) != sizeEnd+sizeRandom+sizeHash {
		return false, nil
	}
	head, got := challenge[:sizeEnd+sizeRandom], challenge[sizeEnd+sizeRandom:]
	want, err := r.hash(ctx, b, head)
	if err != nil {
		return false, err
	}
	end := time.Unix(int64(binary.BigEndian.Uint64(head)), 0)
	return hmac.Equal(got, want) && r.Now().Before(end), nil
}

// Finish adds the key that answers. C is the beginning of the credential: whose it is, where
// it comes from and, perhaps, its name; name gives one to a key that has none.
func (r Registrar) Finish(ctx context.Context, b Beginning, c method.Credential, response []byte, name func(Key) string, by method.Actor) (Registered, error) {
	policy, ok, err := r.policyFor(ctx, b.Tenant.ID, b.User.ID)
	if err != nil {
		return Registered{}, err
	}
	if err := mayBegin(policy, ok, b.Within != ""); err != nil {
		return Registered{}, err
	}
	challenge, err := challengeOf(response)
	if err != nil {
		return Registered{}, err
	}
	if ok, err := r.ours(ctx, b, challenge); err != nil || !ok {
		return Registered{}, errorOr(err, ErrResponse)
	}
	key, counter, err := Registration{Party: r.Party, Policy: policy, Makers: r.Makers, Challenge: challenge}.Register(response)
	if err != nil {
		return Registered{}, err
	}
	key.Provisioned = b.Within == ""
	c.Tenant, c.User, c.Kind = b.Tenant.ID, b.User.ID, MethodID
	c.Lookup, c.Counter = Lookup(key.CredentialID), counter
	if c.Name == "" {
		c.Name = cut(name(key), method.MaxName)
	}
	if c.Data, err = json.Marshal(key); err != nil {
		return Registered{}, err
	}
	c, err = r.Registry.Add(ctx, c, b.User, by)
	return Registered{Credential: c, Key: key}, err
}

// Signals are what the person's own page tells authenticators: which keys there are, and what
// the person is called.
func (r Registrar) Signals(ctx context.Context, tenant directory.TenantID, user directory.User) (accepted, details []byte, err error) {
	there, err := r.Keys(ctx, tenant, user.ID)
	var keys []Key
	for _, one := range there {
		if one.Key.RPID == r.Party.ID {
			keys = append(keys, one.Key)
		}
	}
	p := personOf(tenant, user)
	return SignalAccepted(r.Party, p.Handle, keys), SignalDetails(r.Party, p), err
}

// challengeOf reads the challenge that an answer claims to be for.
func challengeOf(response []byte) ([]byte, error) {
	parsed, err := parseCreation(response)
	if err != nil {
		return nil, err
	}
	challenge, err := b64.DecodeString(parsed.Response.CollectedClientData.Challenge)
	if err != nil {
		return nil, ErrResponse
	}
	return challenge, nil
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return s
}
