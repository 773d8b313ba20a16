package method

import (
	"context"

	"github.com/postern-id/postern/internal/directory"
)

// A Replacement says what a credential takes the place of.
type Replacement struct {
	Old  string // id of the credential that goes; empty for none
	Keep string // id of a session that does not end with it; empty for none
	// Activity is what the log calls the change.
	Activity string
	Event    string // id of its event; empty draws one
}

// Replaced is a Change in which a credential took the place of another one, or of none.
const Replaced = "changed"

// Replace registers c in the place of another credential of the person. Whether who asks may is
// the caller's question.
func (r Registry) Replace(ctx context.Context, c Credential, in Replacement, user directory.User, by Actor) (Credential, error) {
	c.CreatedAt = r.Now()
	e, mails, err := r.tell(ctx, Replaced, c, user, by)
	if err != nil {
		return c, err
	}
	if in.Activity != "" {
		e.Change.Activity = in.Activity
	}
	if in.Event != "" {
		e.ID = in.Event
	}
	return c, r.notify(ctx, r.Store.ReplaceCredential(ctx, c, in, e, mails...), Replaced, c, user, by)
}
