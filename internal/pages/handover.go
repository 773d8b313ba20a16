package pages

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// handoverPage is handover.html: where the link leads by which a pass is handed over. The code is
// in the part of the address that no browser sends; a script moves it into the field code, and it
// can be typed there. After a proof the field open opens it, once.
type handoverPage struct {
	frame
	Ready    bool   // the opener may open it
	Spoken   bool   // a code that was read out opens it, without a sign-in
	Owner    string // whose pass it is
	Own      bool   // the reader's own
	Passcode string // once, after it was opened
	Starts   time.Time
	EndsAt   time.Time
	Once     bool
	UseHref  string // takes the reader's own pass here; empty where it works elsewhere, or later

	here bool   // it works here and now
	name string // to sign in with
}

func (handoverPage) file() string { return "handover.html" }

// The paths of hand-overs. OpenPath is where the link of a mail leads, without its code.
const (
	OpenPath      = "/recover/open"
	openReadyPath = OpenPath + "/now"
)

func (s *Site) handoverPage(r *http.Request, tenant directory.Tenant) handoverPage {
	p := handoverPage{frame: s.frame(r, tenant)}
	p.Action = OpenPath
	return p
}

// showHandover serves GET /recover/open. Whoever opens links by themselves, as mail scanners do,
// spends nothing.
func (s *Site) showHandover(w http.ResponseWriter, r *http.Request) error {
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, s.handoverPage(r, tenant))
	return nil
}

// takeHandover serves POST /recover/open: keeps the code in the browser and asks for the proof.
func (s *Site) takeHandover(w http.ResponseWriter, r *http.Request) error {
	code := codeOfLink(r.PostFormValue("code"))
	h, err := s.Handovers.Look(r.Context(), code)
	if err != nil {
		return s.failHandover(w, r, err)
	}
	browser.KeepHandover(w, code, signin.TransactionLifetime)
	opener, me, err := s.opener(r, h)
	if err != nil {
		return err
	}
	switch err := h.Check(opener, s.Now()); {
	case err == nil, s.maySpeak(r, h, me, err):
		return redirect(w, r, openReadyPath)
	case errors.Is(err, handover.ErrProof), errors.Is(err, handover.ErrReader) && me.user.ID == "":
		return s.proveToOpen(w, r, h, me)
	}
	return s.openHandover(w, r, code)
}

// codeOfLink is a code that was typed, or that of a whole link.
func codeOfLink(typed string) string {
	typed = strings.TrimSpace(typed)
	if _, after, found := strings.Cut(typed, "#"); found {
		return after
	}
	return typed
}

// opener says who is at the browser: of several accounts the one that the link is for.
func (s *Site) opener(r *http.Request, h handover.Handover) (handover.Opener, knownAccount, error) {
	var me knownAccount
	for _, a := range s.accounts(r) {
		if a.session.Tenant != h.Tenant {
			continue
		}
		if a.user.ID == h.Reader {
			o := handover.Opener{User: a.user.ID, ProvedAt: resistantSince(a.session)}
			if h.MethodBy.IsZero() {
				return o, a, nil
			}
			known, err := s.heldBy(r, a, h.MethodBy)
			if at := resistantSince(known); !at.IsZero() && s.Now().Sub(at) <= handover.Fresh {
				o.ProvedAt, o.Known = at, true
			}
			return o, a, err
		}
		if me.user.ID == "" {
			me = a
		}
	}
	return handover.Opener{User: me.user.ID}, me, nil
}

// heldBy is the session of a with the proofs by methods that were registered by then, and whose device PIN
// was not replaced since. A proof of which nobody knows that is none of them.
func (s *Site) heldBy(r *http.Request, a knownAccount, then time.Time) (signin.Session, error) {
	one := a.session
	one.Proofs = nil
	for _, p := range a.session.Proofs {
		held, err := s.hadBy(r, a, p, then)
		if err != nil {
			return one, err
		}
		if held {
			one.Proofs = append(one.Proofs, p)
		}
	}
	return one, nil
}

func (s *Site) hadBy(r *http.Request, a knownAccount, p signin.Proof, then time.Time) (bool, error) {
	if p.Credential != nil {
		c, err := s.ownCredential(r, a, p.Credential.ID)
		if errors.Is(err, method.ErrNone) {
			return false, nil
		}
		return err == nil && !c.CreatedAt.After(then), err
	}
	if p.Method != hello.MethodID || a.session.Device == nil {
		return false, nil
	}
	pins, err := s.PINs.ContainersOf(r.Context(), a.session.Tenant, a.user.ID)
	return slices.ContainsFunc(pins, func(c hello.Container) bool {
		return c.DeviceID == a.session.Device.DeviceID && !c.RegisteredAt.After(then) &&
			!slices.ContainsFunc(c.Renewals, func(n method.Renewal) bool { return n.At.After(then) })
	}), err
}

// resistantSince is when the person of a session last proved who they are by two factors that
// resist phishing, or zero.
func resistantSince(one signin.Session) (at time.Time) {
	for _, p := range one.Proofs {
		if p.At.After(at) && (signin.Requirement{PhishingResistant: true, Since: p.At}).Met(one.Proofs) {
			at = p.At
		}
	}
	return at
}

// proveToOpen asks the reader to show who they are by what resists phishing.
func (s *Site) proveToOpen(w http.ResponseWriter, r *http.Request, h handover.Handover, me knownAccount) error {
	return s.proveResistant(w, r, h.Tenant, me, openReadyPath)
}

// proveResistant asks for a fresh proof that resists phishing, of the person of a session or, without
// one, of whoever signs in, and comes back to a path of this server.
func (s *Site) proveResistant(w http.ResponseWriter, r *http.Request, tenant directory.TenantID, me knownAccount, back string) error {
	want := signin.Requirement{PhishingResistant: true, Since: s.Now()}
	if me.user.ID != "" {
		return s.prove(w, r, me, back, want)
	}
	_, handle, err := s.SignIn.Begin(r.Context(), signin.Transaction{
		Tenant: tenant, CorrelationID: request.From(r.Context()).CorrelationID, Continue: back,
		Application: signin.App{ID: directory.PagesAppID, DisplayName: ownPagesName}, Require: want,
	}, place(r))
	if err != nil {
		return err
	}
	if err := browser.KeepTransaction(w, r, handle, signin.TransactionLifetime); err != nil {
		return err
	}
	return redirect(w, r, Address(handle))
}

// showReady serves GET /recover/open/now: the reader is here and opens it with a button.
func (s *Site) showReady(w http.ResponseWriter, r *http.Request) error {
	code := browser.Handover(r)
	h, err := s.Handovers.Look(r.Context(), code)
	if err != nil {
		return s.failHandover(w, r, err)
	}
	opener, me, err := s.opener(r, h)
	if err != nil {
		return err
	}
	switch err := h.Check(opener, s.Now()); {
	case r.URL.Query().Get("by") != "passkey" && s.maySpeak(r, h, me, err):
		return s.askSpoken(w, r, h, nil)
	case errors.Is(err, handover.ErrProof), errors.Is(err, handover.ErrReader) && me.user.ID == "":
		return s.proveToOpen(w, r, h, me)
	case err != nil:
		return s.openHandover(w, r, code) // which refuses and logs it
	}
	tenant, err := s.tenant(r.Context(), h.Tenant)
	if err != nil {
		return err
	}
	p := s.handoverPage(r, tenant)
	p.Action, p.Ready = openReadyPath, true
	if err := s.nameOwner(r, h, &p); err != nil {
		return s.failHandover(w, r, err)
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

// takeReady serves POST /recover/open/now: opens the link.
func (s *Site) takeReady(w http.ResponseWriter, r *http.Request) error {
	return s.openHandover(w, r, browser.Handover(r))
}

// maySpeak reports whether a code that was read out is enough for the person's own link, for somebody
// who has shown nothing else. Who is signed in as somebody else is not asked.
func (s *Site) maySpeak(r *http.Request, h handover.Handover, me knownAccount, why error) bool {
	if h.Owner != h.Reader || !errors.Is(why, handover.ErrProof) && (!errors.Is(why, handover.ErrReader) || me.user.ID != "") {
		return false
	}
	subject, err := s.Cases.Subject(r.Context(), h.Tenant, h.Owner)
	if err != nil {
		return false
	}
	policy, err := s.Cases.Cases.RecoveryPolicy(r.Context(), h.Tenant)
	return err == nil && policy.Speaks(subject, s.Now())
}

// askSpoken shows the field for the code that was read out.
func (s *Site) askSpoken(w http.ResponseWriter, r *http.Request, h handover.Handover, why error) error {
	tenant, err := s.tenant(r.Context(), h.Tenant)
	if err != nil {
		return err
	}
	p, status := s.handoverPage(r, tenant), http.StatusOK
	p.Action, p.Spoken = openReadyPath, true
	if why != nil {
		p.Fault, status = s.told(r, why)
	}
	s.render(w, r, status, p)
	return nil
}

func (s *Site) openHandover(w http.ResponseWriter, r *http.Request, code string) error {
	h, err := s.Handovers.Look(r.Context(), code)
	if err != nil {
		return s.failHandover(w, r, err)
	}
	opener, me, err := s.opener(r, h)
	if err != nil {
		return err
	}
	if typed := r.PostFormValue("spoken"); typed != "" && s.maySpeak(r, h, me, h.Check(opener, s.Now())) {
		err := s.Handovers.Said(r.Context(), h, typed, actorOf(r, me), request.From(r.Context()).CorrelationID)
		if errors.Is(err, handover.ErrSpoken) {
			return s.askSpoken(w, r, h, err)
		} else if err != nil {
			return s.failHandover(w, r, err)
		}
		opener.Spoken = true
	}
	passcode, h, err := s.Handovers.Open(r.Context(), code, opener, actorOf(r, me), request.From(r.Context()).CorrelationID)
	switch {
	case errors.Is(err, handover.ErrProof):
		return s.proveToOpen(w, r, h, me)
	case err != nil:
		return s.failHandover(w, r, err)
	}
	browser.KeepHandover(w, "", 0)
	tenant, err := s.tenant(r.Context(), h.Tenant)
	if err != nil {
		return err
	}
	p := s.handoverPage(r, tenant)
	p.Passcode, p.EndsAt = passcode, h.EndsAt
	if err := s.nameOwner(r, h, &p); err != nil {
		return s.failHandover(w, r, err)
	}
	if p.here {
		p.UseHref = s.useHere(w, r, h.Tenant, p.name)
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

// nameOwner fills in whose pass it is and how long it works.
func (s *Site) nameOwner(r *http.Request, h handover.Handover, p *handoverPage) error {
	owner, err := s.SignIn.Store.User(r.Context(), h.Tenant, h.Owner)
	if err != nil {
		return err
	}
	p.Owner, p.Own = owner.DisplayName, h.Owner == h.Reader
	pass, err := s.Passes.Pass(r.Context(), h.Tenant, h.Owner)
	if err == nil && pass.ID != h.Pass || errors.Is(err, tap.ErrNone) {
		return handover.ErrLink
	}
	p.Starts, p.EndsAt, p.Once = pass.Start, pass.End(), pass.SingleUse
	p.here = p.Own && (pass.Purpose == "" || pass.Purpose.Registers()) && !s.Now().Before(pass.Start)
	p.name = owner.UserPrincipalName
	return err
}

// failHandover says why a link does not open.
func (s *Site) failHandover(w http.ResponseWriter, r *http.Request, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		return err
	}
	tenant, other := s.onlyTenant(r)
	if other != nil {
		return other
	}
	browser.KeepHandover(w, "", 0)
	p := s.handoverPage(r, tenant)
	var status int
	p.Fault, status = s.told(r, err)
	s.render(w, r, status, p)
	return nil
}

// actorOf is the person of a session, or somebody of whom only the address is known.
func actorOf(r *http.Request, me knownAccount) audit.Actor {
	f := request.From(r.Context())
	return audit.Actor{User: &audit.UserActor{
		ID: string(me.user.ID), DisplayName: me.user.DisplayName, UserPrincipalName: me.user.UserPrincipalName, IPAddress: f.Address.String(),
	}}
}
