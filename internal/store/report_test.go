package store_test

import (
	"testing"

	"github.com/postern-id/postern/internal/report"
	"github.com/postern-id/postern/internal/report/reporttest"
)

func TestStoresKeepTheContractOfReports(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			reporttest.Store(t, func(t testing.TB) report.Store { return open(t, d.place(t)) })
		})
	}
}
