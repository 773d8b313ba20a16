package outbox

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/fault"
)

// ErrUnknown says that a mail is not there (any more).
var ErrUnknown = &fault.Error{
	Kind: fault.NotFound, Code: "mailUnknown",
	Text: "There is no such mail.", Remedy: "Open the mailbox again.",
}

// A Reader reads what was sent where a [Courier] keeps it. Every field is required.
type Reader struct {
	Shelf Shelf
	Box   Box
}

// A Kept mail can be read.
type Kept struct {
	Item
	Mail
}

// mostRead bounds how many mails of a tenant are read.
const mostRead = 200

// Mails returns the newest mails that were sent, of all tenants.
func (r Reader) Mails(ctx context.Context) ([]Kept, error) {
	tenants, err := r.Shelf.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	var all []Kept
	for _, tenant := range tenants {
		items, err := r.Shelf.Mails(ctx, tenant, mostRead)
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			if i.State != Sent || i.Sealed == "" {
				continue
			}
			m, err := r.Box.Unpack(ctx, i)
			if err != nil {
				return nil, err
			}
			all = append(all, Kept{i, m})
		}
	}
	return all, nil
}

// Mail returns the mail with that id, or ErrUnknown.
func (r Reader) Mail(ctx context.Context, id string) (Kept, error) {
	all, err := r.Mails(ctx)
	for _, one := range all {
		if one.ID == id {
			return one, nil
		}
	}
	return Kept{}, errors.Join(err, ErrUnknown)
}
