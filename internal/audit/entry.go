package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Kind tells the two logs apart.
type Kind string

// The kinds of entry.
const (
	KindSignIn    Kind = "signIn"    // the sign-in log
	KindDirectory Kind = "directory" // the audit log
)

// Entry is an event in the form in which it is kept. Store every field byte for byte: Body is
// hashed as it stands. Both documents are JSON in UTF-8 without control characters.
type Entry struct {
	Tenant string    // UUID
	ID     string    // UUID
	At     time.Time // UTC, microseconds
	Kind   Kind
	// Body is the event with a commitment in the place of every personal value.
	Body []byte
	// Personal holds the values and what opens their commitments. It may lose members, or be
	// empty, once they were erased.
	Personal []byte
}

// maxUserAgent is where Seal cuts a user agent, in bytes: anybody can send a long one.
const maxUserAgent = 512

// body is what Entry.Body holds; the tenant, the id and the time are in the leaf beside it.
type body struct {
	CorrelationID string  `json:"correlationId,omitempty"`
	SignIn        *SignIn `json:"signIn,omitempty"`
	Change        *Change `json:"change,omitempty"`
}

// Seal returns e in the form in which it is kept, with a fresh salt of 16 bytes from rand for
// every personal value. It fails when e has no UUIDs, or is not exactly one of a sign-in and a
// change. Times are cut to microseconds, and what is not UTF-8 is replaced by U+FFFD.
func (e Event) Seal(rand io.Reader) (Entry, error) {
	if err := e.check(); err != nil {
		return Entry{}, err
	}
	e = e.clone()
	e.normalize()
	personal, err := e.commit(rand)
	if err != nil {
		return Entry{}, fmt.Errorf("seal event %s: %w", e.ID, err)
	}
	b, err := encode(body{e.CorrelationID, e.SignIn, e.Change})
	if err != nil {
		return Entry{}, fmt.Errorf("seal event %s: %w", e.ID, err)
	}
	p, err := encode(personal)
	if err != nil {
		return Entry{}, fmt.Errorf("seal event %s: %w", e.ID, err)
	}
	return Entry{Tenant: e.Tenant, ID: e.ID, At: e.At, Kind: e.kind(), Body: b, Personal: p}, nil
}

// normalize brings times to UTC and microseconds, and limits what strangers send.
func (e *Event) normalize() {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	if s := e.SignIn; s != nil {
		if len(s.UserAgent) > maxUserAgent {
			s.UserAgent = strings.ToValidUTF8(s.UserAgent[:maxUserAgent], "")
		}
		for i := range s.Details {
			s.Details[i].At = s.Details[i].At.UTC().Truncate(time.Microsecond)
		}
	}
}

func (e *Event) kind() Kind {
	if e.SignIn != nil {
		return KindSignIn
	}
	return KindDirectory
}

// Open returns the event in e. It fails with [ErrTampered] when a personal value does not
// match its commitment or the body is not an event of e's kind; whether the body is the one
// that was sealed only its place in the tree tells. A value that was erased reads [Erased].
func Open(e Entry) (Event, error) {
	event, _, err := open(e)
	return event, err
}

// open is Open, and counts the values that were erased.
func open(e Entry) (Event, int, error) {
	values, err := readPersonal(e)
	if err != nil {
		return Event{}, 0, fmt.Errorf("open entry %s: %w", e.ID, err)
	}
	var b body
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return Event{}, 0, fmt.Errorf("open entry %s: its body is not an event: %w", e.ID, ErrTampered)
	}
	event := Event{
		Tenant: e.Tenant, ID: e.ID, At: e.At,
		CorrelationID: b.CorrelationID, SignIn: b.SignIn, Change: b.Change,
	}
	if (b.SignIn == nil) == (b.Change == nil) || event.kind() != e.Kind {
		return Event{}, 0, fmt.Errorf("open entry %s: its kind is not the body's: %w", e.ID, ErrTampered)
	}
	erased := event.reveal(values)
	return event, erased, nil
}

// Leaf returns the hash of e in the tree (RFC 6962 section 2.1): of a version line, the
// tenant, the id, the kind and the time in microseconds since 1970, each on a line, and the
// body. Personal is left out, so that it can be erased.
func (e Entry) Leaf() Hash {
	var b bytes.Buffer
	b.Grow(128 + len(e.Body))
	for _, line := range []string{
		"postern-log-entry/1", e.Tenant, e.ID, string(e.Kind), strconv.FormatInt(e.At.UnixMicro(), 10),
	} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	b.Write(e.Body)
	return tlog.RecordHash(b.Bytes())
}

// encode returns v as JSON without white space and without escapes for HTML; members of
// structs stand in the order of their fields, members of maps in that of their names.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
