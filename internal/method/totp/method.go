package totp

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

const (
	// MethodID is the name as a sign-in method, the step and the form field.
	MethodID signin.MethodID = "otc"
	// PolicyID is the id of Graph's configuration.
	PolicyID = "SoftwareOath"
	// Most is how many applications with codes a person may have: each is one more code that a
	// guess may hit.
	Most = 2
	// FreshFor is how long after a code methods may be registered, if another factor was shown.
	FreshFor = 10 * time.Minute
)

// A Policy says who may use codes.
// https://learn.microsoft.com/graph/api/resources/softwareoathauthenticationmethodconfiguration
type Policy struct{ method.Targets }

// DefaultPolicy is the policy of a new tenant: off.
func DefaultPolicy() Policy { return Policy{method.Everybody("disabled")} }

// ErrWrong reports a code that is not one of now. 500121 is Entra's number for a second factor
// that failed.
var ErrWrong = &fault.Error{
	Kind: fault.Unauthorized, Code: "codeWrong", AADSTS: 500121,
	Text: "The code is not right.", Remedy: "Type the code that the app shows now. If it is always wrong, set the phone’s clock to automatic.",
}

// Keys seals secrets under the tenant's own key, and hashes under another.
type Keys interface {
	Seal(ctx context.Context, tenant string, plain []byte, where ...string) (string, error)
	Open(ctx context.Context, tenant, sealed string, where ...string) ([]byte, error)
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// Credentials returns what people have registered; [method.Store] is one.
type Credentials interface {
	Credentials(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]method.Credential, error)
}

// Method lets people prove that they hold the phone that counts their codes. Every field is
// required.
type Method struct {
	Credentials Credentials
	Policies    method.Policies
	Groups      method.Groups
	Keys        Keys
}

// data is what a credential keeps.
type data struct {
	Key string `json:"key"` // a Key, sealed for the credential's row
}

// row is where a key is sealed for.
func row(credential string) []string { return []string{"credential", "body", credential} }

// ID implements [signin.Method].
func (m Method) ID() signin.MethodID { return MethodID }

// Name implements [signin.Method].
func (m Method) Name() string { return audit.MethodCodes }

// Yield implements [signin.Method].
func (m Method) Yield() signin.Yield {
	return signin.Yield{Factors: signin.Possession, Modes: access.SoftwareOath}
}

// Enabled implements [signin.Method].
func (m Method) Enabled(ctx context.Context, tenant directory.TenantID) (bool, error) {
	p, err := m.policy(ctx, tenant)
	return p.Enabled(), err
}

// Offered implements [signin.Method].
func (m Method) Offered(ctx context.Context, tenant directory.TenantID, user directory.UserID) (signin.Yield, error) {
	own, err := m.usable(ctx, tenant, user)
	if err != nil || len(own) == 0 {
		return signin.Yield{}, err
	}
	return m.Yield(), nil
}

// InScope reports whether policy lets the user have codes.
func (m Method) InScope(ctx context.Context, tenant directory.TenantID, user directory.UserID) (bool, error) {
	p, err := m.policy(ctx, tenant)
	if err != nil || !p.Enabled() {
		return false, err
	}
	groups, err := m.Groups.GroupsOf(ctx, tenant, string(user))
	return err == nil && p.InScope(groups), err
}

func (m Method) policy(ctx context.Context, tenant directory.TenantID) (Policy, error) {
	p := DefaultPolicy()
	_, err := m.Policies.MethodPolicy(ctx, tenant, PolicyID, &p)
	return p, err
}

// usable returns the user's credentials that may sign them in now.
func (m Method) usable(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]method.Credential, error) {
	ok, err := m.InScope(ctx, tenant, user)
	if err != nil || !ok {
		return nil, err
	}
	all, err := m.Credentials.Credentials(ctx, tenant, user)
	if err != nil {
		return nil, err
	}
	var own []method.Credential
	for _, c := range all {
		if c.Kind == MethodID && c.Works() {
			own = append(own, c)
		}
	}
	return own, nil
}

// Tries implements [signin.Guessable]: 10 wrong codes a day, then one each quarter of an hour.
func (m Method) Tries() signin.Rule {
	return signin.Rule{Budget: 10, Window: 24 * time.Hour, Slow: 15 * time.Minute}
}

// Guesses is how many codes of one person a stranger can try in a day, and Chance how likely
// one of them is right: each stands for three steps of each app.
const Guesses = 10 + 24*4

// Chance of one success in a day.
func Chance(apps int) float64 { return float64(Guesses*apps*(2*Skew+1)) / 1_000_000 }

// Queue implements [signin.Method]: a code costs next to nothing, and there is no queue.
func (m Method) Queue(context.Context, signin.Attempt) error { return nil }

// Verify implements [signin.Method]. A code that was used before matches here; the store
// refuses it, because its step is not beyond the credential's counter.
func (m Method) Verify(ctx context.Context, a signin.Attempt) (signin.Proof, error) {
	code, ok := ParseCode(a.Typed)
	if !ok {
		return signin.Proof{}, ErrWrong
	}
	own, err := m.usable(ctx, a.Tenant, a.User)
	if err != nil {
		return signin.Proof{}, err
	}
	for _, c := range own {
		k, err := m.key(ctx, c)
		if err != nil {
			return signin.Proof{}, err
		}
		if step, ok := k.Match(code, a.At); ok {
			return signin.Proof{
				Method: MethodID, At: a.At, AMR: []string{"otp"}, Combination: "softwareOath", Factors: signin.Possession, FreshUntil: a.At.Add(FreshFor),
				Credential: &signin.CredentialUsed{ID: c.ID, Counter: step},
			}, nil
		}
	}
	return signin.Proof{}, ErrWrong
}

func (m Method) key(ctx context.Context, c method.Credential) (Key, error) {
	var d data
	if err := json.Unmarshal(c.Data, &d); err != nil {
		return Key{}, fmt.Errorf("read credential %s: %w", c.ID, err)
	}
	return openKey(ctx, m.Keys, c.Tenant, d.Key, row(c.ID)...)
}

func openKey(ctx context.Context, keys Keys, tenant directory.TenantID, sealed string, where ...string) (Key, error) {
	var k Key
	plain, err := keys.Open(ctx, string(tenant), sealed, where...)
	if err != nil {
		return k, err
	}
	err = json.Unmarshal(plain, &k)
	return k, err
}

func sealKey(ctx context.Context, keys Keys, tenant directory.TenantID, k Key, where ...string) (string, error) {
	plain, err := json.Marshal(k)
	if err != nil {
		return "", err
	}
	return keys.Seal(ctx, string(tenant), plain, where...)
}
