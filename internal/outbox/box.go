package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	netmail "net/mail"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// Seals seals and opens under a key of the tenant's own.
type Seals interface {
	Seal(ctx context.Context, tenant string, plain []byte, where ...string) (string, error)
	Open(ctx context.Context, tenant, sealed string, where ...string) ([]byte, error)
}

// A Box puts mail into the form in which it is kept. Every field is required.
type Box struct {
	Seals Seals
	Now   func() time.Time // UTC
}

// maxMail bounds a mail, in bytes of subject, text and HTML.
const maxMail = 256 << 10

// maxLine bounds what stands in one line, such as a subject or a name, in characters.
const maxLine = 256

// Pack returns m as an item that waits to be sent at once. Key is as in [Item].
func (b Box) Pack(ctx context.Context, tenant directory.TenantID, key string, m Mail) (Item, error) {
	m, err := m.checked()
	if err != nil {
		return Item{}, err
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return Item{}, err
	}
	now := b.Now()
	i := Item{Tenant: tenant, ID: uuid.NewString(), Key: key, State: Waiting, CreatedAt: now, DueAt: now}
	i.Sealed, err = b.Seals.Seal(ctx, string(tenant), plain, place(i)...)
	return i, err
}

// Unpack returns the mail in i.
func (b Box) Unpack(ctx context.Context, i Item) (Mail, error) {
	var m Mail
	plain, err := b.Seals.Open(ctx, string(i.Tenant), i.Sealed, place(i)...)
	if err != nil {
		return m, fmt.Errorf("open mail %s: %w", i.ID, err)
	}
	err = json.Unmarshal(plain, &m)
	return m, err
}

func place(i Item) []string { return []string{"outbox", "sealed_mail", i.ID} }

// checked returns m with its headers in one line each, or what is wrong with it.
func (m Mail) checked() (Mail, error) {
	m.Subject, m.From, m.To.Name = short(m.Subject), short(m.From), short(m.To.Name)
	a, err := netmail.ParseAddress(m.To.Address)
	switch {
	case err != nil || a.Address != m.To.Address || a.Name != "":
		return m, errors.New("the mail goes to no address")
	case m.Subject == "" || m.Text == "":
		return m, errors.New("the mail says nothing")
	case len(m.Subject)+len(m.Text)+len(m.HTML) > maxMail:
		return m, fmt.Errorf("the mail is larger than %d bytes", maxMail)
	}
	return m, nil
}
