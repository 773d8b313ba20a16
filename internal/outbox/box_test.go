package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/outbox"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// plainly is outbox.Seals that seals nothing but remembers for whom.
type plainly struct{}

func (plainly) Seal(_ context.Context, tenant string, plain []byte, where ...string) (string, error) {
	return tenant + strings.Join(where, "") + "|" + string(plain), nil
}

func (plainly) Open(_ context.Context, tenant, sealed string, where ...string) ([]byte, error) {
	plain, ok := strings.CutPrefix(sealed, tenant+strings.Join(where, "")+"|")
	if !ok {
		return nil, errors.New("sealed for another place")
	}
	return []byte(plain), nil
}

var box = outbox.Box{Seals: plainly{}, Now: func() time.Time { return nine }}

var mira = outbox.Mail{To: outbox.Address{Name: "Mira", Address: "mira@contoso.example"}, From: "Contoso", Subject: "Hello", Text: "Hello"}

func TestAMailComesOutAsItWentIn(t *testing.T) {
	i, err := box.Pack(t.Context(), "tenant", "hello to mira", mira)
	if err != nil {
		t.Fatal(err)
	}
	if i.Tenant != "tenant" || i.Key != "hello to mira" || i.State != outbox.Waiting || !i.DueAt.Equal(nine) || !i.CreatedAt.Equal(nine) {
		t.Errorf("Pack = %+v", i)
	}
	if got, err := box.Unpack(t.Context(), i); err != nil || got != mira {
		t.Errorf("Unpack = %+v, %v", got, err)
	}
	moved := i
	moved.ID = "another row"
	if _, err := box.Unpack(t.Context(), moved); err == nil {
		t.Error("a mail opens in another row")
	}
}

func TestPackMakesHeadersOneLine(t *testing.T) {
	m := mira
	m.To.Name, m.From, m.Subject = "Eve\r\nBcc: x@y.example", "Con\u202etoso\x00", "a\u2028b\n"+strings.Repeat("ü", 500)
	i, err := box.Pack(t.Context(), "tenant", "k", m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := box.Unpack(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(got.To.Name+got.From+got.Subject, "\r\n\x00\u2028\u202e") || len([]rune(got.Subject)) > 256 {
		t.Errorf("Unpack = %+v", got)
	}
}

func TestPackRefusesWhatCanNotBeSent(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*outbox.Mail)
	}{
		{"no address", func(m *outbox.Mail) { m.To.Address = "" }},
		{"two addresses", func(m *outbox.Mail) { m.To.Address = "a@contoso.example, b@contoso.example" }},
		{"an address with a name", func(m *outbox.Mail) { m.To.Address = "Mira <mira@contoso.example>" }},
		{"an address with a line break", func(m *outbox.Mail) { m.To.Address = "mira@contoso.example\r\nBcc: x@y.example" }},
		{"no subject", func(m *outbox.Mail) { m.Subject = "" }},
		{"no text", func(m *outbox.Mail) { m.Text = "" }},
		{"a huge text", func(m *outbox.Mail) { m.Text = strings.Repeat("x", 256<<10) }},
		{"a huge HTML", func(m *outbox.Mail) { m.HTML = strings.Repeat("x", 256<<10) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mira
			c.change(&m)
			if i, err := box.Pack(t.Context(), "tenant", "k", m); err == nil {
				t.Errorf("Pack = %+v", i)
			}
		})
	}
}
