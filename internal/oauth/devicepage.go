package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/oauth/usercode"
	"github.com/postern-id/postern/internal/signin"
)

const (
	devicePath        = "/device"
	deviceConfirmPath = "/device/confirm"
)

// ErrUserCode says that no device waits for the code that was typed.
var ErrUserCode = &fault.Error{
	Kind: fault.Invalid, Code: "userCodeUnknown", AADSTS: 70018,
	Text: "This code isn’t known, or it is over.", Remedy: "Check each character, or start again on the other device.",
}

// showDevice serves GET /device: asks for the code.
func (s *Server) showDevice(w http.ResponseWriter, r *http.Request) {
	s.Pages.ShowDevice(w, r, devicePath, nil)
}

// takeUserCode serves POST /device: a right code leads to the sign-in, or to the choice among
// the browser's accounts. A wrong one is counted against the network it came from.
func (s *Server) takeUserCode(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil {
		err = s.beginDevice(w, r, r.PostForm.Get("otc"))
	}
	switch f, ok := errors.AsType[*fault.Error](err); {
	case err == nil:
	case ok:
		s.Pages.ShowDevice(w, r, devicePath, f)
	default:
		s.Pages.ShowError(w, r, err, directory.Tenant{})
	}
}

func (s *Server) beginDevice(w http.ResponseWriter, r *http.Request, typed string) error {
	giveBack, err := s.SignIn.Guess(r.Context(), "user code", placeOf(r))
	if err != nil {
		return err
	}
	d, err := s.typedDevice(r, typed)
	if err != nil {
		return err
	}
	if err := giveBack(); err != nil {
		return err
	}
	c, err := s.deviceClient(r, d)
	if err != nil {
		return err
	}
	kept, err := json.Marshal(deviceRef{d.Tenant, d.ID})
	if err != nil {
		return err
	}
	tenant := d.Tenant
	if tenant == directory.NoTenant {
		tenant = ""
	}
	api, err := s.apiOf(r.Context(), tenant, d.Scope.Resource)
	if err != nil {
		return err
	}
	_, handle, err := s.SignIn.Begin(r.Context(), signin.Transaction{
		Tenant: tenant, CorrelationID: d.CorrelationID, Continue: deviceConfirmPath, Request: kept,
		Application: signin.App{ID: c.app.AppID, DisplayName: c.app.DisplayName},
		Native:      true, Flow: access.DeviceCodeFlow, Resource: api,
		// A device's code takes a proof that is given for it: a browser that is signed in is no proof.
		SelectAccount: d.Number == "",
	}, placeOf(r))
	if err != nil {
		return err
	}
	return s.toSignIn(w, r, handle)
}

// typedDevice returns the pending device whose code was typed, or ErrUserCode.
func (s *Server) typedDevice(r *http.Request, typed string) (DeviceCode, error) {
	code, ok := usercode.Parse(typed)
	if !ok {
		return DeviceCode{}, ErrUserCode
	}
	hash, err := s.userCodeHash(r, code)
	if err != nil {
		return DeviceCode{}, err
	}
	d, err := s.Store.DeviceCodeByUserCode(r.Context(), hash)
	if err == nil && (d.State != DevicePending || !s.Now().Before(d.ExpiresAt)) {
		err = ErrUserCode
	}
	return d, err
}

// deviceClient is the application that asks; at common it is looked up in one of its homes.
func (s *Server) deviceClient(r *http.Request, d DeviceCode) (client, error) {
	home := d.Tenant
	if home == directory.NoTenant {
		homes, err := s.Store.HomesOf(r.Context(), d.App)
		if err != nil {
			return client{}, err
		}
		if len(homes) == 0 {
			return client{}, oautherr.ErrUnknownClient
		}
		home = homes[0]
	}
	return s.find(r, directory.Tenant{ID: home}, d.App)
}

// deviceRef is what a sign-in for a device remembers of it.
type deviceRef struct {
	Tenant directory.TenantID `json:"tenant"`
	ID     string             `json:"id"`
}

// An approval is the decision about a device, as far as it is known.
type approval struct {
	code    DeviceCode
	client  client
	tenant  directory.Tenant // of the person
	session signin.Session
	user    directory.User
}

// confirmDevice serves /device/confirm: says which application asks, from where, and for
// which account (docs/threat-model.md, rule 18), and takes the answer. It wants the sign-in
// that the browser holds, so that no link can lead straight to it.
func (s *Server) confirmDevice(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.Pages.ShowError(w, r, err, directory.Tenant{})
		return
	}
	a, err := s.openApproval(r)
	if err != nil {
		s.Pages.ShowError(w, r, err, a.tenant)
		return
	}
	if a.code.decidedIn(a.session) { // the form was sent twice, or the answer was lost
		s.Pages.ShowDone(w, r, a.tenant, a.client.app.DisplayName, a.code.State == DeviceDeclined)
		return
	}
	if a.code.State != DevicePending || !s.Now().Before(a.code.ExpiresAt) {
		s.Pages.ShowError(w, r, ErrUserCode, a.tenant)
		return
	}
	if a.code.joins() && a.code.ReachedAt.IsZero() {
		if err := s.Store.ReachDeviceCode(r.Context(), a.code, s.Now()); err != nil {
			s.Pages.ShowError(w, r, err, a.tenant)
			return
		}
	}
	answer := r.PostForm.Get("answer")
	if r.Method != http.MethodPost || answer != "approve" && answer != "deny" {
		s.Pages.ShowConfirm(w, r, a.tenant, r.URL.RequestURI(), a.asks(), nil)
		return
	}
	if answer == "approve" {
		switch err := s.checkNumber(r, a, r.PostForm.Get("number")); {
		case errors.Is(err, ErrNumber):
			s.Pages.ShowConfirm(w, r, a.tenant, r.URL.RequestURI(), a.asks(), ErrNumber)
			return
		case err != nil:
			s.Pages.ShowError(w, r, err, a.tenant)
			return
		}
	}
	if err := s.decide(r, a, answer == "approve"); err != nil {
		s.Pages.ShowError(w, r, err, a.tenant)
		return
	}
	s.Pages.ShowDone(w, r, a.tenant, a.client.app.DisplayName, answer == "deny")
}

// decidedIn reports whether d was decided in the given session.
func (d DeviceCode) decidedIn(session signin.Session) bool {
	return d.State != DevicePending && d.Home == session.Tenant && d.Session == session.ID
}

func (a approval) asks() signin.DeviceRequest {
	name, system := signin.DescribeAgent(a.code.UserAgent)
	device := strings.Trim(name+", "+system, ", ")
	if device == "" {
		device, _, _ = strings.Cut(a.code.UserAgent, " ")
		device = short(device)
	}
	if a.code.Host != "" {
		device = a.code.Host
	}
	return signin.DeviceRequest{
		Application: a.client.app.DisplayName, Device: device, Address: a.code.Address, AskNumber: a.code.Number != "", Joins: a.code.joins(),
		EndsAt: a.code.ExpiresAt, Username: a.user.UserPrincipalName,
	}
}

// openApproval returns what the browser may decide about.
func (s *Server) openApproval(r *http.Request) (approval, error) {
	var a approval
	handle, err := browser.Transaction(r, r.URL.Query().Get("t"))
	if err != nil {
		return a, signin.ErrGone
	}
	t, err := s.SignIn.Open(r.Context(), handle)
	if err == nil && t.Continue != deviceConfirmPath {
		err = signin.ErrGone
	}
	var ref deviceRef
	if err == nil {
		err = json.Unmarshal(t.Request, &ref)
	}
	if err != nil {
		return a, err
	}
	if a.session, a.user, err = s.resumed(r, t); err != nil {
		return a, err
	}
	if a.session.Purpose != "" { // it is for one device, which asks otherwise (rule 6)
		return a, oautherr.ErrPurpose
	}
	if a.tenant, err = s.Store.Tenant(r.Context(), a.session.Tenant); err != nil {
		return a, err
	}
	if a.code, _, err = s.Store.DeviceCode(r.Context(), ref.Tenant, ref.ID); err != nil {
		return a, err
	}
	a.client, err = s.find(r, a.tenant, a.code.App)
	return a, err
}

// decide records what the person said. Of two answers one counts.
func (s *Server) decide(r *http.Request, a approval, approved bool) error {
	d, now := a.code, s.Now()
	d.Home, d.Session = a.session.Tenant, a.session.ID
	if !approved {
		d.State = DeviceDeclined
		e := s.personEvent(r, Family{Tenant: d.Home, Session: d.Session, Protocol: audit.ProtocolDeviceCode}, a.client, a.user, "")
		e.CorrelationID = d.CorrelationID
		e.SignIn.ErrorCode, e.SignIn.FailureReason = oautherr.ErrConsentDeclined.AADSTS, oautherr.ErrAuthorizationDeclined.Text
		return s.Store.DecideDeviceCode(r.Context(), d, nil, now, e)
	}
	q := authRequest{Client: d.App, Scope: d.Scope, Claims: d.Claims}
	f, err := s.newFamily(r, a.client, q, a.session, a.user, audit.ProtocolDeviceCode)
	if err != nil {
		return err
	}
	if d.Number != "" { // it was confirmed
		f.Thumbprint, f.JoinUntil = d.Thumbprint, a.session.FreshUntil()
	}
	if d.Device != nil {
		f.Device = d.Device
	}
	d.State, d.Family = DeviceApproved, f.ID
	e := s.personEvent(r, f, a.client, a.user, uuid.NewString())
	e.CorrelationID = d.CorrelationID
	return s.Store.DecideDeviceCode(r.Context(), d, &f, now, e)
}
