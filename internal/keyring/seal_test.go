package keyring

import (
	"bytes"
	"errors"
	"testing"
)

func TestWhatIsSealedOpensInItsPlaceOnly(t *testing.T) {
	r, _, _ := newRing(t)
	secret := []byte("a mail")
	sealed, err := r.Seal(t.Context(), "A", secret, "outbox", "sealed_mail", "1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Open(t.Context(), "A", sealed, "outbox", "sealed_mail", "1"); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("Open = %q, %v", got, err)
	}
	again, err := r.Seal(t.Context(), "A", secret, "outbox", "sealed_mail", "1")
	if err != nil || again == sealed {
		t.Errorf("sealed twice it is the same: %v", err)
	}
	for _, c := range []struct {
		name, tenant, sealed string
		where                []string
	}{
		{"another tenant", "B", sealed, []string{"outbox", "sealed_mail", "1"}},
		{"another row", "A", sealed, []string{"outbox", "sealed_mail", "2"}},
		{"another column", "A", sealed, []string{"outbox", "other", "1"}},
		{"the same words cut elsewhere", "A", sealed, []string{"outbox", "sealed_mail1", ""}},
		{"a changed byte", "A", "A" + sealed[1:], []string{"outbox", "sealed_mail", "1"}},
		{"nothing", "A", "", []string{"outbox", "sealed_mail", "1"}},
		{"no base64", "A", "!", []string{"outbox", "sealed_mail", "1"}},
	} {
		if sealed[0] == 'A' && c.name == "a changed byte" {
			c.sealed = "B" + sealed[1:]
		}
		if got, err := r.Open(t.Context(), c.tenant, c.sealed, c.where...); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}
