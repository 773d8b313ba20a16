package lifecycle

import (
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// FuzzRule looks for rules that break the server, or that mean something else when read again.
func FuzzRule(f *testing.F) {
	for _, text := range []string{
		"", "(department eq 'Sales')", "department eq 'Sales' and not (country in ('DE', 'AT'))", "startswith(jobTitle, 'Eng') or employeeHireDate ge 2026-01-01T00:00:00Z",
		"manager eq null", "accountEnabled eq true", "department eq 'O''Brien'", "id eq 'x'", "((((((((((((((((((department eq 'x'))))))))))))))))))", "department eq \x00",
	} {
		f.Add(text)
	}
	u := directory.User{Department: "Sales", Country: "DE", AccountEnabled: true}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			return
		}
		again, err := ParseRule("(" + text + ")")
		if text != "" && err == nil && again.Has(u) != r.Has(u) {
			t.Errorf("%q means something else in parentheses", text)
		}
	})
}
