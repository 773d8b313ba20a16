package pages

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/signin"
)

// ask shows the next question of a sign-in; f says what was wrong with the last answer.
func (s *Site) ask(w http.ResponseWriter, r *http.Request, v visit, f *fault.Error) error {
	t, step, facts, err := s.SignIn.Next(r.Context(), v.transaction, len(v.accounts), place(r))
	if err != nil {
		return err
	}
	v.transaction = t
	status := http.StatusOK
	if f != nil {
		_, status = s.told(r, f)
		setRetryAfter(w, f)
	}
	base := s.stepFrame(r, v)
	base.Fault = f
	switch step {
	case signin.StepAccount:
		s.render(w, r, status, s.accountPage(base, v))
	case signin.StepIdentify:
		p, err := s.identifyPage(r, base, v, facts)
		if err != nil {
			return err
		}
		s.render(w, r, status, p)
	case signin.StepMethods:
		s.render(w, r, status, s.methodsPage(base, v, facts))
	case signin.StepRenew:
		return s.askNewPassword(w, r, v, base, status)
	case signin.StepStay:
		p := stayPage{frame: base, who: who{Username: v.transaction.Username}, Pass: issuedBy(v.transaction)}
		if d := v.transaction.Device; d != nil {
			if p.Pass == nil {
				return s.finish(w, r, v, false)
			}
			p.Device = d.DisplayName
		}
		s.render(w, r, status, p)
	case signin.StepDone:
		return s.finish(w, r, v, false)
	case signin.StepBlocked:
		return s.stopped(w, r, v, base, status)
	default:
		return s.askFor(w, r, v, base, signin.MethodID(step), status, facts)
	}
	return nil
}

// askFor shows the page of a method.
func (s *Site) askFor(w http.ResponseWriter, r *http.Request, v visit, base frame, id signin.MethodID, status int, facts signin.Facts) error {
	m, ok := methodPageOf(id)
	if !ok {
		return signin.ErrGone
	}
	prompt, err := s.SignIn.Prompt(r.Context(), v.transaction, id, place(r))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(signin.Useful(v.transaction, facts.Offers), func(o signin.Offer) bool { return o.Method == federated.MethodID }) {
		if v.realm, err = s.SignIn.Realm(r.Context(), v.transaction); err != nil {
			return err
		}
	}
	p, err := m.show(base, v, s.who(v), prompt)
	if err != nil {
		return err
	}
	s.render(w, r, status, p)
	return nil
}

// stepFrame is the frame of a page of a sign-in: its ids are those of the events.
func (s *Site) stepFrame(r *http.Request, v visit) frame {
	f := s.frame(r, v.tenant)
	t := v.transaction
	f.CorrelationID, f.ShortCode = t.CorrelationID, design.ShortCode(t.CorrelationID)
	f.Action, f.KeepOpener = Address(v.handle), true
	if t.FormTarget != "" {
		f.FormTargets = []string{t.FormTarget}
	}
	return f
}

func (s *Site) who(v visit) who {
	return who{Username: v.transaction.Username, NotYouHref: Address(v.handle) + "&go=forget"}
}

func (s *Site) identifyPage(r *http.Request, base frame, v visit, facts signin.Facts) (page, error) {
	p := identifyPage{frame: base, Username: v.transaction.LoginHint, Application: applicationName(v)}
	switch domain := v.tenant.DefaultDomain(); {
	case v.transaction.DomainHint != "":
		p.Example = "sam"
	case domain != "":
		p.Example = "sam@" + domain
	}
	if !slices.Contains(facts.Nameless, passkey.MethodID) {
		return p, nil
	}
	prompt, err := s.SignIn.Prompt(r.Context(), v.transaction, passkey.MethodID, place(r))
	p.Passkey, p.PasskeyHref = string(prompt), Address(v.handle)+"&go="+string(passkey.MethodID)
	return p, err
}

// applicationName is who asks for the sign-in; empty, which names the tenant, for a person's
// own pages.
func applicationName(v visit) string {
	if v.transaction.Application.ID == directory.PagesAppID {
		return ""
	}
	return v.transaction.Application.DisplayName
}

func (s *Site) accountPage(base frame, v visit) page {
	p := chooseAccountPage{frame: base, Application: applicationName(v)}
	for _, a := range v.accounts {
		p.Accounts = append(p.Accounts, account{ID: a.token.ID, Name: a.user.DisplayName, Username: a.user.UserPrincipalName})
	}
	return p
}

func (s *Site) methodsPage(base frame, v visit, facts signin.Facts) page {
	p := methodsPage{frame: base, who: s.who(v), RecoverHref: recoverHref(v)}
	if on := v.transaction.Continue; strings.HasPrefix(on, approvePath) || strings.HasPrefix(on, vouchPath) {
		p.KeyHref = addPasskeyPath
	}
	useful := signin.Useful(v.transaction, facts.Offers)
	for _, o := range useful {
		m, ok := methodPageOf(o.Method)
		if !ok || len(useful) == 1 {
			continue // the page one comes from is no other way
		}
		one := offer{
			Icon: m.icon, Name: s.View.Text(base.Lang, "method_"+string(m.id)),
			Description: s.View.Text(base.Lang, "method_"+string(m.id)+"_text"),
			Href:        Address(v.handle) + "&go=" + string(m.id),
		}
		switch partners := signin.Partners(v.transaction, o, facts.Offers); len(partners) {
		case 0:
		case 1:
			one.Then = s.View.Text(base.Lang, "method_then", "Method", s.View.Text(base.Lang, "method_"+string(partners[0].Method)))
		default:
			one.Then = s.View.Text(base.Lang, "method_then_more")
		}
		p.Offers = append(p.Offers, one)
	}
	if len(useful) > 0 {
		back := useful[0].Method
		if slices.ContainsFunc(useful, func(o signin.Offer) bool { return o.Method == v.transaction.Chosen }) {
			back = v.transaction.Chosen
		}
		p.BackHref = Address(v.handle) + "&go=" + string(back)
	}
	return p
}

func issuedBy(t signin.Transaction) *issuedPass {
	pass := t.Pass()
	if pass == nil || pass.IssuedBy == "" {
		return nil
	}
	return &issuedPass{By: pass.IssuedBy, Reason: pass.Reason}
}

// home serves GET /: the front door.
func (s *Site) home(w http.ResponseWriter, r *http.Request) error {
	p := homePage{SecurityInfoHref: "/security-info", ConsoleHref: s.ConsolePath}
	if all := s.accounts(r); len(all) > 0 {
		tenant, err := s.tenant(r.Context(), all[0].session.Tenant)
		if err != nil {
			return err
		}
		p.frame, p.who = s.frame(r, tenant), who{Username: all[0].user.UserPrincipalName}
		p.SignOutHref = "/" + string(tenant.ID) + "/oauth2/v2.0/logout"
	} else {
		tenant, err := s.onlyTenant(r)
		if err != nil {
			return err
		}
		p.frame, p.SignInHref = s.frame(r, tenant), "/security-info"
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}
