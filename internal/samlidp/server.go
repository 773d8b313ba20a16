// Package samlidp is Postern as SAML 2.0 identity provider: applications send people here, by
// an AuthnRequest or without one, and get an assertion about who signed in. It owns the endpoints
// under /{tenant}/saml2, what an assertion says, and single logout. It leaves XML and signatures
// to package saml, the sign-in itself to package signin, and applications to package directory:
// they are the same objects as those of OAuth. docs/saml.md has the addresses and settings, which
// follow Entra's.
package samlidp

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// Server answers SAML requests. Every field is required, except Others, OthersDeaf and Upstream.
type Server struct {
	Store      Store
	SignIn     *signin.Service
	Interrupts Interrupts
	Keys       Keys
	Secrets    Secrets
	// Seen remembers an id of a kind until it means nothing any more, and reports whether it is new.
	Seen      func(ctx context.Context, tenant, kind, id string, until time.Time) (fresh bool, err error)
	Pages     Pages
	PublicURL string // without a slash at the end
	Now       func() time.Time
	// Others are pages of applications of other protocols that learn of a logout.
	Others func(ctx context.Context, session signin.Session) ([]string, error)
	// OthersDeaf reports whether one of those, other than but, learns of it by a browser only.
	OthersDeaf func(ctx context.Context, session signin.Session, but directory.AppID) (bool, error)
	// Upstream is where a session came from that can be signed out of, too, or nothing; it may be
	// nil.
	Upstream func(ctx context.Context, session signin.Session, user directory.User) (signin.Upstream, error)
	Log      *slog.Logger
}

// Store is what the identity provider reads and writes.
type Store interface {
	// Tenant returns a tenant, or directory.ErrTenantUnknown.
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// TenantOf returns the tenant that owns a verified domain, or directory.ErrTenantUnknown.
	TenantOf(ctx context.Context, domain string) (directory.TenantID, error)
	// ApplicationByAppID returns an application, or directory.ErrApplicationUnknown.
	ApplicationByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.Application, []directory.Secret, error)
	// ServicePrincipalByAppID returns an application's presence in the tenant, or
	// directory.ErrServicePrincipalUnknown.
	ServicePrincipalByAppID(ctx context.Context, tenant directory.TenantID, app directory.AppID) (directory.ServicePrincipal, error)
	// ServicePrincipalByIdentifier returns the presence of the application with that identifier
	// URI, in any case, or directory.ErrServicePrincipalUnknown.
	ServicePrincipalByIdentifier(ctx context.Context, tenant directory.TenantID, uri string) (directory.ServicePrincipal, error)
	// AppRolesOfPerson returns the ids of the app roles that a person has at a resource,
	// themselves or by a group that they are in.
	AppRolesOfPerson(ctx context.Context, tenant directory.TenantID, user directory.UserID, resource directory.ServicePrincipalID) ([]string, error)
	// AssignedGroups returns the groups that have an app role at a resource.
	AssignedGroups(ctx context.Context, tenant directory.TenantID, resource directory.ServicePrincipalID) ([]directory.GroupID, error)
	// RolesOf returns the roles that a user holds, directly or through groups.
	RolesOf(ctx context.Context, tenant directory.TenantID, principal string) ([]directory.RoleID, error)
	// GroupsOf returns the groups that a user is in, directly or through other groups.
	GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error)
	// Participate stores that an application got an assertion from a session, and records e; or
	// does neither.
	Participate(ctx context.Context, p Participant, e audit.Event) error
	// ParticipantsOf returns who got an assertion from a session.
	ParticipantsOf(ctx context.Context, tenant directory.TenantID, session string) ([]Participant, error)
	// Participant returns the part that an application had in a session, be it over or not, or
	// ErrNoPart.
	Participant(ctx context.Context, tenant directory.TenantID, session string, app directory.AppID) (Participant, error)
	// ParticipantsBy returns the sessions in which an application knows somebody by a name.
	ParticipantsBy(ctx context.Context, tenant directory.TenantID, app directory.AppID, name string) ([]Participant, error)
}

// A Participant is an application that got an assertion from a session, and is told when that
// ends.
type Participant struct {
	Tenant    directory.TenantID
	Session   string
	App       directory.AppID
	User      directory.UserID
	Name      string // the name id
	Format    string // of the name id
	ExpiresAt time.Time
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// Interrupts decide what stands between a session and an application.
type Interrupts interface {
	// Ask decides whether the person of a session is to register a method first.
	Ask(ctx context.Context, s signin.Session, user directory.UserID) (method.Asking, error)
}

// Pages shows what goes to a person instead of an application.
type Pages interface {
	// ShowError ends a request that can't go back to the application.
	ShowError(w http.ResponseWriter, r *http.Request, err error, tenant directory.Tenant)
	// ShowFormPost posts values to an address by a form.
	ShowFormPost(w http.ResponseWriter, r *http.Request, to string, values url.Values) error
	// ShowSignedOut says that the browser is signed out; frames are pages of applications that
	// are to learn of it, back is where to go on, or "", and at upstreams the person may still
	// be signed in.
	ShowSignedOut(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, frames []string, back string, upstreams []signin.Upstream)
}

// Faults of SAML sign-ins. They go to a page: an application shows people little of them.
var (
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "samlApplicationUnknown", AADSTS: 700016, Target: "Issuer",
		Text: "No application of this tenant that signs people in by SAML has this entity id.", Remedy: "Compare the identifier of the application with what it sends.",
	}
	ErrReply = &fault.Error{
		Kind: fault.Invalid, Code: "samlReplyUnknown", AADSTS: 50011, Target: "AssertionConsumerServiceURL",
		Text: "The address to which the answer is to go is not registered for the application.", Remedy: "Register it exactly as the application sends it.",
	}
	ErrDisabled = &fault.Error{
		Kind: fault.Forbidden, Code: "samlApplicationDisabled", AADSTS: 7000112,
		Text: "The application is disabled in this tenant.", Remedy: "Ask an administrator to enable it.",
	}
	ErrNotAssigned = &fault.Error{
		Kind: fault.Forbidden, Code: "samlNotAssigned", AADSTS: 50105,
		Text: "This application is for assigned people only.", Remedy: "Ask an administrator to assign you to it.",
	}
	ErrPurpose = &fault.Error{
		Kind: fault.Forbidden, Code: "samlPurpose", AADSTS: 50076,
		Text: "The pass that was used is for another purpose.", Remedy: "Sign in another way.",
	}
	ErrStronger = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlStronger", AADSTS: 50076,
		Text: "A stronger sign-in is needed.", Remedy: "Sign in again.",
	}
	ErrRegister = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlRegister", AADSTS: 50079,
		Text: "A further way to sign in has to be set up.", Remedy: "Sign in again.",
	}
	ErrNoCertificate = &fault.Error{
		Kind: fault.Unauthorized, Code: "samlNoCertificate", AADSTS: 76021,
		Text: "The application has no certificate here, so that nothing that it signs can be verified.", Remedy: "Register its signing certificate.",
	}
)

// Paths below a tenant. Entra has both sign-in and logout at the first.
const (
	ssoPath        = "/saml2"
	federationPath = "/federationmetadata/2007-06/federationmetadata.xml"
	resumePath     = "/saml2/resume"
)

// maxForm bounds a posted message, which is base64.
const maxForm = 512 << 10

// Mount adds the endpoints to mux. {tenant} is an id or a verified domain.
func (s *Server) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /{tenant}"+federationPath, s.metadata)
	mux.HandleFunc("GET /{tenant}/saml2/metadata", s.metadata)
	mux.HandleFunc("GET /{tenant}"+ssoPath, s.receive)
	mux.HandleFunc("POST /{tenant}"+ssoPath, s.receive)
	mux.HandleFunc("POST /{tenant}"+soapPath, s.logoutBySOAP)
	mux.HandleFunc("GET /{tenant}/saml2/launch/{app}", s.launch)
	mux.HandleFunc("GET "+resumePath, s.resume)
}

// tenant returns the tenant that {tenant} names, or directory.ErrTenantUnknown.
func (s *Server) tenant(r *http.Request) (directory.Tenant, error) {
	name := strings.ToLower(r.PathValue("tenant"))
	id := directory.TenantID(name)
	if !directory.IsID(name) {
		var err error
		if id, err = s.Store.TenantOf(r.Context(), name); err != nil {
			return directory.Tenant{}, err
		}
	}
	return s.Store.Tenant(r.Context(), id)
}

// entity is the entity id of a tenant, always by its id.
func (s *Server) entity(tenant directory.TenantID) string {
	return s.PublicURL + "/" + string(tenant) + "/"
}

// endpoint is where a tenant takes messages, as metadata says.
func (s *Server) endpoint(tenant directory.TenantID) string {
	return s.PublicURL + "/" + string(tenant) + ssoPath
}

// address returns where r came in, which a message has to have as its destination: by the tenant's id,
// or as r has it if the destination does, too.
func (s *Server) address(r *http.Request, tenant directory.TenantID, destination string) string {
	if typed := s.PublicURL + "/" + r.PathValue("tenant") + ssoPath; destination == typed {
		return typed
	}
	return s.endpoint(tenant)
}
