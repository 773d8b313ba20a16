// Package presentation asks wallets for a credential, by OpenID4VP 1.0 in the profile of HAIP 1.0:
// a signed request that the wallet fetches, a query in DCQL, the answer encrypted and posted here.
// Package sdjwt says whether what comes is good.
//
// A [Request] is of one browser and its recovery case. The answer comes from a wallet, which may be
// on another device, and counts nowhere but in that browser: the wallet is sent to an address with
// a code, which works by itself where the request began, and has to be typed there when the wallet
// is elsewhere. So a link that somebody was sent shows their credential to nobody.
//
// Nothing that a credential says is kept: a row has whether it was about the person of the case.
package presentation

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A Request is one question to a wallet.
type Request struct {
	Tenant directory.TenantID
	ID     string
	Case   string // id; may be of no case, where nobody is known by the name that was typed
	Holder string // keyed hash of the browser
	From   string // browser, system and address, for the person to know it by; personal

	CreatedAt time.Time
	EndsAt    time.Time
	Refused   int // answers that counted for nothing

	AnsweredAt time.Time
	CodeHash   string
	About      bool   // the credential was about the person of the case
	Reference  string // of the credential
	TakenAt    time.Time
}

// MostRefusals is how many answers to a request may count for nothing before it is void.
const MostRefusals = 10

// waits reports whether r can be answered at now.
func (r Request) waits(now time.Time) bool {
	return r.AnsweredAt.IsZero() && now.Before(r.EndsAt) && r.Refused < MostRefusals
}

// Store keeps requests. What it promises is tested by package presentationtest.
type Store interface {
	// PutPresentation keeps a new request.
	PutPresentation(ctx context.Context, r Request) error
	// Presentation returns one, or ErrOver.
	Presentation(ctx context.Context, tenant directory.TenantID, id string) (Request, error)
	// RefusePresentation counts an answer that counts for nothing and records events, up to
	// MostRefusals; then it does nothing.
	RefusePresentation(ctx context.Context, r Request, at time.Time, events ...audit.Event) error
	// AnswerPresentation keeps r's CodeHash, About and Reference and records events, or does
	// nothing. Of any number of concurrent answers one is kept, the others get ErrOver, as do all
	// to a request that is over or void.
	AnswerPresentation(ctx context.Context, r Request, at time.Time, events ...audit.Event) error
	// TakePresentation marks an answer with r's case, holder and CodeHash taken. Of any number of
	// concurrent calls one does, the others get ErrOver.
	TakePresentation(ctx context.Context, r Request, at time.Time) error
}

// ErrOver says that a request is not, or not any more.
var ErrOver = &fault.Error{
	Kind: fault.Invalid, Code: "presentationOver",
	Text: "This request for a credential does not exist, was answered, or is over.", Remedy: "Begin again on the page of your case.",
}
