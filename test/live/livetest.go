package live

import (
	"context"
	"os"
	"strconv"
	"sync"
	"testing"
)

// Rounds is how often a test that depends on luck repeats: few usually, many in `make soak`.
// POSTERN_SOAK_ROUNDS sets another number for the latter.
func Rounds(few, many int) int {
	if os.Getenv("POSTERN_SOAK") == "" {
		return few
	}
	if n, err := strconv.Atoi(os.Getenv("POSTERN_SOAK_ROUNDS")); err == nil {
		return n
	}
	return many
}

// program is built once a process.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "postern-live")
	if err != nil {
		return "", err
	}
	built = dir
	return Build(context.Background(), dir)
})

var built string

// Main runs the tests of m and removes the program that they built.
func Main(m *testing.M, run func(*testing.M)) {
	run(m)
	if built != "" {
		_ = os.RemoveAll(built)
	}
}

// NewHouse makes a house for the length of a test. An empty database is SQLite.
func NewHouse(t testing.TB, database string) *House {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	h, err := Init(t.Context(), path, t.TempDir(), database)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Serve starts n servers for the length of a test and returns their URLs.
func (h *House) Serve(t testing.TB, n int) []string {
	t.Helper()
	var all []string
	for range n {
		p, err := h.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("the server said at the end:\n%s", p.Words())
			}
		})
		all = append(all, p.URL)
	}
	return all
}

// AtOnce calls do n times at the same moment and returns what it returned.
func AtOnce[T any](n int, do func(i int) T) []T {
	out := make([]T, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			out[i] = do(i)
		})
	}
	close(start)
	all.Wait()
	return out
}
