package token

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/keyring"
)

func FuzzParseOpaque(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("A", 87))
	f.Add("AQ" + strings.Repeat("_", 85))
	f.Add(strings.Repeat("A", 86) + "=")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseOpaque(text)
		if err != nil {
			return
		}
		if again, err := o.Reveal(); err != nil || again != text {
			t.Errorf("%q is read as %q: %v", text, again, err)
		}
		if strings.Contains(o.String(), text) {
			t.Error("a token shows itself")
		}
	})
}

// FuzzParseAccess begins with good tokens, and with those of RFC 7515 and RFC 7519. Only the
// good ones are accepted, whatever is done to the others.
func FuzzParseAccess(f *testing.F) {
	b := newBench(f)
	good := map[string]bool{}
	for _, alg := range []keyring.Purpose{keyring.RS256, keyring.ES256} {
		for _, tenant := range []string{b.tenant, b.other} {
			raw, err := b.keys.Sign(f.Context(), tenant, alg, TypeAccess, b.claims())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
			head, rest, _ := strings.Cut(raw, ".")
			body, signature, _ := strings.Cut(rest, ".")
			f.Add(head + "." + body + ".")
			f.Add("eyJhbGciOiJub25lIn0." + body + ".")
			f.Add("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9." + body + "." + signature)
			if tenant == b.tenant {
				good[head+"."+body] = true
			}
		}
	}
	// RFC 7515 appendix A.1 (HS256) and A.5 (none).
	const joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	f.Add("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joe + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
	f.Add("eyJhbGciOiJub25lIn0." + joe + ".")
	f.Fuzz(func(t *testing.T, raw string) {
		_, err := b.keys.ParseAccess(t.Context(), raw, issuer, []string{audience}, life, nine)
		signed := raw[:max(0, strings.LastIndexByte(raw, '.'))]
		if err == nil && !good[signed] {
			t.Errorf("%q is accepted", raw)
		}
	})
}
