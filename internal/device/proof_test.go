package device_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/dpop"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const url = "https://login.contoso.example/device/v1/contoso.example/join"

func TestAProofIsForOneCallOnly(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	call := device.Call{Method: "POST", URL: url, Body: []byte(`{"a":1}`), Nonce: "n", AccessToken: "t"}
	proof, err := device.Prove(key, call, nine)
	if err != nil {
		t.Fatal(err)
	}
	unbound, err := dpop.Verify(proof, dpop.Want{Method: "POST", URL: url, Now: nine, Nonces: []string{"n"}})
	if err != nil {
		t.Fatal(err)
	}
	want := dpop.Want{Method: "POST", URL: url, Now: nine, Nonces: []string{"n"}, AccessToken: "t", Thumbprint: unbound.Thumbprint}
	if _, err := device.Verify(proof, want, call.Body); err != nil {
		t.Errorf("its own call: %v", err)
	}
	if _, err := device.Verify(proof, want, []byte(`{"a":2}`)); !errors.Is(err, device.ErrBody) {
		t.Errorf("another body: %v", err)
	}
	if _, err := device.Verify(proof, want, nil); !errors.Is(err, device.ErrBody) {
		t.Errorf("no body: %v", err)
	}
	for name, change := range map[string]func(*dpop.Want){
		"another method": func(w *dpop.Want) { w.Method = "PUT" },
		"another URL":    func(w *dpop.Want) { w.URL += "x" },
		"another nonce":  func(w *dpop.Want) { w.Nonces = []string{"m"} },
		"another token":  func(w *dpop.Want) { w.AccessToken = "u" },
		"another key":    func(w *dpop.Want) { w.Thumbprint = "x" },
	} {
		other := want
		change(&other)
		if _, err := device.Verify(proof, other, call.Body); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
