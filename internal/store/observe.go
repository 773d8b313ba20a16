package store

import "github.com/postern-id/postern/internal/audit"

// Observer is told what the store does, for metrics. It must return at once.
type Observer interface {
	// Begin tells that a commit begins, with the changes in it. Committed is called when it
	// is done, with how many they were, and not when it failed.
	Begin() (committed func(changes int))
	// Recorded tells an event whose change is committed.
	Recorded(e audit.Event)
}

// begin tells the observer, if there is one.
func (db *DB) begin() (committed func(changes int)) {
	if db.observer == nil {
		return func(int) {}
	}
	return db.observer.Begin()
}

// recorded tells the observer the events of a change that is committed.
func (db *DB) recorded(events []audit.Event) {
	if db.observer == nil {
		return
	}
	for _, e := range events {
		db.observer.Recorded(e)
	}
}
