package pages

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// signedIn returns the person whose page it is. Without a session a sign-in begins, which
// comes back here, and the answer is written: ok is false.
func (s *Site) signedIn(w http.ResponseWriter, r *http.Request) (who knownAccount, ok bool, err error) {
	if all := s.accounts(r); len(all) > 0 {
		if err := forPurpose(all[0].session, r.URL.Path); err != nil {
			return all[0], false, err
		}
		ok, err := s.mayBeHere(w, r, all[0])
		return all[0], ok, err
	}
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return knownAccount{}, false, err
	}
	back := "/security-info"
	if r.Method == http.MethodGet {
		back = ownPath(r.URL.Path)
	}
	return knownAccount{}, false, s.begin(w, r, tenant.ID, back)
}

// forPurpose reports directory.ErrPurposeBound when the pass behind a session is for something
// else than the page. One for methods adds some, and sees nothing else of the account.
func forPurpose(session signin.Session, path string) error {
	adds := path == securityInfoPath || path == addPath || strings.HasPrefix(path, addPath+"/") || path == provePath || path == "/security-info/phone"
	if session.Purpose != "" && !(session.Purpose.Registers() && adds) {
		return directory.ErrPurposeBound
	}
	return nil
}

// securityInfoPath is the first of a person's own pages.
const securityInfoPath = "/security-info"

// mayBeHere reports whether the rules let the person of a session use their own pages, which is
// the user action of registering security info; else what they are to prove is asked for, or a
// page says which rule stops them.
func (s *Site) mayBeHere(w http.ResponseWriter, r *http.Request, me knownAccount) (bool, error) {
	v, err := s.SignIn.Judge(r.Context(), signin.Question{
		Tenant: me.session.Tenant, User: me.user.ID, Username: me.user.UserPrincipalName, App: directory.PagesAppID,
		Client: access.Browser, Place: place(r), Proofs: me.session.Proofs, At: s.Now(),
	})
	if err != nil || v.Allows() {
		return err == nil, err
	}
	back := "/security-info"
	if r.Method == http.MethodGet {
		back = ownPath(r.URL.Path)
	}
	return false, s.prove(w, r, me, back, signin.Requirement{})
}

// ownPagesName is what the log calls these pages.
const ownPagesName = "Postern Security Info"

// securityInfo serves GET /security-info: a person's own methods and sessions.
func (s *Site) securityInfo(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	if me.session.Purpose != "" {
		return s.renderAddWay(w, r, me)
	}
	p, err := s.ownPage(r, me)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

func signOutHref(t directory.Tenant) string { return "/" + string(t.ID) + "/oauth2/v2.0/logout" }

func (s *Site) ownPage(r *http.Request, me knownAccount) (page, error) {
	ctx := r.Context()
	tenant, err := s.tenant(ctx, me.session.Tenant)
	if err != nil {
		return nil, err
	}
	p := securityInfoPage{
		frame: s.frame(r, tenant), Name: me.user.DisplayName, Username: me.user.UserPrincipalName,
		SignOutHref: signOutHref(tenant), ProveHref: provePath,
		RemoveAction: removePath, EndAction: "/security-info/end", EverywhereAction: "/security-info/everywhere",
	}
	if key, ok := dones[r.URL.Query().Get("done")]; ok {
		p.Notice = s.View.Text(p.Lang, key)
	}
	if until := method.FreshUntil(me.session); s.Now().Before(until) {
		p.FreshUntil = until
	}
	if p.Pass, err = s.ownPass(r, me); err != nil {
		return nil, err
	}
	if p.Signals, err = s.signals(r, me); err != nil {
		return nil, err
	}
	sessions, err := s.SignIn.Store.Sessions(ctx, me.session.Tenant, me.user.ID, s.Now())
	if err != nil {
		return nil, err
	}
	if err := s.fillWays(r, me, &p); err != nil {
		return nil, err
	}
	for _, one := range sessions {
		p.Sessions = append(p.Sessions, ownSessionRow(one, me))
	}
	devices, err := s.PINs.DevicesOf(ctx, me.session.Tenant, me.user.ID)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		p.Devices = append(p.Devices, ownDevice{Name: d.DisplayName, System: d.OperatingSystem, SeenAt: d.SeenAt, Off: !d.AccountEnabled && !d.Unreadable, Unreadable: d.Unreadable})
	}
	events, err := s.Events.AccountEvents(ctx, me.session.Tenant, me.user.ID, 20)
	if err != nil {
		return nil, err
	}
	passwords, err := s.Passwords.Method.Enabled(ctx, me.session.Tenant)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if _, kind := method.What(e); kind == password.MethodID && !passwords {
			continue // where they are off, no page speaks of them
		}
		if text := s.changeText(p.Lang, e); text != "" {
			p.Changes = append(p.Changes, change{Text: text, At: e.At})
		}
	}
	return p, nil
}

// fillWays fills in the methods of the person and what follows from them.
func (s *Site) fillWays(r *http.Request, me knownAccount, p *securityInfoPage) error {
	w, err := s.ways(r, me)
	if err != nil {
		return err
	}
	only := w.only()
	for _, c := range w.pins {
		row, err := s.pinRow(r, me, p.Lang, c)
		if err != nil {
			return err
		}
		p.Methods = append(p.Methods, row)
	}
	for _, c := range w.credentials {
		p.Methods = append(p.Methods, s.credentialRow(p.Lang, c))
		if c.Kind == phoneKind || c.Kind == totp.MethodID {
			p.LostPhone = lostPath + "phone"
		}
		if c.Kind == passkeyKind {
			p.LostPhone, p.LostKey = lostPath+"phone", lostPath+"key"
		}
	}
	for _, m := range p.Methods {
		if m.ID == only {
			p.Only = m.Name
		}
	}
	p.Nothing = !w.strong()
	if len(w.open) > 0 {
		p.AddHref = addPath
	}
	return nil
}

func ownSessionRow(one signin.Session, me knownAccount) ownSession {
	row := ownSession{ID: one.ID, Icon: "globe", Device: one.Where(), Place: one.Address, SeenAt: one.SeenAt, Current: one.ID == me.session.ID}
	if one.Device != nil {
		row.Icon = "device"
	} else if _, system := signin.DescribeAgent(one.UserAgent); slices.Contains(phoneSystems, system) {
		row.Icon = "phone"
	}
	return row
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
	behind, err := s.Passes.Backing(r.Context(), pass)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	state := pass.Usability(policy, policy.InScope(groups), now)
	return &ownPass{
		ID: pass.ID, State: string(state), Stopped: state.Lasts() && pass.Stop(behind, now) != "",
		StartsAt: pass.Start, EndsAt: pass.End(), Once: pass.SingleUse,
	}, nil
}

func byPIN(in *audit.SignIn) bool {
	return len(in.Details) > 0 && in.Details[0].Method == audit.MethodHello
}

// changeText says in words what an event did to the account, or "" for what is not shown.
func (s *Site) changeText(lang string, e audit.Event) string {
	if e.SignIn != nil {
		return s.signInText(lang, e.SignIn)
	}
	if key := deviceChange(e.Change); key != "" {
		return s.View.Text(lang, key, "Device", deviceName(e.Change))
	}
	switch e.Change.Activity {
	case audit.PassReverted:
		return s.View.Text(lang, "change_reverted")
	case audit.ChangeDisputed:
		return s.View.Text(lang, "change_disputed")
	case audit.CaseQuarantined:
		return s.View.Text(lang, "change_quarantined")
	case audit.CaseReleased:
		return s.View.Text(lang, "change_released")
	case audit.SessionEnded:
		return s.View.Text(lang, "change_session_ended")
	case audit.RevokeSessions:
		return s.View.Text(lang, "change_everywhere")
	}
	if what, kind := method.What(e); what != "" {
		name := s.View.Text(lang, "method_"+string(kind))
		if by := nameOf(e.Change.By); by != "" && !byPerson(e.Change) {
			return s.View.Text(lang, "change_method_"+what+"_by", "Method", name, "By", by)
		}
		return s.View.Text(lang, "change_method_"+what, "Method", name)
	}
	switch e.Change.Activity {
	case audit.AdminRegisteredSecurityInfo, audit.UserRegisteredSecurityInfo:
		return s.View.Text(lang, "change_pass_issued", "By", nameOf(e.Change.By))
	case audit.AdminDeletedSecurityInfo, audit.UserDeletedSecurityInfo:
		return s.View.Text(lang, "change_pass_removed")
	}
	return ""
}

// signInText says by what the person signed in, in one word a method.
func (s *Site) signInText(lang string, in *audit.SignIn) string {
	switch {
	case in.ErrorCode != 0 || !in.Interactive:
		return ""
	case byPIN(in):
		return s.View.Text(lang, "change_pin_used")
	case in.PassID != "":
		return s.View.Text(lang, "change_pass_used")
	}
	return s.View.Text(lang, "change_signed_in")
}

func nameOf(by audit.Actor) string {
	switch {
	case by.User != nil:
		return by.User.DisplayName
	case by.App != nil:
		return by.App.DisplayName
	}
	return ""
}

// byPerson reports whether the person whom c is about did it.
func byPerson(c *audit.Change) bool {
	return c.By.User != nil && len(c.Targets) > 0 && c.By.User.ID == c.Targets[0].ID
}

// pinRow is a device PIN in the list of a person's methods. When it was used last is known while
// a session from it lives.
func (s *Site) pinRow(r *http.Request, me knownAccount, lang string, c hello.Container) (ownMethod, error) {
	d, err := s.deviceOf(r, c)
	if err != nil {
		return ownMethod{}, err
	}
	row := ownMethod{
		Unreadable: c.Unreadable,
		ID:         c.Method, Icon: "keypad", Name: s.View.Text(lang, "method_hello"), Kind: d.DisplayName, AddedAt: c.RegisteredAt, Href: methodHref(c.Method),
	}
	sessions, err := s.SignIn.Store.Sessions(r.Context(), me.session.Tenant, me.user.ID, s.Now())
	for _, one := range sessions {
		if one.Method == c.Method && one.CreatedAt.After(row.UsedAt) {
			row.UsedAt = one.CreatedAt
		}
	}
	return row, err
}

// deviceOf is the device of a PIN: as much of it as can be read, and nothing of one that is gone.
func (s *Site) deviceOf(r *http.Request, c hello.Container) (directory.Device, error) {
	d, err := s.PINs.Device(r.Context(), c.Tenant, c.Device)
	if errors.Is(err, directory.ErrDeviceUnknown) || errors.Is(err, directory.ErrUnreadable) {
		return d, nil
	}
	return d, err
}

// credentialRow is a credential in the list of a person's methods.
func (s *Site) credentialRow(lang string, c method.Credential) ownMethod {
	m := ownMethod{
		ID: c.ID, Icon: iconOf(c.Kind), Name: c.Name, Kind: s.View.Text(lang, "method_"+string(c.Kind)), AddedAt: c.CreatedAt,
		UsedAt: c.UsedAt, UsedOn: c.UsedOn, Frozen: c.Frozen(), Unreadable: c.Unreadable, Href: methodHref(c.ID),
	}
	if c.Kind == password.MethodID { // it has a page of its own, which asks for it
		m.Name, m.Href = m.Kind, addPath+"/"+string(c.Kind)
	}
	if m.Name == "" {
		m.Name = m.Kind
	}
	if m.Kind == m.Name {
		m.Kind = ""
	}
	return m
}

// removePass removes the person's own pass.
func (s *Site) removePass(r *http.Request, me knownAccount, id string) error {
	e := s.ownEvent(r, me, audit.Change{
		Activity: audit.UserDeletedSecurityInfo, Category: audit.CategoryUserManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
		Result: audit.Success, ResultReason: audit.ReasonUserDeletedPass,
	})
	return s.Passes.DeletePass(r.Context(), me.session.Tenant, me.user.ID, id, s.Now(), e)
}

func (s *Site) removePIN(r *http.Request, me knownAccount, c hello.Container) error {
	d, err := s.deviceOf(r, c)
	if err != nil {
		return err
	}
	e := s.ownEvent(r, me, audit.Change{
		Activity: audit.UserDeletedSecurityInfo, Category: audit.CategoryUserManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
		Result: audit.Success, ResultReason: audit.ReasonUserDeletedHello,
		Details: []audit.KeyValue{{Key: hello.DetailMethod, Value: c.Method}, {Key: "Container", Value: c.ID}, {Key: "Device Id", Value: c.DeviceID}},
	})
	e.Change.Targets = append(e.Change.Targets, audit.Target{ID: string(c.Device), Type: audit.TargetDevice, DisplayName: d.DisplayName})
	return s.PINs.RemoveContainer(r.Context(), c, s.Now(), e)
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
	e := s.ownEvent(r, me, endedChange(activity))
	if err := s.SignIn.Store.EndSessions(r.Context(), me.session.Tenant, me.user.ID, session, s.Now(), e); err != nil {
		return err
	}
	return redirect(w, r, "/security-info")
}

// endedChange is the event of sessions that their person ended.
func endedChange(activity string) audit.Change {
	return audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServiceCoreDirectory,
		Operation: audit.OperationUpdate, Result: audit.Success,
	}
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
