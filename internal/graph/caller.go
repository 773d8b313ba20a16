package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/token"
)

// Proofs checks the proof of possession that comes with a bound token.
type Proofs interface {
	// Check returns nil if r carries one fresh proof for accessToken by the key that jkt
	// names (RFC 9449 section 7.1).
	Check(r *http.Request, tenant, accessToken, jkt string) error
}

// Rules say whether what a token was issued for is still allowed where it is used.
type Rules interface {
	// StillAllowed returns token.ErrInvalid if Conditional Access lets the token be used no longer,
	// or not from where ctx comes.
	StillAllowed(ctx context.Context, a token.Access) error
	// MayRegister returns why the person of the token may not add a way to sign in themselves.
	MayRegister(ctx context.Context, a token.Access) error
}

// mayRegister says why the rules do not let c add a way to sign in, when it is the caller's own.
func (a *API) mayRegister(c *call) error {
	if a.Rules == nil || c.caller.User == "" || c.caller.User != c.user.ID {
		return nil
	}
	return a.Rules.MayRegister(c.ctx(), c.access)
}

// audiences are what an access token for Graph may name.
var audiences = []string{string(directory.GraphAppID), "https://graph.microsoft.com"}

// identify fills in who calls, from the access token and from what the directory says now.
func (a *API) identify(c *call, r *http.Request) error {
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if len(r.Header.Values("Authorization")) != 1 || raw == "" {
		return &odata.Challenge{Err: token.ErrInvalid.With("", "The access token is missing."), AuthorizeURL: a.PublicURL + "/common/oauth2/v2.0/authorize"}
	}
	access, err := a.Tokens.ParseAccess(r.Context(), strings.TrimSpace(raw), a.PublicURL, audiences, a.Incarnation, a.Now())
	if err == nil {
		err = a.checkBinding(r, scheme, strings.TrimSpace(raw), access)
	}
	if err == nil {
		err = a.load(r.Context(), c, access)
		if err == nil && a.Rules != nil {
			err = a.Rules.StillAllowed(r.Context(), access)
		}
		if errors.Is(err, token.ErrInvalid) && slices.Contains(access.CC, "cp1") {
			return a.askAgain(err, access)
		}
	}
	if err != nil {
		return &odata.Challenge{Err: err, Scheme: schemeOf(access), Code: "invalid_token", AuthorizeURL: a.PublicURL + "/common/oauth2/v2.0/authorize"}
	}
	return nil
}

// askAgain refuses a genuine token that was ended before its time. A client that handles
// challenges learns to get one that is newer, instead of sending the one it keeps until it
// expires (Learn "Continuous access evaluation").
func (a *API) askAgain(err error, access token.Access) error {
	return &odata.Challenge{
		Err: err, Scheme: schemeOf(access), Code: "insufficient_claims", AuthorizeURL: a.PublicURL + "/common/oauth2/v2.0/authorize",
		Claims: fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, a.Now().Unix()),
	}
}

func schemeOf(access token.Access) string {
	if access.Confirm != nil {
		return "DPoP"
	}
	return "Bearer"
}

// checkBinding wants the scheme DPoP and a proof for a bound token, and Bearer for any other.
func (a *API) checkBinding(r *http.Request, scheme, raw string, access token.Access) error {
	if !strings.EqualFold(scheme, schemeOf(access)) {
		return token.ErrInvalid.With("", "The access token needs the scheme "+schemeOf(access)+".")
	}
	if access.Confirm == nil {
		return nil
	}
	return a.Proofs.Check(r, string(access.Tenant), raw, access.Confirm.JKT)
}

// load asks whether the token still lives, and reads tenant and roles.
func (a *API) load(ctx context.Context, c *call, access token.Access) error {
	who, err := a.Store.TokenOwner(ctx, access, a.Now())
	if err != nil {
		return err
	}
	if c.tenant, err = a.Store.Tenant(ctx, access.Tenant); err != nil {
		return err
	}
	c.access = access
	c.caller = directory.Caller{Tenant: access.Tenant, App: access.AppID, Purpose: access.Purpose}
	address := request.From(ctx).Address.String()
	if access.AppOnly() {
		c.caller.ServicePrincipal = who.Principal.ID
		c.caller.Permissions = who.Permissions
		c.actor.App = &audit.AppActor{
			AppID: string(access.AppID), DisplayName: who.Principal.DisplayName,
			ServicePrincipalID: string(who.Principal.ID), ServicePrincipalName: who.Principal.DisplayName,
		}
	} else {
		c.caller.User = who.User.ID
		c.caller.Guest = who.User.UserType == "Guest"
		c.caller.Permissions = who.Permissions
		c.actor.User = &audit.UserActor{
			ID: string(who.User.ID), DisplayName: who.User.DisplayName,
			UserPrincipalName: who.User.UserPrincipalName, IPAddress: address,
		}
	}
	c.caller.Roles, err = a.Store.RolesOf(ctx, access.Tenant, access.Object)
	return err
}

// actorName is the display name of who calls.
func (c *call) actorName() string {
	if c.actor.User != nil {
		return c.actor.User.DisplayName
	}
	return c.actor.App.DisplayName
}

func newEvent(tenant directory.TenantID, at time.Time, correlation string, change *audit.Change) audit.Event {
	return audit.Event{Tenant: string(tenant), ID: uuid.NewString(), At: at, CorrelationID: correlation, Change: change}
}
