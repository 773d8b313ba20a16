package slowhash

import (
	"crypto/rand"
	"strings"
	"testing"
)

func TestAHashMatchesItsSecretAndNoOther(t *testing.T) {
	hash, err := New(rand.Reader, []byte("ein kalter Morgen"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "argon2id$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", hash)
	}
	for secret, want := range map[string]bool{"ein kalter Morgen": true, "ein kalter morgen": false, "": false} {
		got, err := Matches(hash, []byte(secret))
		if err != nil || got != want {
			t.Errorf("Matches(%q) = %v, %v", secret, got, err)
		}
	}
	again, err := New(rand.Reader, []byte("ein kalter Morgen"))
	if err != nil || again == hash {
		t.Errorf("two hashes of one secret are equal, %v", err)
	}
}

func TestAHashOfAnotherFormIsAnError(t *testing.T) {
	for _, hash := range []string{
		"", "argon2id", "argon2id$m=8,t=1,p=1$AAAA$AAAA", "bcrypt$m=19456,t=2,p=1$AAAA$AAAA", "argon2id$m=19456,t=2,p=1$*$AAAA", "argon2id$m=19456,t=2,p=1$AAAA$*",
	} {
		if ok, err := Matches(hash, nil); ok || err == nil {
			t.Errorf("Matches of %q: %v, %v", hash, ok, err)
		}
	}
}
