package websignin

import (
	"errors"
	"strings"
	"testing"
)

func TestAConsoleSaysWhatItCantShow(t *testing.T) {
	for step, want := range map[string]string{
		"passkey": "your passkey", "authenticator": "your phone", "otc": "a code from your app", "password": "your password",
		"newpassword": "a new password", "blocked": "Ask your helpdesk.", "unheard of": ErrMore.Text,
	} {
		if err := more(step); !errors.Is(err, ErrMore) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", step, err)
		}
	}
}
