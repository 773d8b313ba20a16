package claim_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/claim"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// account is a keyed hash like that of a name.
var account = base64.RawURLEncoding.EncodeToString(make([]byte, sha256.Size))

func keyed(life string) claim.MAC {
	return func(_ context.Context, tenant, label string, message []byte) (string, error) {
		h := hmac.New(sha256.New, []byte(life+tenant+label))
		h.Write(message)
		return base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
	}
}

// changed is text with one character replaced.
func changed(text string, i int) string {
	c := "A"
	if text[i] == 'A' {
		c = "B"
	}
	return text[:i] + c + text[i+1:]
}

func TestAClaimIsOfOneBrowserAndNobodyMakesOne(t *testing.T) {
	ctx, mac := t.Context(), keyed("a")
	c, err := claim.New(rand.Reader, directory.TenantID(uuid.NewString()), uuid.NewString(), account, nine)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := c.Text(ctx, mac); err != nil {
		t.Fatal(err)
	} else if got, ok := claim.Parse(ctx, text, mac); !ok || got != c || got.Device != "" {
		t.Errorf("of a browser by itself: %+v, %v", got, ok)
	}
	c.Device = directory.DeviceObjectID(uuid.NewString())
	text, err := c.Text(ctx, mac)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := claim.Parse(ctx, text, mac); !ok || got != c {
		t.Errorf("Parse = %+v, %v", got, ok)
	}
	for i := range text {
		if _, ok := claim.Parse(ctx, changed(text, i), mac); ok {
			t.Fatalf("a claim with another character %d is one", i)
		}
	}
	for _, bad := range []string{"", text[:40], text + "A", text[:len(text)-1]} {
		if _, ok := claim.Parse(ctx, bad, mac); ok {
			t.Errorf("%q is a claim", bad)
		}
	}
	if c.AccountKey() != account {
		t.Errorf("the account %q", c.AccountKey())
	}
	for _, bad := range []string{"", "!", account + "AAAA"} {
		if _, err := claim.New(rand.Reader, c.Tenant, c.Case, bad, nine); err == nil {
			t.Errorf("a claim of the account %q", bad)
		}
	}
	if _, ok := claim.Parse(ctx, text, keyed("b")); ok {
		t.Error("a claim of an earlier life of the store works")
	}
}

func TestACodeByMailIsOfOneBrowserAndOneTime(t *testing.T) {
	ctx, mac := t.Context(), keyed("a")
	c, _ := claim.New(rand.Reader, directory.TenantID(uuid.NewString()), "", account, nine)
	other, _ := claim.New(rand.Reader, c.Tenant, c.Case, account, nine)
	code, err := c.Code(ctx, mac, claim.Slot(nine))
	if err != nil || len(code) != 8 {
		t.Fatalf("Code = %q, %v", code, err)
	}
	for _, one := range []struct {
		name  string
		of    claim.Claim
		typed string
		at    time.Time
		want  bool
	}{
		{"as it was sent", c, code, nine, true},
		{"as people type", c, code[:4] + " " + code[4:], nine, true},
		{"in the next slot", c, code, nine.Add(claim.CodeLifetime), true},
		{"later", c, code, nine.Add(2 * claim.CodeLifetime), false},
		{"in another browser", other, code, nine, false},
		{"with another character", c, changed(code, 3), nine, false},
		{"nothing", c, "", nine, false},
	} {
		if got, err := one.of.CodeIs(ctx, mac, one.typed, one.at); err != nil || got != one.want {
			t.Errorf("%s: %v, %v", one.name, got, err)
		}
	}
}

func TestADenialSaysWhatItWasMadeOf(t *testing.T) {
	ctx, mac := t.Context(), keyed("a")
	d := claim.Denial{Tenant: directory.TenantID(uuid.NewString()), Case: uuid.NewString(), User: directory.UserID(uuid.NewString()), EndsAt: nine.Add(time.Hour)}
	code, err := d.Code(ctx, mac)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := claim.ParseDenial(ctx, code, mac, nine); err != nil || got != d {
		t.Errorf("ParseDenial = %+v, %v", got, err)
	}
	for i := range code {
		if _, err := claim.ParseDenial(ctx, changed(code, i), mac, nine); !errors.Is(err, claim.ErrDenial) {
			t.Fatalf("a code with another character %d: %v", i, err)
		}
	}
	if _, err := claim.ParseDenial(ctx, code, mac, d.EndsAt); !errors.Is(err, claim.ErrDenial) {
		t.Errorf("at its end: %v", err)
	}
	if _, err := claim.ParseDenial(ctx, code, keyed("b"), nine); !errors.Is(err, claim.ErrDenial) {
		t.Errorf("from before a restore: %v", err)
	}
}

func TestACodeWorksUntilItsEnd(t *testing.T) {
	ctx, mac := t.Context(), keyed("a")
	for _, at := range []time.Time{nine, nine.Add(17 * time.Minute), nine.Add(claim.CodeLifetime - time.Second)} {
		c, _ := claim.New(rand.Reader, directory.TenantID(uuid.NewString()), "", account, at)
		code, _ := c.Code(ctx, mac, claim.Slot(at))
		end := claim.CodeEnds(at)
		before, _ := c.CodeIs(ctx, mac, code, end.Add(-time.Second))
		after, _ := c.CodeIs(ctx, mac, code, end)
		if !before || after {
			t.Errorf("%v: before %v it works: %v, then: %v", at, end, before, after)
		}
	}
}
