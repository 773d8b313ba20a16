package graphclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

type fixed struct{}

func (fixed) Token(context.Context) (graphclient.Secret, error) {
	return graphclient.NewSecret("t0ken"), nil
}

// newClient returns a client of a server that answers with h, and what it waited.
func newClient(t *testing.T, h http.HandlerFunc) (*graphclient.Client, *httptest.Server, *[]time.Duration) {
	t.Helper()
	site := httptest.NewServer(h)
	t.Cleanup(site.Close)
	waits := &[]time.Duration{}
	client, err := graphclient.NewHTTP("")
	if err != nil {
		t.Fatal(err)
	}
	c, err := graphclient.New(graphclient.Config{
		Graph: site.URL, Tokens: fixed{}, HTTP: client,
		Wait: func(_ context.Context, d time.Duration) error { *waits = append(*waits, d); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, site, waits
}

func TestARefusalIsReadFromEitherEnvelope(t *testing.T) {
	tests := []struct {
		name, answer  string
		code, message string
	}{
		{"Graph's", `{"error":{"code":"Request_ResourceNotFound","message":"Nobody."}}`, "Request_ResourceNotFound", "Nobody."},
		{"OAuth's", `{"error":"invalid_client","error_description":"Wrong secret."}`, "invalid_client", "Wrong secret."},
		{"neither", `<html>`, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, _, _ := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("request-id", "r1")
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, test.answer)
			})
			_, err := c.User(t.Context(), "mira@contoso.example")
			got, ok := errors.AsType[*graphclient.Error](err)
			if !ok || *got != (graphclient.Error{Status: 404, Code: test.code, Message: test.message, RequestID: "r1"}) {
				t.Errorf("got %#v", err)
			}
		})
	}
}

func TestAListGoesOnToTheLastPage(t *testing.T) {
	var site *httptest.Server
	c, s, _ := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "" {
			fmt.Fprintf(w, `{"value":[{"id":"1"}],"@odata.nextLink":"%s/v1.0/users?$skiptoken=x"}`, site.URL)
			return
		}
		fmt.Fprint(w, `{"value":[{"id":"2"}]}`)
	})
	site = s
	var ids string
	for one, err := range c.Users(t.Context(), graphclient.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids += one.Text("id")
	}
	if ids != "12" {
		t.Errorf("got %q", ids)
	}
}

func TestTheTokenGoesToNoOtherServer(t *testing.T) {
	stolen := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen = true }))
	t.Cleanup(thief.Close)
	tests := []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"by a next link", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"value":[],"@odata.nextLink":"%s/v1.0/users"}`, thief.URL)
		}},
		{"by a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, _, _ := newClient(t, test.answer)
			var last error
			for _, err := range c.Users(t.Context(), graphclient.Query{}) {
				last = err
			}
			if last == nil || stolen {
				t.Errorf("error %v, stolen %v", last, stolen)
			}
		})
	}
}

func TestABusyServerIsAskedAgainThreeTimes(t *testing.T) {
	calls := 0
	c, _, waits := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	if _, err := c.PassPolicy(t.Context(), false); err == nil {
		t.Error("no error")
	}
	if calls != 4 || len(*waits) != 3 || (*waits)[0] != 7*time.Second {
		t.Errorf("%d calls, waits %v", calls, *waits)
	}
}

func TestAHugeAnswerIsRefused(t *testing.T) {
	c, _, _ := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		part := []byte(strings.Repeat(" ", 1<<20))
		for range 17 {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	})
	if _, err := c.PassPolicy(t.Context(), false); !errors.Is(err, graphclient.ErrAnswer) {
		t.Errorf("got %v", err)
	}
}

func TestANameLeadsNowhereElse(t *testing.T) {
	c, _, _ := newClient(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("called %s", r.URL) })
	for _, name := range []string{"", ".", ".."} {
		if err := c.DeleteUser(t.Context(), name); !errors.Is(err, graphclient.ErrPath) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestASecretGoesOnlyOverTLS(t *testing.T) {
	for _, graph := range []string{"http://id.contoso.example", "ftp://localhost", "https://a@id.contoso.example", ""} {
		if _, err := graphclient.New(graphclient.Config{Graph: graph}); !errors.Is(err, graphclient.ErrAddress) {
			t.Errorf("%q: got %v", graph, err)
		}
	}
}

func TestATokenIsKeptUntilFiveMinutesBeforeItsEnd(t *testing.T) {
	asked := 0
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprint(w, `{"access_token":"t","token_type":"Bearer","expires_in":3600}`)
	}))
	t.Cleanup(site.Close)
	now := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	a := &graphclient.Application{
		Authority: site.URL, Tenant: "contoso.example", Graph: site.URL, ClientID: "c",
		Secret: graphclient.NewSecret("s"), HTTP: site.Client(), Now: func() time.Time { return now },
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {54 * time.Minute, 1}, {time.Minute, 2}} {
		now = now.Add(step.after)
		if _, err := a.Token(t.Context()); err != nil || asked != step.want {
			t.Errorf("after %v: asked %d times, %v", step.after, asked, err)
		}
	}
}

func TestNobodyThereIsUnreachable(t *testing.T) {
	c, site, _ := newClient(t, nil)
	site.Close()
	if _, err := c.Me(t.Context()); !errors.Is(err, graphclient.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestAClockThatIsOffIsNamed(t *testing.T) {
	tests := []struct {
		name   string
		off    time.Duration
		status int
		answer string
		want   error
	}{
		{"ahead", 3 * time.Minute, 401, `{"error":"invalid_client"}`, graphclient.ErrClock},
		{"behind", -3 * time.Minute, 400, `{"error":"invalid_dpop_proof"}`, graphclient.ErrClock},
		{"right", 10 * time.Second, 401, `{"error":"invalid_client"}`, graphclient.ErrNotSignedIn},
		{"ahead, but not the cause", 3 * time.Minute, 400, `{"error":"invalid_scope"}`, graphclient.ErrNotSignedIn},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.answer)
			}))
			t.Cleanup(site.Close)
			a := &graphclient.Application{
				Authority: site.URL, Tenant: "t", Graph: site.URL, ClientID: "c", Secret: graphclient.NewSecret("s"), HTTP: site.Client(),
				Now: func() time.Time { return time.Now().Add(test.off) },
			}
			if _, err := a.Token(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestACertificateThatNobodyTrustsIsNamed(t *testing.T) {
	site := httptest.NewTLSServer(nil)
	t.Cleanup(site.Close)
	client, err := graphclient.NewHTTP("")
	if err != nil {
		t.Fatal(err)
	}
	c, err := graphclient.New(graphclient.Config{Graph: site.URL, Tokens: fixed{}, HTTP: client})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Me(t.Context()); !errors.Is(err, graphclient.ErrCertificate) || !strings.Contains(err.Error(), "--ca") {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerOfSomebodyElseIsToldFromAnOutage(t *testing.T) {
	plain, sealed, gone := httptest.NewServer(nil), httptest.NewTLSServer(nil), httptest.NewTLSServer(nil)
	t.Cleanup(plain.Close)
	t.Cleanup(sealed.Close)
	gone.Close()
	client, err := graphclient.NewHTTP("")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{strings.Replace(plain.URL, "http:", "https:", 1): true, sealed.URL: true, gone.URL: false} {
		c, err := graphclient.New(graphclient.Config{Graph: address, Tokens: fixed{}, HTTP: client})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Me(t.Context()); err == nil || graphclient.Interposed(err) != want {
			t.Errorf("%v: somebody else, %v", err, !want)
		}
	}
}

// TestADiscoveryDocumentSendsSecretsNowhereElse tries documents that name another server.
func TestADiscoveryDocumentSendsSecretsNowhereElse(t *testing.T) {
	for name, document := range map[string]string{
		"token endpoint":        `{"issuer":"%[1]s/t/v2.0","authorization_endpoint":"%[1]s/a","token_endpoint":"https://evil.example/token"}`,
		"token endpoint, alike": `{"issuer":"%[1]s/t/v2.0","authorization_endpoint":"%[1]s/a","token_endpoint":"%[1]s.evil.example/token"}`,
		"issuer":                `{"issuer":"https://evil.example/t/v2.0","authorization_endpoint":"%[1]s/a","token_endpoint":"%[1]s/token"}`,
		"device codes":          `{"issuer":"%[1]s/t/v2.0","authorization_endpoint":"%[1]s/a","token_endpoint":"%[1]s/token","device_authorization_endpoint":"https://evil.example/"}`,
		"nothing":               `{}`,
		"our own fields":        `{"HTTP":{"Timeout":1},"issuer":"%[1]s/t/v2.0","authorization_endpoint":"","token_endpoint":"%[1]s/token"}`,
	} {
		t.Run(name, func(t *testing.T) {
			site := httptest.NewServer(nil)
			t.Cleanup(site.Close)
			site.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, strings.ReplaceAll(document, "%[1]s", site.URL))
			})
			if _, err := graphclient.Discover(t.Context(), site.Client(), time.Now, site.URL, "t"); !errors.Is(err, graphclient.ErrAnswer) {
				t.Errorf("got %v", err)
			}
		})
	}
}
