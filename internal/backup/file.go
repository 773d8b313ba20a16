package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// A File is a file that is there whole or not at all: it has its name once Commit returned.
type File struct {
	*os.File
	path string
}

// Create begins a file that only its owner can read, beside path. It fails when path is there.
func Create(path string) (*File, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, ErrExists.With("", fmt.Sprintf("%s is there already.", path))
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part") // with mode 0600
	if err != nil {
		return nil, fmt.Errorf("create the backup: %w", err)
	}
	return &File{File: f, path: path}, nil
}

// Commit makes what was written durable and gives it its name.
func (f *File) Commit() error {
	err := f.Sync()
	if err == nil {
		// A link fails where the name is taken, a rename would replace.
		err = os.Link(f.Name(), f.path)
	}
	if errors.Is(err, os.ErrExist) {
		err = ErrExists.With("", fmt.Sprintf("%s is there already.", f.path))
	}
	return errors.Join(err, f.Abandon(), SyncDir(filepath.Dir(f.path)))
}

// Abandon removes what has no name yet. After Commit it does nothing.
func (f *File) Abandon() error {
	_ = f.Close()
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir makes the names in dir durable. Windows cannot and need not.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
