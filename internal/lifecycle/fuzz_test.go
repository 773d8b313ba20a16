package lifecycle

import (
	"slices"
	"strings"
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

// FuzzTemplate looks for texts that put more into a mail than they may, or read a value as a template.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"Hello {{userDisplayName}}", "{{ temporaryAccessPass }}", "{{{userDisplayName}}}", "{{user{{managerEmail}}}}", "{{unknown}}", "a\n\nb\r\n\r\nc", "{{}}", "{{\x00}}", "}}{{",
	} {
		f.Add(text, "{{temporaryAccessPass}}")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		if checkTemplate(text) != "" {
			return
		}
		for _, found := range placeholders(text) {
			if !slices.Contains(placeholderNames, found) {
				t.Fatalf("%q may have %q", text, found)
			}
		}
		const pass = "§PASS§"
		if strings.Contains(text, pass) || strings.Contains(name, pass) {
			return
		}
		values := map[string]string{"userDisplayName": name}
		if got := strings.Join(fillBody(paragraphs(text), values, []string{pass}), "\n"); strings.Count(got, pass) != 1 {
			t.Errorf("the pass stands %d times in what %q makes", strings.Count(got, pass), text)
		}
		if got := strings.Join(fillBody(paragraphs(text), values, nil), "\n"); strings.Contains(got, pass) {
			t.Errorf("a copy has the pass: %q", got)
		}
		if got := fill(text, map[string]string{holdsPass: pass, "userDisplayName": name}); strings.Count(got, pass) != strings.Count(strings.Join(placeholders(text), " "), holdsPass) {
			t.Errorf("what somebody is called was read as a template: %q with %q makes %q", text, name, got)
		}
	})
}
