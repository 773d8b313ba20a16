// Package outbox keeps mail until it is sent. A mail is queued in the same transaction as
// what it tells about; a [Courier] sends it later, on whichever replica leases it first.
//
//	waiting ──lease──▶ a try ──▶ sent
//	   ▲                 │ └───▶ dead
//	   └─── back-off ────┘
//
// A mail is sent at least once: a crash between sending and marking sends it again, with the
// same Message-ID, by which mail systems drop the second. The rules are here; rows are kept
// by [Store], and what speaks SMTP is package smtp below this one.
package outbox

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
)

// A Mail is a letter to one person.
type Mail struct {
	To      Address `json:"to"`
	From    string  `json:"from"` // display name of the sender; the address is a setting
	Subject string  `json:"subject"`
	Text    string  `json:"text"`
	HTML    string  `json:"html"` // a whole document that says the same as Text
}

// An Address is where a mail goes.
type Address struct {
	Name    string `json:"name,omitempty"` // as it is shown
	Address string `json:"address"`        // mira@contoso.example
}

// State is where a mail stands.
type State string

// The states of a mail. What is sent or dead never changes again.
const (
	Waiting State = "waiting"
	Sent    State = "sent"
	Dead    State = "dead"
)

// An Item is a mail as it is kept.
type Item struct {
	Tenant directory.TenantID
	ID     string // UUID; the Message-ID comes from it
	// Key says what the mail tells whom; a second mail with the same key is not queued.
	Key string
	// Kind and User say what it is about and who it is for, also when its content is gone. Mail
	// of the first release has neither.
	Kind      string
	User      directory.UserID
	State     State
	CreatedAt time.Time
	DueAt     time.Time // of the next try; of one that is dead, when it was given up
	// LeaseUntil is how long the replica that tries has it to itself; zero when none does.
	LeaseUntil time.Time
	Attempts   int    // tries that were begun
	LastError  string // why the last try failed
	Sealed     string // the Mail, sealed under the tenant's key; empty once it is not needed
}

// backoff is how mail is tried again. RFC 5321 section 4.5.4.1 asks to go on for four days at
// least; the attempts are more than the pauses allow in that time.
var backoff = jobs.Backoff{First: 30 * time.Second, Most: time.Hour, GiveUp: 4 * 24 * time.Hour, MostAttempts: 200}

// ErrRefused is wrapped by a sender's error when trying again makes no sense: the server
// wants this mail never.
var ErrRefused = errors.New("refused for good")

// Pause returns how long to wait after the given number of failed tries; chance is in [0, 1).
func Pause(attempts int, chance float64) time.Duration { return backoff.Pause(attempts, chance) }

// Exhausted reports whether i must not be tried again at now.
func (i Item) Exhausted(now time.Time) bool {
	return backoff.Exhausted(i.Attempts, i.CreatedAt, now)
}

// After returns i as it stands after a try that ended at now with err; chance is in [0, 1).
// What was sent or is given up keeps no content.
func (i Item) After(err error, now time.Time, chance float64) Item {
	i.LeaseUntil = time.Time{}
	if err == nil {
		i.State, i.LastError, i.Sealed = Sent, "", ""
		return i
	}
	i.LastError = short(err.Error())
	if errors.Is(err, ErrRefused) || i.Exhausted(now) {
		i.State, i.DueAt, i.Sealed = Dead, now, ""
		return i
	}
	i.DueAt = now.Add(Pause(i.Attempts, chance))
	return i
}

// Interrupted returns i as it stands after a try that the server's own end cut short: it may
// be tried again at once.
func (i Item) Interrupted(now time.Time) Item {
	i.LeaseUntil, i.DueAt = time.Time{}, now
	return i
}

// short makes s one line of at most maxLine characters.
func short(s string) string {
	if runes := []rune(line(s)); len(runes) > maxLine {
		return string(runes[:maxLine])
	}
	return line(s)
}

// line makes s one line: no line breaks, control characters or marks that reorder text, which
// could add a header or let a name pose as another.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		}
		return r
	}, s)
}
