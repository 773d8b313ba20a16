package conformance

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser goes through pages by their forms, as a browser without scripts does.
type browser struct {
	t    *testing.T
	http http.Client
	page page
}

// page is what the browser shows.
type page struct {
	url    *url.URL
	step   string // data-step of main
	action string
	fields url.Values // of the first form, with what is filled in
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, http: http.Client{Jar: jar}}
}

// open follows an address and its redirects.
func (b *browser) open(address string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(r)
}

// submit sends the form of the page with more values.
func (b *browser) submit(values ...string) {
	b.t.Helper()
	for i := 0; i < len(values); i += 2 {
		b.page.fields.Set(values[i], values[i+1])
	}
	to, err := b.page.url.Parse(b.page.action)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(b.page.fields.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.page.url.Scheme+"://"+b.page.url.Host)
	b.do(r)
}

func (b *browser) do(r *http.Request) {
	b.t.Helper()
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	root, err := html.Parse(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.page = page{url: res.Request.URL, fields: url.Values{}}
	b.page.read(root)
}

// read finds the step and the first form below n.
func (p *page) read(n *html.Node) {
	for each := range n.Descendants() {
		switch {
		case each.Data == "main":
			p.step = attribute(each, "data-step")
		case each.Data == "form" && p.action == "":
			p.action = attribute(each, "action")
			for input := range each.Descendants() {
				if input.Data == "input" {
					p.fields.Set(attribute(input, "name"), attribute(input, "value"))
				}
			}
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// at checks which step the page shows.
func (b *browser) at(step string) {
	b.t.Helper()
	if b.page.step != step {
		b.t.Fatalf("%s shows %q, want %q", b.page.url, b.page.step, step)
	}
}

// signIn opens an address that asks for a sign-in and goes through the pages as p, until
// the browser is back at the application, by a redirect or by a form.
func (b *browser) signIn(address string, p person) {
	b.t.Helper()
	b.open(address)
	b.at("identify")
	b.submit("username", p.name)
	b.at("accesspass")
	b.submit("accesspass", p.pass)
	b.at("stay")
	b.submit("stay", "no")
	if b.page.step == "formpost" {
		b.submit()
	}
}

// approve types the code that a device shows, signs in as p, and says yes.
func (b *browser) approve(address, code string, p person) {
	b.t.Helper()
	b.open(address)
	b.at("device")
	b.submit("otc", code)
	b.at("identify")
	b.submit("username", p.name)
	b.at("accesspass")
	b.submit("accesspass", p.pass)
	b.at("stay")
	b.submit("stay", "no")
	b.at("confirm")
	b.submit("answer", "approve")
	b.at("done")
}

// receiver is the address of an application to which the browser comes back.
type receiver struct {
	url   string
	found chan url.Values
}

// newReceiver listens on a loopback port until the test ends.
func newReceiver(t *testing.T) receiver {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	r := receiver{url: "http://localhost:" + port, found: make(chan url.Values, 1)}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.ParseForm() == nil && len(q.Form) > 0 {
			r.found <- q.Form
		}
		_, _ = io.WriteString(w, "You are back.")
	})}
	go func() { _ = server.Serve(listener) }() // until Close
	t.Cleanup(func() { _ = server.Close() })
	return r
}
