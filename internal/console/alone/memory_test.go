package alone

import (
	"testing"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/consoletest"
)

func TestMemoryKeepsTheContractOfTheConsole(t *testing.T) {
	consoletest.Store(t, func(testing.TB) console.Sessions { return &memory{rows: map[string]console.Row{}} })
}

func TestMemoryIsBounded(t *testing.T) {
	m := &memory{rows: map[string]console.Row{}}
	for i := range maxRows + 10 {
		if err := m.PutConsole(t.Context(), console.Row{ID: string(rune(i))}); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.rows) != maxRows {
		t.Errorf("%d rows", len(m.rows))
	}
}
