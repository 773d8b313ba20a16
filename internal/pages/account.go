package pages

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// signedIn returns the person whose page it is. Without a session a sign-in begins, which
// comes back here, and the answer is written: ok is false.
func (s *Site) signedIn(w http.ResponseWriter, r *http.Request) (who knownAccount, ok bool, err error) {
	if all := s.accounts(r); len(all) > 0 {
		return all[0], true, nil
	}
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return knownAccount{}, false, err
	}
	_, handle, err := s.SignIn.Begin(r.Context(), signin.Transaction{
		Tenant: tenant.ID, CorrelationID: request.From(r.Context()).CorrelationID, Continue: "/security-info",
		Application: signin.App{ID: directory.PagesAppID, DisplayName: ownPagesName},
	}, place(r))
	if err != nil {
		return knownAccount{}, false, err
	}
	if err := browser.KeepTransaction(w, r, handle, signin.TransactionLifetime); err != nil {
		return knownAccount{}, false, err
	}
	return knownAccount{}, false, redirect(w, r, Address(handle))
}

// ownPagesName is what the log calls these pages.
const ownPagesName = "Postern Security Info"

// securityInfo serves GET /security-info: a person's own methods and sessions.
func (s *Site) securityInfo(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	p, err := s.ownPage(r, me)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

func (s *Site) ownPage(r *http.Request, me knownAccount) (page, error) {
	ctx := r.Context()
	tenant, err := s.tenant(ctx, me.session.Tenant)
	if err != nil {
		return nil, err
	}
	p := securityInfoPage{
		frame: s.frame(r, tenant), Name: me.user.DisplayName, Username: me.user.UserPrincipalName,
		SignOutHref:  "/" + string(tenant.ID) + "/oauth2/v2.0/logout",
		RemoveAction: "/security-info/remove", EndAction: "/security-info/end", EverywhereAction: "/security-info/everywhere",
	}
	if p.Pass, err = s.ownPass(r, me); err != nil {
		return nil, err
	}
	if p.Methods, err = s.ownPINs(r, me, p.Lang); err != nil {
		return nil, err
	}
	registered, err := s.Registry.Store.Credentials(ctx, me.session.Tenant, me.user.ID)
	if err != nil {
		return nil, err
	}
	if registered, err = s.withoutOff(r, me.session.Tenant, registered); err != nil {
		return nil, err
	}
	for _, c := range registered {
		row := ownCredentialRow(c)
		if c.Kind == password.MethodID {
			s.passwordRow(p.Lang, &row)
		}
		p.Methods = append(p.Methods, row)
	}
	if p.Signals, err = s.signals(r, me); err != nil {
		return nil, err
	}
	sessions, err := s.SignIn.Store.Sessions(ctx, me.session.Tenant, me.user.ID, s.Now())
	if err != nil {
		return nil, err
	}
	for _, one := range sessions {
		if one.Method != "" {
			p.Sessions = append(p.Sessions, ownSession{ID: one.ID, Icon: "device", Device: one.Device.Name(), Place: one.Address, SeenAt: one.SeenAt})
			continue
		}
		browserName, system := signin.DescribeAgent(one.UserAgent)
		p.Sessions = append(p.Sessions, ownSession{
			ID: one.ID, Icon: "globe", Device: strings.Trim(browserName+", "+system, ", "), Place: one.Address,
			SeenAt: one.SeenAt, Current: one.ID == me.session.ID,
		})
	}
	events, err := s.Events.AccountEvents(ctx, me.session.Tenant, me.user.ID, 10)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if text := s.changeText(p.Lang, e); text != "" {
			p.Changes = append(p.Changes, change{Text: text, At: e.At})
		}
	}
	return p, nil
}

func (s *Site) ownPass(r *http.Request, me knownAccount) (*ownPass, error) {
	pass, err := s.Passes.Pass(r.Context(), me.session.Tenant, me.user.ID)
	if errors.Is(err, tap.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	policy, err := s.Passes.PassPolicy(r.Context(), me.session.Tenant)
	if err != nil {
		return nil, err
	}
	groups, err := s.Groups.GroupsOf(r.Context(), me.session.Tenant, string(me.user.ID))
	if err != nil {
		return nil, err
	}
	return &ownPass{
		ID: pass.ID, State: string(pass.Usability(policy, policy.InScope(groups), s.Now())),
		StartsAt: pass.Start, EndsAt: pass.End(), Once: pass.SingleUse,
	}, nil
}

func byPIN(in *audit.SignIn) bool {
	return len(in.Details) > 0 && in.Details[0].Method == audit.MethodHello
}

// changeText says in words what an event did to the account, or "" for what is not shown.
func (s *Site) changeText(lang string, e audit.Event) string {
	if e.SignIn != nil {
		if e.SignIn.ErrorCode == 0 && e.SignIn.Interactive && byPIN(e.SignIn) {
			return s.View.Text(lang, "change_pin_used")
		}
		if e.SignIn.ErrorCode == 0 && e.SignIn.Interactive {
			return s.View.Text(lang, "change_pass_used")
		}
		return ""
	}
	if key := deviceChange(e.Change); key != "" {
		return s.View.Text(lang, key, "Device", deviceName(e.Change))
	}
	switch e.Change.Activity {
	case audit.AdminRegisteredSecurityInfo, audit.UserRegisteredSecurityInfo:
		by := e.Change.By
		name := ""
		if by.User != nil {
			name = by.User.DisplayName
		} else if by.App != nil {
			name = by.App.DisplayName
		}
		return s.View.Text(lang, "change_pass_issued", "By", name)
	case audit.AdminDeletedSecurityInfo, audit.UserDeletedSecurityInfo:
		return s.View.Text(lang, "change_pass_removed")
	}
	return ""
}

// ownPINs are a person's PINs, each with its device.
func (s *Site) ownPINs(r *http.Request, me knownAccount, lang string) ([]ownMethod, error) {
	found, err := s.PINs.ContainersOf(r.Context(), me.session.Tenant, me.user.ID)
	if err != nil {
		return nil, err
	}
	var all []ownMethod
	for _, c := range found {
		d, err := s.PINs.Device(r.Context(), me.session.Tenant, c.Device)
		if err != nil && !errors.Is(err, directory.ErrDeviceUnknown) {
			return nil, err
		}
		all = append(all, ownMethod{
			ID: c.Method, Icon: "keypad", Name: s.View.Text(lang, "method_hello"), Description: d.DisplayName, Removable: true,
		})
	}
	return all, nil
}

// ownCredentialRow is a credential in the list of a person's methods.
func ownCredentialRow(c method.Credential) ownMethod {
	m := ownMethod{ID: c.ID, Icon: "key", Name: c.Name, Description: c.UsedOn, Removable: true}
	if page, ok := methodPageOf(c.Kind); ok {
		m.Icon = page.icon
	}
	return m
}

// removeMethod serves POST /security-info/remove: a person removes their own pass or PIN.
func (s *Site) removeMethod(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	now := s.Now()
	if c, err := s.PINs.ContainerOf(r.Context(), me.session.Tenant, r.FormValue("method")); err == nil && c.User == me.user.ID {
		return s.removePIN(w, r, me, c)
	}
	if c, err := s.ownCredential(r, me, r.FormValue("method")); err == nil {
		if err := s.Registry.Remove(r.Context(), c, me.user, self(r, me)); err != nil {
			return err
		}
		return redirect(w, r, "/security-info")
	}
	e := s.ownEvent(r, me, audit.Change{
		Activity: audit.UserDeletedSecurityInfo, Category: audit.CategoryUserManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
		Result: audit.Success, ResultReason: audit.ReasonUserDeletedPass,
	})
	if err := s.Passes.DeletePass(r.Context(), me.session.Tenant, me.user.ID, r.FormValue("method"), now, e); err != nil {
		return err
	}
	return redirect(w, r, "/security-info")
}

func (s *Site) removePIN(w http.ResponseWriter, r *http.Request, me knownAccount, c hello.Container) error {
	d, err := s.PINs.Device(r.Context(), c.Tenant, c.Device)
	if err != nil && !errors.Is(err, directory.ErrDeviceUnknown) {
		return err
	}
	e := s.ownEvent(r, me, audit.Change{
		Activity: audit.UserDeletedSecurityInfo, Category: audit.CategoryUserManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
		Result: audit.Success, ResultReason: audit.ReasonUserDeletedHello,
		Details: []audit.KeyValue{{Key: hello.DetailMethod, Value: c.Method}, {Key: "Container", Value: c.ID}, {Key: "Device Id", Value: c.DeviceID}},
	})
	e.Change.Targets = append(e.Change.Targets, audit.Target{ID: string(c.Device), Type: audit.TargetDevice, DisplayName: d.DisplayName})
	if err := s.PINs.RemoveContainer(r.Context(), c, s.Now(), e); err != nil {
		return err
	}
	return redirect(w, r, "/security-info")
}

// endSession serves POST /security-info/end: a person ends one of their sessions.
func (s *Site) endSession(w http.ResponseWriter, r *http.Request) error {
	return s.end(w, r, r.FormValue("session"), audit.SessionEnded)
}

// endEverywhere serves POST /security-info/everywhere: a person ends all their sessions.
func (s *Site) endEverywhere(w http.ResponseWriter, r *http.Request) error {
	return s.end(w, r, "", audit.RevokeSessions)
}

func (s *Site) end(w http.ResponseWriter, r *http.Request, session, activity string) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	if session == "" && activity != audit.RevokeSessions {
		return signin.ErrGone
	}
	e := s.ownEvent(r, me, audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServiceCoreDirectory,
		Operation: audit.OperationUpdate, Result: audit.Success,
	})
	if err := s.SignIn.Store.EndSessions(r.Context(), me.session.Tenant, me.user.ID, session, s.Now(), e); err != nil {
		return err
	}
	return redirect(w, r, "/security-info")
}

// ownEvent is an event of a person about their own account.
func (s *Site) ownEvent(r *http.Request, me knownAccount, c audit.Change) audit.Event {
	f := request.From(r.Context())
	c.By.User = &audit.UserActor{
		ID: string(me.user.ID), DisplayName: me.user.DisplayName,
		UserPrincipalName: me.user.UserPrincipalName, IPAddress: f.Address.String(),
	}
	c.Targets = []audit.Target{{
		ID: string(me.user.ID), Type: audit.TargetUser,
		DisplayName: me.user.DisplayName, UserPrincipalName: me.user.UserPrincipalName,
	}}
	return audit.Event{Tenant: string(me.session.Tenant), ID: uuid.NewString(), At: s.Now(), CorrelationID: f.CorrelationID, Change: &c}
}

// onlyTenant returns the tenant when there is just one, so that its name and helpdesk are
// on the page from the start, and neutral facts when there are several.
func (s *Site) onlyTenant(r *http.Request) (directory.Tenant, error) {
	all, err := s.Tenants.Tenants(r.Context())
	if err != nil {
		return directory.Tenant{}, err
	}
	if len(all) == 1 {
		return s.Tenants.Tenant(r.Context(), all[0])
	}
	return directory.Tenant{}, nil
}
