// Package consoletest tests what keeps the console's sessions.
package consoletest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/console"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Store tests the stores that open returns.
func Store(t *testing.T, open func(testing.TB) console.Sessions) {
	row := func() console.Row {
		return console.Row{Tenant: uuid.NewString(), ID: "0123456789abcdef0123456789abcdef", Sealed: []byte{0, 1, 255}, EndsAt: nine.Add(time.Hour)}
	}
	t.Run("a row is there until it ends, for its tenant only", func(t *testing.T) {
		s, r := open(t), row()
		if err := s.PutConsole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got, err := s.Console(t.Context(), r.Tenant, r.ID, nine)
		if err != nil || string(got.Sealed) != string(r.Sealed) || !got.EndsAt.Equal(r.EndsAt) {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := s.Console(t.Context(), r.Tenant, r.ID, r.EndsAt); !errors.Is(err, console.ErrSignedOut) {
			t.Errorf("at its end: %v", err)
		}
		if _, err := s.Console(t.Context(), uuid.NewString(), r.ID, nine); !errors.Is(err, console.ErrSignedOut) {
			t.Errorf("of another tenant: %v", err)
		}
	})
	t.Run("one of many renews", func(t *testing.T) {
		s, r := open(t), row()
		if err := s.PutConsole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r, err := s.Console(t.Context(), r.Tenant, r.ID, nine)
		if err != nil {
			t.Fatal(err)
		}
		hold := func() error { return s.HoldConsole(t.Context(), r, nine, nine.Add(time.Minute)) }
		if winners := race(t, hold, console.ErrHeld); winners != 1 {
			t.Fatalf("%d hold it", winners)
		}
		if err := s.HoldConsole(t.Context(), r, nine.Add(time.Minute), nine.Add(2*time.Minute)); err != nil {
			t.Errorf("once the holder gave up: %v", err)
		}
		if err := s.PutConsole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := s.HoldConsole(t.Context(), r, nine.Add(time.Hour/2), nine.Add(time.Hour)); !errors.Is(err, console.ErrHeld) {
			t.Errorf("with what was there before: %v", err)
		}
		r.ID = "another"
		if err := s.HoldConsole(t.Context(), r, nine, nine.Add(time.Minute)); !errors.Is(err, console.ErrSignedOut) {
			t.Errorf("of a row that is gone: %v", err)
		}
	})
	t.Run("what was taken meanwhile does not come back", func(t *testing.T) {
		s, r := open(t), row()
		if err := s.PutConsole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r, err := s.Console(t.Context(), r.Tenant, r.ID, nine)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutConsole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := s.PutConsole(t.Context(), r); !errors.Is(err, console.ErrHeld) {
			t.Errorf("over another version: %v", err)
		}
		if _, err := s.TakeConsole(t.Context(), r.Tenant, r.ID, nine); err != nil {
			t.Fatal(err)
		}
		r.Version++
		if err := s.PutConsole(t.Context(), r); !errors.Is(err, console.ErrSignedOut) {
			t.Errorf("over what was taken: %v", err)
		}
		if _, err := s.Console(t.Context(), r.Tenant, r.ID, nine); !errors.Is(err, console.ErrSignedOut) {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("one of many takes", func(t *testing.T) {
		s, r := open(t), row()
		if err := s.PutConsole(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		take := func() error { _, err := s.TakeConsole(t.Context(), r.Tenant, r.ID, nine); return err }
		if winners := race(t, take, console.ErrSignedOut); winners != 1 {
			t.Fatalf("%d took it", winners)
		}
	})
}

// race runs f twenty times at once and returns how often it succeeded; all others must fail with
// lost.
func race(t *testing.T, f func() error, lost error) (winners int) {
	var all sync.WaitGroup
	results := make(chan error, 20)
	for range cap(results) {
		all.Go(func() { results <- f() })
	}
	all.Wait()
	close(results)
	for err := range results {
		switch {
		case err == nil:
			winners++
		case !errors.Is(err, lost):
			t.Errorf("a loser gets %v", err)
		}
	}
	return winners
}
