package pages

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/signin"
)

// ShowDevice asks for the code that another device shows.
func (s *Site) ShowDevice(w http.ResponseWriter, r *http.Request, action string, f *fault.Error) {
	tenant, err := s.onlyTenant(r)
	if err != nil {
		s.ShowError(w, r, err, tenant)
		return
	}
	page, status := devicePage{frame: s.frame(r, tenant)}, http.StatusOK
	page.Action, page.Fault = action, f
	if f != nil {
		_, status = s.told(r, f)
		setRetryAfter(w, f)
	}
	s.render(w, r, status, page)
}

// ShowConfirm asks whether to sign in another device; f is what was wrong with its number.
func (s *Site) ShowConfirm(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, action string, d signin.DeviceRequest, f *fault.Error) {
	page, status := confirmPage{
		frame: s.frame(r, tenant), who: who{Username: d.Username},
		Application: d.Application, Device: d.Device, Address: d.Address, EndsAt: d.EndsAt, AskNumber: d.AskNumber, Joins: d.Joins,
	}, http.StatusOK
	page.Action, page.Fault = action, f
	if f != nil {
		_, status = s.told(r, f)
	}
	s.render(w, r, status, page)
}

// ShowDone says that the other device goes on, or that it was refused.
func (s *Site) ShowDone(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, application string, denied bool) {
	s.render(w, r, http.StatusOK, donePage{frame: s.frame(r, tenant), Application: application, Denied: denied})
}

// DeviceMessage says in the language that a client asks for where to enter a code.
func (s *Site) DeviceMessage(language, page, code string) string {
	lang, _, _ := strings.Cut(strings.ToLower(language), "-")
	return s.View.Text(design.KnownLanguage(lang), "device_message", "Page", page, "Code", code)
}
