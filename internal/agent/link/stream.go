package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/graphclient"
)

// An Event is a change that the server tells of.
type Event struct {
	Change device.Change
	Data   string // such as whose account
}

// silence is how long a stream may say nothing, not even ping, until it counts as cut.
const silence = 50 * time.Second

// Stream calls tell for each change until the connection ends, which is always an error.
// last is the id of the last event that was told before; Stream returns the next such one.
// tell is called once with no change as soon as the stream is open.
func (l *Link) Stream(ctx context.Context, last string, tell func(Event)) (string, error) {
	res, err := l.openStream(ctx, last) //nolint:bodyclose // closed below
	if err != nil {
		return last, err
	}
	body := res.Body
	defer func() { _ = body.Close() }() // only read
	cut := time.AfterFunc(silence, func() { _ = body.Close() })
	defer cut.Stop()
	tell(Event{})
	e := Event{}
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		cut.Reset(silence)
		l.hear()
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			e.Change = device.Change(value)
		case "data":
			e.Data = value
		case "id":
			last = value
		case "": // the end of one event, or a comment that keeps the line alive
			if e.Change != "" && lines.Text() == "" {
				tell(e)
				e = Event{}
			}
		}
	}
	if ctx.Err() != nil {
		return last, ctx.Err()
	}
	return last, graphclient.ErrUnreachable.With("", fmt.Sprintf("%s has ended the stream of changes.", l.Base))
}

// openStream is proved twice at most, as a call is.
func (l *Link) openStream(ctx context.Context, last string) (*http.Response, error) {
	client := alone(l.HTTP)
	client.Timeout = 0
	r := request{method: http.MethodGet, path: "/device/v1/" + url.PathEscape(l.Tenant) + "/stream"}
	for first := true; ; first = false {
		nonce, offset := l.state()
		req, err := l.request(ctx, r, nonce, offset)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", "text/event-stream")
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		res, err := client.Do(req)
		if err != nil {
			return nil, graphclient.Unreachable(req, err)
		}
		l.learn(res)
		if res.StatusCode == http.StatusOK && strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			return res, nil
		}
		answer := make([]byte, 8<<10)
		n, _ := res.Body.Read(answer) // what does not come is not told
		_ = res.Body.Close()
		if newNonce, _ := l.state(); first && newNonce != nonce && res.StatusCode == http.StatusUnauthorized {
			continue
		}
		return nil, refusal(res, answer[:n])
	}
}

// alone is a client like c whose connections carry one request each, by HTTP/1.1: nothing is
// sent over one that is no longer there, and the server keeps little more than the connection
// of a stream that has one to itself.
func alone(c *http.Client) *http.Client {
	out := *c
	usual, ok := c.Transport.(*http.Transport)
	if !ok {
		return &out
	}
	own := usual.Clone()
	own.DisableKeepAlives, own.ForceAttemptHTTP2 = true, false
	own.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if own.TLSClientConfig != nil {
		own.TLSClientConfig.NextProtos = nil // of HTTP/2, where usual has been in use
	}
	out.Transport = own
	return &out
}
