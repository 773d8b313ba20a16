package server_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/server"
)

// news opens the phone's stream and returns what it tells of changes. It ends with the test.
func (p *phone) news() <-chan string {
	p.w.t.Helper()
	p.call("GET", "phone", "") // for a nonce
	ctx, stop := context.WithCancel(p.w.t.Context())
	p.w.t.Cleanup(stop)
	r := p.w.request("GET", "/authenticator/v1/"+p.tenant+"/stream", nil).WithContext(ctx)
	r.Header.Set("DPoP", p.prove("GET", "stream", ""))
	res, err := p.w.browser.Do(r)
	if err != nil {
		p.w.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		p.w.t.Fatalf("stream: %d", res.StatusCode)
	}
	all := make(chan string, 100)
	go func() {
		defer close(all)
		defer res.Body.Close()
		change := false
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && change {
				all <- data
			}
			change = lines.Text() == "event: change"
		}
	}()
	return all
}

// wantNews checks what the phone hears next.
func (w *world) wantNews(news <-chan string, change, method string) {
	w.t.Helper()
	select {
	case got := <-news:
		if want := `{"change":"` + change + `","method":"` + method + `"}`; got != want {
			w.t.Errorf("the phone hears %s, want %s", got, want)
		}
	case <-time.After(10 * time.Second):
		w.t.Fatalf("the phone does not hear that %s was %s", method, change)
	}
}

func TestAPersonsPhonesHearOfEveryChangeOfTheirMethods(t *testing.T) {
	var c wrist
	w := newPhoneWorld(t, func(o *server.Options) { o.Wall, o.Mail.Mailbox = c.now, true })
	w.enableCodes()
	user, p := w.phonePerson("mira")
	_, bystander := w.phonePerson("nora")
	w.change(http.MethodPatch, "/v1.0/users/"+user, `{"otherMails":["mira@home.example"]}`)
	news, others := p.news(), bystander.news()

	pass := w.longPass(user)
	w.newBrowser()
	w.toOwnPage("mira@contoso.example", pass)
	w.addApp(c.now(), totp.SHA1)
	w.wantNews(news, "added", "otc")
	app := w.codeOf(user)
	w.post("/security-info/rename", url.Values{"method": {app}, "name": {"Mira’s codes"}})
	w.wantNews(news, "renamed", "otc")
	freeze := "/v1.0/postern/users/" + user + "/methods/" + app + "/"
	w.change(http.MethodPost, freeze+"freeze", `{}`)
	w.wantNews(news, "frozen", "otc")
	w.change(http.MethodPost, freeze+"thaw", `{}`)
	w.wantNews(news, "thawed", "otc")

	link := w.mailed("Code from an app added")
	w.newBrowser()
	if a := w.post("/security-info/not-me", url.Values{"code": {link}}); a.status != http.StatusOK {
		t.Fatalf("freeze by the link: %d\n%s", a.status, a.body)
	}
	w.wantNews(news, "frozen", "otc")

	_, passes := w.api(http.MethodGet, "/v1.0/users/"+user+"/authentication/temporaryAccessPassMethods", w.appToken(), "")
	at := "/v1.0/postern/users/" + user + "/passes/" + passes["value"].([]any)[0].(map[string]any)["id"].(string)
	_, lineage := w.api(http.MethodGet, at+"/lineage", w.appToken(), "")
	if status, v := w.api(http.MethodPost, at+"/revert", w.appToken(), `{"etag":"`+lineage["etag"].(string)+`"}`); status != http.StatusOK {
		t.Fatalf("revert: %d %v", status, v)
	}
	w.wantNews(news, "removed", "otc")
	if len(others) != 0 {
		t.Errorf("another person's phone hears %s", <-others)
	}
}

func TestAPersonsPhonesHearOfAPINThatIsSetUp(t *testing.T) {
	w := newWorld(t) // machines know it by its address, which passkeys can't
	w.phonePolicy(func(*authenticator.Policy) {})
	user := w.createUser("mira")
	w.toOwnPage("mira@contoso.example", w.longPass(user))
	news := w.addPhone().news()
	w.phonePolicy(func(p *authenticator.Policy) { p.State = "disabled" }) // so that no wizard asks
	pin := withPINs(w, "mira@contoso.example", w.longPass(user), tpmtest.New(t))
	pin.create("246813")
	w.wantNews(news, "added", "hello")
}
