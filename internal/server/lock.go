package server

import (
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/postern-id/postern/internal/store"
)

// lock takes the data directory for a server, or for what must not run beside one, and returns
// what gives it back. With PostgreSQL there is nothing to take: replicas share the database.
func lock(o Options) (release func(), err error) {
	if o.Database != "" {
		return func() {}, nil
	}
	l := flock.New(filepath.Join(o.Dir, "serve.lock"))
	held, err := l.TryLock()
	if err != nil {
		return nil, store.ErrDir.With("data", fmt.Sprintf("The data directory can't be used: %v.", err))
	}
	if !held {
		return nil, ErrInUse
	}
	return func() { _ = l.Unlock() }, nil
}
