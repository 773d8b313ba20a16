package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
	"github.com/postern-id/postern/internal/server"
)

// a softPIN is a PIN of a machine without a TPM, as the server sees it.
type softPIN struct {
	*machine
	ids      pinkey.Container
	id       string
	method   string
	issuer   string
	key      *ecdsa.PrivateKey // of the PIN
	verifier []byte
}

// withSoftPIN joins a machine without a TPM, and sets a PIN up there.
func withSoftPIN(w *world, upn, pass string) *softPIN {
	w.t.Helper()
	w.newBrowser()
	p := &softPIN{machine: newMachine(w), verifier: bytes.Repeat([]byte("v"), software.VerifierSize)}
	joined := p.join(p.token(upn, pass))
	w.newBrowser()
	access := p.token(upn, pass)
	var begun device.ContainerAnswer
	p.decode(p.call(http.MethodPost, "/containers", access, nil), http.StatusCreated, &begun)
	p.id = begun.ID
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	ids := pinkey.Container{Tenant: w.created.TenantID, Device: joined.DeviceID, User: joined.Accounts[0].ID, ID: p.id}
	proof, err := ecdsa.SignASN1(rand.Reader, key, software.Proof(ids, begun.Challenge))
	if err != nil {
		w.t.Fatal(err)
	}
	var answer device.KeyAnswer
	p.decode(p.call(http.MethodPut, "/containers/"+p.id+"/key", access, device.KeyRequest{
		Public: public, Signature: proof, Guard: &software.Guard{Verifier: p.verifier, Recovery: make([]byte, 32)},
	}), http.StatusOK, &answer)
	p.ids, p.method, p.issuer, p.key = ids, answer.MethodID, joined.Tenant.Issuer, key
	return p
}

func (p *softPIN) try(verifier []byte) (out device.TryAnswer) {
	p.w.t.Helper()
	p.decode(p.call(http.MethodPost, "/containers/"+p.id+"/try", "", device.TryRequest{Verifier: verifier}), http.StatusOK, &out)
	return out
}

var wrongVerifier = make([]byte, software.VerifierSize)

// A backup holds an older count of wrong tries; nobody gets tries back by a restore.
func TestARestoreGivesNobodyTriesBack(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	guessed, used := withSoftPIN(w, "admin@contoso.example", pass), withSoftPIN(w, "admin@contoso.example", pass)
	recipient, identity := keyPair(t)
	file := w.backUp(recipient, false)
	for range hello.MostWrong - 1 {
		guessed.try(wrongVerifier)
	}
	w.restoreTo("", server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true})
	guessed.nonce, used.nonce = "", ""

	if got := guessed.try(wrongVerifier); got.Right || got.Left != 0 {
		t.Errorf("a wrong PIN after the restore: %+v", got)
	}
	if got := guessed.try(guessed.verifier); got.Right || len(got.Share) > 0 {
		t.Errorf("the right one then: %+v", got)
	}
	if got := used.try(used.verifier); !got.Right || len(got.Share) == 0 {
		t.Errorf("the right one at once: %+v", got)
	}
	if got := used.try(wrongVerifier); got.Left != hello.MostWrong-1 {
		t.Errorf("a wrong one after the right one: %+v", got)
	}
}

func TestAPINThatStoppedOrGaveWayAfterTheBackupIsNotBack(t *testing.T) {
	var ahead time.Duration
	w := newWorld(t, func(o *server.Options) { o.Wall = func() time.Time { return time.Now().Add(ahead) } })
	w.server.Start()
	_, pass := w.issue(`{}`)
	stopped := withSoftPIN(w, "admin@contoso.example", pass)
	chip := tpmtest.New(t)
	rotated := withPINs(w, "admin@contoso.example", pass, chip)
	c := rotated.create("246813")
	replaced := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	former := replaced.create("246813")
	recipient, identity := keyPair(t)
	file := w.backUp(recipient, false)

	for range hello.MostWrong {
		stopped.try(wrongVerifier)
	}
	replaced.create("864209")
	if _, err := server.RotateKeys(t.Context(), w.options, []string{"pinReset"}); err != nil {
		t.Fatal(err)
	}
	ahead = 2 * time.Minute
	for _, m := range []*machine{stopped.machine, rotated.machine, replaced.machine} {
		m.ahead, m.nonce = ahead, ""
	}
	rotated.byThePIN(c, "246813")
	if err := rotated.store.Rotate(t.Context(), rotated, rotated.user, "246813"); err != nil {
		t.Fatal(err)
	}
	export := w.export()
	done := w.restoreTo("", server.RestoreOptions{File: file, Identity: identity, SinceLog: write(t, export)})
	if done.Replayed != 3 {
		t.Errorf("%d were done again; by hand: %q", done.Replayed, done.Unclear)
	}

	stopped.nonce = ""
	if got := stopped.try(stopped.verifier); got.Right {
		t.Errorf("the PIN that had stopped: %+v", got)
	}
	for name, a := range map[string]answer{
		"the key that had given way": rotated.present(rotated.sign(formerKey{rotated, c}, header(c), rotated.claims())),
		"the PIN that was replaced":  replaced.present(replaced.sign(formerKey{replaced, former}, header(former), replaced.claims())),
	} {
		if a.status == http.StatusOK {
			t.Errorf("%s signs in after the restore", name)
		}
	}
}
