package server_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
)

// streamed is one event of a stream.
type streamed struct{ id, change, data string }

// listen opens the device's stream. The channel is closed when the stream ends.
func (m *machine) listen(last string) (<-chan streamed, func()) {
	m.w.t.Helper()
	if m.nonce == "" {
		m.call(http.MethodGet, "/policy", "", nil)
	}
	ctx, stop := context.WithCancel(m.w.t.Context())
	r := m.w.request(http.MethodGet, "/device/v1/"+m.w.created.TenantID+"/stream", nil).WithContext(ctx)
	r.Header.Set("DPoP", m.prove(http.MethodGet, m.w.site.URL+r.URL.EscapedPath(), nil, ""))
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := m.w.browser.Do(r)
	if err != nil {
		m.w.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		m.w.t.Fatalf("stream: %d %v", res.StatusCode, res.Header)
	}
	events, begun := make(chan streamed, 100), make(chan struct{})
	go func() {
		defer close(events)
		defer res.Body.Close()
		var e streamed
		first := true
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.change = value
			case "data":
				e.data = value
			case "":
				if first {
					first = false
					close(begun)
				} else if e.change != "ping" {
					events <- e
				}
				e = streamed{}
			}
		}
	}()
	select {
	case <-begun:
	case <-time.After(10 * time.Second):
		m.w.t.Fatal("the stream does not begin")
	}
	return events, stop
}

// next is the next event, or nothing when the stream ended.
func next(t *testing.T, events <-chan streamed) streamed {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was told")
		return streamed{}
	}
}

func TestADeviceIsToldWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	m, out, _ := joined(t, w)
	events, stop := m.listen("")

	begin := time.Now()
	w.createUser("ada") // touches no device
	admin := out.Accounts[0].ID
	w.change(http.MethodPatch, "/v1.0/users/"+admin, `{"city":"Ulm"}`)
	e := next(t, events)
	if e.change != string(device.AccountChanged) || e.data != admin {
		t.Errorf("told %+v", e)
	}
	if late := time.Since(begin); late > 5*time.Second {
		t.Errorf("told after %v", late)
	}
	group := w.create("/v1.0/groups", `{"displayName":"Laptops","mailNickname":"laptops","securityEnabled":true,"mailEnabled":false}`)
	if e = next(t, events); e.change != string(device.PolicyChanged) {
		t.Errorf("told %+v of a group", e)
	}
	stop()

	// What happens while nobody listens is told at the next contact.
	w.change(http.MethodPatch, "/v1.0/groups/"+group, `{"description":"all of them"}`)
	events, stop = m.listen(e.id)
	if again := next(t, events); again.change != string(device.PolicyChanged) || again.id == e.id {
		t.Errorf("resumed with %+v after %+v", again, e)
	}
	stop()
	events, stop = m.listen("999999") // of another life of the store: everything is read again
	for _, want := range []device.Change{device.DeviceChanged, device.AccountChanged, device.PolicyChanged} {
		if e := next(t, events); e.change != string(want) {
			t.Errorf("told %+v, not %s", e, want)
		}
	}

	// One stream a device: the second one takes over.
	second, stopSecond := m.listen("")
	defer stopSecond()
	if e := next(t, events); e != (streamed{}) {
		t.Errorf("the first stream goes on with %+v", e)
	}
	stop()
	m.decode(m.call(http.MethodPost, "/leave", "", nil), http.StatusNoContent, nil)
	if e := next(t, second); e.change != string(device.DeviceChanged) {
		t.Errorf("told %+v when it left", e)
	}
	if e := next(t, second); e != (streamed{}) {
		t.Errorf("the stream of a device that left goes on with %+v", e)
	}
}

func TestOneDeviceHearsNothingOfAnother(t *testing.T) {
	w := newWorld(t)
	w.server.Start()
	m, _, pass := joined(t, w)
	other := newMachine(w)
	other.join(other.token("admin@contoso.example", pass))
	events, stop := m.listen("")
	defer stop()
	other.decode(other.call(http.MethodPost, "/leave", "", nil), http.StatusNoContent, nil)
	w.create("/v1.0/groups", `{"displayName":"Mark","mailNickname":"mark","securityEnabled":true,"mailEnabled":false}`)
	if e := next(t, events); e.change != string(device.PolicyChanged) {
		t.Errorf("told %+v", e)
	}
}

func TestADeviceSaysHowItIs(t *testing.T) {
	w := newWorld(t)
	m, _, _ := joined(t, w)
	in := device.Status{AgentVersion: "1.2.3", Users: []device.UserStatus{}, Prerequisites: []device.Prerequisite{}}
	m.decode(m.call(http.MethodPost, "/status", "", in), http.StatusNoContent, nil)
	stranger := newMachine(w)
	if a := stranger.call(http.MethodPost, "/status", "", in); a.status != http.StatusNotFound {
		t.Errorf("a stranger: %d %s", a.status, a.body)
	}
}
