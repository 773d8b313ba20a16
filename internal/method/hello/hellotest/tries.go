package hellotest

import (
	"crypto/sha256"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
)

func resets(t *testing.T, b *bench) {
	if err := b.NoteReset(t.Context(), b.begin(t), nil, method.Renewal{At: nine}, b.event()); !errors.Is(err, hello.ErrNone) {
		t.Errorf("a PIN that is not registered: %v", err)
	}
	c := b.register(t)
	results := make(chan error, 2*hello.MostResets)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() { results <- b.NoteReset(t.Context(), c, nil, method.Renewal{At: nine}, b.event()) })
	}
	all.Wait()
	close(results)
	noted := 0
	for err := range results {
		if err == nil {
			noted++
		} else if !errors.Is(err, hello.ErrTooManyResets) {
			t.Errorf("a reset too many: %v", err)
		}
	}
	if noted != hello.MostResets {
		t.Errorf("%d resets", noted)
	}
	if err := b.NoteReset(t.Context(), c, nil, method.Renewal{At: nine.Add(hello.ResetWindow - time.Second)}, b.event()); !errors.Is(err, hello.ErrTooManyResets) {
		t.Errorf("a second early: %v", err)
	}
	if err := b.NoteReset(t.Context(), c, nil, method.Renewal{At: nine.Add(hello.ResetWindow)}, b.event()); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// tries is of a container without a TPM.
func tries(t *testing.T, b *bench) {
	verifier := func(pin string) []byte {
		sum := sha256.Sum256([]byte(pin))
		return sum[:]
	}
	sum := sha256.Sum256(append([]byte("postern PIN verifier\x00"), verifier("246813")...))
	c := keyed(b.begin(t), "key")
	c.Software = &hello.Software{Present: hello.Guard{Check: sum[:], Draw: []byte("draw")}}
	if _, err := b.NoteTry(t.Context(), c, verifier("246813"), nil, b.event()); !errors.Is(err, hello.ErrNone) {
		t.Errorf("before it is registered: %v", err)
	}
	c, err := b.RegisterKey(t.Context(), c, b.event(), b.ended)
	if err != nil {
		t.Fatal(err)
	}
	if tried, err := b.NoteTry(t.Context(), c, verifier("246813"), nil, b.event()); err != nil || !tried.Right || string(tried.Guard.Draw) != "draw" {
		t.Errorf("the right one: %+v %v", tried, err)
	}
	before := b.Events(t, b.tenant)
	var all sync.WaitGroup
	left := make(chan int, 8)
	for range cap(left) {
		all.Go(func() {
			tried, err := b.NoteTry(t.Context(), c, verifier("1"), nil, b.event())
			if err != nil || tried.Right {
				t.Errorf("a wrong one: %+v %v", tried, err)
			}
			left <- tried.Left
		})
	}
	all.Wait()
	close(left)
	seen := map[int]int{}
	for n := range left {
		seen[n]++
	}
	if want := map[int]int{4: 1, 3: 1, 2: 1, 1: 1, 0: 4}; !maps.Equal(seen, want) {
		t.Errorf("left: %v, want %v", seen, want)
	}
	if n := b.Events(t, b.tenant) - before; n != 1 {
		t.Errorf("%d events say that it stopped", n)
	}
	if tried, err := b.NoteTry(t.Context(), c, verifier("246813"), nil, b.event()); err != nil || tried.Right {
		t.Errorf("the right one after it stopped: %+v %v", tried, err)
	}
	next := hello.Guard{Check: sum[:], Draw: []byte("another")}
	if err := b.NoteReset(t.Context(), c, &next, method.Renewal{At: nine}, b.event()); err != nil {
		t.Fatal(err)
	}
	if tried, err := b.NoteTry(t.Context(), c, verifier("246813"), nil, b.event()); err != nil || !tried.Right || string(tried.Guard.Draw) != "another" {
		t.Errorf("the new one: %+v %v", tried, err)
	}
	elsewhere := c
	elsewhere.Tenant = directory.TenantID(uuid.NewString())
	if _, err := b.NoteTry(t.Context(), elsewhere, verifier("246813"), nil, b.event()); err == nil {
		t.Error("another tenant's")
	}
}
