package pages

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/directory/branding"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/drill"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/recovery/presentation"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// A Site serves the pages. Every field is required but the last two.
type Site struct {
	View    *View
	SignIn  *signin.Service
	Tenants Tenants
	Passes  tap.Store
	PINs    PINs
	Groups  tap.Groups
	// Registry adds and removes people's methods.
	Registry *method.Registry
	// Interrupts decide what stands between a session and an application; Campaigns keeps what
	// people answer.
	Interrupts Interrupts
	Campaigns  method.Campaigns
	Passkeys   passkey.Registrar
	Codes      totp.Enrolment
	// Phones adds phones; PublicURL is where they find this server.
	Phones    authenticator.Phones
	PublicURL string
	// Passwords are there for those who have one.
	Passwords password.Passwords
	Events    Events
	// Hooks says whether a service that proves identities is told of cases; nil where none is.
	Hooks Hooks
	// Handovers open the links by which passes are handed over.
	Handovers handover.Service
	// Cases are recovery cases; CaseMails writes to people about them, and Matcher asks their
	// phones, nil where none are asked.
	Cases     recovery.Service
	Drills    drill.Service
	CaseMails CaseMails
	Matcher   Matcher
	// Presentations ask wallets for credentials.
	Presentations presentation.Service
	Images        Images
	Now           func() time.Time
	Log           *slog.Logger
	Upstreams     Upstreams
	// LogoutPages are the pages of applications that are to learn that a session ended.
	LogoutPages func(ctx context.Context, session signin.Session) ([]string, error)
	// ConsolePath is where administrators go; empty leaves the link out.
	ConsolePath string
	// Mailbox, if set, can be read by whoever reaches the server.
	Mailbox Mailbox
}

// Tenants returns a tenant's name, zone and helpdesk, or directory.ErrTenantUnknown.
type Tenants interface {
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// Tenants returns the ids of all tenants.
	Tenants(ctx context.Context) ([]directory.TenantID, error)
}

// PINs are people's device PINs.
type PINs interface {
	hello.Store
	// Device returns a device, or directory.ErrDeviceUnknown.
	Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error)
	// DevicesOf returns the devices that a person owns.
	DevicesOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]directory.Device, error)
}

// Events returns what happened lately to a person's account, newest first: limit of the
// sign-ins, and limit of the changes.
type Events interface {
	AccountEvents(ctx context.Context, tenant directory.TenantID, user directory.UserID, limit int) ([]audit.Event, error)
}

// CaseMails writes to people about a recovery case.
type CaseMails interface {
	// MailCode mails a code to the private addresses of the person, once in a slot.
	MailCode(ctx context.Context, v recovery.View, code string, slot int64) error
	// AskToVouch asks a colleague whether it is really the person, once.
	AskToVouch(ctx context.Context, v recovery.View, colleague directory.User) error
}

// handler answers a request or returns why it can't.
type handler func(w http.ResponseWriter, r *http.Request) error

// Mount adds the site's routes to mux.
func (s *Site) Mount(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /{$}":                         s.home,
		"GET /errors/{code}":               s.errorInfo,
		"GET /signin":                      s.showStep,
		"GET /signin/asked":                s.showAsked,
		"GET " + upstreamPath:              s.leaveUpstream,
		"GET /security-info/phone":         s.showPhoneAdded,
		"GET /authenticator/{$}":           s.showApp,
		"GET /authenticator/worker.js":     s.appWorker,
		"GET /authenticator/manifest.json": s.appManifest,
		"POST /signin":                     s.takeStep,
		"GET /signin/register":             s.showWizard,
		"POST /signin/register":            s.takeWizard,
		"GET /security-info":               s.securityInfo,
		"GET /security-info/forgot":        s.showForgot,
		"GET /security-info/add/{method}":  s.showAdd,
		"POST /security-info/add/{method}": s.takeAdd,
		"GET /security-info/add":           s.showAddWay,
		"GET /security-info/prove":         s.showProve,
		"GET /security-info/method/{id}":   s.showMethod,
		"GET /security-info/lost/{what}":   s.showLost,
		"POST /security-info/lost/{what}":  s.takeLost,
		"GET /security-info/not-me":        s.showNotMe,
		"POST /security-info/not-me":       s.takeNotMe,
		"POST /security-info/rename":       s.renameMethod,
		"POST /security-info/disown":       s.disownMethod,
		"POST /security-info/thaw":         s.thawMethod,
		"POST /security-info/remove":       s.removeMethod,
		"POST /security-info/end":          s.endSession,
		"POST /security-info/everywhere":   s.endEverywhere,
		"GET " + PracticePath:              s.showPractice,
		"POST " + PracticePath:             s.takePractice,
		"GET " + OpenPath:                  s.showHandover,
		"POST " + OpenPath:                 s.takeHandover,
		"GET " + openReadyPath:             s.showReady,
		"POST " + openReadyPath:            s.takeReady,
		"GET " + recoverPath:               s.showRecover,
		"POST " + recoverPath:              s.held(s.takeRecover),
		"GET " + casePath:                  s.held(s.showCase),
		"POST " + casePath:                 s.held(s.takeCase),
		"GET " + casePath + "/stands":      s.held(s.showCaseStands),
		"GET " + presentation.ReturnPath:   s.held(s.showPresented),
		"GET " + DenyPath:                  s.showDeny,
		"POST " + DenyPath:                 s.takeDeny,

		"GET " + approvePath + "{tenant}/{case}":  s.showApprove,
		"POST " + approvePath + "{tenant}/{case}": s.takeApprove,
		"GET " + vouchPath + "{tenant}/{case}":    s.showVouch,
		"POST " + vouchPath + "{tenant}/{case}":   s.takeVouch,
	} {
		mux.Handle(pattern, s.guard(h))
	}
	mux.Handle("GET "+presentation.Path+"{tenant}/{id}", s.wallet(s.walletRequest))
	mux.Handle("POST "+presentation.Path+"{tenant}/{id}", s.wallet(s.walletAnswer))
	mux.Handle("POST "+upstreamPath, s.guardUpTo(maxAssertion, s.takeForm))
	if s.Mailbox != nil {
		mux.Handle("GET /mailbox", s.guard(s.showMailbox))
		mux.Handle("GET /mailbox/{mail}", s.guard(s.showMail))
	}
	mux.Handle("GET /assets/", Assets())
	mux.HandleFunc("GET "+branding.Root+"{file}", s.brandingStyle)
	mux.HandleFunc("GET "+branding.Root+"{tenant}/{file}", s.brandingImage)
}

// maxForm bounds the body of a form, in bytes.
const maxForm = 64 << 10

// guard turns an error into the error page: a fault is told, anything else is logged and
// only its correlation id shown.
func (s *Site) guard(h handler) http.Handler { return s.guardUpTo(maxForm, h) }

func (s *Site) guardUpTo(limit int64, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		if err := h(w, r); err != nil {
			s.ShowError(w, r, err, directory.Tenant{})
		}
	})
}

// ShowError shows the error page. A tenant without an id leaves the brand neutral.
func (s *Site) ShowError(w http.ResponseWriter, r *http.Request, err error, tenant directory.Tenant) {
	f, status := s.told(r, err)
	page := errorPage{frame: s.frame(r, tenant)}
	page.Fault = f
	switch {
	case errors.Is(err, signin.ErrGone):
		page.RetryHref = "/"
	case errors.Is(err, ErrCaseElsewhere):
		page.RetryHref = securityInfoPath
	}
	setRetryAfter(w, f)
	s.render(w, r, status, page)
}

// told returns the fault that a person may see and the status that goes with it; what is
// no fault is logged here, once.
func (s *Site) told(r *http.Request, err error) (*fault.Error, int) {
	var f *fault.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		status, ok := request.Status(f.Kind)
		if !ok || status == http.StatusUnauthorized { // a page asks for no credential by HTTP
			status = http.StatusBadRequest
		}
		return f, status
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge
	case r.Context().Err() != nil:
		return nil, http.StatusServiceUnavailable //nolint:nilerr // the browser is gone: nobody reads the answer
	}
	s.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path,
		"correlation_id", request.From(r.Context()).CorrelationID, "err", err)
	return nil, http.StatusInternalServerError
}

func setRetryAfter(w http.ResponseWriter, f *fault.Error) {
	if f != nil && f.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(f.RetryAfter))
	}
}

func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	if err := s.View.Render(w, status, p); err != nil {
		s.Log.ErrorContext(r.Context(), "page was not rendered", "page", p.file(), "err", err)
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
	}
}

// frame fills what all pages of a tenant share.
func (s *Site) frame(r *http.Request, t directory.Tenant) frame {
	id := request.From(r.Context()).CorrelationID
	name := t.DisplayName
	if name == "" {
		name = "Postern"
	}
	return frame{
		Tenant: name, Lang: design.LanguageFor(r), Zone: t.Location(),
		Brand:         brandOf(t),
		Helpdesk:      Helpdesk{Phone: t.Helpdesk.Phone, Hours: t.Helpdesk.Hours, Mail: t.Helpdesk.Mail},
		CorrelationID: id, ShortCode: design.ShortCode(id),
	}
}

// tenant returns the tenant's facts, or neutral ones while it is not known.
func (s *Site) tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error) {
	if id == "" || id == directory.NoTenant {
		return directory.Tenant{}, nil
	}
	return s.Tenants.Tenant(ctx, id)
}

// place is where r comes from.
func place(r *http.Request) signin.Place {
	f := request.From(r.Context())
	return signin.Place{Address: f.Address, UserAgent: f.UserAgent, Browser: browser.Place(r)}
}
