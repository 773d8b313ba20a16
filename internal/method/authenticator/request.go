package authenticator

import (
	"crypto/subtle"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// A Request asks a person at their phones whether a sign-in is theirs. A person has one at
// most; the row of the last one stays, and with it what “this wasn't me” brought about.
type Request struct {
	Tenant      directory.TenantID `json:"-"`
	User        directory.UserID   `json:"-"`
	ID          string             `json:"-"` // UUID
	Transaction string             `json:"-"` // the sign-in that it belongs to
	CreatedAt   time.Time          `json:"-"`
	EndsAt      time.Time          `json:"-"`
	Outcome     Outcome            `json:"-"`
	// QuietUntil and QuietAtHomeUntil are until when nothing is sent for unfamiliar and for
	// familiar places.
	QuietUntil       time.Time `json:"-"`
	QuietAtHomeUntil time.Time `json:"-"`

	// Number is what the sign-in page shows. It never goes to a phone.
	Number   string `json:"number"`
	Familiar bool   `json:"familiar,omitempty"` // the person signed in there before

	// What the phone shows, as policy lets it.
	Application string `json:"application,omitempty"`
	Address     string `json:"address,omitempty"`
	Device      string `json:"device,omitempty"` // name of the joined device, or the browser's own account
	Joined      bool   `json:"joined,omitempty"` // a joined device, which proved itself

	Phone      string    `json:"phone,omitempty"` // id of the method that answered
	AnsweredAt time.Time `json:"answeredAt,omitzero"`
	Verified   bool      `json:"verified,omitempty"` // the phone knew who held it
	// Wrongs is how many requests in a row, this one included, ended by a wrong number.
	Wrongs int `json:"wrongs,omitempty"`
}

// An Outcome is how a request ended.
type Outcome string

// The outcomes. An open request has none, also when it is too late to answer it.
const (
	Open     Outcome = ""
	Approved Outcome = "approved"
	Denied   Outcome = "denied"
	Reported Outcome = "reported" // this wasn't me
	Wrong    Outcome = "wrong"    // another number was typed
)

// Waits reports whether r can still be answered at now.
func (r Request) Waits(now time.Time) bool {
	return r.ID != "" && r.Outcome == Open && now.Before(r.EndsAt)
}

// held is how long an approved request keeps its place against unfamiliar ones: its sign-in page
// asks every second or two, and no stranger's request may come between.
const held = 5 * time.Second

// keeps reports whether r keeps its place at now against a request from a familiar place, or not.
func (r Request) keeps(now time.Time, familiar bool) bool {
	if r.Outcome == Approved {
		return !familiar && now.Before(r.AnsweredAt.Add(held))
	}
	return r.Waits(now) && (r.Familiar || !familiar)
}

// After returns r as the person's next request when former was the last one, or says why
// nothing is sent. The zero former is none. A request of a familiar place takes the place of
// an unfamiliar one, which so can't keep it away; so does another one of the same sign-in.
func (r Request) After(former Request, now time.Time) (Request, error) {
	r.QuietUntil, r.QuietAtHomeUntil, r.Wrongs = former.QuietUntil, former.QuietAtHomeUntil, former.Wrongs
	quiet := former.QuietUntil
	if r.Familiar {
		quiet = former.QuietAtHomeUntil
	}
	switch {
	case now.Before(quiet):
		return r, ErrQuiet
	case former.Transaction != r.Transaction && former.keeps(now, r.Familiar):
		return r, ErrOpen
	}
	return r, nil
}

// What a person may answer.
const (
	Approve = "approve"
	Deny    = "deny"
	Report  = "report"
)

// An Answer is what a person says at a phone.
type Answer struct {
	Request string // id
	Say     string // Approve, Deny or Report
	Number  string // as typed, to approve
	// Verified says that the phone verified its user for this request.
	Verified bool
	Phone    string // id of the method
}

// Answer returns r as it is after a at now. An error means that r stays as it is.
func (r Request) Answer(a Answer, now time.Time) (Request, error) {
	switch {
	case a.Request == "" || a.Request != r.ID:
		return r, ErrOther
	case r.Outcome != Open:
		return r, ErrAnswered
	case !now.Before(r.EndsAt):
		return r, ErrLate
	}
	switch a.Say {
	case Approve:
		if subtle.ConstantTimeCompare([]byte(a.Number), []byte(r.Number)) == 1 {
			r.Outcome, r.Wrongs = Approved, 0
			break
		}
		r.Outcome, r.Wrongs = Wrong, r.Wrongs+1
		if quiet := now.Add(QuietAfterWrong); r.Wrongs >= MostWrong && quiet.After(r.QuietUntil) {
			r.QuietUntil = quiet
		}
	case Deny:
		r.Outcome = Denied
	case Report:
		r.Outcome = Reported
		r.QuietUntil = now.Add(QuietFor)
		if r.Familiar {
			r.QuietAtHomeUntil = now.Add(QuietAtHome)
		}
	default:
		return r, ErrAnswer
	}
	r.Phone, r.AnsweredAt, r.Verified = a.Phone, now, a.Verified && r.Outcome == Approved
	return r, nil
}

// Proof is what r is worth to the sign-in with the given id, or the refusal for the log. It is
// ErrWaiting while the person may still answer.
func (r Request) Proof(request, transaction string, now time.Time) (signin.Proof, error) {
	if request == "" || r.ID != request || r.Transaction != transaction {
		return signin.Proof{}, ErrNotSent
	}
	switch r.Outcome {
	case Open:
		if now.Before(r.EndsAt) {
			return signin.Proof{}, ErrWaiting
		}
		return signin.Proof{}, ErrNoAnswer
	case Denied:
		return signin.Proof{}, ErrDenied
	case Reported:
		return signin.Proof{}, ErrReported
	case Wrong:
		return signin.Proof{}, ErrWrongNumber
	case Approved:
	}
	// What was approved and not fetched within a minute more is not what somebody waits for.
	if !now.Before(r.EndsAt.Add(RequestLifetime)) {
		return signin.Proof{}, ErrNoAnswer
	}
	// The key is the browser's (RFC 8176: swk), the channel another than the sign-in's (mca).
	p := signin.Proof{
		Method: MethodID, At: r.AnsweredAt, AMR: []string{"swk", "mca"}, Combination: CombinationPush,
		Factors: yield(r.Verified).Factors, Credential: &signin.CredentialUsed{ID: r.Phone},
	}
	if r.Verified {
		p.AMR, p.Combination, p.FreshUntil = append(p.AMR, "mfa"), CombinationVerified, r.AnsweredAt.Add(FreshFor)
	}
	return p, nil
}
