package account

import (
	"context"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// Login signs a person in. Every field but Hint is required.
type Login struct {
	Server, Graph, CA string
	Tenant            string // id, domain, or organizations to let the name decide
	ClientID          string
	Hint              string // who it will be
	HTTP              *http.Client
	Now               func() time.Time
	// Tell says where to go: an address for the browser, which opened if opened; or for
	// another device, with the code to type there.
	Tell func(address, code string, opened bool)
}

// patience of a person at the browser.
const signInTime = 15 * time.Minute

func (l Login) scope() string { return l.Graph + "/.default openid profile offline_access" }

// Browser signs in with the browser of this machine.
func (l Login) Browser(ctx context.Context) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	authority, err := graphclient.Discover(ctx, l.HTTP, l.Now, l.Server, l.Tenant)
	if err != nil {
		return Account{}, err
	}
	back, err := listen(ctx)
	if err != nil {
		return Account{}, err
	}
	defer back.close()
	s, err := authority.SignIn(l.ClientID, l.scope(), back.Redirect)
	if err != nil {
		return Account{}, err
	}
	address, err := s.URL(l.Hint)
	if err != nil {
		return Account{}, err
	}
	l.Tell(address, "", OpenBrowser(ctx, address) == nil)
	answer, err := back.wait(ctx, s)
	if err != nil {
		return Account{}, err
	}
	tokens, err := s.Redeem(ctx, answer)
	return l.account(tokens, s.Key), err
}

// Device signs in with the browser of another device.
func (l Login) Device(ctx context.Context) (Account, error) {
	authority, err := graphclient.Discover(ctx, l.HTTP, l.Now, l.Server, l.Tenant)
	if err != nil {
		return Account{}, err
	}
	d, err := authority.DeviceSignIn(ctx, l.ClientID, l.scope())
	if err != nil {
		return Account{}, err
	}
	l.Tell(d.URL, d.UserCode, false)
	tokens, err := d.Wait(ctx)
	return l.account(tokens, d.Key), err
}

func (l Login) account(t graphclient.Tokens, key *graphclient.Key) Account {
	if !t.Bound {
		key = nil
	}
	return Account{Server: l.Server, Graph: l.Graph, CA: l.CA, ClientID: l.ClientID, Scope: l.scope(), Since: l.Now(), Key: key, Tokens: t}
}

// Person is the account as a source of tokens.
func (f Folder) Person(a Account, client *http.Client, now func() time.Time) *graphclient.Person {
	return &graphclient.Person{
		Authority: func(ctx context.Context) (*graphclient.Authority, error) {
			return graphclient.Discover(ctx, client, now, a.Server, a.Tokens.ID.Tenant)
		},
		ClientID: a.ClientID, Scope: a.Scope, Key: a.Key, Keeper: f.Keeper(a.Server), Now: now,
	}
}

// Logout ends the account's sign-in at the server. What is kept here is Remove's to forget.
func (a Account) Logout(ctx context.Context, client *http.Client, now func() time.Time) error {
	authority, err := graphclient.Discover(ctx, client, now, a.Server, a.Tokens.ID.Tenant)
	if err != nil {
		return err
	}
	return authority.Revoke(ctx, a.ClientID, a.Tokens.Refresh)
}
