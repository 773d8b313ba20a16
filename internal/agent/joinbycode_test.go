//go:build linux

package agent_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/websignin"
)

// phone is the browser of another device.
type phone struct {
	w      *world
	client *http.Client
}

func (w *world) phone() *phone {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	c := *w.client
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &phone{w, &c}
}

// send posts a form and returns where it leads.
func (p *phone) send(path string, status int, form url.Values) string {
	p.w.t.Helper()
	r, err := http.NewRequestWithContext(p.w.t.Context(), http.MethodPost, p.w.site.URL+strings.TrimPrefix(path, p.w.site.URL), strings.NewReader(form.Encode()))
	if err != nil {
		p.w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(r)
	if err != nil {
		p.w.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != status {
		p.w.t.Fatalf("%s: %d %v, want %d", path, res.StatusCode, err, status)
	}
	return res.Header.Get("Location")
}

// open does what the person does at the phone until it asks for the number.
func (p *phone) open(c *websignin.Code) (confirm string) {
	p.w.t.Helper()
	page := p.send("/device", http.StatusSeeOther, url.Values{"otc": {c.UserCode}})
	p.send(page, http.StatusSeeOther, url.Values{"username": {admin}})
	p.send(page, http.StatusSeeOther, url.Values{"accesspass": {p.w.pass().Reveal()}})
	confirm = p.send(page, http.StatusSeeOther, url.Values{"stay": {"no"}})
	p.send(confirm, http.StatusOK, nil) // shows the page
	return confirm
}

func TestADeviceJoinsByACodeThatAPhoneApproves(t *testing.T) {
	w := newWorld(t)
	a := w.open()
	j := w.request()
	person, confirm := w.phone(), ""
	j.SignIn = agent.WithCode(func(c *websignin.Code) {
		if confirm == "" {
			confirm = person.open(c)
			return
		}
		person.send(confirm, http.StatusOK, url.Values{"answer": {"approve"}, "number": {c.Number}})
	})
	if err := a.Join(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if s := a.Status(); s.DeviceID == "" || !s.Attested || len(s.Problems) > 0 || len(s.Users) != 1 {
		t.Errorf("its status is %+v", s)
	}
}
