// Package habits remembers who signed in at a device last, and how each person did, so that the
// lock screen can propose it after a restart, too. It is a convenience: whoever edits the file
// changes what is proposed first, and neither which ways there are nor what policy puts first.
package habits

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"sync"
)

// Files keeps the file; package disk has the real one.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
	Remove(name string) error
}

// Book has the habits of a device's people. It is safe for concurrent use. Open it.
type Book struct {
	files Files

	mu  sync.Mutex
	now kept
}

type kept struct {
	Last string            `json:"last"` // object id
	Ways map[string]string `json:"ways"` // by object id
}

const file = "habits.json"

// Open reads what files keeps. What can't be read counts as nothing.
func Open(files Files) (*Book, error) {
	b := &Book{files: files}
	data, err := files.Read(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the habits: %w", err)
	}
	if err == nil && json.Unmarshal(data, &b.now) != nil {
		b.now = kept{}
	}
	return b, nil
}

// Last is who signed in last, or empty.
func (b *Book) Last() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now.Last
}

// Way is how user signed in last, or empty.
func (b *Book) Way(user string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now.Ways[user]
}

// Note keeps that user signed in by way. Whom known does not know is forgotten.
func (b *Book) Note(user, way string, known func(user string) bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := kept{Last: user, Ways: maps.Clone(b.now.Ways)}
	if next.Ways == nil {
		next.Ways = map[string]string{}
	}
	maps.DeleteFunc(next.Ways, func(id, _ string) bool { return !known(id) })
	next.Ways[user] = way
	if next.Last == b.now.Last && maps.Equal(next.Ways, b.now.Ways) {
		return nil
	}
	data, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	b.now = next
	return b.files.Replace(file, data)
}

// Forget removes what files keeps.
func Forget(files Files) error { return files.Remove(file) }
