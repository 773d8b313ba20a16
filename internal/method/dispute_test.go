package method_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

func keyed(life string) method.MAC {
	return func(_ context.Context, tenant, label string, message []byte) (string, error) {
		h := hmac.New(sha256.New, []byte(life+tenant+label))
		h.Write(message)
		return base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
	}
}

func TestACodeOfADisputeSaysWhatItWasMadeOf(t *testing.T) {
	d := method.Dispute{
		Tenant: directory.TenantID(uuid.NewString()), User: directory.UserID(uuid.NewString()), Credential: uuid.NewString(),
		Session: uuid.NewString(), Event: uuid.NewString(), EndsAt: nine.Add(method.DisputeWithin),
	}
	byAdmin := d
	byAdmin.Session = ""
	for _, one := range []method.Dispute{d, byAdmin} {
		code, err := one.Code(t.Context(), keyed("a"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := method.ParseDispute(t.Context(), code, keyed("a"), nine); err != nil || got != one {
			t.Errorf("ParseDispute = %+v, %v", got, err)
		}
	}
	code, err := d.Code(t.Context(), keyed("a"))
	if err != nil {
		t.Fatal(err)
	}
	swap := func(i int) string { // one character becomes another
		c := "A"
		if code[i] == 'A' {
			c = "B"
		}
		return code[:i] + c + code[i+1:]
	}
	for name, c := range map[string]struct {
		code string
		mac  method.MAC
		late bool
	}{
		"another tenant":         {swap(3), keyed("a"), false},
		"another person":         {swap(30), keyed("a"), false},
		"another method":         {swap(50), keyed("a"), false},
		"a later end":            {swap(115), keyed("a"), false},
		"another hash":           {swap(len(code) - 2), keyed("a"), false},
		"no hash":                {code[:118], keyed("a"), false},
		"a longer one":           {code + "A", keyed("a"), false},
		"half of it":             {code[:40], keyed("a"), false},
		"nothing":                {"", keyed("a"), false},
		"something else":         {strings.Repeat("!", len(code)), keyed("a"), false},
		"from before a restore":  {code, keyed("b"), false},
		"at the end of its time": {code, keyed("a"), true},
	} {
		now := nine
		if c.late {
			now = d.EndsAt
		}
		if got, err := method.ParseDispute(t.Context(), c.code, c.mac, now); !errors.Is(err, method.ErrDispute) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
