package token

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// kept is a keyring.Store that never changes.
type kept map[string][]keyring.Key

func (k kept) Keys(_ context.Context, tenant string) ([]keyring.Key, error) { return k[tenant], nil }
func (k kept) FirstTenant(context.Context) (string, error)                  { return "", nil }
func (k kept) ReplaceKey(context.Context, keyring.Key, time.Time, time.Time, audit.Event) error {
	return errors.New("not here")
}

const (
	issuer   = "https://id.example"
	audience = "00000003-0000-0000-c000-000000000000"
	life     = "the present life"
)

// bench signs for two tenants.
type bench struct {
	keys          *Keys
	store         kept
	tenant, other string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	master, err := keyring.CreateMaster(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{store: kept{}, tenant: uuid.NewString(), other: uuid.NewString()}
	for _, tenant := range []string{b.tenant, b.other} {
		for _, purpose := range []keyring.Purpose{keyring.RS256, keyring.ES256} {
			key, err := keyring.Generate(master, tenant, purpose, nine, nine)
			if err != nil {
				t.Fatal(err)
			}
			b.store[tenant] = append(b.store[tenant], key)
		}
	}
	now := func() time.Time { return nine }
	b.keys = &Keys{Ring: &keyring.Ring{Store: b.store, Wrapper: master, Now: now}, Now: now}
	return b
}

// claims returns good claims.
func (b *bench) claims() Access {
	return Access{
		Audience: audience, Issuer: issuer + "/" + b.tenant + "/v2.0", Tenant: directory.TenantID(b.tenant),
		IssuedAt: nine.Unix(), NotBefore: nine.Unix(), Expires: nine.Add(time.Hour).Unix(), Incarnation: life, Object: "sam",
	}
}

func (b *bench) sign(t *testing.T, tenant string, alg keyring.Purpose, typ string, a Access) string {
	t.Helper()
	raw, err := b.keys.Sign(t.Context(), tenant, alg, typ, a)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return raw
}

func (b *bench) parse(t *testing.T, raw string, at time.Time) (Access, error) {
	t.Helper()
	return b.keys.ParseAccess(t.Context(), raw, issuer, []string{"another", audience}, life, at)
}

func TestParseAccess(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name   string
		typ    string
		change func(*Access)
		at     time.Time
		ok     bool
	}{
		{"a good token", TypeAccess, func(*Access) {}, nine, true},
		{"an id token", TypeJWT, func(*Access) {}, nine, false},
		{"no type", "", func(*Access) {}, nine, false},
		{"another audience", TypeAccess, func(a *Access) { a.Audience = "somebody" }, nine, false},
		{"no audience", TypeAccess, func(a *Access) { a.Audience = "" }, nine, false},
		{"another issuer", TypeAccess, func(a *Access) { a.Issuer = "https://evil.example/" + b.tenant + "/v2.0" }, nine, false},
		{"another tenant's issuer", TypeAccess, func(a *Access) { a.Issuer = issuer + "/" + b.other + "/v2.0" }, nine, false},
		{"an earlier incarnation", TypeAccess, func(a *Access) { a.Incarnation = "the life before" }, nine, false},
		{"no incarnation", TypeAccess, func(a *Access) { a.Incarnation = "" }, nine, false},
		{"a second before it expires", TypeAccess, func(*Access) {}, nine.Add(time.Hour - time.Second), true},
		{"when it expires", TypeAccess, func(*Access) {}, nine.Add(time.Hour), false},
		{"a minute early, for clocks that differ", TypeAccess, func(*Access) {}, nine.Add(-time.Minute), true},
		{"more than a minute early", TypeAccess, func(*Access) {}, nine.Add(-time.Minute - time.Second), false},
		{"no tenant", TypeAccess, func(a *Access) { a.Tenant = "" }, nine, false},
		{"a tenant that is no id", TypeAccess, func(a *Access) { a.Tenant = "contoso.example" }, nine, false},
		{"another tenant's claims under this tenant's key", TypeAccess, func(a *Access) {
			a.Tenant, a.Issuer = directory.TenantID(b.other), issuer+"/"+b.other+"/v2.0"
		}, nine, false},
	} {
		for _, alg := range []keyring.Purpose{keyring.RS256, keyring.ES256} {
			t.Run(c.name+" "+string(alg), func(t *testing.T) {
				claims := b.claims()
				c.change(&claims)
				got, err := b.parse(t, b.sign(t, b.tenant, alg, c.typ, claims), c.at)
				if c.ok && (err != nil || got.Object != "sam") || !c.ok && !errors.Is(err, ErrInvalid) {
					t.Errorf("ParseAccess = %+v, %v; good is %t", got, err, c.ok)
				}
			})
		}
	}
}

// forge makes a token with any header; sign may be nil.
func forge(t *testing.T, header map[string]string, claims Access, sign func(input string) []byte) string {
	t.Helper()
	var parts []string
	for _, v := range []any{header, claims} {
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(body))
	}
	input := strings.Join(parts, ".")
	if sign == nil {
		return input + "."
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sign(input))
}

func TestForgedTokensAreRefused(t *testing.T) {
	b := newBench(t)
	good := b.sign(t, b.tenant, keyring.RS256, TypeAccess, b.claims())
	parts := strings.Split(good, ".")
	key := b.store[b.tenant][0]
	forged := map[string]string{}
	for _, alg := range []string{"none", "None", ""} {
		forged[fmt.Sprintf("alg %q", alg)] = forge(t, map[string]string{"alg": alg, "typ": TypeAccess, "kid": key.ID}, b.claims(), nil)
	}
	for _, alg := range []string{"HS256", "RS256", "ES256"} {
		// The public key as if it were a shared secret (RFC 8725 section 2.1).
		forged["the public key as a secret, "+alg] = forge(t, map[string]string{"alg": alg, "typ": TypeAccess, "kid": key.ID}, b.claims(), func(input string) []byte {
			mac := hmac.New(sha256.New, key.Public)
			mac.Write([]byte(input))
			return mac.Sum(nil)
		})
	}
	richer := b.claims()
	richer.Roles = []string{"everything"}
	forged["other claims under a good signature"] = parts[0] + "." + strings.Split(forge(t, nil, richer, nil), ".")[1] + "." + parts[2]
	forged["no signature"] = parts[0] + "." + parts[1] + "."
	forged["four parts"] = good + ".x"
	forged["empty"] = ""
	forged["too long"] = good + strings.Repeat("A", maxToken)
	for name, raw := range forged {
		if got, err := b.parse(t, raw, nine); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: ParseAccess = %+v, %v; want ErrInvalid", name, got, err)
		}
	}
}

func TestAKeyThatWasRemovedVerifiesNothing(t *testing.T) {
	b := newBench(t)
	raw := b.sign(t, b.tenant, keyring.RS256, TypeAccess, b.claims())
	for _, c := range []struct {
		removeAt time.Time
		ok       bool
	}{{nine.Add(1), true}, {nine, false}} {
		b.store[b.tenant][0].RemoveAt = c.removeAt
		b.keys.Ring.Forget(b.tenant)
		if _, err := b.parse(t, raw, nine); (err == nil) != c.ok {
			t.Errorf("removed at %s: %v", c.removeAt, err)
		}
	}
}
