package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/federation/oidc/oidctest"
)

func TestAKeyThatCameWhileKeysWereReadIsFound(t *testing.T) {
	var keys []*ecdsa.PrivateKey
	var sets []oidc.KeySet
	for range 3 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
		sets = append(sets, &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key.Public()}})
	}
	read := 0
	set := keySet{sets[0], func() oidc.KeySet { read++; return sets[1] }}
	for i, want := range []struct {
		verifies bool
		reads    int
	}{{true, 0}, {true, 1}, {false, 1}} {
		read = 0
		_, err := set.VerifySignature(t.Context(), oidctest.Signed(jose.ES256, keys[i], "k", []byte(`{}`)))
		if (err == nil) != want.verifies || read != want.reads {
			t.Errorf("key %d: %v, read anew %d times", i, err, read)
		}
	}
}
