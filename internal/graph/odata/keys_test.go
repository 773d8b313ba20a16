package odata_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/graph/odata"
)

func TestKeysOnTheirWayThroughAMux(t *testing.T) {
	for _, c := range []struct {
		name, target string
		want         odata.Key
	}{
		{"a plain id", "/v1.0/users/u1/manager", odata.Key{Value: "u1"}},
		{"a percent-encoded name", "/v1.0/users/u1%40example.test/manager", odata.Key{Value: "u1@example.test"}},
		{"an encoded slash stays in its key", "/v1.0/users/a%2Fb/manager", odata.Key{Value: "a/b"}},
		{"a quoted id", "/v1.0/users('u1')/manager", odata.Key{Value: "u1"}},
		{"an alternate key", "/v1.0/users(userPrincipalName='ann@example.test')/manager", odata.Key{Property: "userPrincipalName", Value: "ann@example.test"}},
		{"percent-encoded whole", "/v1.0/users%28userPrincipalName%3D%27ann%40example.test%27%29/manager", odata.Key{Property: "userPrincipalName", Value: "ann@example.test"}},
		{"a doubled quote", "/v1.0/users(userPrincipalName='o''ann')/manager", odata.Key{Property: "userPrincipalName", Value: "o'ann"}},
		{"parentheses and a slash in the value", "/v1.0/users(x='a(b)%2Fc')/manager", odata.Key{Property: "x", Value: "a(b)/c"}},
		{"no quotes", "/v1.0/users(deviceId=3f2504e0-4f89-41d3-9a0c-0305e82c3301)/manager", odata.Key{Property: "deviceId", Value: "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got odata.Key
			var err error
			mux := http.NewServeMux()
			mux.HandleFunc("/v1.0/users/{id}/manager", func(_ http.ResponseWriter, r *http.Request) {
				got, err = odata.ParseKey(r.PathValue("id"))
			})
			w := httptest.NewRecorder()
			odata.SplitKeys(mux).ServeHTTP(w, httptest.NewRequest("GET", c.target, nil))
			if w.Code != 200 || err != nil || got != c.want {
				t.Errorf("got %d, %+v, %v", w.Code, got, err)
			}
		})
	}
}

func TestSplitKeysLeavesOtherPathsAlone(t *testing.T) {
	for _, target := range []string{
		"/v1.0/users", "/v1.0/users/", "/v1.0/users/u1%40x/", "/v1.0/users/ann(old)@x", "/v1.0/users/(x)",
		"/v1.0/users/$count", "/v1.0/users/a%2Fb", "/v1.0/users(x", "/v1.0/%e2%82%ac",
	} {
		r := httptest.NewRequest("GET", target, nil)
		odata.SplitKeys(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.EscapedPath() != target {
				t.Errorf("%s became %s", target, r.URL.EscapedPath())
			}
		})).ServeHTTP(nil, r)
		if r.URL.EscapedPath() != target {
			t.Errorf("the caller's own request changed to %s", r.URL)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	for _, segment := range []string{
		"", "()", "('')", "(a='')", "(", "(a)b", "('a'", "(a='b)", "(a='b'c)", "(a='b'',)", "(a=)", "(='b')",
		"(a='b',c='d')", "(a='b',a='b')", "('a','b')", "(a='b',)", "(,)", "(a==b)", "(1a='b')", "(a =b)", "(a='b' )",
		"a\x00b", "a\nb", "(a='\r\n')", "\xff", "(a='\xff')", strings.Repeat("a", 2049),
	} {
		if k, err := odata.ParseKey(segment); !errors.Is(err, odata.ErrKey) {
			t.Errorf("%q gives %+v, %v", segment, k, err)
		}
	}
}

func TestParseKeys(t *testing.T) {
	for _, c := range []struct {
		segment string
		want    []odata.Key
	}{
		{"()", nil},
		{"(includedUserTypes='all',includedUserRoles='all')", []odata.Key{{Property: "includedUserTypes", Value: "all"}, {Property: "includedUserRoles", Value: "all"}}},
		{"(a='x,y', n=5)", []odata.Key{{Property: "a", Value: "x,y"}, {Property: "n", Value: "5"}}},
		{"(a='')", []odata.Key{{Property: "a"}}},
	} {
		if got, err := odata.ParseKeys(c.segment); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s gives %+v, %v", c.segment, got, err)
		}
	}
	if _, err := odata.ParseKeys("all"); !errors.Is(err, odata.ErrKey) {
		t.Errorf("without parentheses: %v", err)
	}
}

func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{"u1@x", "o'ann", "(a='b''c',d=5)", "')(", "a(b)/c", "\xff", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, _ = odata.ParseKeys(s)
		plain, err := odata.ParseKey(s)
		if err != nil || plain.Property != "" || plain.Value != s || len(s) > 1000 {
			return
		}
		// What is a good id by itself is the same id in every other spelling.
		quoted := "(x='" + strings.ReplaceAll(s, "'", "''") + "')"
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = &url.URL{Path: "/users" + quoted, RawPath: "/users" + url.PathEscape(quoted)}
		odata.SplitKeys(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			rest, _ := strings.CutPrefix(r.URL.EscapedPath(), "/users/")
			segment, err := url.PathUnescape(rest)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := odata.ParseKey(segment); err != nil || got.Property != "x" || got.Value != s {
				t.Errorf("%q comes back as %+v, %v", s, got, err)
			}
		})).ServeHTTP(nil, r)
	})
}
