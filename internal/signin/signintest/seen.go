package signintest

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/access"
)

func sees(t *testing.T, b *bench) {
	want := func(is *access.Sighting) {
		t.Helper()
		got, known, err := b.LastSeen(t.Context(), b.tenant, b.user.ID)
		if err != nil || known != (is != nil) || known && got != *is {
			t.Errorf("LastSeen = %+v, %v, %v, want %+v", got, known, err, is)
		}
	}
	at := func(latitude float64, after time.Duration) *access.Sighting {
		return &access.Sighting{Coordinates: access.Coordinates{Latitude: latitude, Longitude: -13.4, Radius: 20}, At: nine.Add(after)}
	}
	complete := func(seen *access.Sighting) {
		t.Helper()
		c := b.completion(b.accepted(t, b.addPass(t, true)))
		c.Seen = seen
		if _, err := b.Complete(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	complete(nil)
	want(nil)
	first, second := at(52.5, 0), at(-36.8, time.Minute)
	complete(first)
	want(first)
	complete(second)
	complete(first) // a replica whose clock is behind
	complete(nil)
	want(second)
	broken := b.completion(b.accepted(t, b.addPass(t, true)))
	broken.Seen, broken.Event = at(1, time.Hour), b.broken()
	if _, err := b.Complete(t.Context(), broken); err == nil {
		t.Error("Complete without its event")
	}
	want(second)
}
