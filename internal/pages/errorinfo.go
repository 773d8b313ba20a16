package pages

import (
	"net/http"

	"github.com/postern-id/postern/docs"
	"github.com/postern-id/postern/internal/fault"
)

// errorInfoPage is errorinfo.html: what a code means and what to do.
type errorInfoPage struct {
	frame
	Said   string         // as the address has it
	Faults []*fault.Error // all that have this code or number
}

func (errorInfoPage) file() string { return "errorinfo.html" }

// ErrCodeUnknown says that there is no such code.
var ErrCodeUnknown = &fault.Error{
	Kind: fault.NotFound, Code: "codeUnknown",
	Text: "There is no such error code.", Remedy: "Check the code that you were shown.",
}

// errorInfo serves GET /errors/{code}, to which OAuth errors refer as error_uri.
func (s *Site) errorInfo(w http.ResponseWriter, r *http.Request) error {
	said := r.PathValue("code")
	var found []*fault.Error
	for _, one := range docs.Codes(said) {
		found = append(found, &fault.Error{Code: one.Code, Text: one.Text, Remedy: one.Remedy, AADSTS: one.AADSTS})
	}
	if len(found) == 0 {
		return ErrCodeUnknown
	}
	tenant, err := s.onlyTenant(r)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, errorInfoPage{frame: s.frame(r, tenant), Said: said, Faults: found})
	return nil
}
