// Package conformance runs clients that nobody here wrote against the built server, which
// scripts/conformance starts. The clients trust its CA by SSL_CERT_FILE, as programs of
// administrators do; verification is never switched off.
package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// graphAppID is Microsoft Graph.
	graphAppID = "00000003-0000-0000-c000-000000000000"
	// developerCLI is the public client that azidentity uses when none is named; every
	// tenant has it.
	developerCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
)

// tenant is what `postern init` printed.
var tenant struct {
	ID           string `json:"tenantId"`
	Domain       string `json:"domain"`
	URL          string `json:"publicUrl"`
	ClientID     string `json:"clientId"` // an application with every Graph permission
	ClientSecret string `json:"clientSecret"`
}

func TestMain(m *testing.M) {
	text, err := os.ReadFile(os.Getenv("POSTERN_CONFORMANCE"))
	if err == nil {
		err = json.Unmarshal(text, &tenant)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "start the tests by scripts/conformance, which starts the server:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func authority() string { return tenant.URL + "/" + tenant.ID }

var automationToken = sync.OnceValues(func() (string, error) {
	res, err := http.PostForm(authority()+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {tenant.ClientID}, "client_secret": {tenant.ClientSecret},
		"scope": {tenant.URL + "/.default"},
	})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	return answer.Token, json.NewDecoder(res.Body).Decode(&answer)
})

// object is a JSON object of Graph.
type object map[string]any

// text returns a member that is a string.
func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// graph sends a request as the application of init and returns the body of a good answer.
func graph(t *testing.T, method, path string, body any) object {
	t.Helper()
	token, err := automationToken()
	if err != nil {
		t.Fatal(err)
	}
	status, out := call(t, token, method, path, body)
	if status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// call sends a request to Graph with a token.
func call(t *testing.T, token, method, path string, body any) (int, object) {
	t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, tenant.URL+"/v1.0"+path, &sent)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := object{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return res.StatusCode, out
}

var count atomic.Int64

// unique returns a name that no other test has.
func unique(name string) string { return fmt.Sprintf("%s-go-%d", name, count.Add(1)) }

// person is somebody with a pass.
type person struct{ id, name, pass, passID string }

// newPerson creates somebody with a pass for many uses.
func newPerson(t *testing.T) person {
	t.Helper()
	nick := unique("mira")
	user := graph(t, http.MethodPost, "/users", object{
		"accountEnabled": true, "displayName": "Mira Okafor", "mailNickname": nick, "mail": nick + "@" + tenant.Domain,
		"userPrincipalName": nick + "@" + tenant.Domain,
		"passwordProfile":   object{"password": "not kept, but Graph wants one 7!"},
	})
	p := person{id: user.text("id"), name: user.text("userPrincipalName")}
	pass := graph(t, http.MethodPost, p.passes(), object{})
	p.pass, p.passID = pass.text("temporaryAccessPass"), pass.text("id")
	return p
}

func (p person) passes() string {
	return "/users/" + p.id + "/authentication/temporaryAccessPassMethods"
}

// revoke deletes the pass.
func (p person) revoke(t *testing.T) {
	t.Helper()
	graph(t, http.MethodDelete, p.passes()+"/"+p.passID, nil)
}

// application is a registered client.
type application struct{ id, objectID, principal, secret string }

// newApplication registers one with the properties of Graph's application; with secret it
// gets one.
func newApplication(t *testing.T, secret bool, properties object) application {
	t.Helper()
	properties["displayName"] = unique("app")
	created := graph(t, http.MethodPost, "/applications", properties)
	app := application{id: created.text("appId"), objectID: created.text("id")}
	app.principal = graph(t, http.MethodPost, "/servicePrincipals", object{"appId": app.id}).text("id")
	resource := graph(t, http.MethodGet, "/servicePrincipals(appId='"+graphAppID+"')", nil)
	graph(t, http.MethodPost, "/oauth2PermissionGrants", object{
		"clientId": app.principal, "consentType": "AllPrincipals", "resourceId": resource.text("id"),
		"scope": "openid profile email offline_access User.Read",
	})
	if secret {
		added := graph(t, http.MethodPost, "/applications/"+app.objectID+"/addPassword", object{
			"passwordCredential": object{"displayName": "test"},
		})
		app.secret = added.text("secretText")
	}
	return app
}

// claimsOf returns what a token says; its signature is others' to check.
func claimsOf(t *testing.T, token string) object {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %d parts", len(parts))
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := object{}
	if err := json.Unmarshal(body, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// logged waits until the log shows a sign-in of p with an error code, 0 for a success, and
// returns the newest. Events are readable two seconds after they happened.
func logged(t *testing.T, p person, code int) object {
	t.Helper()
	filter := url.QueryEscape(fmt.Sprintf("userId eq '%s' and status/errorCode eq %d", p.id, code))
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		found := graph(t, http.MethodGet, "/auditLogs/signIns?$filter="+filter, nil)
		if value, _ := found["value"].([]any); len(value) > 0 {
			event, _ := value[0].(map[string]any)
			return event
		}
	}
	t.Fatalf("no sign-in of %s with %d in the log", p.name, code)
	return nil
}

// isOwner checks that a token is good at Graph and whose it is.
func isOwner(t *testing.T, token string, p person) {
	t.Helper()
	status, me := call(t, token, http.MethodGet, "/me", nil)
	if status != http.StatusOK || me.text("userPrincipalName") != p.name {
		t.Errorf("/me answers %d %v, want %s", status, me, p.name)
	}
}

// isDead checks that a token is good at Graph no more.
func isDead(t *testing.T, token string) {
	t.Helper()
	if status, _ := call(t, token, http.MethodGet, "/me", nil); status != http.StatusUnauthorized {
		t.Errorf("/me answers %d, want 401", status)
	}
}
