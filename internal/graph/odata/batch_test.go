package odata_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

// echo answers what it sees of a request; some paths answer otherwise.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/v1.0/missing":
		odata.Write(w, r, odata.Directory, &fault.Error{Kind: fault.NotFound, Code: "noUser", Text: "There is no such person."}, quiet)
	case "/v1.0/nothing":
		odata.WriteNothing(w)
	case "/v1.0/users/$count":
		_ = odata.WriteCount(w, 12)
	case "/v1.0/photo":
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Set-Cookie", "a=b")
		_, _ = w.Write([]byte{0, 1, 2})
	case "/v1.0/silent":
	default:
		_ = odata.WriteJSON(w, 200, map[string]any{
			"seen": r.Method + " " + r.URL.Path, "query": r.URL.RawQuery, "body": string(body), "from": r.RemoteAddr,
			"host": r.Host, "auth": r.Header.Get("Authorization"), "dpop": r.Header.Get("DPoP"),
			"forwarded": r.Header.Get("X-Forwarded-For"), "kind": r.Header.Get("Content-Type"),
			"level": r.Header.Get("ConsistencyLevel"), "cookie": r.Header.Get("Cookie"), "caller": r.Context().Value(callerKey{}),
		})
	}
}

type callerKey struct{}

type batchReply struct {
	ID      string
	Status  int
	Headers map[string]string
	Body    any
}

// send posts body to a batch over h and returns its replies, or the error of Serve.
func send(t testing.TB, h http.Handler, body string) ([]batchReply, error) {
	t.Helper()
	r := httptest.NewRequest("POST", "https://id.example/v1.0/$batch", strings.NewReader(body))
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, "ann"))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Authorization": "DPoP abc", "DPoP": "proof",
		"X-Forwarded-For": "192.0.2.7", "Cookie": "session=1",
	} {
		r.Header.Set(name, value)
	}
	r.RemoteAddr = "198.51.100.1:5"
	var failed error
	w := serve(func(w http.ResponseWriter, r *http.Request) { failed = odata.Batch{Handler: h}.Serve(w, r) }, r)
	if failed != nil {
		return nil, failed
	}
	var out struct{ Responses []batchReply }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		t.Fatalf("got %d %s: %v", w.Code, w.Body, err)
	}
	return out.Responses, nil
}

func TestBatch(t *testing.T) {
	const one = `{"requests":[{"id":"1","method":"%s","url":"%s"%s}]}`
	seen := func(key string) func(batchReply) any {
		return func(r batchReply) any { m, _ := r.Body.(map[string]any); return m[key] }
	}
	header := func(name string) func(batchReply) any { return func(r batchReply) any { return r.Headers[name] } }
	status := func(r batchReply) any { return r.Status }
	body := func(r batchReply) any { return r.Body }
	for _, c := range []struct {
		name, body string
		get        func(batchReply) any
		want       any
	}{
		{"the path hangs from the version", fmt.Sprintf(one, "GET", "/users/u1", ""), seen("seen"), "GET /v1.0/users/u1"},
		{"no slash in front", fmt.Sprintf(one, "get", "users/u1", ""), seen("seen"), "GET /v1.0/users/u1"},
		{"a query", fmt.Sprintf(one, "GET", "/users?$top=5&$filter=a%20eq%20'b'", ""), seen("query"), "$top=5&$filter=a%20eq%20'b'"},
		{"a query with spaces", fmt.Sprintf(one, "GET", "/users?$filter=a eq 'b'", ""), seen("query"), "$filter=a eq 'b'"},
		{"a percent-encoded key", fmt.Sprintf(one, "GET", "/users/u1%40x", ""), seen("seen"), "GET /v1.0/users/u1@x"},
		{"the caller's token", fmt.Sprintf(one, "GET", "/x", ""), seen("auth"), "DPoP abc"},
		{"the caller's token, said again", fmt.Sprintf(one, "GET", "/x", `,"headers":{"authorization":"DPoP abc"}`), seen("auth"), "DPoP abc"},
		{"the caller's proof", fmt.Sprintf(one, "GET", "/x", ""), seen("dpop"), "proof"},
		{"a proof cannot be set", fmt.Sprintf(one, "GET", "/x", `,"headers":{"DPoP":"forged"}`), seen("dpop"), "proof"},
		{"the caller's address", fmt.Sprintf(one, "GET", "/x", ""), seen("from"), "198.51.100.1:5"},
		{"an address cannot be set", fmt.Sprintf(one, "GET", "/x", `,"headers":{"X-Forwarded-For":"203.0.113.1"}`), seen("forwarded"), "192.0.2.7"},
		{"a host cannot be set", fmt.Sprintf(one, "GET", "/x", `,"headers":{"Host":"evil.example"}`), seen("host"), "id.example"},
		{"cookies stay outside", fmt.Sprintf(one, "GET", "/x", `,"headers":{"Cookie":"a=b"}`), seen("cookie"), ""},
		{"the caller in the context", fmt.Sprintf(one, "GET", "/x", ""), seen("caller"), "ann"},
		{"a header of its own", fmt.Sprintf(one, "GET", "/x", `,"headers":{"consistencylevel":"eventual"}`), seen("level"), "eventual"},
		{"a body", fmt.Sprintf(one, "POST", "/x", `,"body":{"a":[1]},"headers":{"Content-Type":"application/json"}`), seen("body"), `{"a":[1]}`},
		{"a body without a type is JSON", fmt.Sprintf(one, "POST", "/x", `,"body":{}`), seen("kind"), "application/json"},
		{"a body of null is none", fmt.Sprintf(one, "POST", "/x", `,"body":null`), seen("body"), ""},
		{"text", fmt.Sprintf(one, "PUT", "/x", `,"body":"a\nb","headers":{"Content-Type":"text/plain"}`), seen("body"), "a\nb"},
		{"base64", fmt.Sprintf(one, "PUT", "/x", `,"body":"YT8+/w==","headers":{"Content-Type":"image/png"}`), seen("body"), "a?>\ufffd"},
		{"base64url", fmt.Sprintf(one, "PUT", "/x", `,"body":"YT8-","headers":{"Content-Type":"image/png"}`), seen("body"), "a?>"},
		{"a refusal is an answer", fmt.Sprintf(one, "GET", "/missing", ""), status, 404},
		{"no content", fmt.Sprintf(one, "DELETE", "/nothing", ""), status, 204},
		{"no content has no body", fmt.Sprintf(one, "DELETE", "/nothing", ""), body, nil},
		{"a handler that says nothing", fmt.Sprintf(one, "GET", "/silent", ""), status, 200},
		{"a count is text", fmt.Sprintf(one, "GET", "/users/$count", ""), body, "12"},
		{"bytes come as base64", fmt.Sprintf(one, "GET", "/photo", ""), body, "AAEC"},
		{"headers come along", fmt.Sprintf(one, "GET", "/photo", ""), header("Content-Type"), "image/png"},
		{"cookies do not", fmt.Sprintf(one, "GET", "/photo", ""), header("Set-Cookie"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			replies, err := send(t, http.HandlerFunc(echo), c.body)
			if err != nil || len(replies) != 1 || replies[0].ID != "1" {
				t.Fatalf("got %+v, %v", replies, err)
			}
			if got := c.get(replies[0]); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestBatchOrder(t *testing.T) {
	var ran []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ran = append(ran, strings.TrimPrefix(r.URL.Path, "/v1.0/"))
		echo(w, r)
	})
	replies, err := send(t, h, `{"requests":[
		{"id":"last","method":"GET","url":"/last","dependsOn":["middle"]},
		{"id":"middle","method":"GET","url":"/middle","dependsOn":["first","missing"]},
		{"id":"first","method":"GET","url":"/first"},
		{"id":"missing","method":"GET","url":"/missing"},
		{"id":"after","method":"GET","url":"/after","dependsOn":["first"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"first", "missing", "after"}; !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
	for i, want := range []batchReply{{ID: "last", Status: 424}, {ID: "middle", Status: 424}, {ID: "first", Status: 200}, {ID: "missing", Status: 404}, {ID: "after", Status: 200}} {
		if replies[i].ID != want.ID || replies[i].Status != want.Status {
			t.Errorf("reply %d is %s %d, want %s %d", i, replies[i].ID, replies[i].Status, want.ID, want.Status)
		}
	}
	text, _ := json.Marshal(replies[0].Body)
	if !strings.Contains(string(text), `"code":"FailedDependency"`) || !strings.Contains(string(text), zeroID) {
		t.Errorf("a failed dependency says %s", text)
	}
}

func TestBatchRefuses(t *testing.T) {
	many := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":"%d","method":"GET","url":"/x"}`, i)
		}
		return `{"requests":[` + strings.Join(items, ",") + `]}`
	}
	with := func(members string) string {
		return `{"requests":[{"id":"0","method":"GET","url":"/x"},{"id":"1","method":"GET",` + members + `}]}`
	}
	for _, c := range []struct {
		name, body string
		want       *fault.Error
		target     string
	}{
		{"no requests", `{}`, odata.ErrBatch, "requests"},
		{"none in the list", `{"requests":[]}`, odata.ErrBatch, "requests"},
		{"21 requests", many(21), odata.ErrBatch, "requests"},
		{"a list of something else", `{"requests":[5]}`, odata.ErrMember, "requests[0]"},
		{"an unknown member", `{"requests":[],"x":1}`, odata.ErrBatch, "requests"},
		{"an unknown member of a request", with(`"url":"/x","atomicityGroup":"g"`), odata.ErrUnknownMember, "requests[1].atomicityGroup"},
		{"no id", `{"requests":[{"method":"GET","url":"/x"}]}`, odata.ErrBatch, "requests[0].id"},
		{"a number as id", `{"requests":[{"id":1,"method":"GET","url":"/x"}]}`, odata.ErrMember, "requests[0].id"},
		{"a very long id", `{"requests":[{"id":"` + strings.Repeat("1", 129) + `","method":"GET","url":"/x"}]}`, odata.ErrBatch, "requests[0].id"},
		{"an id twice", `{"requests":[{"id":"1","method":"GET","url":"/x"},{"id":"1","method":"GET","url":"/y"}]}`, odata.ErrBatch, "id"},
		{"a method that is not offered", `{"requests":[{"id":"1","method":"TRACE","url":"/x"}]}`, odata.ErrBatch, "requests[0].method"},
		{"no url", with(`"url":""`), odata.ErrBatch, "requests[1].url"},
		{"a url of a slash", with(`"url":"/"`), odata.ErrBatch, "requests[1].url"},
		{"an absolute url", with(`"url":"https://evil.example/v1.0/users"`), odata.ErrBatch, "requests[1].url"},
		{"a url without a scheme", with(`"url":"//evil.example/users"`), odata.ErrBatch, "requests[1].url"},
		{"a backslash", with(`"url":"/\\evil.example"`), odata.ErrBatch, "requests[1].url"},
		{"a way up", with(`"url":"/../console/"`), odata.ErrBatch, "requests[1].url"},
		{"an encoded way up", with(`"url":"/users/%2e%2e/%2e%2e/console"`), odata.ErrBatch, "requests[1].url"},
		{"a way up behind an encoded slash", with(`"url":"/a%2f..%2f..%2fconsole"`), odata.ErrBatch, "requests[1].url"},
		{"a fragment", with(`"url":"/x#y"`), odata.ErrBatch, "requests[1].url"},
		{"a line break in a url", with(`"url":"/x\r\nHost: evil"`), odata.ErrBatch, "requests[1].url"},
		{"somebody else's token", with(`"url":"/x","headers":{"Authorization":"Bearer other"}`), odata.ErrBatch, "requests[1].headers"},
		{"a line break in a header", with(`"url":"/x","headers":{"Prefer":"a\r\nAuthorization: b"}`), odata.ErrBatch, "requests[1].headers"},
		{"headers that are no object", with(`"url":"/x","headers":["a"]`), odata.ErrBatch, "requests[1].headers"},
		{"a header that is no string", with(`"url":"/x","headers":{"Prefer":1}`), odata.ErrBatch, "requests[1].headers"},
		{"an object as text", with(`"url":"/x","headers":{"Content-Type":"text/plain"},"body":{}`), odata.ErrBatch, "requests[1].body"},
		{"base64 that is none", with(`"url":"/x","headers":{"Content-Type":"image/png"},"body":"%%"`), odata.ErrBatch, "requests[1].body"},
		{"an unknown dependency", with(`"url":"/x","dependsOn":["7"]`), odata.ErrBatch, "dependsOn"},
		{"a dependency on itself", with(`"url":"/x","dependsOn":["1"]`), odata.ErrBatch, "dependsOn"},
		{"no JSON", `x`, odata.ErrBody, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request of it ran") })
			_, err := send(t, h, c.body)
			if f := refusal(t, err, c.want); f.Target != c.target {
				t.Errorf("target is %q, want %q", f.Target, c.target)
			}
		})
	}
	if replies, err := send(t, http.HandlerFunc(echo), many(20)); err != nil || len(replies) != 20 {
		t.Errorf("20 requests: %d, %v", len(replies), err)
	}
}

func TestBatchWithinABatch(t *testing.T) {
	var outer http.HandlerFunc
	outer = func(w http.ResponseWriter, r *http.Request) {
		if err := (odata.Batch{Handler: outer}).Serve(w, r); err != nil {
			odata.Write(w, r, odata.Directory, err, quiet)
		}
	}
	for _, address := range []string{"/$batch", "/%24batch", "/$BATCH"} {
		replies, err := send(t, outer, `{"requests":[{"id":"1","method":"POST","url":"`+address+`","body":{"requests":[]}}]}`)
		if err != nil || replies[0].Status != 400 {
			t.Errorf("%s: %+v, %v", address, replies, err)
		}
	}
}

func TestBatchStopsWhenItsCallerHasGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ran := 0
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran++; cancel() })
	r := post(`{"requests":[{"id":"1","method":"GET","url":"/x"},{"id":"2","method":"GET","url":"/x"}]}`).WithContext(ctx)
	if err := (odata.Batch{Handler: h}).Serve(httptest.NewRecorder(), r); !errors.Is(err, context.Canceled) || ran != 1 {
		t.Errorf("ran %d, %v", ran, err)
	}
}

func FuzzBatch(f *testing.F) {
	f.Add(`{"requests":[{"id":"1","method":"GET","url":"/users?$top=5"},{"id":"2","method":"POST","url":"me","dependsOn":["1"],"body":{"a":1},"headers":{"Content-Type":"application/json"}}]}`)
	f.Add(`{"requests":[{"id":"1","method":"PUT","url":"/x","headers":{"Content-Type":"image/png"},"body":"YT8-"}]}`)
	f.Add(`{"requests":[{"id":"1","method":"GET","url":"https://evil.example/"}]}`)
	f.Add(`{"requests":[{"id":"1","method":"GET","url":"/%2e%2e/x"},{"id":"1"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/v1.0/") || strings.Contains(r.URL.Path, "/../") ||
				r.Host != "id.example" || r.Header.Get("Authorization") != "DPoP abc" || r.Header.Get("DPoP") != "proof" {
				t.Errorf("a request of %q got out: %s %s %v", body, r.Host, r.URL.Path, r.Header)
			}
			echo(w, r)
		})
		replies, err := send(t, h, body)
		if _, told := errors.AsType[*fault.Error](err); err != nil && !told {
			t.Errorf("an error that nobody can be told: %v", err)
		}
		if err == nil && (len(replies) == 0 || len(replies) > odata.MaxBatch) {
			t.Errorf("%d replies", len(replies))
		}
	})
}
