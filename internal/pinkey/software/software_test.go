package software_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
)

func TestASealedSecretIsForOnePurposeAndContainer(t *testing.T) {
	key, err := software.KEM().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	c := pinkey.Container{Tenant: "tenant", Device: "device", User: "mira", ID: "one"}
	sealed, err := software.Seal(key.PublicKey().Bytes(), software.Recovery, c, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := software.Open(key, software.Recovery, c, sealed); err != nil || string(got) != "secret" {
		t.Errorf("%q %v", got, err)
	}
	other, err := software.KEM().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	sam, laptop := c, c
	sam.User, laptop.Device = "sam", "another"
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"for another purpose": func() ([]byte, error) { return software.Open(key, software.Release, c, sealed) },
		"of another person":   func() ([]byte, error) { return software.Open(key, software.Recovery, sam, sealed) },
		"on another device":   func() ([]byte, error) { return software.Open(key, software.Recovery, laptop, sealed) },
		"by another key":      func() ([]byte, error) { return software.Open(other, software.Recovery, c, sealed) },
		"changed":             func() ([]byte, error) { return software.Open(key, software.Recovery, c, changed) },
		"nothing":             func() ([]byte, error) { return software.Open(key, software.Recovery, c, nil) },
		"endless":             func() ([]byte, error) { return software.Open(key, software.Recovery, c, make([]byte, 1<<20)) },
	} {
		if got, err := open(); !errors.Is(err, software.ErrSealed) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if _, err := software.Seal([]byte("no key"), software.Recovery, c, nil); !errors.Is(err, software.ErrSealed) {
		t.Errorf("to no key: %v", err)
	}
}
