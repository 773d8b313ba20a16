package odata_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/graph/odata"
)

var ann = odata.Entity{
	{Name: "@odata.type", Value: "#microsoft.graph.user"},
	{Name: "id", Value: "u1"},
	{Name: "displayName", Value: "Ann & <Bo>"},
	{Name: "mail", Value: nil},
	{Name: "postern_reason", Value: "new laptop", OnSelect: true},
}

func TestEntitySelect(t *testing.T) {
	for _, c := range []struct {
		name     string
		selected []string
		want     string
	}{
		{"by default all but what must be asked for", nil, `{"@odata.type":"#microsoft.graph.user","id":"u1","displayName":"Ann & <Bo>","mail":null}`},
		{"only what was asked for, in the entity's order", []string{"mail", "id"}, `{"@odata.type":"#microsoft.graph.user","id":"u1","mail":null}`},
		{"what must be asked for", []string{"postern_reason"}, `{"@odata.type":"#microsoft.graph.user","postern_reason":"new laptop"}`},
		{"nothing that is there", []string{}, `{"@odata.type":"#microsoft.graph.user"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := odata.WriteJSON(w, 200, ann.Select(c.selected)); err != nil || w.Body.String() != c.want {
				t.Errorf("got  %s, %v\nwant %s", w.Body, err, c.want)
			}
		})
	}
}

func TestWriteEntity(t *testing.T) {
	w := httptest.NewRecorder()
	root := odata.NewRoot("https://id.example/", httptest.NewRequest("GET", "/v1.0/users/u1", nil))
	err := odata.WriteCreated(w, root.Link("users", "a b/c@x"), root.Entity("users", nil), ann.Select([]string{"id"}))
	const want = `{"@odata.context":"https://id.example/v1.0/$metadata#users/$entity","@odata.type":"#microsoft.graph.user","id":"u1"}`
	if err != nil || w.Code != http.StatusCreated || w.Body.String() != want {
		t.Errorf("got %d %s, %v", w.Code, w.Body, err)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8" {
		t.Errorf("Content-Type is %s", got)
	}
	if got := w.Header().Get("Location"); got != "https://id.example/v1.0/users/a%20b%2Fc@x" {
		t.Errorf("Location is %s", got)
	}
}

func TestWriteWithoutEntity(t *testing.T) {
	w := httptest.NewRecorder()
	if odata.WriteNothing(w); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	if err := odata.WriteCount(w, 12); err != nil || w.Body.String() != "12" || w.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("got %q %q, %v", w.Body, w.Header(), err)
	}
}

func TestWriteNothingWhenEncodingFails(t *testing.T) {
	w := httptest.NewRecorder()
	err := odata.WriteEntity(w, 200, "", odata.Entity{{Name: "f", Value: func() {}}})
	if err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("got %v, %q, %v", err, w.Body, w.Header())
	}
}

func TestTime(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Time
		want any
	}{
		{"not set", time.Time{}, nil},
		{"whole seconds", nine, "2026-02-03T09:00:00Z"},
		{"another zone", nine.In(time.FixedZone("", 7200)), "2026-02-03T09:00:00Z"},
		{"seven digits at most", nine.Add(123456789), "2026-02-03T09:00:00.1234567Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := odata.Time(c.at); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestWritePage(t *testing.T) {
	twelve := 12
	for _, c := range []struct {
		name string
		page odata.Page[odata.Entity]
		want string
	}{
		{"nobody", odata.Page[odata.Entity]{Context: "c"}, `{"@odata.context":"c","value":[]}`},
		{
			"one of many",
			odata.Page[odata.Entity]{Context: "c", Count: &twelve, NextLink: "https://id.example/v1.0/users?$top=1&$skiptoken=t", Value: []odata.Entity{ann.Select([]string{"id"})}},
			`{"@odata.context":"c","@odata.count":12,"@odata.nextLink":"https://id.example/v1.0/users?$top=1&$skiptoken=t","value":[{"@odata.type":"#microsoft.graph.user","id":"u1"}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := odata.WritePage(w, c.page); err != nil || w.Body.String() != c.want {
				t.Errorf("got  %s, %v\nwant %s", w.Body, err, c.want)
			}
		})
	}
}

func TestRoot(t *testing.T) {
	at := func(path string) odata.Root {
		return odata.NewRoot("https://id.example:8443", httptest.NewRequest("GET", path, nil))
	}
	for _, c := range []struct{ name, got, want string }{
		{"v1.0", string(at("/v1.0/users")), "https://id.example:8443/v1.0"},
		{"beta", string(at("/beta/users")), "https://id.example:8443/beta"},
		{"a path that only looks like beta", string(at("/betamax")), "https://id.example:8443/v1.0"},
		{"a collection", at("/v1.0/users").Collection("users", nil), "https://id.example:8443/v1.0/$metadata#users"},
		{"a selection", at("/v1.0/users").Collection("users", []string{"id", "displayName"}), "https://id.example:8443/v1.0/$metadata#users(id,displayName)"},
		{"an entity", at("/beta/users").Entity("users", nil), "https://id.example:8443/beta/$metadata#users/$entity"},
		{"an entity in part", at("/beta/users").Entity("users", []string{"id"}), "https://id.example:8443/beta/$metadata#users(id)/$entity"},
		{"what belongs to an entity", odata.Within("users", "o'ann/x", "authentication/methods"), "users('o%27%27ann%2Fx')/authentication/methods"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %s, want %s", c.got, c.want)
			}
		})
	}
}

func TestNextLink(t *testing.T) {
	for _, c := range []struct{ name, target, want string }{
		{"options are kept in their order", "/v1.0/users?$top=5&$filter=a%20eq%20'x%26y'&$select=id,mail", "/v1.0/users?$top=5&$filter=a%20eq%20%27x%26y%27&$select=id%2Cmail&$skiptoken=t%2F1"},
		{"the old token and $skip go", "/v1.0/users?$skiptoken=old&$skip=5&$top=5", "/v1.0/users?$top=5&$skiptoken=t%2F1"},
		{"other parameters go", "/v1.0/users?access_token=abc", "/v1.0/users?$skiptoken=t%2F1"},
		{"options get their dollar", "/v1.0/users?top=5", "/v1.0/users?$top=5&$skiptoken=t%2F1"},
		{"the path is kept as it was sent", "/beta/users/u1%40x/memberOf", "/beta/users/u1%40x/memberOf?$skiptoken=t%2F1"},
		{"keys in parentheses are kept", "/v1.0/applications(appId='x')/owners", "/v1.0/applications(appId='x')/owners?$skiptoken=t%2F1"},
		{"the host that was asked for is not used", "https://evil.example/v1.0/users", "/v1.0/users?$skiptoken=t%2F1"},
		{"nor one in the path", "//evil.example/v1.0/users", "/evil.example/v1.0/users?$skiptoken=t%2F1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			allow := odata.Allow{Properties: []string{"id", "mail"}, MaxTop: 999, Filter: true, Skip: true}
			r := httptest.NewRequest("GET", c.target, nil)
			r.RequestURI = c.target
			r.Host = "evil.example"
			var got string
			odata.SplitKeys(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				o, err := odata.ParseOptions(r, allow)
				if err != nil {
					t.Fatal(err)
				}
				got = odata.NextLink("https://id.example/", r, o, "t/1")
			})).ServeHTTP(nil, r)
			if got != "https://id.example"+c.want {
				t.Errorf("got  %s\nwant https://id.example%s", got, c.want)
			}
		})
	}
}
