package webhook

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
)

// State is where a delivery stands.
type State string

// The states of a delivery.
const (
	Waiting   State = "waiting"
	Delivered State = "delivered"
	Failed    State = "failed" // given up; it can be sent again
)

// A Delivery is one message to one webhook.
type Delivery struct {
	Tenant    directory.TenantID
	ID        string // UUID; webhook-id of every try
	Webhook   string
	Type      EventType
	CreatedAt time.Time
	State     State
	Attempts  int
	EndedAt   time.Time
	Round     int   // how often somebody asked for it, beside the first time
	Tries     []Try // the last mostTries, the oldest first
	Body      string
}

// A Try is one attempt to deliver. What the receiver answered is not kept.
type Try struct {
	At    time.Time     `json:"at"`
	Took  time.Duration `json:"took"`
	Code  int           `json:"code,omitempty"` // HTTP status; 0 without an answer
	Error string        `json:"error,omitempty"`
}

const mostTries = 20

// New returns a delivery of m to w and the job that makes it.
func New(m Message, w Webhook, now time.Time) (Delivery, jobs.Job, error) {
	body, err := m.Body()
	if err != nil {
		return Delivery{}, jobs.Job{}, err
	}
	d := Delivery{Tenant: w.Tenant, ID: uuid.NewString(), Webhook: w.ID, Type: m.Type, CreatedAt: now, State: Waiting, Body: body}
	j, err := d.Job(now)
	return d, j, err
}

// Job is what delivers d, in its present round.
func (d Delivery) Job(now time.Time) (jobs.Job, error) {
	return jobs.New(d.Tenant, JobKind, d.JobKey(), task{Delivery: d.ID}, now, now)
}

// JobKey is the key of that job.
func (d Delivery) JobKey() string {
	if d.Round == 0 {
		return d.ID
	}
	return d.ID + "/" + strconv.Itoa(d.Round)
}

// Tried is d after a try.
func (d Delivery) Tried(t Try) Delivery {
	d.Attempts++
	d.Tries = append(d.Tries, t)
	if n := len(d.Tries); n > mostTries {
		d.Tries = d.Tries[n-mostTries:]
	}
	if t.Code >= 200 && t.Code < 300 {
		d.State, d.EndedAt = Delivered, t.At
	}
	return d
}

// Last is the newest try; the zero Try before the first.
func (d Delivery) Last() Try {
	if len(d.Tries) == 0 {
		return Try{}
	}
	return d.Tries[len(d.Tries)-1]
}

// Keep is how long a delivery stays in the log.
const Keep = 30 * 24 * time.Hour
