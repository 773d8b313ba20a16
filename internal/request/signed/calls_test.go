package signed_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/request/signed"
)

var (
	nine         = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	errMalformed = &fault.Error{Kind: fault.Invalid, Code: "malformed"}
	errStranger  = &fault.Error{Kind: fault.Unauthorized, Code: "stranger"}
	errBusy      = (&fault.Error{Kind: fault.TooMany, Code: "busy"}).After(7)
)

const contoso, site = "11111111-1111-4111-8111-111111111111", "https://postern.test"

// memory is a store of one tenant.
type memory map[string]bool

func (memory) Tenant(_ context.Context, id directory.TenantID) (directory.Tenant, error) {
	if id != contoso {
		return directory.Tenant{}, directory.ErrTenantUnknown
	}
	return directory.Tenant{ID: id}, nil
}

func (memory) TenantOf(_ context.Context, domain string) (directory.TenantID, error) {
	if domain != "contoso.example" {
		return "", directory.ErrTenantUnknown
	}
	return contoso, nil
}

func (m memory) Seen(_ context.Context, tenant, kind, id string, _ time.Time) (fresh bool, err error) {
	key := tenant + " " + kind + " " + id
	fresh = !m[key]
	m[key] = true
	return fresh, nil
}

// plain returns MACs that tell what they are of.
type plain struct{}

func (plain) MAC(_ context.Context, tenant, label string, message []byte) (string, error) {
	return tenant + "." + strings.ReplaceAll(label, " ", "-") + "." + string(rune('a'+message[7]%16)), nil
}

// bench is one API whose only call says the body.
type bench struct {
	signed.Calls
	key   *ecdsa.PrivateKey
	now   time.Time
	admit func(*signed.Call) error
}

func newBench(t *testing.T) *bench {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{key: key, now: nine, admit: func(*signed.Call) error { return nil }}
	b.Calls = signed.Calls{
		Who: "device", Malformed: errMalformed, MaxBody: 64, Store: memory{}, Secrets: plain{}, PublicURL: site, Incarnation: "one",
		Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler),
		Proved: func(err error) bool { return errors.Is(err, errStranger) },
	}
	return b
}

// do sends a call as it is, with proof.
func (b *bench) do(path, body, proof string) *httptest.ResponseRecorder {
	open := func(w http.ResponseWriter, r *http.Request) (*signed.Call, error) { return b.Open(w, r, b.admit) }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/call", signed.Handler(&b.Calls, open, func(c *signed.Call) (int, any, error) {
		var said string
		if err := c.Read(&said); err != nil {
			return 0, nil, err
		}
		return http.StatusCreated, said, nil
	}))
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func (b *bench) proof(t *testing.T, path, body, nonce string) string {
	t.Helper()
	proof, err := device.Prove(b.key, device.Call{Method: http.MethodPost, URL: site + path, Body: []byte(body), Nonce: nonce}, b.now)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

// nonce asks for a nonce as every conversation begins.
func (b *bench) nonce(t *testing.T) string {
	t.Helper()
	w := b.do("/"+contoso+"/call", "", "")
	if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != `DPoP error="use_dpop_nonce"` || w.Header().Get("DPoP-Nonce") == "" {
		t.Fatalf("a call without a proof: %d %v", w.Code, w.Header())
	}
	return w.Header().Get("DPoP-Nonce")
}

const notProved = `DPoP error="invalid_dpop_proof"`

func TestAProofIsForOneCallOnce(t *testing.T) {
	b := newBench(t)
	path, body, nonce := "/contoso.example/call", `"hello"`, b.nonce(t)
	proof := b.proof(t, path, body, nonce)
	for _, other := range []struct{ name, path, body string }{
		{"another body", path, `"hallo"`},
		{"another address", "/" + contoso + "/call", body},
	} {
		w := b.do(other.path, other.body, proof)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != notProved {
			t.Errorf("%s: %d %v", other.name, w.Code, w.Header())
		}
	}
	w := b.do(path, body, proof)
	if w.Code != http.StatusCreated || strings.TrimSpace(w.Body.String()) != body || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("the call: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := b.do(path, body, proof); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != notProved {
		t.Errorf("the same again: %d %v", w.Code, w.Header())
	}
}

func TestANonceIsForOneToTwoMinutesOneAPIAndOneLifeOfTheStore(t *testing.T) {
	path, body := "/"+contoso+"/call", `"hello"`
	for name, test := range map[string]struct {
		change func(*bench)
		good   bool
	}{
		"at once":                     {func(*bench) {}, true},
		"a minute later":              {func(b *bench) { b.now = nine.Add(119 * time.Second) }, true},
		"two minutes later":           {func(b *bench) { b.now = nine.Add(2 * time.Minute) }, false},
		"at another API":              {func(b *bench) { b.Who = "phone" }, false},
		"after the store is restored": {func(b *bench) { b.Incarnation = "two" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			nonce := b.nonce(t)
			test.change(b)
			w := b.do(path, body, b.proof(t, path, body, nonce))
			if good := w.Code == http.StatusCreated; good != test.good {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if !test.good && w.Header().Get("WWW-Authenticate") != `DPoP error="use_dpop_nonce"` {
				t.Errorf("the caller is not told to use the new nonce: %v", w.Header())
			}
		})
	}
}

func TestWhoIsRefusedLeavesNoProofBehind(t *testing.T) {
	b := newBench(t)
	path, body := "/"+contoso+"/call", `"hello"`
	proof := b.proof(t, path, body, b.nonce(t))
	b.admit = func(c *signed.Call) error {
		if want, _ := device.Thumbprint(&b.key.PublicKey); c.Proof.Thumbprint != want {
			t.Errorf("the key is %s", c.Proof.Thumbprint)
		}
		return errBusy
	}
	if w := b.do(path, body, proof); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "7" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	b.admit = func(*signed.Call) error { return errStranger }
	if w := b.do(path, body, proof); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "DPoP" {
		t.Errorf("a good proof: %d %v", w.Code, w.Header())
	}
	b.admit = func(*signed.Call) error { return nil }
	if w := b.do(path, body, proof); w.Code != http.StatusCreated {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

func TestBindSaysWhichKeyMaySign(t *testing.T) {
	b := newBench(t)
	path, body := "/"+contoso+"/call", `"hello"`
	proof := b.proof(t, path, body, b.nonce(t))
	b.Bind = func(_ *signed.Call, want *dpop.Want) error {
		want.AccessToken, want.Thumbprint = "token", "another key"
		return nil
	}
	if w := b.do(path, body, proof); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != notProved {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestACallThatCannotBeReadIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"no JSON":             {"/" + contoso + "/call", `hello`, http.StatusBadRequest, "malformed"},
		"two values":          {"/" + contoso + "/call", `"a" "b"`, http.StatusBadRequest, "malformed"},
		"a body without end":  {"/" + contoso + "/call", `"` + strings.Repeat("a", 64) + `"`, http.StatusBadRequest, "malformed"},
		"a tenant of nowhere": {"/fabrikam.example/call", `"a"`, http.StatusNotFound, directory.ErrTenantUnknown.Code},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			w := b.do(test.path, test.body, b.proof(t, test.path, test.body, b.nonce(t)))
			if w.Code != test.status || !strings.Contains(w.Body.String(), `"`+test.code+`"`) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

func TestWhatIsNoFaultIsLoggedAndNotTold(t *testing.T) {
	b := newBench(t)
	var log bytes.Buffer
	b.Log = slog.New(slog.NewTextHandler(&log, nil))
	w := httptest.NewRecorder()
	b.Refuse(w, httptest.NewRequest(http.MethodGet, "/x", nil), errors.New("the disk is full"))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "the disk is full") || !strings.Contains(log.String(), "device call failed") {
		t.Errorf("the log has %s", log.String())
	}
}
