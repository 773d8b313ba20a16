package visitor_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/virtual/visitor"
)

const page = `<!doctype html><main data-step="start" data-error="%s"><h1>Start <b>here</b></h1>
	<form method="post" action="/one"><input type="hidden" name="t" value="1"><input name="username" value="old"><input type="checkbox" name="box" value="on"></form>
	<form method="post" action="/two"><input type="hidden" name="t" value="2"><button name="do" value="lock">Lock</button><button name="do" value="out">Out</button></form>
	<a href="/onward">Go <i>on</i></a></main>`

func browse(t *testing.T) (*visitor.Browser, *[]string) {
	t.Helper()
	var sent []string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, page, "sorry") })
	mux.HandleFunc("GET /onward", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<meta http-equiv="Refresh" content="0; url=/end"><main data-step="onward">`)
	})
	mux.HandleFunc("GET /end", func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("seen")
		fmt.Fprintf(w, `<main data-step="end">%v`, err == nil)
	})
	mux.HandleFunc("GET /loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		sent = append(sent, r.URL.Path+" "+r.PostForm.Encode()+" "+strings.TrimPrefix(r.Header.Get("Origin"), "http://"+r.Host))
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		http.Redirect(w, r, "/end", http.StatusSeeOther)
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	b, err := visitor.New(t.Context(), site.Client().Transport)
	if err == nil {
		err = b.Open(site.URL)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b, &sent
}

func TestAVisitorSendsTheFormThatHasRoom(t *testing.T) {
	for name, test := range map[string]struct {
		fill map[string]string
		want string
	}{
		"a field":              {map[string]string{"username": "mira"}, "/one t=1&username=mira "},
		"one of two buttons":   {map[string]string{"do": "out"}, "/two do=out&t=2 "},
		"a value of no button": {map[string]string{"do": "nothing"}, ""},
		"fields of two forms":  {map[string]string{"do": "out", "username": "mira"}, ""},
		"a field of no form":   {map[string]string{"pin": "1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, sent := browse(t)
			if has := b.Has(test.fill); has != (test.want != "") {
				t.Errorf("it says that there is such a form: %v", has)
			}
			err := b.Fill(test.fill)
			if test.want == "" {
				if err == nil || len(*sent) != 0 {
					t.Errorf("it sent %v: %v", *sent, err)
				}
				return
			}
			if err != nil || len(*sent) != 1 || (*sent)[0] != test.want || b.Step() != "end" || !strings.Contains(b.Text(), "true") {
				t.Errorf("it sent %v and is at %s (%s): %v", *sent, b.Step(), b.Text(), err)
			}
		})
	}
}

func TestAVisitorSeesThePage(t *testing.T) {
	b, sent := browse(t)
	if b.Step() != "start" || b.Trouble() != "sorry" || !strings.HasPrefix(b.Text(), "Start here") {
		t.Errorf("it sees %q, %q, %q", b.Step(), b.Trouble(), b.Text())
	}
	if err := b.Follow("Go on"); err != nil || b.Step() != "end" {
		t.Errorf("the link led to %s: %v", b.Step(), err)
	}
	if err := b.Open("/"); err != nil {
		t.Fatal(err)
	}
	if err := b.Press("/one"); err != nil || (*sent)[0] != "/one t=1&username=old " {
		t.Errorf("it sent %v: %v", *sent, err)
	}
	for _, path := range []string{"/loop", "/broken"} {
		if err := b.Open(path); err == nil {
			t.Errorf("%s went well", path)
		}
	}
	b.Stop = "http://localhost:1"
	if err := b.Open("http://localhost:1?code=x"); err != nil || b.At.Query().Get("code") != "x" || b.Step() != "" {
		t.Errorf("it did not stop: %s %v", b.At, err)
	}
}
