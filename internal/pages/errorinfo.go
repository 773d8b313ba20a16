package pages

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

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

// errorRow is a row of docs/errors.md: code, what happened, what to do, Entra's number.
var errorRow = regexp.MustCompile("(?m)^\\| `([A-Za-z0-9_]+)` \\| (.*?) \\| (.*?) ?\\| ?([0-9]*) \\|$")

// knownFaults are those of docs/errors.md, in its order.
var knownFaults = sync.OnceValue(func() []*fault.Error {
	var all []*fault.Error
	for _, m := range errorRow.FindAllStringSubmatch(docs.Errors, -1) {
		number, err := strconv.Atoi(m[4])
		if err != nil {
			number = 0
		}
		all = append(all, &fault.Error{Code: m[1], Text: m[2], Remedy: strings.TrimSpace(m[3]), AADSTS: number})
	}
	return all
})

// faultsBy returns the faults that a code of ours or a number of Entra's names.
func faultsBy(said string) []*fault.Error {
	number, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(said), "AADSTS"))
	var all []*fault.Error
	for _, f := range knownFaults() {
		if f.Code == said || err == nil && number != 0 && f.AADSTS == number {
			all = append(all, f)
		}
	}
	return all
}

// errorInfo serves GET /errors/{code}, to which OAuth errors refer as error_uri.
func (s *Site) errorInfo(w http.ResponseWriter, r *http.Request) error {
	said := r.PathValue("code")
	found := faultsBy(said)
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
