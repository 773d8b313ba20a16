package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/scope"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// Conditional Access is asked wherever a session becomes tokens, and again whenever these are
// refreshed or come from another place (docs/conditional-access.md).

// Seen is where a person was when a family was authorized.
type Seen struct {
	Address   string `json:"address,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
}

// place is where the person of f is, as far as the request tells: what a web application's server
// sends comes from that server.
func (f Family) place(r *http.Request, c client) signin.Place {
	if c.public() || f.Seen.Address == "" {
		return placeOf(r)
	}
	return f.Seen.place()
}

func (s Seen) place() signin.Place {
	address, err := netip.ParseAddr(s.Address)
	if err != nil {
		return signin.Place{UserAgent: s.UserAgent}
	}
	return signin.Place{Address: address, UserAgent: s.UserAgent}
}

// question is what rules are asked about f, for who is at place, without the API.
func (f Family) question(username string, place signin.Place, now time.Time) signin.Question {
	q := signin.Question{
		Tenant: f.Tenant, User: f.User, Username: username, App: f.App, Contexts: f.Contexts,
		Client: access.Browser, Place: place, Proofs: f.Proofs, At: now,
	}
	if f.Native || f.App == directory.AgentAppID {
		q.Client = access.NativeClient
	}
	if f.byDeviceCode() {
		q.Client, q.Flow = access.NativeClient, access.DeviceCodeFlow
	}
	if f.DeviceProved {
		q.Device = f.Device
	}
	return q
}

// apiOf is the API that a scope names, by its application's id or an identifier URI; Graph is what
// every application may ask for, and not named apart. What nobody knows gets no tokens anyway.
func (s *Server) apiOf(ctx context.Context, tenant directory.TenantID, resource string) (directory.AppID, error) {
	id := directory.AppID(strings.ToLower(strings.TrimPrefix(resource, "api://")))
	switch {
	case resource == "" || resource == scope.Graph || id == directory.GraphAppID:
		return "", nil
	case directory.IsID(string(id)):
		return id, nil
	case tenant == "" || tenant == directory.NoTenant: // whose it is shows once somebody is named
		return "", nil
	}
	p, err := s.Store.ServicePrincipalByIdentifier(ctx, tenant, resource)
	if isFault(err, directory.ErrServicePrincipalUnknown) {
		return "", nil
	}
	return p.AppID, err
}

// contextID is the id of an authentication context, as in Graph.
var contextID = regexp.MustCompile(`^c[1-9][0-9]?$`)

// contexts are the authentication contexts that q asks for: of each list the first that is one.
func (q authRequest) contexts() []string {
	var all []string
	for _, any := range q.Claims.ACRs {
		if i := slices.IndexFunc(any, contextID.MatchString); i >= 0 && !slices.Contains(all, any[i]) {
			all = append(all, any[i])
		}
	}
	return all
}

// judge asks the rules about tokens of f for a person at place, and says why there are none.
func (s *Server) judge(ctx context.Context, f Family, username string, place signin.Place) (*signin.Verdict, error) {
	q := f.question(username, place, s.Now())
	var err error
	if q.Resource, err = s.apiOf(ctx, f.Tenant, f.Resource); err != nil {
		return nil, err
	}
	v, err := s.SignIn.Judge(ctx, q)
	if err != nil {
		return v, err
	}
	return v, s.denied(v, f)
}

// denied is why v gives no tokens to f, or nil.
func (s *Server) denied(v *signin.Verdict, f Family) error {
	switch {
	case v.Allows() && (v != nil || len(f.Contexts) == 0):
		return nil
	case v.Bars():
		return &oautherr.Challenge{Err: v.Refusal().Fault(), Suberror: "message_only"}
	case v.Outdated(f.Proofs):
		return &oautherr.Challenge{Err: oautherr.ErrSignInFrequency, Suberror: "token_expired"}
	}
	return &oautherr.Challenge{Err: oautherr.ErrMFARequired, Suberror: "basic_action", Claims: asking(v, f.Contexts)}
}

// asking are the claims with which a client asks for what is missing. Entra's clients send them
// with the next request at the authorization endpoint.
func asking(v *signin.Verdict, contexts []string) string {
	type claim struct {
		Essential bool     `json:"essential"`
		Values    []string `json:"values"`
	}
	wanted := map[string]claim{}
	if len(contexts) > 0 {
		wanted["acrs"] = claim{true, contexts}
	}
	if v != nil && v.By != nil {
		wanted["capolids"] = claim{true, []string{v.By.ID}}
	}
	text, err := json.Marshal(map[string]any{"access_token": wanted})
	if err != nil || len(wanted) == 0 {
		return ""
	}
	return string(text)
}

// sessionAllowed says why the rules give q nothing from a session that the browser has, or nil.
func (s *Server) sessionAllowed(r *http.Request, session signin.Session, user directory.User, q authRequest) error {
	counted, err := s.SignIn.At(r.Context(), session, signin.SurfaceOf(q.Client))
	if err != nil {
		return err
	}
	_, err = s.judge(r.Context(), q.family(newFamily("", q.Client, counted, s.Now(), audit.ProtocolOAuth2)), user.UserPrincipalName, placeOf(r))
	return err
}

// family is f with what the rules read of q.
func (q authRequest) family(f Family) Family {
	f.Resource, f.Contexts, f.Native = q.Scope.Resource, q.contexts(), q.Native
	f.DeviceProved = q.Device != nil && f.Device != nil && q.Device.ID == f.Device.ID
	return f
}

// stillAllowed asks the rules about a family whose code or refresh token was shown. A code is as
// good as its authorization while nothing changed since.
func (s *Server) stillAllowed(x *exchange, f Family, user directory.User, kind GrantKind) (*signin.Verdict, int64, error) {
	place := f.place(x.r, x.client)
	if kind == KindCode && place.Address.String() == f.Seen.Address {
		version, _, err := s.SignIn.RulesNow(x.r.Context(), f.Tenant)
		if err != nil || version == f.Rules {
			return nil, version, err
		}
	}
	v, err := s.judge(x.r.Context(), f, user.UserPrincipalName, place)
	if v == nil {
		return nil, 0, err
	}
	return v, v.Version, err
}

// workloadAllowed asks the rules about an application that gets a token for itself.
func (s *Server) workloadAllowed(x *exchange, resource directory.ServicePrincipal) (*signin.Verdict, error) {
	v, err := s.SignIn.Judge(x.r.Context(), signin.Question{
		Tenant: x.tenant.ID, Workload: x.client.principal.ID, App: resource.AppID, Client: access.NativeClient,
		Place: placeOf(x.r), At: s.Now(),
	})
	if err == nil && v.Bars() {
		err = &oautherr.Challenge{Err: v.Refusal().Fault(), Suberror: "message_only"}
	}
	return v, err
}

// seenAt is where r comes from, as a family keeps it.
func seenAt(r *http.Request) Seen {
	facts := request.From(r.Context())
	return Seen{Address: facts.Address.String(), UserAgent: facts.UserAgent}
}
