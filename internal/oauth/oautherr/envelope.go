// Package oautherr is the one place where a failure becomes an OAuth error: in the body
// of a token answer (RFC 6749 section 5.2) or the query of a redirect (section 4.1.2.1),
// in the form that Entra gives it (Learn "Microsoft Entra authentication and
// authorization error codes"). It also declares the faults of the OAuth endpoints that
// belong to no smaller part. It logs nothing: the caller knows tenant and client.
package oautherr

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// IDs are what an answer says about its request.
type IDs struct {
	Trace       string    // this server's id of the request
	Correlation string    // the client's id of the request (client-request-id), or the server's
	At          time.Time // in any zone
	HelpURL     string    // to which a fault's code is appended, such as https://host/errors/; empty: no help
}

// An Envelope is an OAuth error with Entra's members.
type Envelope struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"` // ASCII without quotes and backslashes
	Codes         []int  `json:"error_codes,omitempty"`
	Timestamp     string `json:"timestamp"` // UTC, 2006-01-02 15:04:05Z
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	URI           string `json:"error_uri,omitempty"`
	Suberror      string `json:"suberror,omitempty"`
	Claims        string `json:"claims,omitempty"`
	Number        string `json:"number,omitempty"` // our own, with authorization_pending
}

// A Challenge is a failure together with what the client can do about it.
type Challenge struct {
	Err      error  // the failure
	Suberror string // Entra's hint, such as basic_action or bad_token; may be empty
	Claims   string // JSON to send as the claims parameter of the next request; may be empty
	Number   string // that a device shows now; may be empty
}

// Error says what Err says.
func (c *Challenge) Error() string { return c.Err.Error() }

// Unwrap returns Err.
func (c *Challenge) Unwrap() error { return c.Err }

// sorry is all that is said of a failure that is no fault.
var sorry = &fault.Error{
	Text:   "Something went wrong on the server.",
	Remedy: "Try again, and tell your administrator the correlation id if it stays.",
}

// Describe returns err as an OAuth error, and the HTTP status of an answer with it.
// Of an error that is no fault it says nothing but the ids.
func Describe(err error, ids IDs) (Envelope, int) {
	e := Envelope{
		Error: "server_error", Timestamp: ids.At.UTC().Format("2006-01-02 15:04:05Z"),
		TraceID: ids.Trace, CorrelationID: ids.Correlation,
	}
	status, said := http.StatusInternalServerError, sorry
	if f, ok := errors.AsType[*fault.Error](err); ok {
		said = f
		e.Error = valueOf(f)
		status = statusOf(f, e.Error)
		if ids.HelpURL != "" {
			e.URI = ids.HelpURL + url.PathEscape(f.Code)
		}
	}
	if said.AADSTS != 0 {
		e.Codes = []int{said.AADSTS}
	}
	if c, ok := errors.AsType[*Challenge](err); ok {
		e.Suberror, e.Claims, e.Number = c.Suberror, c.Claims, c.Number
	}
	e.Description = plain(fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", sentence(said), e.TraceID, e.CorrelationID, e.Timestamp))
	return e, status
}

// sentence returns what f says, after Entra's number and before the parameter at fault.
func sentence(f *fault.Error) string {
	s := f.Error()
	if f.AADSTS != 0 {
		s = fmt.Sprintf("AADSTS%d: %s", f.AADSTS, s)
	}
	if f.Target != "" {
		s += " Parameter: " + f.Target + "."
	}
	return s
}

// plain keeps s to the characters of an error_description (RFC 6749 section 5.2).
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\':
			return '/'
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
}

// statusOf returns the status for f, whose OAuth error is value. It does not follow the
// kind further, because a client that polls with a device code goes on at 400 only.
func statusOf(f *fault.Error, value string) int {
	switch {
	case value == "invalid_client":
		return http.StatusUnauthorized
	case f.Kind == fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case f.Kind == fault.TooMany:
		return http.StatusTooManyRequests
	case f.Kind == fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// WriteError answers r with err. A client that used the Authorization header is told the
// scheme on 401 (RFC 6749 section 5.2). Headers that belong to one failure, such as
// DPoP-Nonce, are set by the caller before.
func WriteError(w http.ResponseWriter, r *http.Request, err error, ids IDs) {
	e, status := Describe(err, ids)
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
		h.Set("WWW-Authenticate", `Basic realm="Postern", charset="UTF-8"`)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(e) // the client is gone if it fails
}

// Values returns e as the parameters of a redirect to the client; the caller adds state.
func (e Envelope) Values() url.Values {
	v := url.Values{"error": {e.Error}, "error_description": {e.Description}}
	for name, value := range map[string]string{"error_uri": e.URI, "error_subcode": e.Suberror, "claims": e.Claims} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}
