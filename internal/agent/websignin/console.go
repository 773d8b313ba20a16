package websignin

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrCredential says, as the server's pages do, no more than that it was not right.
var ErrCredential = &fault.Error{
	Kind: fault.Unauthorized, Code: "webSignInCredential",
	Text: "That did not work. Check the name and the pass.", Remedy: "If it stays so, ask your helpdesk for a new pass.",
}

// ErrMore says that the sign-in asks for something that a console can't show.
var ErrMore = &fault.Error{
	Kind: fault.Unsupported, Code: "webSignInMore",
	Text: "The sign-in asks for more than a name and a pass.", Remedy: "Sign in with a browser.",
}

// Pass answers the sign-in's questions with a name and a pass, as the person would in a
// browser, and redeems what comes of it. It uses the fields of the sign-in forms, which are
// stable (docs/sign-in.md).
func (r *Request) Pass(ctx context.Context, name string, pass graphclient.Secret) (Person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return Person{}, err
	}
	c := &console{
		request: r, name: name, pass: pass,
		http: &http.Client{Transport: r.link.HTTP.Transport, CheckRedirect: r.link.HTTP.CheckRedirect, Timeout: r.link.HTTP.Timeout, Jar: jar},
	}
	answer, err := c.walk(ctx)
	if err != nil {
		return Person{}, err
	}
	return r.Redeem(ctx, answer)
}

type console struct {
	request *Request
	http    *http.Client
	name    string
	pass    graphclient.Secret
	typed   map[string]bool // questions that were answered
}

// mostSteps bounds how many pages a sign-in may have.
const mostSteps = 20

func (c *console) walk(ctx context.Context) (url.Values, error) {
	c.typed = map[string]bool{}
	at, form := c.request.URL, url.Values(nil)
	for range mostSteps {
		res, page, err := c.open(ctx, at, form) //nolint:bodyclose // RoundTrip read and closed it
		if err != nil {
			return nil, err
		}
		form = nil
		if res.StatusCode >= 300 && res.StatusCode < 400 {
			next, err := res.Location()
			if err != nil {
				return nil, graphclient.ErrAnswer
			}
			if strings.HasPrefix(next.String(), c.request.redirect+"?") || strings.HasPrefix(next.String(), c.request.redirect+"/?") {
				return next.Query(), nil
			}
			at = next.String()
			continue
		}
		if at, form, err = c.reply(res, page); err != nil {
			return nil, err
		}
	}
	return nil, ErrMore
}

// open loads a page of the server, and of nobody else.
func (c *console) open(ctx context.Context, at string, form url.Values) (*http.Response, string, error) {
	if !strings.HasPrefix(at, c.request.link.Base+"/") {
		return nil, "", graphclient.ErrAnswer.With("", "The sign-in leads to another server, which a console can't show.")
	}
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, "", graphclient.ErrAddress
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, page, err := graphclient.RoundTrip(c.http, r)
	return res, string(page), err
}

var (
	stepOf    = regexp.MustCompile(`<main[^>]* data-step="([^"]*)"`)
	errorOf   = regexp.MustCompile(`<main[^>]* data-error="([^"]*)"`)
	problemOf = regexp.MustCompile(`(?s)id="problem"[^>]*>(.*?)</p>`)
	tags      = regexp.MustCompile(`<[^>]*>`)
)

// reply answers the question that a page asks.
func (c *console) reply(res *http.Response, page string) (string, url.Values, error) {
	step := match(stepOf, page)
	if code := match(errorOf, page); code != "" {
		text := strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(match(problemOf, page), " "))), " ")
		return "", nil, told(res.StatusCode, code, text)
	}
	here := res.Request.URL.String()
	if c.typed[step] {
		return "", nil, ErrMore
	}
	c.typed[step] = true
	switch step {
	case "identify":
		return here, url.Values{"username": {c.name}}, nil
	case "accesspass":
		return here, url.Values{"accesspass": {c.pass.Reveal()}}, nil
	case "stay":
		return here, url.Values{"stay": {"no"}}, nil
	case "methods":
		u := *res.Request.URL
		q := u.Query()
		q.Set("go", "accesspass")
		u.RawQuery = q.Encode()
		return u.String(), nil, nil
	}
	return "", nil, ErrMore
}

func match(expression *regexp.Regexp, page string) string {
	if m := expression.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

func told(status int, code, text string) error {
	switch {
	case code == "credentialRefused":
		return ErrCredential
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return &fault.Error{Kind: fault.TooMany, Code: code, Text: text}
	case text == "":
		return ErrRefused.With(code, "")
	}
	return &fault.Error{Kind: fault.Unauthorized, Code: code, Text: text}
}

// Wrong reports whether err is about what the person typed, so that they may try again.
func Wrong(err error) bool { return errors.Is(err, ErrCredential) }
