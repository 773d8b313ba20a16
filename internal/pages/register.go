package pages

import (
	"errors"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// A registrar adds a method of one kind from a person's own page.
type registrar struct {
	id   signin.MethodID
	icon string // a symbol of icons.svg
	// show returns the page that asks for what the method needs.
	show func(s *Site, r *http.Request, reg registration) (page, error)
	// take takes the form of that page. A *fault.Error shows the page again.
	take func(s *Site, r *http.Request, reg registration) (method.Credential, error)
}

// registrars are the methods that people can add themselves, best first.
var registrars = []registrar{
	{passkey.MethodID, "passkey", showAddPasskey, takeAddPasskey},
	{authenticator.MethodID, "phone", showAddPhone, takeAddPhone},
	{totp.MethodID, "keypad", showAddCode, takeAddCode},
	{password.MethodID, "lock", showAddPassword, takeAddPassword},
}

// A registration is a method that a person is adding.
type registration struct {
	frame // of its page; Action is where its form goes
	setup
	me    knownAccount
	place signin.Place
}

// A setup is what stands around the form that adds a method: the person's own pages, or the
// wizard that led there.
type setup struct {
	who
	Name        string
	SignOutHref string
	BackHref    string
	Steps       wizardSteps // empty outside the wizard
}

// actor is the person, as events name them.
func (reg registration) actor() method.Actor {
	u := reg.me.user
	return method.Actor{Self: true, Session: reg.me.session.ID, CorrelationID: reg.CorrelationID, By: audit.Actor{User: &audit.UserActor{
		ID: string(u.ID), DisplayName: u.DisplayName, UserPrincipalName: u.UserPrincipalName, IPAddress: reg.place.Address.String(),
	}}}
}

// credential is the beginning of what is registered.
func (reg registration) credential(kind signin.MethodID) method.Credential {
	return method.Credential{Tenant: reg.me.session.Tenant, User: reg.me.user.ID, Kind: kind, Origin: method.OriginOf(reg.me.session, reg.place)}
}

func registrarOf(id string) (registrar, bool) {
	for _, one := range registrars {
		if string(one.id) == id {
			return one, true
		}
	}
	return registrar{}, false
}

// addPath is where methods are added.
const addPath = "/security-info/add"

// afterAdd is where a person goes on who has just added a method: back to the wizard, if it led
// there. The mark of a single registration is used up.
func (s *Site) afterAdd(w http.ResponseWriter, r *http.Request, me knownAccount) string {
	if m, ok := s.started(r, me); ok && strings.HasPrefix(m.what, wizardMark) {
		return wizardPath + "?t=" + strings.TrimPrefix(m.what, wizardMark)
	}
	browser.KeepStarted(w, "", 0)
	return doneHref("added")
}

// showAdd serves GET /security-info/add/{method}.
func (s *Site) showAdd(w http.ResponseWriter, r *http.Request) error {
	one, reg, ok, err := s.adding(w, r)
	if err != nil || !ok {
		return err
	}
	return s.renderAdd(w, r, one, reg, http.StatusOK)
}

// takeAdd serves POST /security-info/add/{method}.
func (s *Site) takeAdd(w http.ResponseWriter, r *http.Request) error {
	one, reg, ok, err := s.adding(w, r)
	if err != nil || !ok {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return err
	}
	_, err = one.take(s, r, reg)
	var f *fault.Error
	switch {
	case err == nil:
		return redirect(w, r, s.afterAdd(w, r, reg.me))
	case errors.Is(err, method.ErrProof):
		return s.askForProof(w, r, reg.me, reg.Action)
	case !errors.As(err, &f):
		return err
	}
	var status int
	reg.Fault, status = s.told(r, f)
	setRetryAfter(w, f)
	return s.renderAdd(w, r, one, reg, status)
}

func (s *Site) renderAdd(w http.ResponseWriter, r *http.Request, one registrar, reg registration, status int) error {
	p, err := one.show(s, r, reg)
	if err != nil {
		return err
	}
	s.render(w, r, status, p)
	return nil
}

// adding returns what the address says is to be added, for a person who may. ok is false when
// the answer is written.
func (s *Site) adding(w http.ResponseWriter, r *http.Request) (registrar, registration, bool, error) {
	one, known := registrarOf(r.PathValue("method"))
	if !known {
		return one, registration{}, false, method.ErrOff
	}
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return one, registration{}, false, err
	}
	at := addPath + "/" + string(one.id)
	may, err := s.SignIn.MayRegister(r.Context(), me.session.Tenant, me.user.ID, one.id)
	if err == nil && !may {
		err = method.ErrOff
	}
	if err == nil {
		err = s.mayAdd(w, r, me, one.id)
	}
	switch {
	case errors.Is(err, method.ErrProof) && r.Method == http.MethodGet:
		return one, registration{}, false, s.proveAgain(w, r, me, at)
	case errors.Is(err, method.ErrProof):
		return one, registration{}, false, s.askForProof(w, r, me, at)
	case err != nil:
		return one, registration{}, false, err
	}
	tenant, err := s.tenant(r.Context(), me.session.Tenant)
	if err != nil {
		return one, registration{}, false, err
	}
	reg := registration{frame: s.frame(r, tenant), me: me, place: place(r)}
	reg.Action = at
	reg.setup, err = s.setup(r, me, reg.Lang, one.id)
	reg.SignOutHref = signOutHref(tenant)
	return one, reg, err == nil, err
}

func (s *Site) setup(r *http.Request, me knownAccount, lang string, kind signin.MethodID) (setup, error) {
	around := setup{who: who{Username: me.user.UserPrincipalName}, Name: me.user.DisplayName, BackHref: "/security-info"}
	m, ok := s.started(r, me)
	if !ok || !strings.HasPrefix(m.what, wizardMark) {
		return around, nil
	}
	around.BackHref = wizardPath + "?t=" + strings.TrimPrefix(m.what, wizardMark)
	asking, err := s.Interrupts.Ask(r.Context(), me.session, me.user.ID)
	if err != nil {
		return around, err
	}
	ways, err := s.ways(r, me)
	if err != nil {
		return around, err
	}
	around.Steps = s.wizardSteps(lang, ways, asking.Wanted)
	around.Steps.begin(kind)
	return around, nil
}

// self is the person of me, as events name them.
func self(r *http.Request, me knownAccount) method.Actor {
	f := request.From(r.Context())
	return registration{frame: frame{CorrelationID: f.CorrelationID}, me: me, place: place(r)}.actor()
}
