package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/consoletest"
)

func TestStoresKeepTheContractOfTheConsole(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			consoletest.Store(t, func(t testing.TB) console.Sessions { return open(t, d.place(t)) })
		})
	}
}
