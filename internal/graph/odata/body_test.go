package odata_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

func zipped(data string) string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = io.WriteString(w, data)
	_ = w.Close()
	return buf.String()
}

func nested(levels int) string {
	return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "}"
}

func TestReadJSONRefuses(t *testing.T) {
	big := `{"a":"` + strings.Repeat("x", odata.MaxBody) + `"}`
	bomb := zipped(`{"a":"` + strings.Repeat("0", 16<<20) + `"}`)
	for _, c := range []struct {
		name, body string
		header     map[string]string
		want       *fault.Error
		says       string
	}{
		{"nothing", "", nil, odata.ErrBody, "needs a JSON object"},
		{"an array", `[{}]`, nil, odata.ErrBody, "must be a JSON object"},
		{"null", `null`, nil, odata.ErrBody, "must be a JSON object"},
		{"a string", `"a"`, nil, odata.ErrBody, "must be a JSON object"},
		{"half an object", `{"a":1`, nil, odata.ErrBody, "not valid JSON"},
		{"a comma too many", `{"a":1,}`, nil, odata.ErrBody, "not valid JSON"},
		{"a name without a value", `{"a"}`, nil, odata.ErrBody, "not valid JSON"},
		{"a number as a name", `{1:2}`, nil, odata.ErrBody, "not valid JSON"},
		{"brackets that do not pair", `{"a":[1}`, nil, odata.ErrBody, "near byte"},
		{"single quotes", `{'a':1}`, nil, odata.ErrBody, "not valid JSON"},
		{"a second object", `{"a":1}{"b":2}`, nil, odata.ErrBody, "goes on after"},
		{"rubbish at the end", `{"a":1} x`, nil, odata.ErrBody, "goes on after"},
		{"a member twice", `{"a":1,"b":2,"a":3}`, nil, odata.ErrBody, "twice: a."},
		{"a member twice, once escaped", `{"a":1,"\u0061":3}`, nil, odata.ErrBody, "twice: a."},
		{"a member twice further in", `{"a":[{"b":1,"b":1}]}`, nil, odata.ErrBody, "twice: b."},
		{"a byte that is not UTF-8", "{\"a\":\"\xff\"}", nil, odata.ErrBody, "UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", nil, odata.ErrBody, "UTF-8"},
		{"33 levels", nested(33), nil, odata.ErrBody, "deeper than 32"},
		{"100,000 levels", nested(100_000), nil, odata.ErrBody, "deeper than 32"},
		{"more than 1 MiB", big, nil, odata.ErrBodyTooLarge, ""},
		{"a gzip bomb", bomb, map[string]string{"Content-Encoding": "gzip"}, odata.ErrBodyTooLarge, ""},
		{"half a gzip", zipped(`{"a":1}`)[:20], map[string]string{"Content-Encoding": "gzip"}, odata.ErrBody, ""},
		{"gzip that is none", `{"a":1}`, map[string]string{"Content-Encoding": "gzip"}, odata.ErrBody, "gzip"},
		{"gzip twice", zipped(zipped(`{}`)), map[string]string{"Content-Encoding": "gzip, gzip"}, odata.ErrContentEncoding, ""},
		{"brotli", `{}`, map[string]string{"Content-Encoding": "br"}, odata.ErrContentEncoding, ""},
		{"no type", `{}`, map[string]string{"Content-Type": ""}, odata.ErrContentType, ""},
		{"a form", `a=1`, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, odata.ErrContentType, ""},
		{"text", `{}`, map[string]string{"Content-Type": "text/plain"}, odata.ErrContentType, ""},
		{"a charset that is not UTF-8", `{}`, map[string]string{"Content-Type": "application/json;charset=latin1"}, odata.ErrContentType, ""},
		{"a type that cannot be read", `{}`, map[string]string{"Content-Type": "application/json;;="}, odata.ErrContentType, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := post(c.body)
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			_, err := odata.ReadJSON(r, odata.BodyOptions{})
			if f := refusal(t, err, c.want); !strings.Contains(f.Text, c.says) {
				t.Errorf("says %q, want %q in it", f.Text, c.says)
			}
		})
	}
}

func TestReadJSONTakes(t *testing.T) {
	exact := `{"a":"` + strings.Repeat("x", odata.MaxBody-8) + `"}`
	for _, c := range []struct {
		name, body, kind, encoding string
	}{
		{"plain", `{"a":"x"}`, "application/json", ""},
		{"parameters", `{"a":"x"}`, "Application/JSON; charset=UTF-8; odata.metadata=minimal; IEEE754Compatible=false", ""},
		{"gzip", zipped(`{"a":"x"}`), "application/json", "GZIP"},
		{"identity", `{"a":"x"}`, "application/json", "identity"},
		{"white space", " {\n\"a\" :\t\"x\" } \n", "application/json", ""},
		{"32 levels", nested(32), "application/json", ""},
		{"1 MiB", exact, "application/json", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := post(c.body)
			r.Header.Set("Content-Type", c.kind)
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			o, err := odata.ReadJSON(r, odata.BodyOptions{})
			if err != nil || !o.Has("a") {
				t.Errorf("got %v, %v", o, err)
			}
		})
	}
}

func TestReadJSONEmptyBody(t *testing.T) {
	withoutBody := httptest.NewRequest("POST", "/", http.NoBody)
	form := httptest.NewRequest("POST", "/", strings.NewReader(""))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded") // what Invoke-RestMethod sends
	none := httptest.NewRequest("POST", "/", nil)
	none.Body = nil
	gz := post(zipped(""))
	gz.Header.Set("Content-Encoding", "gzip")
	for i, r := range []*http.Request{withoutBody, form, none, gz} {
		o, err := odata.ReadJSON(r, odata.BodyOptions{AllowEmpty: true})
		if err != nil || o.Has("a") || o.Done() != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
}

func TestReadJSONOwnLimit(t *testing.T) {
	if _, err := odata.ReadJSON(post(`{"a":1}`), odata.BodyOptions{MaxBytes: 7}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := odata.ReadJSON(post(`{"a":1}`), odata.BodyOptions{MaxBytes: 6})
	refusal(t, err, odata.ErrBodyTooLarge)
	gz := post(zipped(`{"a":"0000000000000000000000000000000000000000"}`))
	gz.Header.Set("Content-Encoding", "gzip")
	_, err = odata.ReadJSON(gz, odata.BodyOptions{MaxBytes: 45})
	refusal(t, err, odata.ErrBodyTooLarge)
}

func TestReadJSONBrokenConnection(t *testing.T) {
	r := post("")
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("reset by peer")))
	_, err := odata.ReadJSON(r, odata.BodyOptions{})
	refusal(t, err, odata.ErrBody)
	r = post(`{"a":"0123456789"}`)
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 4)
	_, err = odata.ReadJSON(r, odata.BodyOptions{})
	refusal(t, err, odata.ErrBodyTooLarge)
}

func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":null,"b":[1,"x",{"c":true}]}`, `{"a":1,"a":2}`, nested(33), "{\"a\":\"\xff\"}",
		`{"manager@odata.bind":"https://id.example/v1.0/users/1","@odata.type":"#microsoft.graph.user"}`,
		`{"a":"\ud800"}`, `{"t":"2026-02-03T10:11:12Z","n":1e2}`, `[`, `{"":{}}`,
	} {
		f.Add(seed, false)
		f.Add(zipped(seed), true)
	}
	f.Fuzz(func(t *testing.T, body string, gz bool) {
		r := post(body)
		if gz {
			r.Header.Set("Content-Encoding", "gzip")
		}
		o, err := odata.ReadJSON(r, odata.BodyOptions{})
		if err == nil {
			var s string
			o.String("a", &s)
			o.Object("b")
			o.Objects("c")
			err = o.Done()
		}
		if _, told := errors.AsType[*fault.Error](err); err != nil && !told {
			t.Errorf("an error that nobody can be told: %v", err)
		}
		_ = fmt.Sprint(o)
	})
}
