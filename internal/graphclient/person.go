package graphclient

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A Keeper keeps a person's tokens between commands.
type Keeper interface {
	// Update calls change with the kept tokens while no other process of this machine does,
	// and keeps what it returns, durably, before Update returns. An error keeps what there was.
	Update(ctx context.Context, change func(Tokens) (Tokens, error)) error
}

// A Person is the TokenSource of somebody who signed in. Set every exported field before the
// first use. It must not be copied.
type Person struct {
	// Authority is called only when a token is to be renewed.
	Authority func(context.Context) (*Authority, error)
	ClientID  string
	Scope     string
	Key       *Key // nil when the tokens are bound to none
	Keeper    Keeper
	Now       func() time.Time

	mu   sync.Mutex
	held Tokens
}

// Token returns the token at hand, or a new one by the refresh token.
func (p *Person) Token(ctx context.Context) (Secret, error) {
	t, err := p.Tokens(ctx)
	return t.Access, err
}

// Tokens returns tokens of which the access token works now.
func (p *Person) Tokens(ctx context.Context) (Tokens, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held.Fresh(p.Now()) {
		return p.held, nil
	}
	err := p.Keeper.Update(ctx, func(kept Tokens) (Tokens, error) {
		if kept.Fresh(p.Now()) { // another process was faster
			p.held = kept
			return kept, nil
		}
		renewed, err := p.renew(ctx, kept)
		if err == nil {
			p.held = renewed
		}
		return renewed, err
	})
	return p.held, err
}

// renew exchanges the refresh token (RFC 6749 section 6). A server that sends none back keeps
// the old one alive.
func (p *Person) renew(ctx context.Context, old Tokens) (Tokens, error) {
	if old.Refresh.Reveal() == "" {
		return old, ErrNotSignedIn.With("", "Your sign-in has ended.")
	}
	a, err := p.Authority(ctx)
	if err != nil {
		return old, err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {p.ClientID}, "refresh_token": {old.Refresh.Reveal()}}
	if p.Scope != "" { // else the one that was granted first
		form.Set("scope", p.Scope)
	}
	fresh, err := a.at(a.TokenURL, p.Key).tokens(ctx, form)
	if err != nil {
		return old, err
	}
	if fresh.Refresh.Reveal() == "" {
		fresh.Refresh = old.Refresh
	}
	if fresh.RefreshUntil.IsZero() {
		fresh.RefreshUntil = old.RefreshUntil
	}
	fresh.ID = old.ID
	return fresh, nil
}

// Prove puts token into r, with a proof where it is bound to the key (RFC 9449 section 7.1).
func (p *Person) Prove(r *http.Request, token Secret) error {
	if p.Key == nil {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
		return nil
	}
	proof, err := p.Key.Proof(r.Method, r.URL.String(), token.Reveal(), p.Now())
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "DPoP "+token.Reveal())
	r.Header.Set("DPoP", proof)
	return nil
}
