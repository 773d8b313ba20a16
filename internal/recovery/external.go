package recovery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/webhook"
)

// An Ask is one question to an identity-proofing service, and its answer. It is answered once.
//
//	pending ──▶ proved | refused
//	   └──────▶ over, at EndsAt
type Ask struct {
	ID      string    `json:"id"`      // UUID; the answer names it
	Browser string    `json:"browser"` // keyed hash of the browser that asked, for which a proof counts
	AskedAt time.Time `json:"askedAt"`
	EndsAt  time.Time `json:"endsAt"`

	Answer     AskAnswer `json:"answer,omitempty"` // empty while it is pending
	Level      Level     `json:"level,omitempty"`
	AnsweredAt time.Time `json:"answeredAt,omitzero"`
}

// AskAnswer is what the service found.
type AskAnswer string

// The answers.
const (
	AskProved  AskAnswer = "proved"
	AskRefused AskAnswer = "refused"
)

// askLifetime is how long a service has for its answer.
const askLifetime = 24 * time.Hour

// mostAsks bounds how often one case asks.
const mostAsks = 5

// Pending reports whether a may be answered at now.
func (a Ask) Pending(now time.Time) bool { return a.Answer == "" && now.Before(a.EndsAt) }

// Asked is the newest question of a browser.
func (c Case) Asked(browser string) (Ask, bool) {
	for _, a := range slices.Backward(c.Asks) {
		if a.Browser == browser {
			return a, true
		}
	}
	return Ask{}, false
}

// A Question is what an identity-proofing service is told: data of webhook.ProofAsked.
type Question struct {
	Tenant string    `json:"tenantId"`
	Case   string    `json:"caseId"`
	Ask    string    `json:"askId"`
	User   string    `json:"userId"`
	Most   Level     `json:"highestLevel"` // that an answer may claim
	EndsAt time.Time `json:"expiresDateTime"`
}

// AskExternal asks an identity-proofing service who is in the browser of by. While one question of
// the browser is pending there is no other.
func (s Service) AskExternal(ctx context.Context, ref Ref, by Actor) (Case, error) {
	return s.step(ctx, ref, audit.CaseAsked, by, func(v View, now time.Time) (Case, Effects, error) {
		c := v.Case
		if err := c.waits(now); err != nil {
			return c, Effects{}, err
		}
		most := v.Policy.LevelOf(ProofExternal)
		if by.Browser == "" || most == LevelNone {
			return c, Effects{}, ErrProofKind
		}
		if last, ok := c.Asked(by.Browser); ok && last.Pending(now) || len(c.Asks) >= mostAsks {
			return c, Effects{}, ErrAskedAlready
		}
		a := Ask{ID: uuid.NewString(), Browser: by.Browser, AskedAt: now, EndsAt: now.Add(askLifetime)}
		if c.ExpiresAt.Before(a.EndsAt) {
			a.EndsAt = c.ExpiresAt
		}
		c.Asks = append(slices.Clone(c.Asks), a)
		return c, Effects{
			Events: []audit.Event{c.event(audit.CaseAsked, v.Subject.User, by, now, audit.KeyValue{Key: "Asked", Value: string(ProofExternal)})},
			Messages: []webhook.Message{{Type: webhook.ProofAsked, At: now, Data: Question{
				Tenant: string(c.Tenant), Case: c.ID, Ask: a.ID, User: string(c.User), Most: most, EndsAt: a.EndsAt,
			}}},
		}, nil
	})
}

// An ExternalAnswer is what an identity-proofing service says. Who says it was verified before.
type ExternalAnswer struct {
	Ask       string
	Answer    AskAnswer
	Level     Level
	Number    string // of the case, as the person reads it from the page where they asked
	Reference string // by which the service finds its own papers
	Service   string // its name here
	Webhook   string // by which it was asked
}

// AnswerExternal takes the answer to a question of the case: once, in time, and for no more than
// policy says that such a proof is worth.
func (s Service) AnswerExternal(ctx context.Context, tenant directory.TenantID, id string, x ExternalAnswer) (Case, error) {
	by := Actor{Name: x.Service, By: audit.Actor{App: &audit.AppActor{DisplayName: x.Service}}}
	return s.step(ctx, Ref{Tenant: tenant, ID: id}, audit.CaseProven, by, func(v View, now time.Time) (Case, Effects, error) {
		c := v.Case
		i := slices.IndexFunc(c.Asks, func(a Ask) bool { return x.Ask != "" && a.ID == x.Ask })
		if i < 0 {
			return c, Effects{}, ErrAskUnknown
		}
		a := c.Asks[i]
		most := v.Policy.LevelOf(ProofExternal)
		switch {
		case a.Answer != "":
			return c, Effects{}, ErrAskAnswered
		case !a.Pending(now):
			return c, Effects{}, ErrAskLate
		case x.Answer != AskProved && x.Answer != AskRefused || !noteOK(x.Reference, maxNote):
			return c, Effects{}, ErrInvalid.With("outcome", "An answer is proved or refused.")
		case x.Answer == AskProved && (x.Level.rank() == 0 || !most.AtLeast(x.Level)):
			return c, Effects{}, ErrAskLevel
		case x.Answer == AskProved && !strings.EqualFold(strings.TrimSpace(x.Number), c.Number): // who asked may be somebody else
			return c, Effects{}, ErrAskNumber
		}
		if err := c.waits(now); err != nil { // a no is an answer, too
			return c, Effects{}, err
		}
		a.Answer, a.AnsweredAt = x.Answer, now
		if x.Answer == AskProved {
			a.Level = x.Level
		}
		c.Asks = slices.Clone(c.Asks)
		c.Asks[i] = a
		if x.Answer == AskRefused {
			return c, Effects{Events: []audit.Event{c.event(audit.CaseAsked, v.Subject.User, by, now, audit.KeyValue{Key: "Answered", Value: string(AskRefused)})}}, nil
		}
		v.Case = c
		return s.prove(v, Proof{Kind: ProofExternal, Asserted: x.Level, Reference: x.Reference, Browser: a.Browser, With: x.Webhook}, by, now)
	})
}
