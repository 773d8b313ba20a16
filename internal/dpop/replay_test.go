package dpop_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/dpop"
)

type memory struct {
	seen  map[[3]string]time.Time
	fault error
}

func (m memory) Seen(_ context.Context, tenant, kind, id string, until time.Time) (bool, error) {
	if m.fault != nil {
		return false, m.fault
	}
	at := [3]string{tenant, kind, id}
	_, used := m.seen[at]
	m.seen[at] = until
	return !used, nil
}

func TestOnce(t *testing.T) {
	replay := memory{seen: map[[3]string]time.Time{}}
	first := dpop.Proof{Thumbprint: "key", ID: "1", IssuedAt: nine}
	tests := []struct {
		name, tenant string
		proof        dpop.Proof
		want         error
	}{
		{"a proof never seen", "contoso", first, nil},
		{"the same again", "contoso", first, dpop.ErrInvalid},
		{"the same with another time", "contoso", dpop.Proof{Thumbprint: "key", ID: "1", IssuedAt: nine.Add(time.Minute)}, dpop.ErrInvalid},
		{"another id", "contoso", dpop.Proof{Thumbprint: "key", ID: "2", IssuedAt: nine}, nil},
		{"the same id of another key, so that nobody can use up others' ids", "contoso", dpop.Proof{Thumbprint: "other", ID: "1", IssuedAt: nine}, nil},
		{"an id that contains the end of the key", "contoso", dpop.Proof{Thumbprint: "ke", ID: "y1", IssuedAt: nine}, nil},
		{"another tenant", "fabrikam", first, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := dpop.Once(t.Context(), replay, tt.tenant, tt.proof); !errors.Is(err, tt.want) {
				t.Fatalf("Once = %v, want %v", err, tt.want)
			}
		})
	}
	for at, until := range replay.seen {
		if until.Before(nine.Add(6 * time.Minute)) {
			t.Errorf("%v is forgotten at %v, while a replica whose clock is a minute behind still accepts it", at, until)
		}
		if len(at[2]) != 43 {
			t.Errorf("%v is kept as %d bytes, want a hash", at, len(at[2]))
		}
	}
}

func TestOnceFailsClosed(t *testing.T) {
	down := errors.New("database is gone")
	err := dpop.Once(t.Context(), memory{fault: down}, "contoso", dpop.Proof{Thumbprint: "key", ID: "1", IssuedAt: nine})
	if !errors.Is(err, down) {
		t.Fatalf("Once = %v, want %v", err, down)
	}
}
