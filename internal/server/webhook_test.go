package server_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/webhook"
)

// A message is one that a receiver got, as it came.
type message struct{ id, stamp, signatures, body string }

func (m message) verifies(secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	return err == nil && webhook.Verify(m.id, m.stamp, m.body, m.signatures, key, time.Now())
}

func (m message) kind() string {
	var v struct {
		Type string `json:"type"`
	}
	if json.Unmarshal([]byte(m.body), &v) != nil {
		return ""
	}
	return v.Type
}

// A receiver is a service outside that is message of events.
type receiver struct {
	site   *httptest.Server
	mu     sync.Mutex
	status int
	all    []message
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent}
	r.site = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, message{q.Header.Get("webhook-id"), q.Header.Get("webhook-timestamp"), q.Header.Get("webhook-signature"), string(body)})
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.site.Close)
	return r
}

func (r *receiver) trust(o *server.Options) {
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(r.site.Certificate())
	o.LogoutNetworks = server.Loopback
}

func (r *receiver) answer(status int) { r.mu.Lock(); r.status = status; r.mu.Unlock() }

func (r *receiver) got() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.all...)
}

const webhooksAt = "/v1.0/postern/webhooks"

// subscribe returns the id of a webhook to r, and its secret.
func (w *world) subscribe(r *receiver, events string) (id, secret string) {
	w.t.Helper()
	status, v := w.api(http.MethodPost, webhooksAt, w.appToken(), `{"displayName":"SIEM","url":"`+r.site.URL+`/postern?k=nobodysbusiness","events":[`+events+`]}`)
	if status != http.StatusCreated {
		w.t.Fatalf("subscribe: %d %v", status, v)
	}
	return v["id"].(string), v["secret"].(string)
}

// delivered waits until the newest delivery has that state.
func (w *world) delivered(id, state string) map[string]any {
	w.t.Helper()
	v := w.until(webhooksAt+"/"+id+"/deliveries?$top=1", w.appToken(), func(v map[string]any) bool {
		all, _ := v["value"].([]any)
		return len(all) > 0 && all[0].(map[string]any)["state"] == state && all[0].(map[string]any)["attempts"] != float64(0)
	})
	return v["value"].([]any)[0].(map[string]any)
}

func TestAReceiverIsToldOfACaseAndCanVerifyIt(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust)
	start(t, w.options)
	id, secret := w.subscribe(r, `"case.opened","case.cancelled"`)
	user := w.createUser("mira")
	status, v := w.api(http.MethodPost, recoveryCases, w.appToken(), `{"userId":"`+user+`","channel":"phone","lost":["phoneLost"],"note":"she lost it in Oslo"}`)
	if status != http.StatusCreated {
		t.Fatalf("open: %d %v", status, v)
	}
	d := w.delivered(id, "delivered")
	got := r.got()
	if len(got) != 1 || got[0].kind() != "case.opened" || !got[0].verifies(secret) || got[0].id != d["id"] {
		t.Fatalf("it got %+v", got)
	}
	for _, secret := range []string{"mira", "Oslo", "contoso"} {
		if strings.Contains(got[0].body, secret) {
			t.Errorf("the message says %q: %s", secret, got[0].body)
		}
	}
	if !strings.Contains(got[0].body, v["id"].(string)) || !strings.Contains(got[0].body, user) {
		t.Errorf("the message does not name case and person: %s", got[0].body)
	}

	again := webhooksAt + "/" + id + "/deliveries/" + d["id"].(string)
	if status, v := w.api(http.MethodPost, again+"/sendAgain", w.appToken(), ""); status != http.StatusAccepted {
		t.Fatalf("again: %d %v", status, v)
	}
	w.until(again, w.appToken(), func(v map[string]any) bool { return v["attempts"] == float64(2) && v["state"] == "delivered" })
	if got := r.got(); len(got) != 2 || got[1].id != got[0].id || got[1].body != got[0].body || !got[1].verifies(secret) {
		t.Errorf("it got %+v", got)
	}
}

func TestWhileASecretIsRotatedBothSign(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust)
	start(t, w.options)
	id, old := w.subscribe(r, `"case.opened"`)
	at := webhooksAt + "/" + id
	rotate := func(body string) string {
		status, v := w.api(http.MethodPost, at+"/rotateSecret", w.appToken(), body)
		if status != http.StatusOK {
			t.Fatalf("rotate: %d %v", status, v)
		}
		return v["secret"].(string)
	}
	fresh := rotate(`{}`)
	test := func(n int) message {
		if status, v := w.api(http.MethodPost, at+"/test", w.appToken(), `{}`); status != http.StatusAccepted {
			t.Fatalf("test: %d %v", status, v)
		}
		w.until(at+"/deliveries?$top=1", w.appToken(), func(map[string]any) bool { return len(r.got()) == n })
		return r.got()[n-1]
	}
	if m := test(1); !m.verifies(old) || !m.verifies(fresh) || m.kind() != "webhook.test" {
		t.Errorf("in between it got %+v", m)
	}
	last := rotate(`{"overlapInHours":0}`)
	if m := test(2); m.verifies(fresh) || m.verifies(old) || !m.verifies(last) {
		t.Errorf("after a leak it got %+v", m)
	}
	_, v := w.api(http.MethodGet, at, w.appToken(), "")
	for name, value := range v {
		if s, _ := value.(string); strings.HasPrefix(s, "whsec_") || name == "secret" {
			t.Errorf("%s shows %v", name, value)
		}
	}
	for _, secret := range []string{old, fresh, last, strings.TrimPrefix(last, "whsec_"), "nobodysbusiness"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestAReceiverThatFailsIsTriedAgainAndSaysWhy(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust)
	start(t, w.options)
	id, _ := w.subscribe(r, `"case.opened"`)
	at := webhooksAt + "/" + id
	r.answer(http.StatusServiceUnavailable)
	if status, v := w.api(http.MethodPost, at+"/test", w.appToken(), `{}`); status != http.StatusAccepted {
		t.Fatalf("test: %d %v", status, v)
	}
	d := w.delivered(id, "waiting")
	if d["lastStatusCode"] != float64(503) || d["attempts"] != float64(1) {
		t.Errorf("the log says %v", d)
	}
	if _, v := w.api(http.MethodGet, at, w.appToken(), ""); v["pausedUntilDateTime"] == nil {
		t.Errorf("it is not left alone: %v", v)
	}
	r.answer(http.StatusOK)
	if status, v := w.api(http.MethodPost, at+"/deliveries/"+d["id"].(string)+"/sendAgain", w.appToken(), ""); status != http.StatusAccepted {
		t.Fatalf("again: %d %v", status, v)
	}
	w.delivered(id, "delivered")
	r.answer(http.StatusGone)
	if status, v := w.api(http.MethodPost, at+"/test", w.appToken(), `{}`); status != http.StatusAccepted {
		t.Fatalf("test: %d %v", status, v)
	}
	w.delivered(id, "failed")
	if _, v := w.api(http.MethodGet, at, w.appToken(), ""); v["isEnabled"] != false {
		t.Errorf("a receiver that is gone is still on: %v", v)
	}
	if status, v := w.api(http.MethodPost, at+"/test", w.appToken(), `{}`); status != http.StatusConflict {
		t.Errorf("a test of one that is off: %d %v", status, v)
	}
}

func TestAWebhookDoesNotReachInside(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, r.trust, func(o *server.Options) { o.LogoutNetworks = nil })
	start(t, w.options)
	id, _ := w.subscribe(r, `"case.opened"`)
	if status, v := w.api(http.MethodPost, webhooksAt+"/"+id+"/test", w.appToken(), `{}`); status != http.StatusAccepted {
		t.Fatalf("test: %d %v", status, v)
	}
	d := w.delivered(id, "waiting")
	if why, _ := d["lastError"].(string); why != "the address is not public, and in no network that is allowed" {
		t.Errorf("it says %v", d)
	}
	if got := r.got(); len(got) != 0 {
		t.Errorf("it got %+v", got)
	}
	for _, body := range []string{
		`{"displayName":"x","url":"http://siem.example","events":["case.opened"]}`,
		`{"displayName":"x","url":"https://siem.example","events":["case.eaten"]}`,
		`{"displayName":"x","url":"https://siem.example","events":["case.opened"],"secret":"whsec_mine"}`,
	} {
		if status, v := w.api(http.MethodPost, webhooksAt, w.appToken(), body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", body, status, v)
		}
	}
}
