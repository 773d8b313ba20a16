// Package graphclient is a small client of Microsoft Graph v1.0, for commands and the
// console: it signs an application in, sends requests, reads pages and decodes errors. It
// knows no rule of the directory; the server decides. What stands in other packages' way of
// reaching data is meant to: this is the only way.
package graphclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// ErrUnreachable says that no answer came: no network, no server, no trust in its certificate.
var ErrUnreachable = errors.New("the server can't be reached")

// ErrAnswer says that an answer is not what Graph sends.
var ErrAnswer = errors.New("the answer is not Graph's")

// ErrAddress says that an address is not one to send a token to.
var ErrAddress = errors.New("the address must start with https:// and have no query")

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
}

// A Client calls Graph for one caller. It is safe for concurrent use.
type Client struct {
	base   *url.URL // with /v1.0
	tokens TokenSource
	http   *http.Client
	wait   func(context.Context, time.Duration) error
}

// New returns a client, or ErrAddress.
func New(cfg Config) (*Client, error) {
	base, err := address(cfg.Graph)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base.JoinPath("v1.0"), tokens: cfg.Tokens, http: cfg.HTTP, wait: cfg.Wait}
	if c.wait == nil {
		c.wait = wait
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

func wait(ctx context.Context, d time.Duration) error {
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
		return fmt.Errorf("%w: %q", ErrPath, path)
	}
	return c.send(ctx, method, u, in, out)
}

// ErrPath says that a name can't be part of an address: it is empty or made of dots.
var ErrPath = errors.New("this can't name anything")

// segments joins names to a path, each escaped. It returns ErrPath for a name by which the
// path would lead elsewhere.
func segments(names ...string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		if name == "" || name == "." || name == ".." {
			return "", fmt.Errorf("%w: %q", ErrPath, name)
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
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	id := uuid.NewString()
	for try := 0; ; try++ {
		res, answer, err := c.once(ctx, method, u, id, body) //nolint:bodyclose // roundTrip read and closed it
		if err != nil {
			return err
		}
		if res.StatusCode < 300 {
			return decode(answer, out)
		}
		pause, asked := retryAfter(res)
		if !asked || try == maxRetries {
			return decodeError(res, answer)
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
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("client-request-id", id)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.Contains(u.RawQuery, "search=") {
		r.Header.Set("ConsistencyLevel", "eventual")
	}
	return roundTrip(c.http, r)
}

// roundTrip returns the answer to r, read whole, or an error that wraps ErrUnreachable.
func roundTrip(client *http.Client, r *http.Request) (*http.Response, []byte, error) {
	res, err := client.Do(r)
	if err != nil {
		return nil, nil, unreachable(r, err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, unreachable(r, err)
	}
	if len(answer) > maxAnswer {
		return nil, nil, fmt.Errorf("%w: it is larger than %d MiB", ErrAnswer, maxAnswer>>20)
	}
	return res, answer, nil
}

// unreachable leaves the path and query out, which may name people.
func unreachable(r *http.Request, err error) error {
	if r.Context().Err() != nil {
		return r.Context().Err()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, r.URL.Host, err)
}

// retryAfter returns how long the server asks to wait (RFC 9110 section 10.2.3, in seconds),
// if it asks and the wait is bearable.
func retryAfter(res *http.Response) (time.Duration, bool) {
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > int(maxWait/time.Second) {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

func decode(answer []byte, out any) error {
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}
