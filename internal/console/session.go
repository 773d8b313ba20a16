package console

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// Sessions keeps what the console keeps for a browser. Rows are sealed under keys that only the
// browser holds; ids tell nothing of them.
type Sessions interface {
	// PutConsole stores a row. One that has a Version replaces what still has that version: where
	// there is another it is ErrHeld, and without the row ErrSignedOut, so that nothing comes back
	// that was taken meanwhile.
	PutConsole(ctx context.Context, row Row) error
	// Console returns a row that has not ended, or ErrSignedOut.
	Console(ctx context.Context, tenant, id string, now time.Time) (Row, error)
	// HoldConsole lets one caller renew the tokens of a row: it sets HeldUntil if nobody holds
	// the row at now and it still has that version. Of any number of callers one gets nil, the
	// others ErrHeld; without the row it is ErrSignedOut.
	HoldConsole(ctx context.Context, row Row, now, until time.Time) error
	// TakeConsole removes a row and returns it. Of any number of callers one gets it, the others
	// ErrSignedOut.
	TakeConsole(ctx context.Context, tenant, id string, now time.Time) (Row, error)
}

// A Row is what is kept for a browser.
type Row struct {
	Tenant, ID string
	Sealed     []byte
	Version    int64 // grows with every PutConsole
	HeldUntil  time.Time
	EndsAt     time.Time
}

// ErrHeld says that another renews the same tokens.
var ErrHeld = errors.New("held by another")

// maxSession bounds a session of the console.
const maxSession = 12 * time.Hour

// A key is what the browser's cookie holds: whose session it is, and a secret from which both
// the name of the row and the key that it is sealed under are derived.
type key struct {
	tenant string
	secret [32]byte
}

func newKey(tenant string) key {
	k := key{tenant: tenant}
	_, _ = rand.Read(k.secret[:]) // never fails
	return k
}

func (k key) cookie() string {
	return k.tenant + "." + base64.RawURLEncoding.EncodeToString(k.secret[:])
}

func parseKey(text string) (key, error) {
	tenant, secret, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(raw) != 32 || len(tenant) != 36 {
		return key{}, ErrSignedOut
	}
	k := key{tenant: tenant}
	copy(k.secret[:], raw)
	return k, nil
}

func (k key) derive(label string) []byte {
	out, err := hkdf.Key(sha256.New, k.secret[:], nil, "postern console "+label, 32)
	if err != nil {
		panic(err) // the length is fixed
	}
	return out
}

// id names the row of what.
func (k key) id(what string) string { return hex.EncodeToString(k.derive("id " + what)[:16]) }

func (k key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k.derive("seal"))
	if err != nil {
		panic(err) // the length is fixed
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return a
}

// seal seals v for the row of what.
func (k key) seal(what string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return k.aead().Seal(nil, nil, plain, []byte(k.id(what))), nil
}

func (k key) open(what string, sealed []byte, v any) error {
	plain, err := k.aead().Open(nil, nil, sealed, []byte(k.id(what)))
	if err != nil {
		return ErrSignedOut
	}
	return json.Unmarshal(plain, v)
}

// kept are the tokens of a session as they are sealed.
type kept struct {
	Access       string    `json:"access"`
	Until        time.Time `json:"until"`
	Refresh      string    `json:"refresh,omitempty"`
	RefreshUntil time.Time `json:"refreshUntil"`
	Scope        string    `json:"scope,omitempty"` // that the person was asked for
}

func keep(t graphclient.Tokens) kept {
	return kept{Access: t.Access.Reveal(), Until: t.Until, Refresh: t.Refresh.Reveal(), RefreshUntil: t.RefreshUntil, Scope: t.Scope}
}

func (k kept) tokens() graphclient.Tokens {
	return graphclient.Tokens{
		Access: graphclient.NewSecret(k.Access), Until: k.Until,
		Refresh: graphclient.NewSecret(k.Refresh), RefreshUntil: k.RefreshUntil, Scope: k.Scope,
	}
}

const sessionRow = "session"

// start stores the tokens of a new session, for which scope was asked, and returns the key for
// the browser.
func (c *Console) start(ctx context.Context, t graphclient.Tokens, scope string) (key, error) {
	t.Scope = scope
	k := newKey(t.ID.Tenant)
	sealed, err := k.seal(sessionRow, keep(t))
	if err != nil {
		return key{}, err
	}
	row := Row{Tenant: k.tenant, ID: k.id(sessionRow), Sealed: sealed, EndsAt: c.Now().Add(maxSession)}
	return k, c.Sessions.PutConsole(ctx, row)
}

// tokens returns the tokens of the session that k opens.
func (c *Console) tokens(k key) graphclient.TokenSource {
	return &graphclient.Person{Authority: c.authority, ClientID: c.ClientID, Keeper: keeper{c, k}, Now: c.Now}
}

// A keeper is where one session's tokens are.
type keeper struct {
	console *Console
	key     key
}

// Update implements graphclient.Keeper. The row is held while its tokens are renewed, so that of
// all replicas one uses the refresh token.
func (k keeper) Update(ctx context.Context, change func(graphclient.Tokens) (graphclient.Tokens, error)) error {
	s := k.console
	give := s.Now().Add(s.patience)
	for {
		row, err := s.Sessions.Console(ctx, k.key.tenant, k.key.id(sessionRow), s.Now())
		if err != nil {
			return err
		}
		var old kept
		if err := k.key.open(sessionRow, row.Sealed, &old); err != nil {
			return err
		}
		if old.tokens().Fresh(s.Now()) {
			_, err := change(old.tokens())
			return err
		}
		err = s.Sessions.HoldConsole(ctx, row, s.Now(), s.Now().Add(s.patience))
		if err == nil {
			return k.renew(ctx, row, old, change)
		}
		if !errors.Is(err, ErrHeld) {
			return err
		}
		if s.Now().After(give) {
			return graphclient.ErrUnreachable
		}
		if err := graphclient.Wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (k keeper) renew(ctx context.Context, row Row, old kept, change func(graphclient.Tokens) (graphclient.Tokens, error)) error {
	fresh, failed := change(old.tokens())
	if failed != nil {
		fresh = old.tokens()
	}
	fresh.Scope = old.Scope
	sealed, err := k.key.seal(sessionRow, keep(fresh))
	if err != nil {
		return err
	}
	row.Sealed, row.HeldUntil = sealed, time.Time{}
	// Even if the browser has gone: the old refresh token is used up.
	err = k.console.Sessions.PutConsole(context.WithoutCancel(ctx), row)
	if errors.Is(err, ErrHeld) {
		err = graphclient.ErrUnreachable // it took so long that another renewed them, too
	}
	return errors.Join(failed, err)
}

// Hold keeps v for the signed-in browser under a random name, sealed, until it is taken or
// lifetime is over. It is for what a page shows once.
func (c *Call) Hold(v any, lifetime time.Duration) (name string, err error) {
	name = rand.Text()
	sealed, err := c.key.seal(onceRow(name), v)
	if err != nil {
		return "", err
	}
	return name, c.console.Sessions.PutConsole(c.Context(), Row{
		Tenant: c.key.tenant, ID: c.key.id(onceRow(name)), Sealed: sealed, EndsAt: c.Now().Add(lifetime),
	})
}

// onceRow is what is held under name. Names come from addresses: none of them is the session's.
func onceRow(name string) string { return "once " + name }

// Take puts into v what was held under name, once; afterwards, and for any other browser, it is
// ErrTaken. HEAD, which shows nothing, takes nothing.
func (c *Call) Take(name string, v any) error {
	if c.R.Method == http.MethodHead {
		return ErrTaken
	}
	row, err := c.console.Sessions.TakeConsole(c.Context(), c.key.tenant, c.key.id(onceRow(name)), c.Now())
	if errors.Is(err, ErrSignedOut) {
		return ErrTaken
	}
	if err != nil {
		return err
	}
	return c.key.open(onceRow(name), row.Sealed, v)
}
