package hello_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey/software"
)

// verifier is what a device makes of a PIN.
func verifier(pin string) []byte {
	sum := sha256.Sum256([]byte(pin))
	return sum[:]
}

// guard is what a store keeps of a PIN.
func guard(pin string) hello.Guard {
	sum := sha256.Sum256(append([]byte("postern PIN verifier\x00"), verifier(pin)...))
	return hello.Guard{Check: sum[:], Recovery: software.Hash([]byte("sealed " + pin)), Draw: []byte("draw " + pin)}
}

func withoutTPM() hello.Container {
	return hello.Container{
		Tenant: tenant, User: mira, DeviceID: "device", ID: "container", Root: "old", Method: methodID, Software: &hello.Software{Present: guard("246813")},
	}
}

func TestTriesWithoutATPM(t *testing.T) {
	next := guard("864209")
	for _, test := range []struct {
		name  string
		typed []string // each announces the next PIN, as at a change
		right bool
		left  int
		both  bool // whether the former and the next PIN are right afterwards
	}{
		{"the right one", []string{"246813"}, true, 5, true},
		{"a wrong one", []string{"1"}, false, 4, false},
		{"four wrong ones", []string{"1", "2", "3", "4"}, false, 1, false},
		{"five wrong ones", []string{"1", "2", "3", "4", "5"}, false, 0, false},
		{"the right one after four", []string{"1", "2", "3", "4", "246813"}, true, 5, true},
		{"the right one after five", []string{"1", "2", "3", "4", "5", "246813"}, false, 0, false},
		{"the next one before it was announced", []string{"864209"}, false, 4, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := withoutTPM()
			before := *c.Software
			var tried hello.Tried
			now := c
			for _, pin := range test.typed {
				now, tried = now.Try(verifier(pin), &next)
			}
			if tried.Right != test.right || tried.Left != test.left {
				t.Errorf("%+v", tried)
			}
			if c.Software.Wrong != before.Wrong || c.Software.Next != nil {
				t.Error("the container that was asked changed")
			}
			_, after := now.Try(verifier("864209"), nil)
			if after.Right != test.both {
				t.Errorf("the next one: %+v", after)
			}
		})
	}
}

func TestTheFormerPINIsNoneOnceTheNextWasTyped(t *testing.T) {
	next := guard("864209")
	c, _ := withoutTPM().Try(verifier("246813"), &next)
	if _, tried := c.Try(verifier("246813"), nil); !tried.Right {
		t.Error("the former one, before: a change that was cut off costs the PIN")
	}
	c, tried := c.Try(verifier("864209"), nil)
	if !tried.Right || !bytes.Equal(tried.Guard.Draw, next.Draw) {
		t.Fatalf("the next one: %+v", tried)
	}
	if _, tried := c.Try(verifier("246813"), nil); tried.Right {
		t.Error("the former one, afterwards")
	}
}

func TestAShareIsGivenForTheRightPINAlone(t *testing.T) {
	signer := hello.Roots{Ring: ring{}, Counter: counter{}}
	next := guard("864209")
	tried, shares, err := signer.Try(t.Context(), withoutTPM(), verifier("246813"), &next, audit.Event{})
	if err != nil || !tried.Right || len(shares.Present) != software.ShareSize || len(shares.Next) != software.ShareSize || bytes.Equal(shares.Present, shares.Next) {
		t.Errorf("%+v %+v %v", tried, shares, err)
	}
	tried, shares, err = signer.Try(t.Context(), withoutTPM(), verifier("1"), &next, audit.Event{})
	if err != nil || tried.Right || shares.Present != nil || shares.Next != nil {
		t.Errorf("for a wrong one: %+v %+v %v", tried, shares, err)
	}
	other := withoutTPM()
	other.DeviceID = "another"
	mine, err := signer.Share(t.Context(), withoutTPM())
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err := signer.Share(t.Context(), other); err != nil || bytes.Equal(mine, theirs) {
		t.Errorf("another container has the same share: %v", err)
	}
}

func TestARecoverySecretIsReleasedToOneRequestAndOnlyWhenItIsCounted(t *testing.T) {
	c := withoutTPM()
	for _, want := range []error{nil, hello.ErrTooManyResets} {
		signer := hello.Roots{Ring: ring{}, Counter: counter{want}}
		public, err := signer.RecoveryKey(t.Context(), c.IDs(), c.Root)
		if err != nil {
			t.Fatal(err)
		}
		secret := make([]byte, software.SecretSize)
		sealed, err := software.Seal(public, software.Recovery, c.IDs(), secret)
		if err != nil {
			t.Fatal(err)
		}
		request, err := software.KEM().GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		answer, err := signer.Release(t.Context(), c, sealed, request.PublicKey().Bytes(), guard("864209"), method.Renewal{At: nine}, audit.Event{})
		if !errors.Is(err, want) || (answer == nil) != (want != nil) {
			t.Fatalf("%d bytes, %v, want %v", len(answer), err, want)
		}
		if want != nil {
			continue
		}
		got, err := software.Open(request, software.Release, c.IDs(), answer)
		if err != nil || len(got) != software.SecretSize+software.ShareSize || !bytes.Equal(got[:software.SecretSize], secret) {
			t.Errorf("%x, %v", got, err)
		}
		other := c
		other.ID = "another"
		if _, err := signer.Release(t.Context(), other, sealed, request.PublicKey().Bytes(), guard("864209"), method.Renewal{At: nine}, audit.Event{}); !errors.Is(err, software.ErrSealed) {
			t.Errorf("another container's: %v", err)
		}
	}
}
