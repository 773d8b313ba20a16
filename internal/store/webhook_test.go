package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/webhook/webhooktest"
)

func TestStoresKeepTheContractOfWebhooks(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			webhooktest.Store(t, func(t testing.TB) webhooktest.Fixture {
				c := d.place(t)
				return &signIns{fixture{open(t, c), c}}
			})
		})
	}
}
