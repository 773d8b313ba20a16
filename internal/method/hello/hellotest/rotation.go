package hellotest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
)

func rotation(root, challenge string, at time.Time) hello.Rotation {
	return hello.Rotation{Root: root, Version: 3, Challenge: []byte(challenge), At: at}
}

// rotating is c with a rotation under way.
func (b *bench) rotating(t *testing.T, c hello.Container) hello.Container {
	t.Helper()
	c, err := b.BeginRotation(t.Context(), c, rotation("new", "second", nine))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// succeeded is c with the key that takes the place of its own.
func succeeded(c hello.Container, key string) hello.Container {
	c.Key, c.Root, c.Version, c.Challenge, c.Rotation = []byte(key), c.Rotation.Root, c.Rotation.Version, c.Rotation.Challenge, nil
	return c
}

func beginsRotation(t *testing.T, b *bench) {
	if _, err := b.BeginRotation(t.Context(), b.begin(t), rotation("new", "second", nine)); !errors.Is(err, hello.ErrNone) {
		t.Errorf("of a key that is not registered: %v", err)
	}
	c := b.register(t)
	for _, test := range []struct {
		name string
		next hello.Rotation
		want string
	}{
		{"the first", rotation("new", "second", nine), "second"},
		{"again", rotation("new", "third", nine.Add(hello.SetUpWithin-time.Second)), "second"},
		{"when it is too old", rotation("new", "fourth", nine.Add(hello.SetUpWithin)), "fourth"},
		{"under another root", rotation("newer", "fifth", nine.Add(hello.SetUpWithin)), "fifth"},
	} {
		got, err := b.BeginRotation(t.Context(), c, test.next)
		if err != nil || string(got.Rotation.Challenge) != test.want || string(got.Key) != string(c.Key) || got.Root != c.Root {
			t.Errorf("%s: %+v, %v", test.name, got.Rotation, err)
		}
	}
	b.signIn(t, c, nil) // the former key counts meanwhile
}

func rotates(t *testing.T, b *bench) {
	c := b.register(t)
	b.signIn(t, c, nil)
	begun := succeeded(b.rotating(t, c), "next")
	before := b.Events(t, b.tenant)
	if _, err := b.RotateKey(t.Context(), c, begun, b.broken()); err == nil {
		t.Error("an event that can't be recorded")
	}
	b.signIn(t, c, nil)
	another := begun
	another.Challenge = []byte("another")
	if _, err := b.RotateKey(t.Context(), c, another, b.event()); !errors.Is(err, hello.ErrCurrent) {
		t.Errorf("for another challenge: %v", err)
	}
	stranger := c
	stranger.Key = []byte("another")
	if _, err := b.RotateKey(t.Context(), stranger, begun, b.event()); !errors.Is(err, hello.ErrCurrent) {
		t.Errorf("of another key: %v", err)
	}
	meanwhile := method.Renewal{At: nine, Case: "one"}
	if err := b.NoteReset(t.Context(), c, nil, meanwhile, b.event()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // and a repeat
		got, err := b.RotateKey(t.Context(), c, begun, b.event())
		if err != nil || got.Method != c.Method || string(got.Key) != "next" || got.Root != "new" || got.Version != 3 || got.Rotation != nil {
			t.Errorf("RotateKey = %+v, %v", got, err)
		}
	}
	if got, err := b.Container(t.Context(), b.tenant, c.ID); err != nil || len(got.Renewals) != 1 || got.Renewals[0].Case != "one" || len(got.Resets) != 1 {
		t.Errorf("a reset that was noted meanwhile: %+v, %v", got, err)
	}
	if n := b.Events(t, b.tenant) - before; n != 3 { // and the sign-in, and the reset
		t.Errorf("%d events", n)
	}
	b.wantLiving(t, 2, 2)
	b.signIn(t, c, hello.ErrNone)
	b.signIn(t, begun, nil)
	b.wantMethods(t, begun)
	if err := b.RemoveContainer(t.Context(), begun, nine.Add(time.Hour), b.event()); err != nil {
		t.Fatal(err)
	}
	b.wantLiving(t, 0, 0)
	if _, err := b.RotateKey(t.Context(), c, begun, b.event()); !errors.Is(err, hello.ErrNone) {
		t.Errorf("of one that is gone: %v", err)
	}
}

func rotatesOnce(t *testing.T, b *bench) {
	c := b.register(t)
	begun := b.rotating(t, c)
	results := make(chan error, 8)
	var all sync.WaitGroup
	for i := range cap(results) {
		all.Go(func() {
			_, err := b.RotateKey(t.Context(), c, succeeded(begun, string(rune('a'+i))), b.event())
			results <- err
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, hello.ErrCurrent) {
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d successors", won)
	}
}
