package pages

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/fault"
)

// render returns p as a document, its response and its text.
func render(t *testing.T, p page) (*html.Node, *http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := newView(t).Render(w, http.StatusOK, p); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc, w.Result(), w.Body.String()
}

// all returns the elements of doc that fit.
func all(doc *html.Node, fits func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			found = append(found, n)
		}
	}
	return found
}

func tags(names ...string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(names, n.Data) }
}

// attr returns the value of an attribute and whether n has it.
func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func value(n *html.Node, key string) string { v, _ := attr(n, key); return v }

func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func under(n *html.Node, tag string) bool {
	for p := range n.Ancestors() {
		if p.Data == tag {
			return true
		}
	}
	return false
}

// visible reports whether n is an input that a person fills in.
func visible(n *html.Node) bool {
	return tags("input", "select", "textarea")(n) && value(n, "type") != "hidden"
}

func TestEveryPage(t *testing.T) {
	for _, lang := range design.Languages {
		for name, p := range samples(lang) {
			t.Run(lang+" "+name, func(t *testing.T) {
				t.Parallel()
				doc, response, source := render(t, p)
				checkStructure(t, doc, lang)
				checkForms(t, doc, p)
				checkPolicy(t, doc, response)
				if strings.Contains(source, "no value") || strings.Contains(source, "ZgotmplZ") {
					t.Error("a value is missing or was refused by html/template")
				}
			})
		}
	}
}

func checkStructure(t *testing.T, doc *html.Node, lang string) {
	t.Helper()
	root := all(doc, tags("html"))[0]
	if got := value(root, "lang"); got != lang {
		t.Errorf("lang is %q, want %q", got, lang)
	}
	for _, tag := range []string{"main", "h1", "title"} {
		if n := len(all(doc, tags(tag))); n != 1 {
			t.Errorf("%d %s elements, want one", n, tag)
		}
	}
	if title := words(all(doc, tags("title"))[0]); !strings.Contains(title, " · Contoso") || strings.ContainsAny(title, "<>") {
		t.Errorf("title is %q", title)
	}
	main := all(doc, tags("main"))[0]
	if value(main, "data-step") == "" || value(main, "id") != "main" {
		t.Errorf("main has data-step %q and id %q", value(main, "data-step"), value(main, "id"))
	}
	if skip := all(doc, tags("a")); value(skip[0], "href") != "#main" {
		t.Error("the first link does not skip to main")
	}
	ids := map[string]bool{}
	for _, n := range all(doc, func(n *html.Node) bool { _, ok := attr(n, "id"); return ok }) {
		if id := value(n, "id"); ids[id] {
			t.Errorf("id %q is there twice", id)
		} else {
			ids[id] = true
		}
	}
	for _, n := range all(doc, func(*html.Node) bool { return true }) {
		for _, key := range []string{"aria-describedby", "aria-labelledby", "for"} {
			for id := range strings.FieldsSeq(value(n, key)) {
				if !ids[id] {
					t.Errorf("%s names %q, which is not there", key, id)
				}
			}
		}
	}
	level := 0
	for _, h := range all(doc, tags("h1", "h2", "h3")) {
		next := int(h.Data[1] - '0')
		if next > level+1 {
			t.Errorf("heading %s follows level %d", h.Data, level)
		}
		level = next
	}
	_, failed := attr(main, "data-error")
	if alerts := all(doc, func(n *html.Node) bool { return value(n, "role") == "alert" }); failed != (len(alerts) == 1) {
		t.Errorf("failed is %t, with %d alerts", failed, len(alerts))
	}
}

func checkForms(t *testing.T, doc *html.Node, p page) {
	t.Helper()
	labelled := map[string]bool{}
	for _, label := range all(doc, tags("label")) {
		labelled[value(label, "for")] = true
		if words(label) == "" {
			t.Error("a label without words")
		}
	}
	inputs := all(doc, visible)
	for _, input := range inputs {
		if !under(input, "label") && !labelled[value(input, "id")] {
			t.Errorf("input %q has no label", value(input, "name"))
		}
	}
	_, focused := attr(first(inputs), "autofocus")
	if len(inputs) > 0 && !focused {
		t.Error("the first input has no autofocus")
	}
	for _, form := range all(doc, tags("form")) {
		if value(form, "method") != "post" || value(form, "action") == "" {
			t.Errorf("form with method %q and action %q", value(form, "method"), value(form, "action"))
		}
		for key, want := range p.shared().Form {
			hidden := all(form, func(n *html.Node) bool {
				return value(n, "type") == "hidden" && value(n, "name") == key && value(n, "value") == want
			})
			if len(hidden) != 1 {
				t.Errorf("%d hidden inputs %q, want one", len(hidden), key)
			}
		}
	}
	if n := len(all(doc, func(n *html.Node) bool {
		return strings.Contains(" "+value(n, "class")+" ", " primary ")
	})); n > 1 {
		t.Errorf("%d primary buttons, want one at most", n)
	}
	for _, n := range all(doc, tags("button", "a")) {
		if words(n) == "" {
			t.Errorf("a %s without words", n.Data)
		}
	}
}

func first(nodes []*html.Node) *html.Node {
	if len(nodes) == 0 {
		return &html.Node{}
	}
	return nodes[0]
}

func checkPolicy(t *testing.T, doc *html.Node, response *http.Response) {
	t.Helper()
	policy := response.Header.Get("Content-Security-Policy")
	scripts := all(doc, tags("script"))
	if got, want := strings.Contains(policy, "script-src 'self'"), len(scripts) > 0; got != want {
		t.Errorf("script-src is there: %t, scripts are there: %t", got, want)
	}
	for _, script := range scripts {
		if value(script, "type") != "module" || !strings.HasPrefix(value(script, "src"), design.Root) || words(script) != "" {
			t.Error("a script that is no module of ours")
		}
	}
	for _, n := range all(doc, func(*html.Node) bool { return true }) {
		// A frame has its document with it and an empty sandbox: nothing in it runs.
		if box, ok := attr(n, "sandbox"); n.Data == "iframe" && (!ok || box != "" || value(n, "srcdoc") == "") {
			t.Error("a frame without a sandbox")
		}
		if n.Data == "style" || n.Data == "object" || n.Data == "base" {
			t.Errorf("element %s", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("attribute %s on %s", a.Key, n.Data)
			}
			loads := a.Key == "src" || a.Key == "href" && n.Data != "a"
			if loads && !strings.HasPrefix(a.Val, design.Root) && a.Val != "/authenticator/manifest.json" {
				t.Errorf("%s loads %q", n.Data, a.Val)
			}
		}
	}
}

func TestFieldNamesAndSteps(t *testing.T) {
	tests := []struct {
		sample, step string
		fields       []string // in order; name=value for buttons and choices
	}{
		{"identify", "identify", []string{"username"}},
		{"accesspass", "accesspass", []string{"accesspass"}},
		{"passkey", "passkey", nil}, // its field assertion is hidden
		{"addpasskey", "register", nil},
		{"methods", "methods", nil},
		{"stay", "stay", []string{"stay=yes", "stay=no"}},
		{"chooseaccount", "account", []string{"account=1", "account=2", "account=other"}},
		{"device", "device", []string{"otc"}},
		{"confirm", "confirm", []string{"answer=approve", "answer=deny"}},
		{"confirm-number", "confirm", []string{"number", "answer=approve", "answer=deny"}},
		{"blocked", "blocked", nil},
		{"done", "done", nil},
		{"signedout", "signedout", nil},
		{"signout", "confirm", nil},
		{"errorpage", "error", nil},
		{"formpost", "formpost", nil},
		{"securityinfo", "securityinfo", nil},
		{"mailbox", "mailbox", nil},
		{"mail", "mail", nil},
		{"home", "home", nil},
		{"phone", "authenticator", []string{"ask=authenticator"}},
		{"phone-sent", "authenticator", []string{"answered=yes", "ask=authenticator"}},
		{"addphone", "register", []string{"added=yes"}},
		{"app", "app", []string{"number", "say=approve", "say=deny", "say=report", "organisation", "code", "name"}},
	}
	for _, test := range tests {
		t.Run(test.sample, func(t *testing.T) {
			doc, _, _ := render(t, samples("en")[test.sample])
			var fields []string
			for _, n := range all(doc, func(n *html.Node) bool { return visible(n) || n.Data == "button" }) {
				if name := value(n, "name"); name != "" {
					field := name
					if v, ok := attr(n, "value"); ok && v != "" {
						field += "=" + v
					}
					fields = append(fields, field)
				}
			}
			if !slices.Equal(fields, test.fields) {
				t.Errorf("fields are %q, want %q", fields, test.fields)
			}
			if step := value(all(doc, tags("main"))[0], "data-step"); step != test.step {
				t.Errorf("step is %q, want %q", step, test.step)
			}
		})
	}
}

func TestAFailedPage(t *testing.T) {
	for _, name := range []string{"identify-failed", "accesspass-failed", "device-failed", "blocked", "errorpage"} {
		t.Run(name, func(t *testing.T) {
			p := samples("en")[name]
			doc, _, source := render(t, p)
			if got, want := value(all(doc, tags("main"))[0], "data-error"), p.shared().Fault.Code; got != want {
				t.Errorf("data-error is %q, want %q", got, want)
			}
			for _, want := range []string{"mira.okafor@contoso.example", p.shared().CorrelationID, p.shared().ShortCode} {
				if !strings.Contains(source, want) {
					t.Errorf("%q is not on the page", want)
				}
			}
		})
	}
	t.Run("without a fault names no cause", func(t *testing.T) {
		doc, _, source := render(t, samples("en")["errorpage-ours"])
		if got := value(all(doc, tags("main"))[0], "data-error"); got != "generalException" {
			t.Errorf("data-error is %q", got)
		}
		if !strings.Contains(source, "on our side") {
			t.Error("the page does not say whose fault it is")
		}
	})
	t.Run("shows Entra's number where there is one", func(t *testing.T) {
		if _, _, source := render(t, samples("en")["errorpage"]); !strings.Contains(source, "AADSTS50011") {
			t.Error("no AADSTS50011")
		}
	})
	t.Run("has the same words for every refusal", func(t *testing.T) {
		f := sampleFrame("en")
		f.Fault = errRefused
		one := accessPassPage{frame: f, who: who{Username: "a@contoso.example"}}
		f.Fault = errRefused.With("accesspass", "The account is locked.")
		two := accessPassPage{frame: f, who: who{Username: "a@contoso.example"}}
		_, _, first := render(t, one)
		if _, _, second := render(t, two); first != second {
			t.Error("the pages differ")
		}
	})
}

func TestSecretFieldsAreNeverFilledIn(t *testing.T) {
	for name, p := range samples("en") {
		doc, _, _ := render(t, p)
		for _, n := range all(doc, visible) {
			if v, ok := attr(n, "value"); ok && slices.Contains([]string{"accesspass", "otc", "password", "number"}, value(n, "name")) {
				t.Errorf("%s: field %s has the value %q", name, value(n, "name"), v)
			}
		}
	}
}

const hostile = "HOSTILE<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202Eneveh\u2066"

// poison sets every string in v that a stranger may have chosen.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fresh := reflect.New(v.Elem().Type())
			fresh.Elem().Set(v.Elem())
			if v.Type() != reflect.TypeFor[*fault.Error]() {
				poison(fresh.Elem())
			}
			v.Set(fresh)
		}
	case reflect.Slice:
		fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(fresh, v)
		for i := range fresh.Len() {
			poison(fresh.Index(i))
		}
		v.Set(fresh)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{hostile: hostile}))
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			switch field := v.Field(i); {
			case strings.HasSuffix(name, "Href"), strings.HasSuffix(name, "Action"):
				field.SetString("javascript:alert(1)")
			case name == "frame" || name == "who":
				poison(reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem())
			case slices.Contains([]string{"Lang", "Icon", "State", "FormTargets", "Zone"}, name), !field.CanSet():
			case field.Kind() == reflect.String:
				field.SetString(hostile)
			default:
				if field.Kind() != reflect.Struct {
					poison(field)
				}
			}
		}
	}
}

func TestHostileValuesStayText(t *testing.T) {
	for name, p := range samples("en") {
		t.Run(name, func(t *testing.T) {
			v := reflect.New(reflect.TypeOf(p)).Elem()
			v.Set(reflect.ValueOf(p))
			poison(v)
			doc, response, source := render(t, v.Interface().(page))
			checkPolicy(t, doc, response)
			if strings.Contains(source, "javascript:") {
				t.Error("a link runs script")
			}
			if !strings.Contains(source, "HOSTILE") {
				t.Fatal("nothing hostile on the page: the test tests nothing")
			}
			for n := range doc.Descendants() {
				if n.Type != html.TextNode || !strings.Contains(n.Data, "HOSTILE") {
					continue
				}
				if strings.ContainsAny(n.Data, "\u202E\u2066") {
					t.Errorf("text that reorders: %q", n.Data)
				}
				if !under(n, "bdi") && !under(n, "title") && !strings.Contains(value(n.Parent, "class"), "code") && !under(n, "a") {
					t.Errorf("text of a stranger is not set apart in %s", n.Parent.Data)
				}
			}
		})
	}
}

func TestRender(t *testing.T) {
	t.Run("sets the headers and the status", func(t *testing.T) {
		w := httptest.NewRecorder()
		if err := newView(t).Render(w, http.StatusBadRequest, samples("en")["accesspass"]); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusBadRequest {
			t.Errorf("status is %d", w.Code)
		}
		want := map[string]string{
			"Content-Type":               "text/html; charset=utf-8",
			"Cache-Control":              "no-store",
			"X-Content-Type-Options":     "nosniff",
			"X-Frame-Options":            "DENY",
			"Referrer-Policy":            "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; " +
				"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		}
		for key, value := range want {
			if got := w.Header().Get(key); got != value {
				t.Errorf("%s is %q, want %q", key, got, value)
			}
		}
	})
	t.Run("keeps the opener of a pop-up when asked to", func(t *testing.T) {
		f := sampleFrame("en")
		f.KeepOpener = true
		_, response, _ := render(t, donePage{frame: f})
		if got := response.Header.Get("Cross-Origin-Opener-Policy"); got != "" {
			t.Errorf("opener policy is %q", got)
		}
	})
	t.Run("writes nothing when a page fails halfway", func(t *testing.T) {
		w := httptest.NewRecorder()
		p := methodsPage{frame: sampleFrame("en"), Offers: []offer{{Icon: "nonsense"}}}
		if err := newView(t).Render(w, http.StatusOK, p); err == nil {
			t.Error("an unknown icon was drawn")
		}
		if w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("wrote %d bytes and %d headers", w.Body.Len(), len(w.Header()))
		}
	})
	t.Run("writes nothing when a form target is no place to post to", func(t *testing.T) {
		f := sampleFrame("en")
		f.FormTargets = []string{"javascript:alert(1)"}
		w := httptest.NewRecorder()
		if err := newView(t).Render(w, http.StatusOK, donePage{frame: f}); err == nil || w.Body.Len() > 0 {
			t.Errorf("error is %v, %d bytes written", err, w.Body.Len())
		}
	})
	t.Run("tells when the connection breaks", func(t *testing.T) {
		if err := newView(t).Render(broken{httptest.NewRecorder()}, http.StatusOK, donePage{}); !errors.Is(err, errBroken) {
			t.Errorf("error is %v", err)
		}
	})
}

var errBroken = errors.New("connection is gone")

type broken struct{ http.ResponseWriter }

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestEveryPageParsesInEveryLanguage(t *testing.T) {
	for lang, pages := range newView(t).sheets {
		for file, parsed := range pages {
			if _, err := parsed(); err != nil {
				t.Errorf("%s in %s: %v", file, lang, err)
			}
		}
	}
}
