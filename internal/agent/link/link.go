// Package link is the agent's side of docs/device-protocol.md: it proves each call by the
// device's key, keeps the server's nonce, learns how wrong this machine's clock is, waits as
// long as a busy server asks, and turns refusals into faults. It decides nothing.
package link

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
	facts "github.com/postern-id/postern/internal/request"
)

// Link is the way to one tenant of a server. It is safe for concurrent use.
type Link struct {
	Base   string // https://id.contoso.example, without a slash at the end
	Tenant string // id of the tenant
	HTTP   *http.Client
	Key    crypto.Signer // the device's
	Now    func() time.Time
	// Patience is how long a call is repeated that found the server busy or away; zero for
	// one try.
	Patience time.Duration

	mu     sync.Mutex
	nonce  string
	offset time.Duration // to add to Now for the server's time
	heard  time.Time     // by Now: when the server answered last
}

// Offset returns how far the server's clock is ahead of this machine's, as far as known.
func (l *Link) Offset() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.offset
}

// Heard returns when the server answered last; zero when it never did.
func (l *Link) Heard() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard
}

// maxOff is how far clocks may be apart before proofs are dated by the server's: answers
// carry whole seconds, and take a while.
const maxOff = 5 * time.Second

func (l *Link) learn(res *http.Response) {
	now := l.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = now
	if nonce := res.Header.Get("DPoP-Nonce"); nonce != "" {
		l.nonce = nonce
	}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		if l.offset = at.Sub(now); l.offset.Abs() < maxOff {
			l.offset = 0
		}
	}
}

// hear notes that the server is there.
func (l *Link) hear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = l.Now()
}

func (l *Link) state() (nonce string, offset time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nonce, l.offset
}

// A request is one call, to be proved each time it is sent.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	kind         string // of the body
	access       string // token that comes with it
	once         bool   // not to be repeated, and sent over a connection of its own
}

// call calls path below the tenant's part of the device API and decodes the answer into out
// unless that is nil.
func (l *Link) call(ctx context.Context, r request, in, out any) error {
	r.path = "/device/v1/" + url.PathEscape(l.Tenant) + r.path
	if in != nil {
		var err error
		if r.body, err = json.Marshal(in); err != nil {
			return err
		}
		r.kind = "application/json"
	}
	answer, err := l.patient(ctx, r)
	if err != nil || out == nil {
		return err
	}
	if json.Unmarshal(answer, out) != nil {
		return graphclient.ErrAnswer.With("", "The answer of "+l.Base+" is not that of a server for devices.")
	}
	return nil
}

// patient repeats r while the server is busy or away, and there is patience left.
func (l *Link) patient(ctx context.Context, r request) ([]byte, error) {
	var waited time.Duration
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 30*time.Second) {
		answer, err := l.proved(ctx, r)
		wait, again := later(err, pause)
		if !again || r.once || waited+wait > l.Patience {
			return answer, err
		}
		if err := graphclient.Wait(ctx, wait); err != nil {
			return nil, err
		}
		waited += wait
	}
}

// later reports whether a call that ended with err may go better after a wait.
func later(err error, pause time.Duration) (time.Duration, bool) {
	if errors.Is(err, graphclient.ErrUnreachable) {
		return pause, true
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.TooMany && f.Kind != fault.Unavailable || errors.Is(err, graphclient.ErrCertificate) || errors.Is(err, graphclient.ErrAnswer) {
		return 0, false
	}
	return max(pause, time.Duration(f.RetryAfter)*time.Second), true
}

// proved sends r with a proof, and once more when the answer brings the nonce or the time
// that the first one lacked.
func (l *Link) proved(ctx context.Context, r request) ([]byte, error) {
	for first := true; ; first = false {
		nonce, offset := l.state()
		res, answer, err := l.send(ctx, r, nonce, offset) //nolint:bodyclose // RoundTrip read and closed it
		if err != nil {
			return nil, err
		}
		if res.StatusCode < 300 {
			return answer, nil
		}
		newNonce, newOffset := l.state()
		wiser := newNonce != nonce || (newOffset-offset).Abs() >= maxOff
		if first && wiser && needsProof(res, answer) {
			continue
		}
		return nil, refusal(res, answer)
	}
}

// needsProof reports whether a refusal is about the proof, so that another one may help.
func needsProof(res *http.Response, answer []byte) bool {
	return res.StatusCode == http.StatusUnauthorized ||
		res.StatusCode == http.StatusBadRequest && bytes.Contains(answer, []byte("dpop_"))
}

func (l *Link) send(ctx context.Context, r request, nonce string, offset time.Duration) (*http.Response, []byte, error) {
	req, err := l.request(ctx, r, nonce, offset)
	if err != nil {
		return nil, nil, err
	}
	client := l.HTTP
	if r.once { // a kept connection may have died while the machine slept or moved, and Go asks again only what may be asked twice
		client = alone(l.HTTP)
	}
	res, answer, err := graphclient.RoundTrip(client, req)
	if err != nil {
		return nil, nil, err
	}
	l.learn(res)
	return res, answer, nil
}

// userAgent is how the agent is known in people's lists of sign-ins.
var userAgent = "postern-agent (" + cmp.Or(map[string]string{"linux": "Linux", "windows": "Windows", "darwin": "Mac OS X"}[runtime.GOOS], runtime.GOOS) + ")"

func (l *Link) request(ctx context.Context, r request, nonce string, offset time.Duration) (*http.Request, error) {
	address := l.Base + r.path
	full := address
	if len(r.query) > 0 {
		full += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, full, bytes.NewReader(r.body))
	if err != nil {
		return nil, graphclient.ErrAddress
	}
	proof, err := device.Prove(l.Key, device.Call{
		Method: r.method, URL: address, Body: r.body, Nonce: nonce, AccessToken: r.access,
	}, l.Now().Add(offset))
	if err != nil {
		return nil, err
	}
	req.Header.Set("DPoP", proof)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if id := facts.From(ctx).CorrelationID; id != "" {
		req.Header.Set("client-request-id", id)
	}
	if r.kind != "" {
		req.Header.Set("Content-Type", r.kind)
	}
	if r.access != "" {
		req.Header.Set("Authorization", "DPoP "+r.access)
	}
	return req, nil
}

// Refused is a refusal of the server; it wraps the fault with the server's code.
type Refused struct {
	Status        int
	CorrelationID string // to find it in the server's log
	Number        string // that the person copies, with a code that is pending
	Fault         *fault.Error
}

// Error says what the server said.
func (r *Refused) Error() string {
	if r.CorrelationID == "" {
		return r.Fault.Error()
	}
	return fmt.Sprintf("%s [%s]", r.Fault.Error(), r.CorrelationID)
}

// Unwrap returns the fault.
func (r *Refused) Unwrap() error { return r.Fault }

// aadsts is how Entra's number of a failure begins its description.
var aadsts = regexp.MustCompile(`^AADSTS([0-9]{1,9})\b`)

var kinds = map[int]fault.Kind{
	http.StatusBadRequest: fault.Invalid, http.StatusUnauthorized: fault.Unauthorized, http.StatusForbidden: fault.Forbidden,
	http.StatusNotFound: fault.NotFound, http.StatusConflict: fault.Conflict, http.StatusRequestEntityTooLarge: fault.TooLarge,
	http.StatusTooManyRequests: fault.TooMany,
}

// refusal reads a refusal of the device API, or of the OAuth endpoints (RFC 6749 section 5.2).
func refusal(res *http.Response, answer []byte) error {
	kind, known := kinds[res.StatusCode]
	if !known {
		kind = fault.Unavailable
	}
	var got struct {
		Error         json.RawMessage `json:"error"`
		Description   string          `json:"error_description"`
		CorrelationID string          `json:"correlation_id"`
		Number        string          `json:"number"`
	}
	if json.Unmarshal(answer, &got) != nil || len(got.Error) == 0 {
		return &Refused{Status: res.StatusCode, Fault: said(kind, fmt.Sprintf("The server answered %d %s.", res.StatusCode, http.StatusText(res.StatusCode)))}
	}
	out := &Refused{Status: res.StatusCode, CorrelationID: got.CorrelationID, Number: got.Number}
	var plain string
	var e device.Error
	switch {
	case json.Unmarshal(got.Error, &plain) == nil:
		text, _, _ := strings.Cut(got.Description, "\n") // Entra's form has ids on further lines
		out.Fault = said(kind, strings.TrimSpace(text))
		out.Fault.Target = plain // OAuth's own code
		if m := aadsts.FindStringSubmatch(text); m != nil {
			out.Fault.AADSTS, _ = strconv.Atoi(m[1]) // digits, and few
		}
	case json.Unmarshal(got.Error, &e) == nil && e.Code != "":
		out.CorrelationID = e.CorrelationID
		out.Fault = &fault.Error{Kind: kind, Code: e.Code, Text: e.Message, Remedy: e.Remedy}
	default:
		out.Fault = said(kind, "")
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		out.Fault.RetryAfter = seconds
	}
	return out
}

// said is ErrRefused as a fault of the given kind that says text.
func said(kind fault.Kind, text string) *fault.Error {
	f := ErrRefused.With("", text)
	f.Kind = kind
	return f
}

// ErrRefused says that the server refused a call without a code of its own.
var ErrRefused = &fault.Error{
	Kind: fault.Unavailable, Code: "deviceCallRefused",
	Text: "The server did not do what the device asked for.", Remedy: "Try again; if it stays so, ask the helpdesk.",
}
