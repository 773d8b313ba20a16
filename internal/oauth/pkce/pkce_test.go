package pkce_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/oauth/pkce"
)

// The example of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name, method, challenge string
		ok                      bool
	}{
		{"S256", "S256", challenge, true},
		{"no method, which would mean plain", "", challenge, false},
		{"plain", "plain", verifier, false},
		{"plain with a challenge that looks like a hash", "plain", challenge, false},
		{"an unknown method", "S512", challenge, false},
		{"S256 in lower case", "s256", challenge, false},
		{"S256 with a blank", "S256 ", challenge, false},
		{"no challenge", "S256", "", false},
		{"neither", "", "", false},
		{"a challenge one short", "S256", challenge[1:], false},
		{"a challenge one long", "S256", challenge + "A", false},
		{"a challenge with padding", "S256", challenge + "=", false},
		{"a challenge in standard base64", "S256", strings.Replace(challenge, "-", "+", 1), false},
		{"a challenge whose last bits are not zero", "S256", challenge[:42] + "N", false},
		{"a challenge with a line feed inside", "S256", challenge[:42] + "\n" + challenge[42:], false},
		{"a challenge with a line feed in place of a letter", "S256", challenge[:42] + "\n", false},
		{"a challenge of another letter in the right length", "S256", challenge[:41] + "é", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := pkce.Check(tt.method, tt.challenge)
			if tt.ok && err != nil {
				t.Fatalf("Check = %v, want nil", err)
			}
			if !tt.ok && !errors.Is(err, pkce.ErrChallenge) {
				t.Fatalf("Check = %v, want ErrChallenge", err)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	tests := []struct {
		name, method, challenge, verifier string
		want                              error
	}{
		{"the verifier of the challenge", "S256", challenge, verifier, nil},
		{"another verifier", "S256", challenge, verifier[:42] + "l", pkce.ErrMismatch},
		{"no verifier where a challenge was sent", "S256", challenge, "", pkce.ErrMismatch},
		{"a verifier where no challenge was sent", "", "", verifier, pkce.ErrMismatch},
		{"neither", "", "", "", pkce.ErrMismatch},
		{"the challenge itself as verifier", "S256", challenge, challenge, pkce.ErrMismatch},
		{"plain, equal", "plain", verifier, verifier, pkce.ErrMismatch},
		{"no method, equal", "", verifier, verifier, pkce.ErrMismatch},
		{"an unknown method, equal", "none", verifier, verifier, pkce.ErrMismatch},
		{"an unknown method, hashed", "S512", challenge, verifier, pkce.ErrMismatch},
		{"a verifier of 42 characters", "S256", challenge, verifier[1:], pkce.ErrVerifier},
		{"a verifier of 128 characters", "S256", challenge, strings.Repeat("a", 128), pkce.ErrMismatch},
		{"a verifier of 129 characters", "S256", challenge, strings.Repeat("a", 129), pkce.ErrVerifier},
		{"a verifier with a blank", "S256", challenge, verifier[:42] + " ", pkce.ErrVerifier},
		{"a verifier with a plus sign", "S256", challenge, verifier[:42] + "+", pkce.ErrVerifier},
		{"a verifier with a line feed at the end", "S256", challenge, verifier + "\n", pkce.ErrVerifier},
		{
			"a verifier with every character that is allowed besides letters and digits", "S256",
			"lK2NFO4fUsSGSxx7eD9ozetZRvfDEp9wtnPrjHKcyXE", strings.Repeat("-._~", 11), nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := pkce.Verify(tt.method, tt.challenge, tt.verifier); !errors.Is(err, tt.want) {
				t.Fatalf("Verify = %v, want %v", err, tt.want)
			}
		})
	}
}
