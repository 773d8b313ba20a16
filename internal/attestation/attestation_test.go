package attestation_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/attestation"
)

// a device shows its TPM.
type device struct {
	chip     *tpm.TPM
	key      tpm.Key
	evidence attestation.Evidence
	roots    []*x509.Certificate
}

func newDevice(t *testing.T, m *tpmtest.Machine) device {
	t.Helper()
	chip, err := tpm.Open(m.Where())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chip.Close() })
	d := device{chip: chip}
	if d.key, err = chip.NewAttestationKey(); err != nil {
		t.Fatal(err)
	}
	e, err := chip.Endorsement()
	if err != nil {
		t.Fatal(err)
	}
	d.evidence = attestation.Evidence{EndorsementPublic: e.Public, EndorsementCertificate: e.Certificate, AttestationPublic: d.key.Public}
	for rest := m.CA(); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return d
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		d.roots = append(d.roots, certificate)
	}
}

func TestOnlyTheTPMOpensItsChallenge(t *testing.T) {
	here, there := newDevice(t, tpmtest.New(t)), newDevice(t, tpmtest.NewStranger(t))
	secret, c, err := attestation.New(rand.Reader, here.evidence)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := here.chip.Activate(here.key, c.Blob, c.Secret); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("the TPM opens %x, want %x: %v", got, secret, err)
	}
	if _, err := there.chip.Activate(there.key, c.Blob, c.Secret); err == nil {
		t.Error("another TPM opens it")
	}
	// The key of another TPM under this one's endorsement: no TPM has both.
	mixed := here.evidence
	mixed.AttestationPublic = there.key.Public
	_, c, err = attestation.New(rand.Reader, mixed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.chip.Activate(here.key, c.Blob, c.Secret); err == nil {
		t.Error("this TPM opens a challenge for another attestation key")
	}
}

func TestOnlyTheRightKindsOfKeyAreChallenged(t *testing.T) {
	d := newDevice(t, tpmtest.New(t))
	plain, err := d.chip.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*attestation.Evidence){
		"a key that signs anything":        func(e *attestation.Evidence) { e.AttestationPublic = plain.Public },
		"an endorsement key that attests":  func(e *attestation.Evidence) { e.AttestationPublic = e.EndorsementPublic },
		"an attestation key that endorses": func(e *attestation.Evidence) { e.EndorsementPublic = e.AttestationPublic },
		"nothing":                          func(e *attestation.Evidence) { *e = attestation.Evidence{} },
		"a cut area":                       func(e *attestation.Evidence) { e.EndorsementPublic = e.EndorsementPublic[:40] },
		"an area with something behind it": func(e *attestation.Evidence) { e.AttestationPublic = append(bytes.Clone(e.AttestationPublic), 0) },
	} {
		e := d.evidence
		change(&e)
		if _, _, err := attestation.New(rand.Reader, e); !errors.Is(err, attestation.ErrEvidence) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTrusted(t *testing.T) {
	here, there := newDevice(t, tpmtest.New(t)), newDevice(t, tpmtest.NewStranger(t))
	now := time.Now()
	if err := attestation.Trusted(here.evidence, here.roots, now); err != nil {
		t.Errorf("certified by its maker: %v", err)
	}
	stolen := here.evidence
	stolen.EndorsementPublic = there.evidence.EndorsementPublic
	none := here.evidence
	none.EndorsementCertificate = nil
	rootAsEndorsement := here.evidence
	rootAsEndorsement.EndorsementCertificate = here.roots[0].Raw
	for name, c := range map[string]struct {
		evidence attestation.Evidence
		roots    []*x509.Certificate
		now      time.Time
	}{
		"no certificate":                 {none, here.roots, now},
		"nobody is trusted":              {here.evidence, nil, now},
		"certified by somebody else":     {here.evidence, there.roots, now},
		"another TPM's certificate":      {stolen, here.roots, now},
		"the maker's own certificate":    {rootAsEndorsement, here.roots, now},
		"before the certificate's start": {here.evidence, here.roots, now.AddDate(-20, 0, 0)},
	} {
		if err := attestation.Trusted(c.evidence, c.roots, c.now); !errors.Is(err, attestation.ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckKey(t *testing.T) {
	here, there := newDevice(t, tpmtest.New(t)), newDevice(t, tpmtest.NewStranger(t))
	attested, err := attestation.Key(here.evidence)
	if err != nil {
		t.Fatal(err)
	}
	state := func(d device, challenge string) attestation.Statement {
		key, err := d.chip.NewDeviceKey()
		if err != nil {
			t.Fatal(err)
		}
		info, signature, err := d.chip.CertifyKey(d.key, key, []byte(challenge))
		if err != nil {
			t.Fatal(err)
		}
		return attestation.Statement{Public: key.Public, CertifyInfo: info, Signature: signature}
	}
	good := state(here, "now")
	if key, err := attestation.CheckKey(attested, []byte("now"), good); err != nil || key == nil {
		t.Errorf("a key of this TPM: %v", err)
	}
	other := good
	other.Public = state(here, "now").Public
	itself := good
	itself.Public = here.key.Public
	for name, s := range map[string]attestation.Statement{
		"a statement of another time": state(here, "then"), "a key of another TPM": state(there, "now"),
		"another key than the one spoken of": other, "the attestation key": itself, "nothing": {},
	} {
		if _, err := attestation.CheckKey(attested, []byte("now"), s); !errors.Is(err, attestation.ErrEvidence) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzNew(f *testing.F) {
	f.Add([]byte{0, 0x23, 0, 0x0b}, []byte{0, 1})
	f.Fuzz(func(_ *testing.T, endorsement, key []byte) {
		_, _, _ = attestation.New(rand.Reader, attestation.Evidence{EndorsementPublic: endorsement, AttestationPublic: key})
	})
}
