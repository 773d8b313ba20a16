package server_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox/smtptest"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
	"github.com/postern-id/postern/internal/server"
)

// pins is the PINs of a machine that joined, for one person.
type pins struct {
	*machine
	joined device.JoinAnswer
	user   string
	access string // the person's, bound to the device
	store  *container.Store
}

// refused is what the server said no with.
type refused struct{ answer }

func (r refused) Error() string { return fmt.Sprint(r.status, " ", r.body) }

// Register implements container.Server.
func (p *pins) Register(_ context.Context, c pinkey.Container, in pinkey.Creation) (string, error) {
	a := p.call(http.MethodPut, "/containers/"+c.ID+"/key", p.access, device.KeyRequest{Public: in.Public, CertifyInfo: in.CertifyInfo, Signature: in.Signature})
	if a.status != http.StatusOK {
		return "", refused{a}
	}
	var out device.KeyAnswer
	p.decode(a, http.StatusOK, &out)
	return out.MethodID, nil
}

// SignReset implements container.Server.
func (p *pins) SignReset(_ context.Context, c pinkey.Container, nonce []byte, lifetime time.Duration) (tpm2.TPMTSignature, error) {
	a := p.reset(c.ID, nonce, int(lifetime/time.Second))
	if a.status != http.StatusOK {
		return tpm2.TPMTSignature{}, refused{a}
	}
	var out device.ResetAnswer
	p.decode(a, http.StatusOK, &out)
	signature, err := tpm2.Unmarshal[tpm2.TPMTSignature](out.Signature)
	if err != nil {
		return tpm2.TPMTSignature{}, err
	}
	return *signature, nil
}

// Remove implements container.Server.
func (p *pins) Remove(_ context.Context, c pinkey.Container) error {
	if a := p.call(http.MethodDelete, "/containers/"+c.ID, "", nil); a.status != http.StatusNoContent {
		return refused{a}
	}
	return nil
}

func (p *pins) reset(id string, nonce []byte, seconds int) answer {
	p.w.t.Helper()
	return p.call(http.MethodPost, "/containers/"+id+"/reset", p.access, device.ResetRequest{Nonce: nonce, Lifetime: seconds})
}

// withPINs joins a machine for a person, by a pass.
func withPINs(w *world, upn, pass string, chip *tpmtest.Machine) *pins {
	w.t.Helper()
	w.newBrowser()
	p := &pins{machine: withTPM(w, chip)}
	p.access = p.token(upn, pass)
	p.joined = p.join(p.access)
	w.newBrowser()
	p.access = p.token(upn, pass) // now that the server knows the device
	p.user = p.joined.Accounts[0].ID
	files, err := disk.Open(w.t.TempDir() + "/containers")
	if err != nil {
		w.t.Fatal(err)
	}
	p.store = &container.Store{Files: files, Chip: p.chip, Attestation: p.ak, Now: time.Now, Rand: rand.Reader}
	return p
}

// begin asks for what a PIN is made from.
func (p *pins) begin() container.Plan {
	p.w.t.Helper()
	return p.planOf(p.call(http.MethodPost, "/containers", p.access, nil))
}

func (p *pins) planOf(a answer) container.Plan {
	p.w.t.Helper()
	var out device.ContainerAnswer
	p.decode(a, http.StatusCreated, &out)
	parsed, err := x509.ParsePKIXPublicKey(out.ResetKey)
	if err != nil {
		p.w.t.Fatal(err)
	}
	key, err := device.KeyOf(parsed)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return container.Plan{
		IDs:   pinkey.Container{Tenant: p.w.created.TenantID, Device: p.joined.DeviceID, User: p.user, ID: out.ID},
		Reset: key, ResetVersion: out.ResetVersion, Challenge: out.Challenge,
	}
}

func (p *pins) create(pin string) container.Container {
	p.w.t.Helper()
	c, err := p.store.Create(p.w.t.Context(), p, p.begin(), pin)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return c
}

// byPIN signs with the key that a PIN opens.
type byPIN struct {
	store     *container.Store
	user, pin string
}

func (byPIN) Public() crypto.PublicKey { return nil }

func (k byPIN) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.store.Sign(k.user, k.pin, digest)
}

func (m *machine) challenge() string {
	m.w.t.Helper()
	a := m.w.post(m.w.tokenPath(), url.Values{"grant_type": {device.GrantChallenge}})
	if a.status != http.StatusOK {
		m.w.t.Fatalf("challenge: %d %s", a.status, a.body)
	}
	return m.w.json(a)["Nonce"].(string)
}

// claims are those of an assertion that is right.
func (p *pins) claims() map[string]any {
	now := time.Now().Add(p.ahead)
	return map[string]any{
		"iss": p.user, "sub": p.user, "aud": p.joined.Tenant.Issuer, "nonce": p.challenge(), "jti": uuid.NewString(),
		"iat": now.Unix(), "exp": now.Add(4 * time.Minute).Unix(), "device_id": p.joined.DeviceID,
	}
}

func header(c container.Container) map[string]any {
	return map[string]any{"typ": "JWT", "alg": "ES256", "kid": c.Method}
}

func (p *pins) sign(key crypto.Signer, header, claims map[string]any) string {
	p.w.t.Helper()
	text, err := device.SignJWT(key, header, claims)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return text
}

// present brings an assertion to the token endpoint, proved by the machine's device key.
func (m *machine) present(assertion string) answer {
	m.w.t.Helper()
	return m.post("/oauth2/v2.0/token", url.Values{
		"grant_type": {device.GrantPIN}, "client_id": {string(directory.AgentAppID)}, "assertion": {assertion},
		"scope": {"openid profile offline_access " + string(directory.DeviceRegistrationAppID) + "/" + directory.DeviceScope},
	})
}

// signInWith types the PIN and signs in.
func (p *pins) signInWith(c container.Container, pin string) answer {
	p.w.t.Helper()
	return p.present(p.sign(byPIN{p.store, p.user, pin}, header(c), p.claims()))
}

func (p *pins) tokens(a answer) map[string]any {
	p.w.t.Helper()
	if a.status != http.StatusOK {
		p.w.t.Fatalf("sign-in with the PIN: %d %s", a.status, a.body)
	}
	return p.w.json(a)
}

func (p *pins) refresh(token any) answer {
	p.w.t.Helper()
	return p.post("/oauth2/v2.0/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {string(directory.AgentAppID)}, "refresh_token": {token.(string)},
	})
}

func TestAPINFromSetUpToResetAtTheServer(t *testing.T) {
	office := &smtptest.Server{}
	office.Start(t)
	w := newWorld(t, func(o *server.Options) { o.Mail = mailTo(t, office) })
	_, pass := w.addPerson("mira@contoso.example")
	w.do204(http.MethodPatch, "/v1.0/users/mira@contoso.example", `{"mail":"mira@contoso.example","otherMails":["at-home@mira.example"]}`)
	p := withPINs(w, "mira@contoso.example", pass, tpmtest.New(t))
	c := p.create("246813")

	got := p.tokens(p.signInWith(c, "246813"))
	access, id := claimsOf(t, got["access_token"]), claimsOf(t, got["id_token"])
	if access["deviceid"] != p.joined.DeviceID || id["deviceid"] != p.joined.DeviceID || access["oid"] != p.user {
		t.Errorf("tokens are for %v on %v and %v", access["oid"], access["deviceid"], id["deviceid"])
	}
	if amr := fmt.Sprint(access["amr"]); amr != "[hwk mfa ngcmfa]" {
		t.Errorf("amr is %s", amr)
	}
	if got["token_type"] != "DPoP" || access["cnf"] == nil {
		t.Errorf("the tokens are bound to nothing: %v %v", got["token_type"], access["cnf"])
	}
	again := p.tokens(p.refresh(got["refresh_token"]))
	if again["refresh_token"] != got["refresh_token"] {
		t.Error("a bound refresh token was rotated")
	}

	// The PIN is forgotten, and a pass is at hand.
	for range container.MaxWrong {
		if _, err := p.store.Sign(p.user, "1", make([]byte, 32)); err == nil {
			t.Fatal("a wrong PIN signs")
		}
	}
	if err := p.store.Reset(t.Context(), p, p.user, "864209"); err != nil {
		t.Fatal(err)
	}
	p.tokens(p.signInWith(c, "864209"))
	if now, err := p.store.Find(p.user); err != nil || now.Method != c.Method || !bytes.Equal(now.Key.Public, c.Key.Public) {
		t.Error("the reset made another key", err)
	}
	found := w.directoryAudits(w.appToken(), "Reset device PIN")
	if len(found) != 1 || !strings.Contains(fmt.Sprint(found[0]), "automation") || !strings.Contains(fmt.Sprint(found[0]), p.joined.DeviceID) {
		t.Errorf("the log says of the reset: %v", found)
	}
	w.server.Start()
	setUp, reset := 0, 0
	var told []string
	for _, m := range office.Wait(t, 4) {
		text, _ := m.Parts(t)
		if !strings.Contains(text, "LT-0451") || strings.Contains(text, pass) || strings.Contains(text, "https://") {
			t.Errorf("a mail says\n%s", text)
		}
		if strings.Contains(text, "automation had issued") {
			reset++
		}
		if strings.Contains(text, "was set up on the device") && strings.Contains(text, "Remove the PIN on your own page") {
			setUp++
		}
		told = append(told, m.To...)
	}
	if setUp != 2 || reset != 2 {
		t.Errorf("%d mails tell of the PIN, %d of its reset", setUp, reset)
	}
	if slices.Sort(told); !slices.Equal(told, []string{"at-home@mira.example", "at-home@mira.example", "mira@contoso.example", "mira@contoso.example"}) {
		t.Errorf("mail went to %v", told)
	}
	status, v := w.api(http.MethodGet, "/beta/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+p.user+"'"), w.appToken(), "")
	text := fmt.Sprint(v)
	if status != http.StatusOK || !strings.Contains(text, "Windows Hello for Business") || !strings.Contains(text, "deviceId:"+p.joined.DeviceID) {
		t.Errorf("the sign-ins are %s", text)
	}
}

func TestWhatIsNoSignInByPIN(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	chip := tpmtest.New(t)
	p := withPINs(w, "admin@contoso.example", pass, chip)
	c := p.create("246813")
	key := byPIN{p.store, p.user, "246813"}
	other := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	foreign := other.create("135790")

	wanted := func(name string, a answer, code string) {
		t.Helper()
		if a.status == http.StatusOK || !strings.Contains(a.body, code) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	change := func(more map[string]any) map[string]any {
		claims := p.claims()
		maps.Copy(claims, more)
		return claims
	}
	right := p.sign(key, header(c), p.claims())
	wanted("from another device", other.present(right), "invalid_dpop_proof")
	wanted("without a device", w.post(w.tokenPath(), url.Values{
		"grant_type": {device.GrantPIN}, "client_id": {string(directory.AgentAppID)}, "assertion": {right}, "scope": {"openid"},
	}), "invalid_dpop_proof")
	wanted("by another application", p.post("/oauth2/v2.0/token", url.Values{
		"grant_type": {device.GrantPIN}, "client_id": {cli}, "assertion": {right}, "scope": {"openid"},
	}), "unsupported_grant_type")
	p.tokens(p.present(right))
	wanted("a second time", p.present(right), "invalid_grant")

	spent := p.claims()
	p.tokens(p.present(p.sign(key, header(c), spent)))
	spent["jti"] = uuid.NewString()
	wanted("with a nonce that was used", p.present(p.sign(key, header(c), spent)), "invalid_grant")

	for _, one := range []struct {
		name string
		more map[string]any
	}{
		{"another nonce", map[string]any{"nonce": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAA"}},
		{"no nonce", map[string]any{"nonce": ""}},
		{"no id", map[string]any{"jti": ""}},
		{"another person", map[string]any{"iss": uuid.NewString(), "sub": uuid.NewString()}},
		{"another subject", map[string]any{"sub": uuid.NewString()}},
		{"another device", map[string]any{"device_id": other.joined.DeviceID}},
		{"another tenant", map[string]any{"aud": w.site.URL + "/" + uuid.NewString() + "/v2.0"}},
		{"two audiences", map[string]any{"aud": []string{p.joined.Tenant.Issuer, "https://elsewhere.example"}}},
		{"the past", map[string]any{"exp": time.Now().Add(-time.Second).Unix()}},
		{"an hour ahead", map[string]any{"exp": time.Now().Add(time.Hour).Unix()}},
	} {
		wanted(one.name, p.present(p.sign(key, header(c), change(one.more))), "invalid_grant")
	}
	wanted("signed by the device key", p.present(p.sign(p.key, header(c), p.claims())), "invalid_grant")
	wanted("signed by another device's PIN", p.present(p.sign(byPIN{other.store, other.user, "135790"}, header(c), p.claims())), "invalid_grant")
	wanted("another device's method", p.present(p.sign(byPIN{other.store, other.user, "135790"}, header(foreign), p.claims())), "invalid_dpop_proof")
	wanted("a method that never was", p.present(p.sign(key, map[string]any{"typ": "JWT", "alg": "ES256", "kid": uuid.NewString()}, p.claims())), "invalid_grant")
	wanted("a DPoP proof", p.present(p.sign(key, map[string]any{"typ": "dpop+jwt", "alg": "ES256", "kid": c.Method}, p.claims())), "invalid_grant")
	wanted("no algorithm", p.present(p.sign(key, map[string]any{"typ": "JWT", "alg": "none", "kid": c.Method}, p.claims())), "invalid_grant")
	wanted("a shared secret", p.present(p.sign(key, map[string]any{"typ": "JWT", "alg": "HS256", "kid": c.Method}, p.claims())), "invalid_grant")

	// The key of a PIN is no device key.
	pin := &machine{w: w, key: publicOf(t, c, key)}
	if a := pin.call(http.MethodGet, "/policy", "", nil); a.status != http.StatusNotFound {
		t.Errorf("the PIN's key as a device's: %d %s", a.status, a.body)
	}
}

// shown is a signer that says its public key.
type shown struct {
	crypto.Signer
	public crypto.PublicKey
}

func (s shown) Public() crypto.PublicKey { return s.public }

func publicOf(t *testing.T, c container.Container, key crypto.Signer) crypto.Signer {
	t.Helper()
	public, err := c.Key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return shown{key, public}
}

func TestAPINEndsWithWhatItHangsOn(t *testing.T) {
	chip := tpmtest.New(t)
	for _, one := range []struct {
		name string
		end  func(p *pins, c container.Container)
		code string
	}{
		{"the method is deleted", func(p *pins, c container.Container) {
			p.w.do204(http.MethodDelete, "/v1.0/users/"+p.user+"/authentication/windowsHelloForBusinessMethods/"+c.Method, "")
		}, "invalid_grant"},
		{"the device removes it", func(p *pins, c container.Container) {
			if err := p.Remove(p.w.t.Context(), c.IDs); err != nil {
				p.w.t.Error(err)
			}
		}, "invalid_grant"},
		{"a new PIN replaces it", func(p *pins, _ container.Container) {
			if _, err := p.store.Create(p.w.t.Context(), p, p.begin(), "864209"); err != nil {
				p.w.t.Error(err)
			}
		}, "invalid_grant"},
		{"the person is disabled", func(p *pins, _ container.Container) {
			p.w.do204(http.MethodPatch, "/v1.0/users/"+p.user, `{"accountEnabled":false}`)
		}, "invalid_grant"},
		{"the person is deleted", func(p *pins, _ container.Container) {
			p.w.do204(http.MethodDelete, "/v1.0/users/"+p.user, "")
		}, "invalid_grant"},
		{"the device leaves", func(p *pins, _ container.Container) {
			p.decode(p.call(http.MethodPost, "/leave", "", nil), http.StatusNoContent, nil)
		}, "invalid_grant"},
	} {
		t.Run(one.name, func(t *testing.T) {
			w := newWorld(t)
			_, pass := w.addPerson("mira@contoso.example")
			p := withPINs(w, "mira@contoso.example", pass, chip)
			defer func() { _ = p.chip.Close() }()
			c := p.create("246813")
			claims := p.claims()
			got := p.tokens(p.signInWith(c, "246813"))
			assertion := p.sign(byPIN{p.store, p.user, "246813"}, header(c), claims) // signed before, used after
			one.end(p, c)
			if a := p.refresh(got["refresh_token"]); a.status != http.StatusBadRequest || !strings.Contains(a.body, "invalid_grant") {
				t.Errorf("the refresh token afterwards: %d %s", a.status, a.body)
			}
			if a := p.present(assertion); a.status == http.StatusOK || !strings.Contains(a.body, one.code) {
				t.Errorf("the PIN afterwards: %d %s", a.status, a.body)
			}
		})
	}
}

func TestWhoMaySetUpAPIN(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	p := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	plan := p.begin()
	c, err := p.store.Create(t.Context(), p, plan, "246813")
	if err != nil {
		t.Fatal(err)
	}

	if a := p.call(http.MethodPost, "/containers", "", nil); a.status != http.StatusUnauthorized {
		t.Errorf("without a person: %d %s", a.status, a.body)
	}
	thief := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	if a := thief.call(http.MethodPost, "/containers", p.access, nil); a.status != http.StatusUnauthorized {
		t.Errorf("with another device's token: %d %s", a.status, a.body)
	}
	if _, err := thief.Register(t.Context(), plan.IDs, pinkey.Creation{}); err == nil || !strings.Contains(err.Error(), "pinUnknown") {
		t.Errorf("another device's container: %v", err)
	}
	if a := p.call(http.MethodGet, "/containers/"+c.IDs.ID, "", nil); a.status != http.StatusOK || !strings.Contains(a.body, c.Method) {
		t.Errorf("a device that asks about its own: %d %s", a.status, a.body)
	}
	if a := thief.call(http.MethodGet, "/containers/"+c.IDs.ID, "", nil); a.status != http.StatusNotFound || !strings.Contains(a.body, "pinUnknown") {
		t.Errorf("another device that asks about it: %d %s", a.status, a.body)
	}
	if a := thief.call(http.MethodDelete, "/containers/"+c.IDs.ID, "", nil); a.status != http.StatusNotFound {
		t.Errorf("removing another device's PIN: %d %s", a.status, a.body)
	}
	// A key that the TPM made for another container, and one that it made for another challenge.
	next := p.begin()
	for name, wrong := range map[string]container.Plan{
		"another challenge": {IDs: next.IDs, Reset: next.Reset, Challenge: plan.Challenge},
		"another reset key": {IDs: next.IDs, Reset: plan.Reset, Challenge: next.Challenge},
	} {
		if _, err := p.store.Create(t.Context(), p, wrong, "246813"); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("%s: %v", name, err)
		}
	}
	soft := newMachine(w)
	w.newBrowser()
	access := soft.token("admin@contoso.example", pass)
	soft.join(access)
	var begun device.ContainerAnswer
	soft.decode(soft.call(http.MethodPost, "/containers", access, nil), http.StatusCreated, &begun)
	for name, in := range map[string]device.KeyRequest{
		"a key that no TPM speaks for":         {Public: []byte("x")},
		"a key that it does not show it holds": {Public: begun.ResetKey, Guard: &software.Guard{Verifier: make([]byte, 32), Recovery: make([]byte, 32)}},
	} {
		a := soft.call(http.MethodPut, "/containers/"+begun.ID+"/key", access, in)
		if a.status == http.StatusOK || !strings.Contains(a.body, "pinNeedsTPM") && !strings.Contains(a.body, "pinKeyInvalid") {
			t.Errorf("a device without a TPM, %s: %d %s", name, a.status, a.body)
		}
	}
	if a := soft.present(p.sign(byPIN{p.store, p.user, "246813"}, header(c), p.claims())); a.status == http.StatusOK {
		t.Error("the PIN works elsewhere")
	}
}

func TestAProofGrowsTooOldForAPIN(t *testing.T) {
	var ahead time.Duration
	w := newWorld(t, func(o *server.Options) { o.Wall = func() time.Time { return time.Now().Add(ahead) } })
	_, pass := w.issue(`{}`)
	p := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	c := p.create("246813")
	nonce := make([]byte, 32)
	if a := p.reset(c.IDs.ID, nonce, 60); a.status != http.StatusOK {
		t.Fatalf("a reset just after the sign-in: %d %s", a.status, a.body)
	}
	for name, seconds := range map[string]int{"a ticket": 0, "a ticket by a negative time": -60, "too long": 61} {
		if a := p.reset(c.IDs.ID, nonce, seconds); a.status != http.StatusBadRequest || !strings.Contains(a.body, "pinResetInvalid") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := p.reset(c.IDs.ID, nil, 60); a.status != http.StatusBadRequest {
		t.Errorf("without a nonce: %d %s", a.status, a.body)
	}

	// A sign-in with the PIN itself is fresh, but may not reset it.
	byPass := p.access
	p.access = p.tokens(p.signInWith(c, "246813"))["access_token"].(string)
	if a := p.reset(c.IDs.ID, nonce, 60); a.status != http.StatusForbidden || !strings.Contains(a.body, "pinResetProof") {
		t.Errorf("by the PIN itself: %d %s", a.status, a.body)
	}
	p.access = byPass
	ahead = 11 * time.Minute
	p.ahead, p.nonce = ahead, ""
	if a := p.reset(c.IDs.ID, nonce, 60); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "pinProofTooOld") {
		t.Errorf("after eleven minutes: %d %s", a.status, a.body)
	}
	if a := p.call(http.MethodPost, "/containers", p.access, nil); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "pinProofTooOld") {
		t.Errorf("another PIN after eleven minutes: %d %s", a.status, a.body)
	}
}

func TestAPINIsResetUnderTheRootThatItWasMadeWith(t *testing.T) {
	var ahead time.Duration
	w := newWorld(t, func(o *server.Options) { o.Wall = func() time.Time { return time.Now().Add(ahead) } })
	_, pass := w.issue(`{}`)
	p := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	if p.create("246813").ResetVersion != 1 {
		t.Error("the first root is not version 1")
	}
	if _, err := server.RotateKeys(t.Context(), w.options, []string{"pinReset"}); err != nil {
		t.Fatal(err)
	}
	ahead = 2 * time.Minute // every replica knows the new root
	p.ahead, p.nonce = ahead, ""
	if err := p.store.Reset(t.Context(), p, p.user, "864209"); err != nil {
		t.Errorf("under the former root: %v", err)
	}
	if plan := p.begin(); plan.ResetVersion != 2 {
		t.Errorf("a new PIN is under version %d", plan.ResetVersion)
	}
}

func TestAPINIsResetFiveTimesAnHour(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{}`)
	p := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	c := p.create("246813")
	other := withPINs(w, "admin@contoso.example", pass, tpmtest.New(t))
	nonce := make([]byte, 32)
	if a := other.reset(c.IDs.ID, nonce, 60); a.status != http.StatusNotFound {
		t.Errorf("from another device: %d %s", a.status, a.body)
	}
	var got []int
	for range 6 {
		got = append(got, p.reset(c.IDs.ID, nonce, 60).status)
	}
	if !slices.Equal(got, []int{200, 200, 200, 200, 200, 429}) {
		t.Errorf("six resets gave %v", got)
	}
	if n := len(w.directoryAudits(w.appToken(), "Reset device PIN")); n != 5 {
		t.Errorf("the log has %d resets", n)
	}
}

func TestPINsAreSeenAndRemovedThroughGraphAndByTheirOwner(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	_, pass := w.addPerson("mira@contoso.example")
	p := withPINs(w, "mira@contoso.example", pass, tpmtest.New(t))
	c := p.create("246813")
	got := p.tokens(p.signInWith(c, "246813"))
	at := "/v1.0/users/" + p.user + "/authentication/"

	status, v := w.api(http.MethodGet, at+"windowsHelloForBusinessMethods?$expand=device", w.appToken(), "")
	list, _ := v["value"].([]any)
	if status != http.StatusOK || len(list) != 1 {
		t.Fatalf("list: %d %v", status, v)
	}
	one := list[0].(map[string]any)
	if one["id"] != c.Method || one["displayName"] != "LT-0451" || one["keyStrength"] != "unknown" || one["device"].(map[string]any)["deviceId"] != p.joined.DeviceID {
		t.Errorf("the method is %v", one)
	}
	status, v = w.api(http.MethodGet, at+"windowsHelloForBusinessMethods/"+c.Method, w.appToken(), "")
	if status != http.StatusOK || v["id"] != c.Method || v["device"] != nil {
		t.Errorf("get: %d %v", status, v)
	}
	status, v = w.api(http.MethodGet, at+"methods", w.appToken(), "")
	if text := fmt.Sprint(v); status != http.StatusOK || !strings.Contains(text, "windowsHelloForBusinessAuthenticationMethod") || !strings.Contains(text, "temporaryAccessPass") {
		t.Errorf("methods: %d %s", status, text)
	}
	admin := "/v1.0/users/admin@contoso.example/authentication/windowsHelloForBusinessMethods/"
	for _, verb := range []string{http.MethodGet, http.MethodDelete} {
		if status, v := w.api(verb, admin+c.Method, w.appToken(), ""); status != http.StatusNotFound {
			t.Errorf("%s as somebody else's: %d %v", verb, status, v)
		}
	}

	heard, stop := p.listen("")
	defer stop()

	// On their own page: the browser is still signed in by the pass.
	page := w.get("/security-info")
	if !strings.Contains(page.body, "Device PIN") || !strings.Contains(page.body, "LT-0451") || !strings.Contains(page.body, "Signed in with a device PIN") {
		t.Fatalf("the own page: %d\n%s", page.status, page.body)
	}
	if a := w.post("/security-info/remove", url.Values{"method": {c.Method}, "confirmed": {"yes"}}); a.status != http.StatusSeeOther {
		t.Fatalf("remove: %d %s", a.status, a.body)
	}
	if e := next(t, heard); e.change != "pin" || !strings.Contains(e.data, c.IDs.ID) {
		t.Errorf("the device heard %+v", e)
	}
	if page := w.get("/security-info"); strings.Contains(page.body, c.Method) || !strings.Contains(page.body, "Device PIN removed from LT-0451") {
		t.Errorf("the own page afterwards:\n%s", page.body)
	}
	if a := p.refresh(got["refresh_token"]); a.status != http.StatusBadRequest {
		t.Errorf("the refresh token afterwards: %d %s", a.status, a.body)
	}
	if status, v := w.api(http.MethodDelete, at+"windowsHelloForBusinessMethods/"+c.Method, w.appToken(), ""); status != http.StatusNotFound {
		t.Errorf("a second removal: %d %v", status, v)
	}
}

func TestAnAdministratorWithAPINEndsTheBootstrapPass(t *testing.T) {
	w := newWorld(t)
	admin := w.userID("admin@contoso.example")
	second := w.createUser("second")
	w.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"principalId":"`+second+`","roleDefinitionId":"`+string(directory.GlobalAdministrator)+`","directoryScopeId":"/"}`)
	mine := w.passesOf(admin)
	if len(mine) != 1 {
		t.Fatalf("the first administrator has %v", mine)
	}
	_, pass := w.passFor(second)
	p := withPINs(w, "second@contoso.example", pass, tpmtest.New(t))
	p.create("246813")
	if left := w.passesOf(admin); len(left) != 0 {
		t.Errorf("the bootstrap pass still works: %v", left)
	}
	if n := len(w.directoryAudits(w.appToken(), "Temporary access pass removed")); n != 1 {
		t.Errorf("the log has %d removals", n)
	}
}

// userID returns the object id of a person.
func (w *world) userID(upn string) string {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/users/"+upn, w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("user: %d %v", status, v)
	}
	return v["id"].(string)
}

func (w *world) passesOf(user string) []any {
	w.t.Helper()
	status, v := w.api(http.MethodGet, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), "")
	if status != http.StatusOK {
		w.t.Fatalf("passes: %d %v", status, v)
	}
	return v["value"].([]any)
}

// passFor issues a pass for many uses.
func (w *world) passFor(user string) (id, pass string) {
	w.t.Helper()
	status, v := w.api(http.MethodPost, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), `{}`)
	if status != http.StatusCreated {
		w.t.Fatalf("issue: %d %v", status, v)
	}
	return v["id"].(string), v["temporaryAccessPass"].(string)
}
