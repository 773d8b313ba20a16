package pages

import (
	"net/http"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

// ask shows the next question of a sign-in; f says what was wrong with the last answer.
func (s *Site) ask(w http.ResponseWriter, r *http.Request, v visit, f *fault.Error) error {
	step, facts, err := s.SignIn.Next(r.Context(), v.transaction, len(v.accounts))
	if err != nil {
		return err
	}
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
		s.render(w, r, status, s.identifyPage(base, v))
	case signin.StepMethods:
		s.render(w, r, status, s.methodsPage(base, v, facts))
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
	case signin.Step(tap.MethodID):
		s.render(w, r, status, accessPassPage{frame: base, who: s.who(v), WorksFrom: v.worksFrom, OtherWaysHref: Address(v.handle) + "&go=methods"})
	default:
		return signin.ErrGone
	}
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

func (s *Site) identifyPage(base frame, v visit) page {
	p := identifyPage{frame: base, Username: v.transaction.LoginHint, Application: applicationName(v)}
	switch domain := v.tenant.DefaultDomain(); {
	case v.transaction.DomainHint != "":
		p.Example = "sam"
	case domain != "":
		p.Example = "sam@" + domain
	}
	return p
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
	p := methodsPage{frame: base, who: s.who(v)}
	for _, id := range facts.Methods {
		if id != tap.MethodID || len(facts.Methods) == 1 {
			continue // the page one comes from is no other way
		}
		p.Offers = append(p.Offers, offer{
			Icon: "pass", Name: s.View.Text(base.Lang, "method_accesspass"),
			Description: s.View.Text(base.Lang, "method_accesspass_text"),
			Href:        Address(v.handle) + "&go=" + string(tap.MethodID),
		})
	}
	if len(facts.Methods) > 0 {
		p.BackHref = Address(v.handle) + "&go=" + string(facts.Methods[0])
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
