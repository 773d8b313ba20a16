// Package jobs keeps work until it is done. A job is queued in the same transaction as what
// asks for it; a [Worker] does it later, on whichever replica leases it first.
//
//	waiting ──lease──▶ a try ──▶ done
//	   ▲                 │ ├───▶ dead
//	   └── back-off, ────┘ │
//	       or later ◀──────┘
//
// A job is tried at least once and its end is stored at most once: a crash in the middle of a try
// leaves it leased, and after the lease another replica tries it. So what a job does has to hold
// against being done again: in one transaction with a mark that says so, or with an id that
// the other side knows again. A job that is given up is dead: it stays, with the reason,
// until somebody wakes it or it is a month old, and an event says so.
//
// Package outbox is the same for mail and stays apart from this: its rows of the first release
// hold a sealed letter each. Both take the length of their pauses from [Backoff].
package jobs

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// State is where a job stands.
type State string

// The states of a job. What is done never changes again; what is dead may be woken.
const (
	Waiting State = "waiting"
	Done    State = "done"
	Dead    State = "dead"
)

// A Job is work as it is kept.
type Job struct {
	Tenant directory.TenantID
	ID     string // UUID; the same at every try
	// Kind says who does it: a kind of [Worker].
	Kind string
	// Key says what is to be done to what; a second job of the kind with the same key is not queued.
	Key string
	// Body is JSON that only the kind understands. It holds no secret.
	Body      string
	State     State
	CreatedAt time.Time
	DueAt     time.Time // of the next try
	// LeaseUntil is how long the replica that tries has it to itself; zero when none does.
	LeaseUntil time.Time
	Attempts   int    // tries that were begun
	LastError  string // why the last try failed, or why it waits by its own word
	EndedAt    time.Time
}

// New returns a job that waits until due, with body as JSON.
func New(tenant directory.TenantID, kind, key string, body any, now, due time.Time) (Job, error) {
	text, err := json.Marshal(body)
	return Job{
		Tenant: tenant, ID: uuid.NewString(), Kind: kind, Key: key, Body: string(text), State: Waiting, CreatedAt: now, DueAt: due,
	}, err
}

// Read reads the body into v.
func (j Job) Read(v any) error { return json.Unmarshal([]byte(j.Body), v) }

// A Backoff says how often something is tried again.
type Backoff struct {
	First, Most time.Duration // the pause after the first try; it doubles up to Most
	// GiveUp is how long after it was queued a job is tried; 0 is no end.
	GiveUp time.Duration
	// MostAttempts ends a job that nobody lives to report on, such as one that makes the
	// program crash.
	MostAttempts int
}

// Usual is for work that needs nobody outside: half a minute to an hour, for a day.
var Usual = Backoff{First: 30 * time.Second, Most: time.Hour, GiveUp: 24 * time.Hour, MostAttempts: 100}

// spread is the share of a pause that chance adds or takes away, so that what failed together
// doesn't come back together.
const spread = 0.2

// Pause returns how long to wait after the given number of failed tries; chance is in [0, 1).
func (b Backoff) Pause(attempts int, chance float64) time.Duration {
	pause := b.First
	for n := 1; n < attempts && pause < b.Most; n++ {
		pause *= 2
	}
	return time.Duration(float64(min(pause, b.Most)) * (1 - spread + 2*spread*chance))
}

// Exhausted reports whether what was queued at created must not be tried again at now.
func (b Backoff) Exhausted(attempts int, created, now time.Time) bool {
	return b.MostAttempts > 0 && attempts > b.MostAttempts || b.GiveUp > 0 && now.Sub(created) >= b.GiveUp
}

// ErrRefused is wrapped by an error after which trying again makes no sense.
var ErrRefused = errors.New("refused for good")

// Later is returned by what does a job to be called again at a time, which is no failure. Why is
// for those who look at what waits, and may be empty.
type Later struct {
	At  time.Time
	Why string
}

// Error implements error.
func (l Later) Error() string { return "not before " + l.At.UTC().Format(time.RFC3339) }

// After returns j as it stands after a try that ended at now with err; chance is in [0, 1).
func (j Job) After(err error, b Backoff, now time.Time, chance float64) Job {
	j.LeaseUntil = time.Time{}
	if err == nil {
		j.State, j.LastError, j.EndedAt = Done, "", now
		return j
	}
	if later, ok := errors.AsType[Later](err); ok {
		j.DueAt, j.CreatedAt, j.LastError, j.Attempts = later.At, later.At, short(later.Why), 0 // its age begins anew, too
		return j
	}
	j.LastError = short(err.Error())
	if errors.Is(err, ErrRefused) || b.Exhausted(j.Attempts, j.CreatedAt, now) {
		j.State, j.EndedAt = Dead, now
		return j
	}
	j.DueAt = now.Add(b.Pause(j.Attempts, chance))
	return j
}

// Held says until when j waits by its own word, and why. A job that is to be tried again after a
// failure is not held: it counts tries.
func (j Job) Held() (until time.Time, why string) {
	if j.State != Waiting || j.Attempts > 0 || j.LastError == "" {
		return time.Time{}, ""
	}
	return j.DueAt, j.LastError
}

// maxError bounds what is kept of an error, in characters.
const maxError = 256

// short makes s one line without control characters or marks that reorder text.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxError {
		return string(runes[:maxError])
	}
	return s
}
