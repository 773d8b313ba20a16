package tpm_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/pinkey"
)

func open(t testing.TB, m *tpmtest.Machine) *tpm.TPM {
	t.Helper()
	chip, err := tpm.Open(m.Where())
	if err != nil {
		t.Fatal(err)
	}
	return chip
}

// opened is open for the whole test.
func opened(t testing.TB, m *tpmtest.Machine) *tpm.TPM {
	t.Helper()
	chip := open(t, m)
	t.Cleanup(func() { _ = chip.Close() })
	return chip
}

func newReset(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// a container with all that stands behind it.
type container struct {
	pinkey.Container
	reset       *ecdsa.PrivateKey
	policy      pinkey.Policy
	key         tpm.Key
	attestation tpm.Key
	creation    pinkey.Creation
}

var challenge = []byte("drawn by the server")

var mira = pinkey.Container{Tenant: "tenant", Device: "device", User: "mira", ID: "container"}

func newContainer(t testing.TB, chip *tpm.TPM, c pinkey.Container, pin string) container {
	t.Helper()
	out := container{Container: c, reset: newReset(t)}
	var err error
	if out.policy, err = pinkey.NewPolicy(c, &out.reset.PublicKey); err != nil {
		t.Fatal(err)
	}
	if out.attestation, err = chip.NewAttestationKey(); err != nil {
		t.Fatal(err)
	}
	if out.key, out.creation, err = chip.NewPINKey(out.policy, auth(pin), out.attestation, challenge); err != nil {
		t.Fatal(err)
	}
	return out
}

func auth(pin string) []byte { return pinkey.Auth([]byte("salt"), pin) }

// signs reports whether the PIN opens the key, and that the key is the one that was made.
func signs(t testing.TB, chip *tpm.TPM, c container, pin string) error {
	t.Helper()
	digest := sha256.Sum256([]byte("a nonce"))
	signature, err := chip.Sign(c.key, auth(pin), digest[:])
	if err != nil {
		return err
	}
	public, err := tpm.Key{Public: c.creation.Public}.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Fatal("the signature is another key's")
	}
	return nil
}

func TestAPINOpensItsKey(t *testing.T) {
	chip := opened(t, tpmtest.New(t))
	c := newContainer(t, chip, mira, "246810")
	if err := signs(t, chip, c, "246811"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := signs(t, chip, c, "246810"); err != nil {
		t.Errorf("the PIN: %v", err)
	}
	next, err := chip.ChangePIN(c.key, c.policy, auth("246810"), auth("135790"))
	if err != nil {
		t.Fatal(err)
	}
	c.key = next
	if err := signs(t, chip, c, "246810"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the former PIN: %v", err)
	}
	if err := signs(t, chip, c, "135790"); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
	if _, err := chip.ChangePIN(c.key, c.policy, auth("246810"), auth("1")); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("a change by a wrong PIN: %v", err)
	}
}

// TestAnyPINWorks tries many PINs, since a library may mind some auth values.
func TestAnyPINWorks(t *testing.T) {
	chip := opened(t, tpmtest.New(t))
	c := newContainer(t, chip, mira, "0")
	for i := range 40 {
		former, pin := strconv.Itoa(i), strconv.Itoa(i+1)
		next, err := chip.ChangePIN(c.key, c.policy, auth(former), auth(pin))
		if err != nil {
			t.Fatalf("change %s to %s: %v", former, pin, err)
		}
		c.key = next
		if err := signs(t, chip, c, pin); err != nil {
			t.Fatalf("PIN %s: %v", pin, err)
		}
	}
}

func TestAResetKeepsTheKey(t *testing.T) {
	chip := opened(t, tpmtest.New(t))
	c := newContainer(t, chip, mira, "246810")
	again, err := reset(t, chip, c, c.Container, c.reset, time.Minute, "97531")
	if err != nil {
		t.Fatal(err)
	}
	c.key = again
	if err := signs(t, chip, c, "97531"); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
	if err := signs(t, chip, c, "246810"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Errorf("the forgotten PIN: %v", err)
	}
}

func reset(t testing.TB, chip *tpm.TPM, c container, signed pinkey.Container, by *ecdsa.PrivateKey, lifetime time.Duration, pin string) (tpm.Key, error) {
	t.Helper()
	r, err := chip.StartReset()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	signature, err := pinkey.SignReset(signed, by, r.Nonce, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return r.Finish(c.key, c.Container, &c.reset.PublicKey, signature, lifetime, auth(pin))
}

func TestAResetForSomebodyElseIsRefused(t *testing.T) {
	chip := opened(t, tpmtest.New(t))
	c := newContainer(t, chip, mira, "246810")
	other := c.Container
	other.User = "sam"
	if _, err := reset(t, chip, c, other, c.reset, time.Minute, "1"); err == nil {
		t.Error("a signature for another person's container was taken")
	}
	if _, err := reset(t, chip, c, c.Container, newReset(t), time.Minute, "1"); err == nil {
		t.Error("a signature by another reset key was taken")
	}
	// A container that names another reset key than the TPM's object does.
	wrong := c
	wrong.reset = newReset(t)
	if _, err := reset(t, chip, wrong, c.Container, wrong.reset, time.Minute, "1"); err == nil {
		t.Error("another reset key changed the PIN")
	}
	if err := signs(t, chip, c, "246810"); err != nil {
		t.Errorf("the PIN afterwards: %v", err)
	}
}

func TestAResetIsGoodOnce(t *testing.T) {
	chip := opened(t, tpmtest.New(t))
	c := newContainer(t, chip, mira, "246810")
	r, err := chip.StartReset()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := pinkey.SignReset(c.Container, c.reset, r.Nonce, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if c.key, err = r.Finish(c.key, c.Container, &c.reset.PublicKey, signature, time.Minute, auth("97531")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Finish(c.key, c.Container, &c.reset.PublicKey, signature, time.Minute, auth("1")); err == nil {
		t.Error("the same signature worked again in its session")
	}
	_ = r.Close()
	later, err := chip.StartReset()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = later.Close() }()
	if _, err := later.Finish(c.key, c.Container, &c.reset.PublicKey, signature, time.Minute, auth("1")); err == nil {
		t.Error("the same signature worked in another session")
	}
	if err := signs(t, chip, c, "97531"); err != nil {
		t.Errorf("the PIN afterwards: %v", err)
	}
}

func TestNoResetIsSignedThatWorksForLongOrWithoutANonce(t *testing.T) {
	key := newReset(t)
	nonce := make([]byte, 32)
	for _, c := range []struct {
		name     string
		nonce    []byte
		lifetime time.Duration
		ok       bool
	}{
		{"a minute", nonce, time.Minute, true},
		{"a second", nonce, time.Second, true},
		{"longer than a minute", nonce, time.Minute + time.Second, false},
		{"a minute and a bit", nonce, time.Minute + time.Millisecond, false},
		{"for ever", nonce, 0, false},
		{"less than a second, which is for ever to the TPM", nonce, time.Millisecond, false},
		{"with a ticket", nonce, -time.Minute, false},
		{"without a nonce", nil, time.Minute, false},
		{"with a short nonce", nonce[:15], time.Minute, false},
		{"with a long nonce", make([]byte, 65), time.Minute, false},
	} {
		if _, err := pinkey.SignReset(mira, key, c.nonce, c.lifetime); (err == nil) != c.ok || err != nil && !errors.Is(err, pinkey.ErrReset) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTheServerTakesOnlyTheRightKey(t *testing.T) {
	chip := opened(t, tpmtest.New(t))
	c := newContainer(t, chip, mira, "246810")
	attestation, err := c.attestation.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	check := func(c container, challenge []byte, creation pinkey.Creation) error {
		_, err := pinkey.Check(c.Container, &c.reset.PublicKey, attestation, challenge, creation)
		return err
	}
	if err := check(c, challenge, c.creation); err != nil {
		t.Fatalf("the right key: %v", err)
	}
	other := c
	other.User = "sam"
	if err := check(other, challenge, c.creation); !errors.Is(err, pinkey.ErrKey) {
		t.Errorf("for another person: %v", err)
	}
	other = c
	other.reset = newReset(t)
	if err := check(other, challenge, c.creation); !errors.Is(err, pinkey.ErrKey) {
		t.Errorf("with another reset key: %v", err)
	}
	if err := check(c, []byte("another"), c.creation); !errors.Is(err, pinkey.ErrAttestation) {
		t.Errorf("a statement of another time: %v", err)
	}
	if err := check(c, nil, c.creation); !errors.Is(err, pinkey.ErrAttestation) {
		t.Errorf("without a challenge: %v", err)
	}
	// A key without the policy: its PIN can be taken off.
	bare, err := chip.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	forged := c.creation
	forged.Public = bare.Public
	if err := check(c, challenge, forged); !errors.Is(err, pinkey.ErrKey) {
		t.Errorf("a key without the policy: %v", err)
	}
	// The right form, made in software: no TPM speaks for it.
	soft := newReset(t)
	area := pinkey.Template(c.policy)
	area.Unique = point(t, &soft.PublicKey)
	forged = c.creation
	forged.Public = tpm2.Marshal(area)
	if err := check(c, challenge, forged); !errors.Is(err, pinkey.ErrAttestation) {
		t.Errorf("a key made in software: %v", err)
	}
	// The statement of a TPM that nobody vouches for.
	stranger := newContainer(t, opened(t, tpmtest.NewStranger(t)), mira, "246810")
	forged = c.creation
	forged.CertifyInfo, forged.Signature = stranger.creation.CertifyInfo, stranger.creation.Signature
	if err := check(c, challenge, forged); !errors.Is(err, pinkey.ErrAttestation) {
		t.Errorf("another TPM's statement: %v", err)
	}
	for i := range forged.Public {
		cut := c.creation
		cut.Public = cut.Public[:i]
		if err := check(c, challenge, cut); err == nil {
			t.Fatalf("cut after %d bytes it is taken", i)
		}
	}
}

func point(t *testing.T, key *ecdsa.PublicKey) tpm2.TPMUPublicID {
	t.Helper()
	public, err := pinkey.ResetPublic(key)
	if err != nil {
		t.Fatal(err)
	}
	return public.Unique
}

func TestWrongPINsLockTheTPMAndARestartForgetsNone(t *testing.T) {
	m := tpmtest.New(t)
	chip := open(t, m)
	c := newContainer(t, chip, mira, "246810")
	tries := 0
	for ; tries < 100; tries++ {
		err := signs(t, chip, c, "1")
		if errors.Is(err, tpm.ErrLocked) {
			break
		}
		if !errors.Is(err, tpm.ErrWrongPIN) {
			t.Fatalf("try %d: %v", tries, err)
		}
		if tries == 1 { // in the midst of it the power goes
			m.PowerOff()
			m.PowerOn()
			chip = open(t, m)
		}
	}
	if tries == 100 {
		t.Fatal("the TPM lets a hundred PINs be tried")
	}
	if err := chip.Close(); err != nil {
		t.Error(err)
	}
	m.PowerOff()
	m.PowerOn()
	chip = opened(t, m)
	if err := signs(t, chip, c, "246810"); !errors.Is(err, tpm.ErrLocked) {
		t.Errorf("the right PIN after a restart of a locked TPM: %v", err)
	}
}

func TestAKeyIsWorthNothingElsewhere(t *testing.T) {
	m := tpmtest.New(t)
	chip := open(t, m)
	c := newContainer(t, chip, mira, "246810")
	if err := signs(t, opened(t, tpmtest.NewStranger(t)), c, "246810"); !errors.Is(err, tpm.ErrForeign) {
		t.Errorf("in another TPM: %v", err)
	}
	_ = chip.Close()
	m.Clear()
	if err := signs(t, opened(t, m), c, "246810"); !errors.Is(err, tpm.ErrForeign) {
		t.Errorf("after the TPM was cleared: %v", err)
	}
}

func TestCountersOutliveTheDisk(t *testing.T) {
	m := tpmtest.New(t)
	chip := open(t, m)
	first, err := chip.NewCounter()
	if err != nil {
		t.Fatal(err)
	}
	second, err := chip.NewCounter()
	if err != nil {
		t.Fatal(err)
	}
	for want := range uint64(3) {
		if got, err := chip.Add(first); err != nil || got != want+1 {
			t.Fatalf("counts to %d, %v", got, err)
		}
	}
	_ = chip.Close()
	m.PowerOff()
	m.PowerOn()
	chip = opened(t, m)
	if got, err := chip.Count(first); err != nil || got != 3 {
		t.Errorf("after a restart it stands at %d, %v", got, err)
	}
	if got, err := chip.Count(second); err != nil || got != 0 {
		t.Errorf("the other one stands at %d, %v", got, err)
	}
	foreign := first
	foreign.Auth = "guessed"
	if _, err := chip.Add(foreign); !errors.Is(err, tpm.ErrForeign) {
		t.Errorf("without its auth value: %v", err)
	}
	if err := chip.Set(first, 0); err != nil {
		t.Fatal(err)
	}
	if got, err := chip.Count(first); err != nil || got != 0 {
		t.Errorf("cleared it stands at %d, %v", got, err)
	}
	if err := chip.RemoveCounter(first); err != nil {
		t.Fatal(err)
	}
	if _, err := chip.Count(first); !errors.Is(err, tpm.ErrForeign) {
		t.Errorf("removed: %v", err)
	}
	if err := chip.RemoveCounter(first); err != nil {
		t.Errorf("removed again: %v", err)
	}
}

func TestAMissingTPMIsTold(t *testing.T) {
	for _, where := range []string{"device:/dev/none", "unix:/nowhere/tpm.sock"} {
		if _, err := tpm.Open(where); !errors.Is(err, tpm.ErrNone) {
			t.Errorf("%s: %v", where, err)
		}
	}
	if _, err := tpm.Open("chip:1"); err == nil || errors.Is(err, tpm.ErrNone) {
		t.Errorf("an unknown kind: %v", err)
	}
}

func BenchmarkSign(b *testing.B) {
	chip := opened(b, tpmtest.New(b))
	c := newContainer(b, chip, mira, "246810")
	digest := sha256.Sum256([]byte("a nonce"))
	for b.Loop() {
		if _, err := chip.Sign(c.key, auth("246810"), digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}

// An agent that is killed leaves keys and sessions in a TPM without a resource manager, which
// has room for three of each.
func TestAnAgentThatWasKilledLeavesRoomForTheNext(t *testing.T) {
	m := tpmtest.New(t)
	for range 5 {
		conn, err := linuxudstpm.Open(strings.TrimPrefix(m.Where(), "unix:"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}).Execute(conn); err != nil {
			t.Fatal(err)
		}
		if _, _, err := tpm2.HMACSession(conn, tpm2.TPMAlgSHA256, 16); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		chip, err := tpm.Open(m.Where())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chip.NewAttestationKey(); err != nil {
			t.Fatal(err)
		}
		_ = chip.Close()
	}
}
