package directory_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// certify returns a certificate in DER for key, valid for a year from nine.
func certify(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "robot"}, NotBefore: nine, NotAfter: nine.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func curveKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyCredentialComplete(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // to make the weak key
	p256 := certify(t, curveKey(t, elliptic.P256()))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	tests := []struct {
		name   string
		key    []byte
		change func(*directory.KeyCredential)
		ok     bool
	}{
		{"P-256", p256, nil, true},
		{"RSA of 2048 bits", certify(t, rsaKey(t, 2048)), nil, true},
		{"PEM", block("CERTIFICATE", p256), nil, true},
		{"RSA of 1024 bits", certify(t, rsaKey(t, 1024)), nil, false},
		{"P-384", certify(t, curveKey(t, elliptic.P384())), nil, false},
		{"Ed25519", certify(t, ed), nil, false},
		{"nothing", nil, nil, false},
		{"no certificate", []byte("hello"), nil, false},
		{"a certificate and more", append(p256, 0), nil, false},
		{"two certificates", append(block("CERTIFICATE", p256), block("CERTIFICATE", p256)...), nil, false},
		{"a private key", block("PRIVATE KEY", p256), nil, false},
		{"something huge", make([]byte, 17<<10), nil, false},
		{"no key id", p256, func(k *directory.KeyCredential) { k.KeyID = "" }, false},
		{"a symmetric key", p256, func(k *directory.KeyCredential) { k.Type = "Symmetric" }, false},
		{"for signing", p256, func(k *directory.KeyCredential) { k.Usage = "Sign" }, false},
		{"within its validity", p256, func(k *directory.KeyCredential) { k.StartAt, k.EndAt = nine.AddDate(0, 1, 0), nine.AddDate(0, 2, 0) }, true},
		{"longer than its validity", p256, func(k *directory.KeyCredential) { k.EndAt = nine.AddDate(2, 0, 0) }, false},
		{"before its validity", p256, func(k *directory.KeyCredential) { k.StartAt = nine.AddDate(0, 0, -1) }, false},
		{"for no time", p256, func(k *directory.KeyCredential) { k.StartAt, k.EndAt = nine, nine }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := directory.KeyCredential{KeyID: someID, Type: "AsymmetricX509Cert", Usage: "Verify", Key: test.key}
			if test.change != nil {
				test.change(&k)
			}
			got, err := k.Complete()
			if (err == nil) != test.ok || err != nil && !errors.Is(err, directory.ErrCertificateInvalid) {
				t.Fatalf("got %v", err)
			}
			if !test.ok {
				return
			}
			if _, err := x509.ParseCertificate(got.Key); err != nil || len(got.Thumbprint) != 20 || got.StartAt.IsZero() || got.EndAt.IsZero() {
				t.Errorf("it is not complete: %v, %+v", err, got)
			}
			a := portal()
			a.KeyCredentials = []directory.KeyCredential{got}
			if err := a.Check(contoso); err != nil {
				t.Errorf("the application can't be saved: %v", err)
			}
			a.KeyCredentials = append(a.KeyCredentials, got)
			if err := a.Check(contoso); !errors.Is(err, directory.ErrCertificateInvalid) {
				t.Errorf("twice the same gave %v", err)
			}
		})
	}
}

func TestThumbprints(t *testing.T) {
	// The two hashes of the octets "abc" (FIPS 180-4), since a thumbprint is a hash of the octets.
	sha1, err := hex.DecodeString("a9993e364706816aba3e25717850c26c9cd0d89d")
	if err != nil {
		t.Fatal(err)
	}
	k := directory.KeyCredential{Key: []byte("abc"), Thumbprint: sha1}
	if got := k.X5T(); got != "qZk-NkcGgWq6PiVxeFDCbJzQ2J0" {
		t.Errorf("x5t is %s", got)
	}
	if got := k.X5TS256(); got != "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0" {
		t.Errorf("x5t#S256 is %s", got)
	}
}

func TestKeyCredentialLive(t *testing.T) {
	k := directory.KeyCredential{StartAt: nine, EndAt: nine.Add(time.Hour)}
	for at, want := range map[time.Duration]bool{-time.Second: false, 0: true, time.Hour - 1: true, time.Hour: false} {
		if got := k.Live(nine.Add(at)); got != want {
			t.Errorf("at %s: %v", at, got)
		}
	}
}
