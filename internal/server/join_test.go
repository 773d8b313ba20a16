package server_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/attestation"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

// machine is a device that wants to join, with its key and, where it has one, its TPM.
type machine struct {
	w     *world
	key   crypto.Signer
	nonce string
	ahead time.Duration // of its clock

	chip *tpm.TPM
	tpm  tpm.Key // the device key
	ak   tpm.Key
}

func newMachine(w *world) *machine {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return &machine{w: w, key: key}
}

// withTPM is a machine whose keys live in m.
func withTPM(w *world, m *tpmtest.Machine) *machine {
	w.t.Helper()
	chip, err := tpm.Open(m.Where())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = chip.Close() })
	d := &machine{w: w, chip: chip}
	if d.tpm, err = chip.NewDeviceKey(); err != nil {
		w.t.Fatal(err)
	}
	if d.ak, err = chip.NewAttestationKey(); err != nil {
		w.t.Fatal(err)
	}
	if d.key, err = chip.Signer(d.tpm, nil); err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (m *machine) prove(method, address string, body []byte, access string) string {
	m.w.t.Helper()
	proof, err := device.Prove(m.key, device.Call{Method: method, URL: address, Body: body, Nonce: m.nonce, AccessToken: access}, time.Now().Add(m.ahead))
	if err != nil {
		m.w.t.Fatal(err)
	}
	return proof
}

// call calls the device API, with the nonce that the server asks for.
func (m *machine) call(method, path, access string, in any) answer {
	m.w.t.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			m.w.t.Fatal(err)
		}
	}
	for {
		r := m.w.request(method, "/device/v1/"+m.w.created.TenantID+path, bytes.NewReader(body))
		address := m.w.options.PublicURL + r.URL.EscapedPath()
		r.Header.Set("DPoP", m.prove(method, address, body, access))
		if access != "" {
			r.Header.Set("Authorization", "DPoP "+access)
		}
		a := m.w.do(r)
		had := m.nonce
		m.nonce = a.header.Get("DPoP-Nonce")
		if a.status == http.StatusUnauthorized && had == "" && m.nonce != "" {
			continue
		}
		return a
	}
}

// token signs a person in for the agent and returns a token that is bound to the device's key.
func (m *machine) token(name, pass string) string {
	m.w.t.Helper()
	w := m.w
	form := url.Values{
		"client_id": {string(directory.AgentAppID)}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"s"},
		"scope":          {"openid profile " + string(directory.DeviceRegistrationAppID) + "/" + directory.DeviceScope},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	pushed := m.post("/oauth2/v2.0/par", form)
	if pushed.status != http.StatusCreated {
		w.t.Fatalf("par: %d %s", pushed.status, pushed.body)
	}
	begin := w.get("/" + w.created.TenantID + "/oauth2/v2.0/authorize?" + url.Values{
		"client_id": {string(directory.AgentAppID)}, "request_uri": {w.json(pushed)["request_uri"].(string)},
	}.Encode())
	done := w.signIn(begin.location, name, pass)
	if done.status != http.StatusSeeOther {
		w.t.Fatalf("sign-in: %d\n%s", done.status, done.body)
	}
	redeem := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {string(directory.AgentAppID)}, "code": {w.codeIn(w.get(done.location))},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}
	got := m.post("/oauth2/v2.0/token", redeem)
	if got.status != http.StatusOK {
		w.t.Fatalf("token: %d %s", got.status, got.body)
	}
	return w.json(got)["access_token"].(string)
}

func (m *machine) joinRequest(access string) device.JoinRequest {
	m.w.t.Helper()
	in := device.JoinRequest{
		DisplayName: "LT-0451", JoinType: device.Joined, OperatingSystem: "Linux", OperatingSystemVersion: "Debian 12", Storage: device.Software,
	}
	if m.chip == nil {
		return in
	}
	e, err := m.chip.Endorsement()
	if err != nil {
		m.w.t.Fatal(err)
	}
	evidence := attestation.Evidence{EndorsementPublic: e.Public, EndorsementCertificate: e.Certificate, AttestationPublic: m.ak.Public}
	var c device.AttestationAnswer
	m.decode(m.call(http.MethodPost, "/attestation", access, evidence), http.StatusOK, &c)
	secret, err := m.chip.Activate(m.ak, c.Blob, c.Secret)
	if err != nil {
		m.w.t.Fatal(err)
	}
	about := sha256.Sum256([]byte(c.Token))
	info, signature, err := m.chip.CertifyKey(m.ak, m.tpm, about[:])
	if err != nil {
		m.w.t.Fatal(err)
	}
	in.Storage = device.TPM
	in.Attestation = &device.Attestation{
		Evidence: evidence, Token: c.Token, Secret: secret,
		Key: attestation.Statement{Public: m.tpm.Public, CertifyInfo: info, Signature: signature},
	}
	return in
}

func (m *machine) decode(a answer, status int, v any) {
	m.w.t.Helper()
	if a.status != status {
		m.w.t.Fatalf("got %d, want %d: %s", a.status, status, a.body)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		m.w.t.Fatal(err)
	}
}

func (m *machine) join(access string) device.JoinAnswer {
	m.w.t.Helper()
	var out device.JoinAnswer
	m.decode(m.call(http.MethodPost, "/join", access, m.joinRequest(access)), http.StatusCreated, &out)
	return out
}

func TestADeviceJoinsWithAPass(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	m := withTPM(w, tpmtest.New(t))
	out := m.join(m.token("admin@contoso.example", pass))

	block, _ := pem.Decode([]byte(out.Certificate[0]))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	block, _ = pem.Decode([]byte(out.Certificate[1]))
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if leaf.Subject.CommonName != out.DeviceID || !leaf.PublicKey.(*ecdsa.PublicKey).Equal(m.key.Public()) {
		t.Errorf("the certificate is for %s", leaf.Subject.CommonName)
	}
	settings := m.settings(out.Policy, out.PolicyKeys)
	web := settings.Settings[devicepolicy.EnableWebSignIn]
	if settings.DeviceID != out.DeviceID || settings.TenantID != w.created.TenantID || web.Value.Int() != 1 || web.Reason != devicepolicy.JoinedDevice {
		t.Errorf("the first policy has %+v", web)
	}
	if a := out.Accounts[0]; a.UserName != "admin" || a.UID < out.Tenant.Numbers.First || a.UID > out.Tenant.Numbers.Last || !a.Enabled {
		t.Errorf("the first account is %+v", a)
	}
	if out.Attested {
		t.Error("a TPM whose maker nobody trusts here counts as attested")
	}
	if a := m.call(http.MethodGet, "/policy", "", nil); a.status != http.StatusOK {
		t.Errorf("policy: %d %s", a.status, a.body)
	}
	again := m.call(http.MethodGet, "/accounts/admin", "", nil)
	var account device.Account
	m.decode(again, http.StatusOK, &account)
	if account.UID != out.Accounts[0].UID {
		t.Errorf("the number changed from %d to %d", out.Accounts[0].UID, account.UID)
	}
}

// settings verifies a signed policy as an agent does.
func (m *machine) settings(signed string, keys []byte) device.Settings {
	m.w.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keys, &set); err != nil {
		m.w.t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		m.w.t.Fatal(err)
	}
	body, err := jws.Verify(set.Keys[0])
	if err != nil {
		m.w.t.Fatal(err)
	}
	var s device.Settings
	if err := json.Unmarshal(body, &s); err != nil {
		m.w.t.Fatal(err)
	}
	return s
}

func TestJoiningAgainKeepsTheDevice(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	access := m.token("admin@contoso.example", pass)
	first, second := m.join(access), m.join(access)
	if first.DeviceID != second.DeviceID || first.ObjectID != second.ObjectID {
		t.Errorf("the same key joined as %s and as %s", first.DeviceID, second.DeviceID)
	}
}

func TestATPMThatIsTrustedIsTheSameDeviceForEver(t *testing.T) {
	chip := tpmtest.New(t)
	for name, roots := range map[string][]byte{"trusted": chip.CA(), "not trusted": nil} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *server.Options) { o.TPMRoots = roots })
			var joined []device.JoinAnswer
			for range 2 { // each time with new keys
				_, pass := w.issue(`{}`)
				w.newBrowser()
				m := withTPM(w, chip)
				joined = append(joined, m.join(m.token("admin@contoso.example", pass)))
				_ = m.chip.Close()
			}
			same := joined[0].DeviceID == joined[1].DeviceID
			if trusted := roots != nil; joined[1].Attested != trusted || same != trusted {
				t.Errorf("attested: %v, the same device: %v", joined[1].Attested, same)
			}
		})
	}
}

func TestWhoMayNotJoin(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	access := m.token("admin@contoso.example", pass)
	in := m.joinRequest(access)

	if a := m.call(http.MethodPost, "/join", "", in); a.status != http.StatusUnauthorized {
		t.Errorf("without a person: %d %s", a.status, a.body)
	}
	if a := m.call(http.MethodPost, "/join", w.appToken(), in); a.status != http.StatusUnauthorized {
		t.Errorf("with an application's token: %d %s", a.status, a.body)
	}
	thief := newMachine(w)
	if a := thief.call(http.MethodPost, "/join", access, in); a.status != http.StatusUnauthorized {
		t.Errorf("with another device's token: %d %s", a.status, a.body)
	}
	claims := in
	claims.Storage = device.TPM
	if a := m.call(http.MethodPost, "/join", access, claims); a.status != http.StatusBadRequest || !strings.Contains(a.body, "deviceInvalid") {
		t.Errorf("a TPM that shows nothing: %d %s", a.status, a.body)
	}
	unknown := map[string]any{"displayName": "x", "isAdmin": true}
	if a := m.call(http.MethodPost, "/join", access, unknown); a.status != http.StatusBadRequest || !strings.Contains(a.body, "deviceRequestInvalid") {
		t.Errorf("a member that nobody knows: %d %s", a.status, a.body)
	}
}

func TestATPMCantSpeakForAnotherKey(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	genuine := withTPM(w, tpmtest.New(t))
	access := genuine.token("admin@contoso.example", pass)
	in := genuine.joinRequest(access)

	// A key in software, with the statement of a TPM about its own.
	soft := newMachine(w)
	w.newBrowser()
	stolen := soft.token("admin@contoso.example", pass)
	if a := soft.call(http.MethodPost, "/join", stolen, in); a.status != http.StatusBadRequest || !strings.Contains(a.body, "attestationInvalid") {
		t.Errorf("another key: %d %s", a.status, a.body)
	}
	broken := in
	bad := *in.Attestation
	bad.Secret = make([]byte, 32)
	broken.Attestation = &bad
	if a := genuine.call(http.MethodPost, "/join", access, broken); a.status != http.StatusBadRequest || !strings.Contains(a.body, "attestationInvalid") {
		t.Errorf("a challenge that was not opened: %d %s", a.status, a.body)
	}
}

// The challenge is opened for the very key that proves the calls, and the TPM tells the truth
// all along: but of another key than that.
func TestATPMThatSpeaksOfItsOwnKeyVouchesForNoOther(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	m := withTPM(w, tpmtest.New(t))
	m.key = newMachine(w).key // in software, from the first call on
	access := m.token("admin@contoso.example", pass)
	in := m.joinRequest(access)
	if a := m.call(http.MethodPost, "/join", access, in); a.status != http.StatusBadRequest || !strings.Contains(a.body, "attestationInvalid") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestACapturedCallIsWorthNothing(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	m.join(m.token("admin@contoso.example", pass))

	path := "/device/v1/" + w.created.TenantID + "/policy"
	send := func(proof, path string) int {
		r := w.request(http.MethodGet, path, nil)
		r.Header.Set("DPoP", proof)
		return w.do(r).status
	}
	proof := m.prove(http.MethodGet, w.site.URL+path, nil, "")
	if got := send(proof, path); got != http.StatusOK {
		t.Fatalf("the call itself: %d", got)
	}
	if got := send(proof, path); got != http.StatusUnauthorized {
		t.Errorf("once more: %d", got)
	}
	proof = m.prove(http.MethodGet, w.site.URL+path, nil, "")
	if got := send(proof, strings.Replace(path, "policy", "accounts/admin", 1)); got != http.StatusUnauthorized {
		t.Errorf("for another address: %d", got)
	}
	m.nonce = ""
	if got := send(m.prove(http.MethodGet, w.site.URL+path, nil, ""), path); got != http.StatusUnauthorized {
		t.Errorf("without a nonce: %d", got)
	}
}

func TestADeviceThatLeftIsUnknown(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	access := m.token("admin@contoso.example", pass)
	m.join(access)
	m.decode(m.call(http.MethodPost, "/leave", "", nil), http.StatusNoContent, nil)
	if a := m.call(http.MethodGet, "/policy", "", nil); a.status != http.StatusNotFound || !strings.Contains(a.body, "deviceUnknown") {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	status, v := w.api(http.MethodGet, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("category eq 'Device'"), w.appToken(), "")
	if list, _ := v["value"].([]any); status != http.StatusOK || len(list) != 3 {
		t.Errorf("the log has %d %v", status, v)
	}
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
