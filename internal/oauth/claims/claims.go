// Package claims reads the claims parameter of a request (OpenID Connect Core section
// 5.5): what a token has to show before it is any use to its reader. Clients copy it from
// a claims challenge (Learn "Claims challenges, claims requests, and client
// capabilities"). It owns the reading; whether a sign-in meets it is decided by others.
package claims

import (
	stdjson "encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json" // refuses a member that appears twice, and minds case

	"github.com/postern-id/postern/internal/fault"
)

const (
	// MaxSize is the longest claims parameter that is read, in bytes.
	MaxSize = 4096
	// MaxDepth is how deep objects and lists may be nested; what is understood needs 4.
	MaxDepth = 8
	// MaxValues is how many values a claim may have.
	MaxValues = 20
	// MaxValue is the longest value of a claim, in bytes.
	MaxValue = 128
)

// ErrInvalid reports a claims parameter that can't be read. Nothing of it is used then:
// half a requirement would be none.
var ErrInvalid = &fault.Error{
	Kind: fault.Invalid, Code: "claimsInvalid", AADSTS: 9002313, Target: "claims",
	Text:   "The claims of this request can't be read.",
	Remedy: "Send a JSON object as in OpenID Connect Core section 5.5.",
}

// AnyOf are values of which a claim has to have one.
type AnyOf []string

// MetBy reports whether one of the values is in have.
func (a AnyOf) MetBy(have []string) bool {
	return slices.ContainsFunc(a, func(v string) bool { return slices.Contains(have, v) })
}

// A Request is what has to be true of the tokens, asked for either of them. What is not
// essential asks for nothing that would not be there anyway, and is left out.
type Request struct {
	AMR  []AnyOf // each has to be met by amr, the ways of the sign-in
	ACR  []AnyOf // each has to be met by acr, what the sign-in is worth
	ACRs []AnyOf // each has to be met by acrs, the authentication contexts
	// NotBefore is the time, UTC, from which the tokens have to be: what was issued
	// earlier is refused by their reader. Zero: any time.
	NotBefore time.Time
	// HandlesChallenges says that the client has the capability CP1: it can be sent
	// back for new tokens, so that these may live longer.
	HandlesChallenges bool
}

// A member is what is asked of one claim.
type member struct {
	Essential bool             `json:"essential"`
	Value     json.RawMessage  `json:"value"`
	Values    *json.RawMessage `json:"values"`
}

// wanted are the claims that are understood; others are ignored, as section 5.5 asks.
type wanted struct {
	AMR          *member `json:"amr"`
	ACR          *member `json:"acr"`
	ACRs         *member `json:"acrs"`
	NotBefore    *member `json:"nbf"`
	Capabilities *member `json:"xms_cc"`
}

// Parse reads text, which may be empty, or returns ErrInvalid.
func Parse(text string) (Request, error) {
	if text == "" {
		return Request{}, nil
	}
	if len(text) > MaxSize || !utf8.ValidString(text) || !isShallow(text) || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return Request{}, ErrInvalid
	}
	var asked struct {
		AccessToken wanted `json:"access_token"`
		IDToken     wanted `json:"id_token"`
	}
	var everything any // so that a member that appears twice is seen wherever it is
	if json.Unmarshal([]byte(text), &everything) != nil || json.Unmarshal([]byte(text), &asked) != nil {
		return Request{}, ErrInvalid
	}
	var r Request
	if !r.add(asked.AccessToken) || !r.add(asked.IDToken) {
		return Request{}, ErrInvalid
	}
	capabilities, ok := asked.AccessToken.Capabilities.values()
	if !ok {
		return Request{}, ErrInvalid
	}
	r.HandlesChallenges = slices.ContainsFunc(capabilities, func(c string) bool { return strings.EqualFold(c, "cp1") })
	return r, nil
}

// add adds what one token has to show, and reports whether it could be read.
func (r *Request) add(w wanted) bool {
	amr, ok := w.AMR.values()
	acr, right := w.ACR.values()
	acrs, fine := w.ACRs.values()
	at, good := w.NotBefore.time()
	if !ok || !right || !fine || !good {
		return false
	}
	if amr != nil && w.AMR.Essential {
		r.AMR = addOnce(r.AMR, amr)
	}
	if acr != nil && w.ACR.Essential {
		r.ACR = addOnce(r.ACR, acr)
	}
	if acrs != nil && w.ACRs.Essential {
		r.ACRs = addOnce(r.ACRs, acrs)
	}
	if at.After(r.NotBefore) {
		r.NotBefore = at
	}
	return true
}

func addOnce(to []AnyOf, set AnyOf) []AnyOf {
	if slices.ContainsFunc(to, func(a AnyOf) bool { return slices.Equal(a, set) }) {
		return to
	}
	return append(to, set)
}

// values returns the values of m, nil if it names none, and whether they can be read.
func (m *member) values() (AnyOf, bool) {
	if m == nil || m.Value == nil && m.Values == nil {
		return nil, true
	}
	var values []*string
	switch {
	case m.Value != nil && m.Values != nil:
		return nil, false
	case m.Values != nil:
		if json.Unmarshal(*m.Values, &values) != nil {
			return nil, false
		}
	default:
		values = make([]*string, 1)
		if json.Unmarshal(m.Value, &values[0]) != nil {
			return nil, false
		}
	}
	if len(values) == 0 || len(values) > MaxValues {
		return nil, false
	}
	var set AnyOf
	for _, v := range values {
		if v == nil || *v == "" || len(*v) > MaxValue {
			return nil, false
		}
		set = append(set, *v)
	}
	return set, true
}

// time returns the value of m as a time, zero if it has none or is not essential, and
// whether it can be read. Challenges write the seconds as text, others as a number.
func (m *member) time() (time.Time, bool) {
	if m == nil || m.Value == nil {
		return time.Time{}, true
	}
	digits := string(m.Value)
	if strings.HasPrefix(digits, `"`) {
		if json.Unmarshal(m.Value, &digits) != nil {
			return time.Time{}, false
		}
	}
	seconds, err := strconv.ParseUint(digits, 10, 40) // until the year 36812
	if err != nil {
		return time.Time{}, false
	}
	if !m.Essential {
		return time.Time{}, true
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// isShallow reports whether text is JSON tokens, nested at most MaxDepth deep. It is
// asked before anything that recurses.
func isShallow(text string) bool {
	decoder, depth := stdjson.NewDecoder(strings.NewReader(text)), 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
		switch token {
		case stdjson.Delim('{'), stdjson.Delim('['):
			depth++
		case stdjson.Delim('}'), stdjson.Delim(']'):
			depth--
		}
		if depth > MaxDepth {
			return false
		}
	}
}
