package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/outboxtest"
	"github.com/postern-id/postern/internal/store"
)

func TestStoresKeepTheContractOfMail(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			outboxtest.Store(t, func(t testing.TB) outboxtest.Fixture {
				c := d.place(t)
				return mails{&signIns{fixture{open(t, c), c}}}
			})
		})
	}
}

// mails is the fixture of outboxtest.
type mails struct{ *signIns }

func (f mails) Queue(ctx context.Context, fail error, all ...outbox.Item) error {
	return f.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.Queue(ctx, all), fail)
	})
}

// TestMailAboutAPassIsQueuedWithItsEventOrNotAtAll tries a change whose event can't be kept.
func TestMailAboutAPassIsQueuedWithItsEventOrNotAtAll(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		f := fixture{open(t, c), c}
		tenant, user := directory.TenantID(uuid.NewString()), directory.UserID(uuid.NewString())
		f.addUser(t, member(tenant, user))
		mail := func(key string) outbox.Item {
			return outbox.Item{Tenant: tenant, ID: uuid.NewString(), Key: key, State: outbox.Waiting, CreatedAt: nine, DueAt: nine}
		}
		pass := tap.Pass{Tenant: tenant, User: user, ID: uuid.NewString(), CreatedAt: nine, Start: nine, Incarnation: f.Incarnation}
		if err := f.PutPass(t.Context(), pass, audit.Event{}, mail("with an event that can't be kept")); err == nil {
			t.Error("a pass was stored without its event")
		}
		if err := f.PutPass(t.Context(), pass, change(tenant), mail("kept")); err != nil {
			t.Fatal(err)
		}
		all, err := f.Mails(t.Context(), tenant, 10)
		if err != nil || len(all) != 1 || all[0].Key != "kept" {
			t.Errorf("queued are %+v, %v; want the one of the change that was kept", all, err)
		}
	})
}
