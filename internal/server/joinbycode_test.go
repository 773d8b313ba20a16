package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

// asked is the answer to a device that asks for a code.
type asked struct {
	Device string `json:"device_code"`
	User   string `json:"user_code"`
	Number string `json:"number"`
}

// askCode asks for a code as postern-agent join --device-code does.
func (m *machine) askCode() asked {
	m.w.t.Helper()
	a := m.post("/oauth2/v2.0/devicecode", url.Values{
		"client_id": {string(directory.AgentAppID)}, "device_name": {"lt-0451\x1b[1m.contoso.example"},
		"scope": {"openid profile " + string(directory.DeviceRegistrationAppID) + "/" + directory.DeviceScope},
	})
	var out asked
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK || out.Number != "" {
		m.w.t.Fatalf("device code: %d %s %v", a.status, a.body, err)
	}
	return out
}

// toNumber opens the page that asks, as a person does, and returns its address; the device
// hears its number then, and not before.
func (m *machine) toNumber(c *asked, name, pass string) string {
	m.w.t.Helper()
	if _, v := m.redeemCode(*c); v["number"] != nil {
		m.w.t.Errorf("before anybody is at the page: %v", v)
	}
	confirm := m.w.toConfirm(c.User, name, pass)
	if a := m.w.get(confirm); a.status != http.StatusOK {
		m.w.t.Fatalf("confirm: %d\n%s", a.status, a.body)
	}
	_, v := m.redeemCode(*c)
	c.Number, _ = v["number"].(string)
	if v["error"] != "authorization_pending" || len(c.Number) != 4 {
		m.w.t.Fatalf("once somebody is at the page: %v", v)
	}
	return confirm
}

// redeemCode polls once.
func (m *machine) redeemCode(c asked) (int, map[string]any) {
	m.w.t.Helper()
	a := m.post("/oauth2/v2.0/token", url.Values{
		"grant_type": {longGrant}, "client_id": {string(directory.AgentAppID)}, "device_code": {c.Device},
	})
	return a.status, m.w.json(a)
}

func (m *machine) wantPoll(c asked, want string) {
	m.w.t.Helper()
	if status, v := m.redeemCode(c); status != http.StatusBadRequest || v["error"] != want {
		m.w.t.Errorf("a poll got %d %v, not %s", status, v, want)
	}
}

func wrong(number string) string {
	if number == "0000" {
		return "1111"
	}
	return "0000"
}

func approval(number string) url.Values {
	return url.Values{"answer": {"approve"}, "number": {number}}
}

func TestADeviceJoinsByCodeWithItsNumber(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":true}`)
	m := newMachine(w)
	code := m.askCode()
	confirm := m.toNumber(&code, "admin@contoso.example", pass)
	page := w.get(confirm)
	for _, want := range []string{`data-step="confirm"`, "lt-0451[1m.contoso.example", "127.0.0.1", "admin@contoso.example", `name="number"`, "joins the device"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page that asks lacks %q\n%s", want, page.body)
		}
	}
	if holdsNumber(page.body, code.Number) {
		t.Error("the page shows the number that it asks for")
	}
	if a := w.post(confirm, approval(" "+code.Number[:2]+" "+code.Number[2:])); a.status != http.StatusOK || !strings.Contains(a.body, `data-step="done"`) {
		t.Fatalf("approve: %d\n%s", a.status, a.body)
	}
	status, tokens := m.redeemCode(code)
	if status != http.StatusOK {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	access := tokens["access_token"].(string)
	claims := claimsOf(t, access)
	if claims["postern_protocol"] != "deviceCode" || claims["postern_join"] != true || strings.Contains(string(mustJSON(t, claims["amr"])), "ngcmfa") {
		t.Errorf("the token says %v", claims)
	}
	out := m.join(access)
	if out.Attested || out.DeviceID == "" {
		t.Errorf("joined: %+v", out)
	}

	// It is good for joining only.
	for what, a := range map[string]answer{
		"set a PIN up":   m.call(http.MethodPost, "/containers", access, nil),
		"reset one":      m.call(http.MethodPost, "/containers/00000000-0000-4000-8000-000000000001/reset", access, device.ResetRequest{Nonce: make([]byte, 32), Lifetime: 60}),
		"register a PIN": m.call(http.MethodPut, "/containers/00000000-0000-4000-8000-000000000001/key", access, device.KeyRequest{}),
	} {
		if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "pinProofTooOld") {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	if holdsNumber(w.log.String(), code.Number) || strings.Contains(w.log.String(), code.Device) {
		t.Error("the log holds the number or the code")
	}
}

// holdsNumber reports whether number stands in text by itself: ids have its digits by chance.
func holdsNumber(text, number string) bool {
	return regexp.MustCompile(`(^|[^0-9A-Za-z.-])` + number + `($|[^0-9A-Za-z.-])`).MatchString(text)
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestACodeWithoutItsNumberJoinsNothing(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	m := newMachine(w)
	code := m.askCode()
	confirm := m.toNumber(&code, "admin@contoso.example", pass)
	for what, form := range map[string]url.Values{
		"no number":    {"answer": {"approve"}},
		"an empty one": approval(" "),
		"a wrong one":  approval(wrong(code.Number)),
	} {
		a := w.post(confirm, form)
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="deviceNumberWrong"`) || !strings.Contains(a.body, `name="number"`) {
			t.Errorf("%s: %d\n%s", what, a.status, a.body)
		}
		m.wantPoll(code, "authorization_pending")
	}
	// A code that was phished is bound to the key that asked for it.
	if a := w.post(confirm, approval(code.Number)); a.status != http.StatusOK {
		t.Fatalf("approve: %d\n%s", a.status, a.body)
	}
	other := newMachine(w)
	if status, v := other.redeemCode(code); status == http.StatusOK {
		t.Errorf("another key redeems the code: %v", v)
	}
	unproved := w.post("/"+w.created.TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {longGrant}, "client_id": {string(directory.AgentAppID)}, "device_code": {code.Device},
	})
	if unproved.status == http.StatusOK {
		t.Errorf("without a proof: %s", unproved.body)
	}
	if status, v := m.redeemCode(code); status != http.StatusOK {
		t.Errorf("its own key: %d %v", status, v)
	}
}

func TestANumberIsNotGuessed(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	m := newMachine(w)
	code := m.askCode()
	confirm := m.toNumber(&code, "admin@contoso.example", pass)
	for i := range 3 {
		a := w.post(confirm, approval(wrong(code.Number)))
		want := `data-error="deviceNumberWrong"`
		if i == 2 {
			want = `data-error="deviceNumberTries"`
		}
		if !strings.Contains(a.body, want) {
			t.Errorf("wrong number %d: %d, not %s\n%s", i+1, a.status, want, a.body)
		}
	}
	if a := w.post(confirm, approval(code.Number)); a.status == http.StatusOK {
		t.Errorf("the right number after three wrong ones: %d\n%s", a.status, a.body)
	}
	m.wantPoll(code, "authorization_declined")
	if a := w.enter(code.User); !strings.Contains(a.body, `data-error="userCodeUnknown"`) {
		t.Error("the code can be typed again")
	}
	if got := w.ids("/v1.0/auditLogs/signIns?$filter=" + url.QueryEscape("status/errorCode eq 70018")); len(got) != 3 {
		t.Errorf("the log has %d wrong numbers", len(got))
	}
}

// A browser in which somebody is signed in is no proof that they are at the device.
func TestASignInOfBeforeApprovesNoDevice(t *testing.T) {
	w := newWorld(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	w.code("admin@contoso.example", pass) // a session
	m := newMachine(w)
	code := m.askCode()
	a := w.get(w.enter(code.User).location)
	if !strings.Contains(a.body, `data-step="identify"`) {
		t.Errorf("the code led to\n%s", a.body)
	}
}

func TestACodeIsFreshForTenMinutesOnly(t *testing.T) {
	clock := &wrist{}
	w := newWorld(t, func(o *server.Options) { o.Wall = clock.now })
	_, pass := w.issue(`{}`)
	m := newMachine(w)
	code := m.askCode()
	if a := w.post(m.toNumber(&code, "admin@contoso.example", pass), approval(code.Number)); a.status != http.StatusOK {
		t.Fatalf("approve: %d\n%s", a.status, a.body)
	}
	status, tokens := m.redeemCode(code)
	if status != http.StatusOK {
		t.Fatalf("redeem: %d %v", status, tokens)
	}
	clock.ahead.Store(int64(11 * time.Minute))
	m.nonce, m.ahead = "", 11*time.Minute
	access := tokens["access_token"].(string)
	if a := m.call(http.MethodPost, "/join", access, m.joinRequest(access)); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "deviceProofTooOld") {
		t.Errorf("eleven minutes after the sign-in: %d %s", a.status, a.body)
	}
}

func TestADeviceThatIsOffGetsNoCode(t *testing.T) {
	w := newWorld(t)
	m, out, _ := joined(t, w)
	w.change(http.MethodPatch, "/v1.0/devices/"+out.ObjectID, `{"accountEnabled":false}`)
	form := url.Values{"client_id": {string(directory.AgentAppID)}, "scope": {"openid profile"}}
	if a := m.post("/oauth2/v2.0/devicecode", form); a.status == http.StatusOK || !strings.Contains(a.body, "135011") {
		t.Errorf("a device that is off: %d %s", a.status, a.body)
	}
	if a := w.post("/"+w.created.TenantID+"/oauth2/v2.0/devicecode", form); a.status == http.StatusOK {
		t.Errorf("without a proof of a key: %s", a.body)
	}
}
