package docs

import (
	"strings"
	"testing"
)

func TestEveryRowOfTheListOfErrorsIsRead(t *testing.T) {
	rows := 0
	for line := range strings.Lines(Errors) {
		if strings.HasPrefix(line, "| `") {
			rows++
		}
	}
	if n := len(codes()); n != rows || n < 100 {
		t.Errorf("%d of %d rows are read", n, rows)
	}
	for _, f := range codes() {
		if f.Text == "" || strings.ContainsAny(f.Text+f.Remedy, "|") {
			t.Errorf("the row of %s reads as %q, %q", f.Code, f.Text, f.Remedy)
		}
	}
}

func TestACodeIsFoundByOurNameAndByEntrasNumber(t *testing.T) {
	for said, want := range map[string]string{
		"credentialRefused": "credentialRefused", "AADSTS50126": "credentialRefused", "aadsts50126": "credentialRefused",
		"50126": "credentialRefused", "userCodeUnknown": "userCodeUnknown",
	} {
		found := Codes(said)
		if len(found) == 0 || found[0].Code != want {
			t.Errorf("%q finds %v", said, found)
		}
	}
	for _, said := range []string{"", "0", "AADSTS", "nothing", "`credentialRefused`", "-50126"} {
		if found := Codes(said); len(found) > 0 {
			t.Errorf("%q finds %s", said, found[0].Code)
		}
	}
}
