package sdjwt_test

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/recovery/sdjwt"
	"github.com/postern-id/postern/internal/recovery/sdjwt/sdjwttest"
)

// FuzzVerify holds that no presentation but the holder's own counts, whatever is put around what
// the issuer and the holder signed.
func FuzzVerify(f *testing.F) {
	issuer, holder := sdjwttest.NewKey(f), sdjwttest.NewKey(f)
	d := sdjwt.Demand{Issuers: []sdjwt.Issuer{sdjwttest.Issuer(f, issuer)}, Audience: us, Nonce: nonce, Since: nine}
	good := sdjwttest.Issue(f, issuer, holder, nine, mira(), nil)
	text := good.Present(f, us, nonce, nine, nil)
	for _, seed := range []string{text, good.Shown(), "", "~", strings.ReplaceAll(text, "~", "~~"), text + "~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, presented string) {
		if c, err := sdjwt.Verify(presented, d, nine); err == nil && presented != text {
			t.Errorf("%q counts: %v", presented, c.Claims)
		}
	})
}

// FuzzDisclosures holds that a holder who signs whatever they like discloses nothing that the
// issuer did not sign.
func FuzzDisclosures(f *testing.F) {
	issuer, holder := sdjwttest.NewKey(f), sdjwttest.NewKey(f)
	d := sdjwt.Demand{Issuers: []sdjwt.Issuer{sdjwttest.Issuer(f, issuer)}, Audience: us, Nonce: nonce, Since: nine}
	good := sdjwttest.Issue(f, issuer, holder, nine, mira(), nil)
	for _, seed := range []string{good.Disclosures[0], strings.Join(good.Disclosures, "~"), sdjwttest.Encode(f, []any{"s", "employee_number", "E-1"}), "", "~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, shown string) {
		c := good
		c.Disclosures = strings.Split(shown, "~")
		got, err := sdjwt.Verify(c.Present(t, us, nonce, nine, nil), d, nine)
		if err != nil {
			return
		}
		for name, want := range mira() {
			if v, there := got.Claims[name]; there && v != want {
				t.Errorf("%s is %v", name, v)
			}
		}
		if got.Claims["iss"] != sdjwttest.ID || got.Claims["vct"] != sdjwttest.Type {
			t.Errorf("another issuer or type: %v", got.Claims)
		}
	})
}

// FuzzStatusList holds that no list but the issuer's own says that a credential counts.
func FuzzStatusList(f *testing.F) {
	i := sdjwttest.Issuer(f, sdjwttest.NewKey(f))
	f.Add("", 0)
	f.Add("a.b.c", 7)
	f.Fuzz(func(t *testing.T, list string, index int) {
		if (sdjwt.Status{URI: "https://hr.example/list", Index: max(0, index)}).Counts(list, i, nine) == nil {
			t.Errorf("%q counts", list)
		}
	})
}
