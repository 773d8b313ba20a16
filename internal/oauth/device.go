package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth/oautherr"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// deviceOf returns the joined device that q comes from, or nil when it comes from none: from
// another client than the agent, or without a proof. Only the proof of the device's key
// counts, at the request that was pushed. A device that was switched off is
// directory.ErrDeviceDisabled, and so for other reasons why nobody can use it. An unknown one may ask for a token to join with; when it says
// that it has joined (device_id), or asks for anything else, it is
// directory.ErrDeviceUnknown.
func (s *Server) deviceOf(r *http.Request, tenant directory.TenantID, q authRequest, form url.Values, provedKey string) (*signin.Device, error) {
	if provedKey == "" || q.Client != directory.AgentAppID {
		return nil, nil //nolint:nilnil // no device is no failure
	}
	d, err := s.Store.DeviceByKey(r.Context(), tenant, provedKey)
	said := form.Get("device_id")
	joins := said == "" && q.Scope.Resource == string(directory.DeviceRegistrationAppID)
	switch {
	case joins && errors.Is(err, directory.ErrDeviceUnknown), joins && err == nil && errors.Is(d.Usable(), directory.ErrDevicePending):
		return nil, nil //nolint:nilnil // it is about to join, or does so again because the answer was lost
	case err != nil:
		return nil, err
	case d.Usable() != nil:
		return nil, d.Usable()
	case said != "" && said != d.DeviceID:
		return nil, directory.ErrDeviceUnknown
	}
	seen := signin.DeviceOf(d)
	seen.TriesKeys = form.Get(device.PracticeParam) == device.PracticeKey
	return seen, nil
}

// practised sends the browser back to the device that pushed q, without a code: somebody practised,
// and the rest is the device's, which is told what it is asked for. It asks for that by its own key.
func (s *Server) practised(w http.ResponseWriter, r *http.Request, t signin.Transaction, q authRequest, trial string) {
	tenant, err := s.Store.Tenant(r.Context(), t.Tenant)
	if err == nil {
		err = s.respond(w, r, tenant.ID, q, url.Values{"error": {"access_denied"}, device.PracticeParam: {trial}})
	}
	if err != nil {
		s.Pages.ShowError(w, r, err, tenant)
	}
}

// consolePath stands where a browser would go on: the sign-in of a text console has none,
// and what a console began no browser can end.
const consolePath = "/device/console"

// BeginAtConsole starts the sign-in that answers a request which the agent pushed, for a text
// console that has no browser. thumbprint is the key that proved this call; the request is
// taken only if the same key proved it.
func (s *Server) BeginAtConsole(r *http.Request, tenant directory.Tenant, requestURI, thumbprint string) (signin.Transaction, token.Opaque, error) {
	none := func(err error) (signin.Transaction, token.Opaque, error) {
		return signin.Transaction{}, token.Opaque{}, err
	}
	p, err := s.usePushed(r.Context(), tenant.ID, directory.AgentAppID, requestURI)
	if err != nil {
		return none(err)
	}
	if p.ProvedKey == "" || p.ProvedKey != thumbprint {
		return none(oautherr.ErrRequestURI)
	}
	c, q, err := s.target(r, tenant, p.Form)
	if err == nil {
		err = s.fill(&q, c, p.Form)
	}
	if err == nil && q.ResponseType != "code" {
		err = oautherr.ErrUnsupportedResponseType
	}
	if err == nil {
		q.Device, err = s.deviceOf(r, tenant.ID, q, p.Form, p.ProvedKey)
	}
	if err != nil {
		return none(err)
	}
	t, err := s.newTransaction(r, tenant, c, q, s.Now())
	if err != nil {
		return none(err)
	}
	t.Continue, t.FormTarget, t.SelectAccount, t.Text = consolePath, "", false, true
	return s.SignIn.Begin(r.Context(), t, placeOf(r))
}

// OpenAtConsole returns a sign-in that BeginAtConsole started for the same key, or
// signin.ErrGone.
func (s *Server) OpenAtConsole(r *http.Request, tenant directory.Tenant, handle token.Opaque, thumbprint string) (signin.Transaction, error) {
	if handle.Tenant != string(tenant.ID) {
		return signin.Transaction{}, signin.ErrGone
	}
	t, err := s.SignIn.Open(r.Context(), handle)
	if err != nil {
		return t, err
	}
	var q authRequest
	if t.Continue != consolePath || json.Unmarshal(t.Request, &q) != nil || q.Thumbprint != thumbprint {
		return signin.Transaction{}, signin.ErrGone
	}
	return t, nil
}

// FinishAtConsole returns where a browser would be sent now that t ended in session: the
// redirect URI with the code.
func (s *Server) FinishAtConsole(r *http.Request, tenant directory.Tenant, t signin.Transaction, session signin.Session) (string, error) {
	var q authRequest
	if err := json.Unmarshal(t.Request, &q); err != nil {
		return "", err
	}
	c, err := s.find(r, tenant, q.Client)
	if err != nil {
		return "", err
	}
	user, err := s.Store.User(r.Context(), session.Tenant, session.User)
	if err != nil {
		return "", err
	}
	f, err := s.newFamily(r, c, q, session, user, audit.ProtocolOAuth2)
	if err != nil {
		return "", err
	}
	values, err := s.grantCode(r, q, f, s.personEvent(r, f, c, user, uuid.NewString()))
	if err != nil {
		return "", err
	}
	s.addState(tenant.ID, q, values)
	return inQuery(q, values), nil
}
