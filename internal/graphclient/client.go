// Package graphclient is a small client of Microsoft Graph v1.0, for commands and the
// console: it signs an application in, sends requests, reads pages and decodes errors. It
// knows no rule of the directory; the server decides. What stands in other packages' way of
// reaching data is meant to: this is the only way.
package graphclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	maxAnswer  = 16 << 20 // bytes of one answer
	maxRetries = 3
	maxWait    = time.Minute // the longest Retry-After that is waited for
)

// Config says where Graph is and who calls it.
type Config struct {
	// Graph is the base address without a version, such as https://graph.microsoft.com.
	// It must be https, except on a loopback host.
	Graph  string
	Tokens TokenSource
	// HTTP sends the requests; NewHTTP makes one.
	HTTP *http.Client
	// Wait waits before a retry. Nil waits on the clock.
	Wait func(context.Context, time.Duration) error
	// Now is the time of this machine, to tell when its clock is wrong. Nil tells nothing.
	Now func() time.Time
	// Patience is the longest Retry-After that is waited for; zero is a minute.
	Patience time.Duration
	// Correlation is the id under which the server logs the requests; empty draws one for each.
	Correlation string
	// Retries is how often a busy server is asked again; zero is three times.
	Retries int
}

// A Client calls Graph for one caller. It is safe for concurrent use.
type Client struct {
	base   *url.URL // with /v1.0
	tokens TokenSource
	http   *http.Client
	wait   func(context.Context, time.Duration) error
	bear   time.Duration
	again  int
	now    func() time.Time
	match  string // If-Match of changes; empty sends none
	id     string
	// foreign says that Graph is not Postern's.
	foreign bool
}

// ETag is the member of an Object that says which version was read.
const ETag = "@odata.etag"

// Matching returns a client whose changes are refused with status 412 unless the version there is
// still the one of tag, the ETag of an Object. It is for one change: what is read meanwhile has a
// tag of its own. An empty tag asks for nothing.
func (c *Client) Matching(tag string) *Client {
	own := *c
	own.match = tag
	return &own
}

// New returns a client, or ErrAddress.
func New(cfg Config) (*Client, error) {
	base, err := address(cfg.Graph)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base.JoinPath(version), tokens: cfg.Tokens, http: cfg.HTTP, wait: cfg.Wait, bear: cfg.Patience, again: cfg.Retries, now: cfg.Now, id: cfg.Correlation}
	if c.wait == nil {
		c.wait = Wait
	}
	if c.again == 0 {
		c.again = maxRetries
	}
	if c.bear == 0 {
		c.bear = maxWait
	}
	return c, nil
}

// address parses the base address of a server that may see secrets.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, ErrAddress
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, ErrAddress
	}
	return u, nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// Wait waits on the clock, or returns the error of ctx.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// call sends in (nothing if nil) to a path below /v1.0, which may have a query, and decodes
// the answer into out unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	u, err := c.base.Parse(strings.TrimSuffix(c.base.Path, "/") + path)
	if err != nil {
		return ErrPath.With("", fmt.Sprintf("%q can't name anything.", path))
	}
	return c.send(ctx, method, u, in, out)
}

// segments joins names to a path, each escaped. It returns ErrPath for a name by which the
// path would lead elsewhere.
func segments(names ...string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		if name == "" || name == "." || name == ".." {
			return "", ErrPath.With("", fmt.Sprintf("%q can't name anything.", name))
		}
		b.WriteString("/" + url.PathEscape(name))
	}
	return b.String(), nil
}

// at calls the resource that names lead to.
func (c *Client) at(ctx context.Context, method string, in, out any, names ...string) error {
	path, err := segments(names...)
	if err != nil {
		return err
	}
	return c.call(ctx, method, path, in, out)
}

func (c *Client) send(ctx context.Context, method string, u *url.URL, in, out any) error {
	if c.foreign && method == http.MethodGet {
		u = elsewhere(u)
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	id := c.id
	if id == "" {
		id = uuid.NewString()
	}
	for try := 0; ; try++ {
		res, answer, err := c.once(ctx, method, u, id, body) //nolint:bodyclose // roundTrip read and closed it
		if err != nil {
			return err
		}
		if res.StatusCode < 300 {
			return tagged(decode(answer, out), out, res.Header.Get("ETag"))
		}
		pause, asked := retryAfter(res, c.bear)
		if !asked || try == c.again {
			return c.refused(res, decodeError(res, answer))
		}
		if err := c.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// once sends one request and reads the answer.
func (c *Client) once(ctx context.Context, method string, u *url.URL, id string, body []byte) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := c.authorize(r, token); err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("client-request-id", id)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.match != "" && method != http.MethodGet {
		r.Header.Set("If-Match", c.match)
	}
	if q := u.Query(); q.Has("$search") || q.Has("$count") {
		r.Header.Set("ConsistencyLevel", "eventual")
	}
	return roundTrip(c.http, r)
}

// refused names a clock that is wrong as the cause of a refusal.
func (c *Client) refused(res *http.Response, err *Error) error {
	if c.now == nil {
		return err
	}
	return apart(res, c.now(), err)
}

// authorize puts the token into r, with a proof where the token is bound to a key.
func (c *Client) authorize(r *http.Request, token Secret) error {
	if p, ok := c.tokens.(Prover); ok {
		return p.Prove(r, token)
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	return nil
}

// roundTrip returns the answer to r, read whole, or an error that wraps ErrUnreachable.
func roundTrip(client *http.Client, r *http.Request) (*http.Response, []byte, error) {
	res, err := client.Do(r) //nolint:gosec // whoever calls has checked the address
	if err != nil {
		return nil, nil, unreachable(r, err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, unreachable(r, err)
	}
	if len(answer) > maxAnswer {
		return nil, nil, ErrAnswer.With("", fmt.Sprintf("The answer is larger than %d MiB.", maxAnswer>>20))
	}
	return res, answer, nil
}

// retryAfter returns how long the server asks to wait (RFC 9110 section 10.2.3, in seconds),
// if it asks and the wait is bearable.
func retryAfter(res *http.Response, most time.Duration) (time.Duration, bool) {
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > int(most/time.Second) {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

// tagged puts the ETag of an answer into the Object that was read, where it is not there already:
// Graph shows some resources without it.
func tagged(err error, out any, tag string) error {
	if o, ok := out.(*Object); ok && err == nil && *o != nil && tag != "" && (*o)[ETag] == nil {
		(*o)[ETag] = tag
	}
	return err
}

func decode(answer []byte, out any) error {
	if out == nil {
		return nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = answer
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return ErrAnswer.With("", "The answer is not JSON as Graph sends it.")
	}
	return nil
}
