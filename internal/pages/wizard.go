package pages

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// wizardPage is wizard.html: what stands between a sign-in and the application, so that the
// person can get back in. The buttons are later, go and prove.
type wizardPage struct {
	frame
	who
	Application string
	Steps       wizardSteps
	Current     *wizardStep // nil when all are done
	Others      []offer     // whatever else policy lets them add
	Later       bool
	Left        int  // how often Later may be said; -1 for always
	GoOn        bool // nothing is asked any more
	FreshUntil  time.Time
	ProveHref   string // always empty: the button prove begins the sign-in again
}

// A wizardStep is one method to add.
type wizardStep struct {
	Name   string // short, in the page's language
	Button string // leads to it
	Done   bool
	Now    bool
	Add    offer
	Kind   signin.MethodID
}

// wizardSteps are all of them, in order.
type wizardSteps []wizardStep

// Ready reports whether all is done.
func (all wizardSteps) Ready() bool {
	return !slices.ContainsFunc(all, func(one wizardStep) bool { return !one.Done })
}

// begin marks the step of the given kind as the one that is taken, or else the first that is
// not done, and returns it; nil when there is none.
func (all wizardSteps) begin(kind signin.MethodID) *wizardStep {
	i := slices.IndexFunc(all, func(one wizardStep) bool { return one.Kind == kind })
	if i < 0 {
		i = slices.IndexFunc(all, func(one wizardStep) bool { return !one.Done })
	}
	if i < 0 {
		return nil
	}
	all[i].Now = true
	return &all[i]
}

func (wizardPage) file() string { return "wizard.html" }

// Interrupts decide what stands between a session and an application.
type Interrupts interface {
	Ask(ctx context.Context, s signin.Session, user directory.UserID) (method.Asking, error)
}

// wizardPath is where the wizard is; t names the sign-in.
const wizardPath = "/signin/register"

// wizardVisit is a sign-in that is done, and the session that it ended in.
func (s *Site) wizardVisit(r *http.Request) (visit, knownAccount, error) {
	v, err := s.visit(r)
	if err != nil {
		return v, knownAccount{}, err
	}
	i := slices.IndexFunc(v.accounts, func(a knownAccount) bool { return v.transaction.Done() && a.token.ID == v.transaction.Session })
	if i < 0 {
		return v, knownAccount{}, signin.ErrGone
	}
	return v, v.accounts[i], nil
}

// showWizard serves GET /signin/register.
func (s *Site) showWizard(w http.ResponseWriter, r *http.Request) error {
	v, me, err := s.wizardVisit(r)
	if err != nil {
		return err
	}
	p, err := s.wizardPage(r, v, me)
	if err != nil {
		return err
	}
	// What is started while the proof is fresh may be finished, in one sitting.
	if !p.FreshUntil.IsZero() {
		what := wizardMark + browser.HandleName(v.handle)
		if m, ok := s.started(r, me); !ok || m.what != what {
			if err := s.start(w, r, me, what); err != nil {
				return err
			}
		}
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

// takeWizard serves POST /signin/register.
func (s *Site) takeWizard(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v, me, err := s.wizardVisit(r)
	if err != nil {
		return err
	}
	if r.PostForm.Has("prove") {
		t := v.transaction
		_, handle, err := s.SignIn.Raise(r.Context(), signin.Transaction{
			Tenant: t.Tenant, CorrelationID: t.CorrelationID, Application: t.Application, Continue: t.Continue, Request: t.Request,
			FormTarget: t.FormTarget, Require: signin.Requirement{Since: s.Now()},
		}, me.session, me.user, place(r))
		if err != nil {
			return err
		}
		if err := browser.KeepTransaction(w, r, handle, signin.TransactionLifetime); err != nil {
			return err
		}
		return redirect(w, r, Address(handle))
	}
	asking, err := s.Interrupts.Ask(r.Context(), me.session, me.user.ID)
	if err != nil {
		return err
	}
	if asking.Ask && (!asking.Later || !r.PostForm.Has("later")) {
		return redirect(w, r, wizardPath+"?t="+browser.HandleName(v.handle))
	}
	if asking.Ask {
		if err := s.postpone(r, me); err != nil {
			return err
		}
	}
	browser.KeepStarted(w, "", 0)
	return s.proceed(w, r, v)
}

// postpone counts a Later, once for each sign-in.
func (s *Site) postpone(r *http.Request, me knownAccount) error {
	e := s.ownEvent(r, me, audit.Change{
		Activity: audit.UserCanceledRegistration, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
		Operation: audit.OperationUpdate, Result: audit.Success, ResultReason: "Postponed",
	})
	return s.Campaigns.Snooze(r.Context(), me.session.Tenant, me.user.ID, me.session.AuthTime(), s.Now(), e)
}

func (s *Site) wizardPage(r *http.Request, v visit, me knownAccount) (wizardPage, error) {
	p := wizardPage{frame: s.stepFrame(r, v), who: who{Username: me.user.UserPrincipalName}, Application: applicationName(v)}
	p.Action = wizardPath + "?t=" + browser.HandleName(v.handle)
	if until := method.FreshUntil(me.session); s.Now().Before(until) {
		p.FreshUntil = until
	} else if m, ok := s.started(r, me); ok && strings.HasPrefix(m.what, wizardMark) {
		p.FreshUntil = m.at.Add(method.FinishWithin)
	}
	asking, err := s.Interrupts.Ask(r.Context(), me.session, me.user.ID)
	if err != nil {
		return p, err
	}
	p.GoOn, p.Later, p.Left = !asking.Ask, asking.Later, asking.Left
	ways, err := s.ways(r, me)
	if err != nil {
		return p, err
	}
	p.Steps = s.wizardSteps(p.Lang, ways, asking.Wanted)
	p.Current = p.Steps.begin("")
	for _, one := range ways.open {
		if !slices.ContainsFunc(p.Steps, func(step wizardStep) bool { return step.Kind == one.id }) {
			p.Others = append(p.Others, s.addOffer(p.Lang, one))
		}
	}
	return p, nil
}

// wizardSteps are the methods that a person is led through: a passkey, then the phone, as policy
// has them; or, where a campaign wants one, that one.
func (s *Site) wizardSteps(lang string, w ways, wanted signin.MethodID) wizardSteps {
	var all wizardSteps
	add := func(kinds ...signin.MethodID) {
		for _, kind := range kinds {
			i := slices.IndexFunc(w.open, func(one registrar) bool { return one.id == kind })
			if i < 0 {
				continue
			}
			all = append(all, wizardStep{
				Name: s.View.Text(lang, "method_"+string(kind)+"_short"), Button: s.View.Text(lang, "method_"+string(kind)+"_setup"), Kind: kind, Add: s.addOffer(lang, w.open[i]),
				Done: slices.ContainsFunc(w.credentials, func(c method.Credential) bool { return c.Kind == kind && c.Works() }),
			})
			return
		}
	}
	if wanted != "" {
		add(wanted)
		return all
	}
	add(passkeyKind)
	add(phoneKind, totp.MethodID)
	if len(all) == 0 && len(w.open) > 0 {
		add(w.open[0].id)
	}
	return all
}
