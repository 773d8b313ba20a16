package graph_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// match sends a change with an If-Match.
func (w *world) match(tag, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", tag)
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func TestAChangeOfWhatSomebodyElseChangedMeanwhileIsRefused(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.DeviceConfiguration", "DeviceManagementConfiguration.ReadWrite.All",
		"Organization.ReadWrite.All", "User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All")
	device := w.call(201, "POST", "/v1.0/deviceManagement/configurationPolicies", `{"name":"One"}`)["id"].(string)
	app := w.call(201, "POST", "/v1.0/applications", `{"displayName":"One"}`)["id"].(string)
	for path, body := range map[string]string{
		configurations + "/TemporaryAccessPass":                  `{"defaultLength":12}`,
		configurations + "/Fido2":                                `{"isAttestationEnforced":false}`,
		"/v1.0/policies/authenticationMethodsPolicy":             `{"systemCredentialPreferences":{"state":"disabled"}}`,
		"/v1.0/postern/signInMethodsPolicy":                      `{"browserMethods":["all"]}`,
		"/v1.0/policies/deviceRegistrationPolicy":                `{"userDeviceQuota":7}`,
		"/v1.0/deviceManagement/configurationPolicies/" + device: `{"description":"x"}`,
		"/v1.0/organization/" + string(w.tenant.ID):              `{"displayName":"Contoso"}`,
		"/v1.0/users/" + w.create("ann"):                         `{"department":"x"}`,
		"/v1.0/groups/" + w.group("pilots", false):               `{"description":"x"}`,
		"/v1.0/applications/" + app:                              `{"displayName":"Two"}`,
	} {
		t.Run(path, func(t *testing.T) {
			get := w.send("GET", path, "")
			read := get.Header().Get("ETag")
			if !strings.HasPrefix(read, `W/"`) {
				t.Fatalf("the ETag is %q", read)
			}
			if get.Code != 200 || strings.Contains(path, "olic") && w.call(200, "GET", path, "")["@odata.etag"] != read {
				t.Errorf("the body has %v, the header %s", w.call(200, "GET", path, "")["@odata.etag"], read)
			}
			for _, tag := range []string{`W/"999"`, `"x"`, `x`, `W/"998", W/"999"`} {
				rec := w.match(tag, "PATCH", path, body)
				if rec.Code != http.StatusPreconditionFailed || !strings.Contains(rec.Body.String(), `"preconditionFailed"`) {
					t.Fatalf("If-Match %s: %d %s", tag, rec.Code, rec.Body)
				}
			}
			if now := w.send("GET", path, "").Header().Get("ETag"); now != read {
				t.Errorf("refused changes made %s of %s", now, read)
			}
			for _, tag := range []string{"*", "", `W/"999", ` + w.send("GET", path, "").Header().Get("ETag")} {
				if tag == "" {
					tag = w.send("GET", path, "").Header().Get("ETag")
				}
				if strings.HasPrefix(tag, `W/"999"`) {
					tag = `W/"999", ` + w.send("GET", path, "").Header().Get("ETag")
				}
				if rec := w.match(tag, "PATCH", path, body); rec.Code >= 300 {
					t.Errorf("If-Match %s: %d %s", tag, rec.Code, rec.Body)
				}
			}
			if !strings.Contains(path, "authenticationMethodsPolicy") || strings.Contains(path, "Configurations") {
				if rec := w.match(read, "PATCH", path, body); rec.Code != http.StatusPreconditionFailed {
					t.Errorf("the version before: %d %s", rec.Code, rec.Body)
				}
			}
		})
	}
}

func TestADeletionOfWhatSomebodyElseChangedMeanwhileIsRefused(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "DeviceManagementConfiguration.ReadWrite.All", "User.ReadWrite.All", "Group.ReadWrite.All")
	device := w.call(201, "POST", "/v1.0/deviceManagement/configurationPolicies", `{"name":"One"}`)["id"].(string)
	for path, change := range map[string]string{
		configurations + "/Fido2":                                `{"isAttestationEnforced":true}`,
		"/v1.0/deviceManagement/configurationPolicies/" + device: `{"description":"x"}`,
		"/v1.0/users/" + w.create("ann"):                         `{"department":"x"}`,
		"/v1.0/groups/" + w.group("pilots", false):               `{"description":"x"}`,
	} {
		read := w.send("GET", path, "").Header().Get("ETag")
		w.call(204, "PATCH", path, change)
		if rec := w.match(read, "DELETE", path, ""); rec.Code != http.StatusPreconditionFailed {
			t.Errorf("%s: the version before: %d", path, rec.Code)
		}
		if rec := w.match(w.send("GET", path, "").Header().Get("ETag"), "DELETE", path, ""); rec.Code != http.StatusNoContent {
			t.Errorf("%s: the version that is there: %d %s", path, rec.Code, rec.Body)
		}
	}
}

func TestOfManyAdministratorsWhoReadTheSamePolicyOneSaves(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "Organization.ReadWrite.All", "Policy.ReadWrite.DeviceConfiguration")
	for path, body := range map[string]string{
		configurations + "/TemporaryAccessPass":     `{"defaultLength":12}`,
		"/v1.0/organization/" + string(w.tenant.ID): `{"displayName":"Contoso"}`,
		"/v1.0/policies/deviceRegistrationPolicy":   `{"userDeviceQuota":7}`,
	} {
		read := w.send("GET", path, "").Header().Get("ETag")
		var all sync.WaitGroup
		codes := make(chan int, 8)
		for range 8 {
			all.Go(func() { codes <- w.match(read, "PATCH", path, body).Code })
		}
		all.Wait()
		close(codes)
		saved := 0
		for code := range codes {
			switch {
			case code < 300:
				saved++
			case code != http.StatusPreconditionFailed:
				t.Errorf("%s: %d", path, code)
			}
		}
		if saved != 1 {
			t.Errorf("%s: %d saved, want 1", path, saved)
		}
	}
}
