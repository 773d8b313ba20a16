// Package ownfile keeps files that only their owner may read: it refuses those that others
// reach, and replaces them whole.
package ownfile

import (
	"errors"
	"os"
	"path/filepath"
)

// ErrOpen says that a file is not a plain one of its owner alone.
var ErrOpen = errors.New("the file is open to others, or is no plain file")

// Read returns what is in a file, or ErrOpen.
func Read(path string) ([]byte, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Check returns ErrOpen when others can read or change a file, or when it is a link.
func Check(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return private(info)
}

// Replace puts raw in the place of what is at path in one durable step, so that a crash
// leaves the old file or the new one.
func Replace(path string, raw []byte) error {
	folder := filepath.Dir(path)
	temporary, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.new") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone when all went well
	_, written := temporary.Write(raw)
	if err := errors.Join(written, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return SyncFolder(folder)
}
