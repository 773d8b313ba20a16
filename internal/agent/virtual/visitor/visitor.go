// Package visitor is a person at a browser without scripts: it opens pages, fills their forms
// in, sends them, and follows where they lead. Who signs in by it can then work with Graph.
// The story of `postern dev` and tests of virtual devices are played by it.
package visitor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A Browser keeps cookies and shows one page. It is for one goroutine.
type Browser struct {
	ctx    context.Context //nolint:containedctx // the browser lives as long as what it is used for
	client *http.Client
	At     *url.URL   // of the page
	page   *html.Node // nil where the browser stopped
	// Stop is a prefix of addresses that are not opened: they are where a program of this
	// machine would listen.
	Stop string
}

// New returns a browser whose requests go by transport, until ctx ends.
func New(ctx context.Context, transport http.RoundTripper) (*Browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Browser{ctx: ctx, client: &http.Client{
		Transport: transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

const (
	maxHops = 20
	maxPage = 4 << 20 // bytes
)

// Open goes to an address, and on to where that leads.
func (b *Browser) Open(address string) error { return b.travel(http.MethodGet, address, nil) }

func (b *Browser) travel(method, address string, form url.Values) error {
	for range maxHops {
		next, err := b.load(method, address, form)
		if err != nil || next == "" {
			return err
		}
		method, address, form = http.MethodGet, next, nil
	}
	return fmt.Errorf("%s leads round in circles", b.At)
}

// load loads one page, and returns where it sends the browser on.
func (b *Browser) load(method, address string, form url.Values) (next string, err error) {
	to, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	from := b.At
	if from != nil {
		to = from.ResolveReference(to)
	}
	if b.Stop != "" && strings.HasPrefix(to.String(), b.Stop) {
		b.At, b.page = to, nil
		return "", nil
	}
	r, err := http.NewRequestWithContext(b.ctx, method, to.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", from.Scheme+"://"+from.Host)
	}
	r.Header.Set("Accept-Language", "en-GB")
	res, err := b.client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // only read
	b.At = to
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return res.Header.Get("Location"), nil
	}
	if b.page, err = html.Parse(io.LimitReader(res.Body, maxPage)); err != nil {
		return "", err
	}
	if res.StatusCode >= 500 {
		return "", fmt.Errorf("%s answers %s", to.Path, res.Status)
	}
	return refresh(b.page), nil
}

// refresh is where <meta http-equiv="refresh" content="0; url=…"> sends the browser.
func refresh(page *html.Node) string {
	for n := range page.Descendants() {
		if n.Data != "meta" || !strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
			continue
		}
		wait, to, found := strings.Cut(attribute(n, "content"), ";")
		_, to, named := strings.Cut(to, "=")
		if found && named && strings.TrimSpace(wait) == "0" {
			return strings.TrimSpace(to)
		}
	}
	return ""
}

// Fill sends the form of the page that has all the named fields and buttons, with these
// values and with what it holds already.
func (b *Browser) Fill(values map[string]string) error {
	form, sent := b.form(values)
	if form == nil {
		return fmt.Errorf("the page %s (%s %s) has no form for %s", b.At.Path, b.Step(), b.Trouble(), names(values))
	}
	return b.send(form, sent)
}

// Has reports whether fill would find a form.
func (b *Browser) Has(values map[string]string) bool {
	form, _ := b.form(values)
	return form != nil
}

func (b *Browser) form(values map[string]string) (*html.Node, url.Values) {
	for n := range b.page.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		if form, ok := filled(n, values); ok {
			return n, form
		}
	}
	return nil, nil
}

// Press sends the form that goes to an address of this site, as it is.
func (b *Browser) Press(action string) error {
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" && attribute(n, "action") == action {
			form, _ := filled(n, nil)
			return b.send(n, form)
		}
	}
	return fmt.Errorf("the page %s (%s %s) has no form for %s", b.At.Path, b.Step(), b.Trouble(), action)
}

func (b *Browser) send(form *html.Node, values url.Values) error {
	action := attribute(form, "action")
	if strings.EqualFold(attribute(form, "method"), "post") {
		return b.travel(http.MethodPost, action, values)
	}
	to, err := url.Parse(action)
	if err != nil {
		return err
	}
	to.RawQuery = values.Encode()
	return b.Open(to.String())
}

// filled returns what form sends with values, and whether it has room for all of them. A
// button has room for its own value only.
func filled(form *html.Node, values map[string]string) (url.Values, bool) {
	out := url.Values{}
	left := len(values)
	for n := range form.Descendants() {
		name, kind := attribute(n, "name"), attribute(n, "type")
		if n.Type != html.ElementNode || name == "" || n.Data != "input" && n.Data != "button" {
			continue
		}
		value, given := values[name]
		button := n.Data == "button" || kind == "submit"
		switch {
		case button && given && attribute(n, "value") == value, !button && given && !out.Has(name):
			out.Set(name, value)
			left--
		case button || given || kind == "checkbox" || kind == "radio":
		default:
			out.Add(name, attribute(n, "value"))
		}
	}
	return out, left == 0
}

func names(values map[string]string) string {
	var all []string
	for name := range values {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// Follow opens the link that has text among its words.
func (b *Browser) Follow(text string) error {
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" && strings.Contains(words(n), text) {
			return b.Open(attribute(n, "href"))
		}
	}
	return fmt.Errorf("the page %s (%s) has no link %q", b.At.Path, b.Step(), text)
}

// main returns an attribute of the page's <main>.
func (b *Browser) main(name string) string {
	if b.page == nil {
		return ""
	}
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && n.Data == "main" {
			return attribute(n, name)
		}
	}
	return ""
}

// Step is what the page is for.
func (b *Browser) Step() string { return b.main("data-step") }

// Trouble is the code of what the page complains about.
func (b *Browser) Trouble() string { return b.main("data-error") }

// Text is what the page says.
func (b *Browser) Text() string { return words(b.page) }

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words is the text below n, with single spaces.
func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (d.Parent == nil || d.Parent.Data != "style" && d.Parent.Data != "script") {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// SignIn answers the pages of the identity provider with a name and a pass, until they lead
// elsewhere.
func (b *Browser) SignIn(name, pass string) error {
	for range maxHops {
		var err error
		switch step := b.Step(); {
		case b.page == nil: // where the browser stops
			return nil
		case b.Trouble() != "":
			return fmt.Errorf("the sign-in page says %s", b.Trouble())
		case step == "identify":
			err = b.Fill(map[string]string{"username": name})
		case step == "accesspass":
			err = b.Fill(map[string]string{"accesspass": pass})
		case step == "stay":
			err = b.Fill(map[string]string{"stay": "no"})
		case step == "register" && b.At.Path == "/signin/register": // not the device’s PIN, which is one, too
			err = b.Fill(map[string]string{"later": "1"})
		case step == "account":
			err = b.Fill(map[string]string{"account": "other"})
		default:
			return nil // no page of a sign-in
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("the sign-in does not end at %s", b.At)
}
