// Package disk keeps the agent's small files: each is replaced whole or stays as it was, and
// what was acknowledged is there after a power cut.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a folder of files that only their owner can read.
type Dir struct {
	path string
	// Step, when it is set, is asked before each step that reaches the disk; an error is the
	// power cut with which tests stop there.
	Step func() error
}

// ErrName refuses a name that would leave the folder.
var ErrName = errors.New("a file's name has no separators and does not begin with a dot")

// Open returns the folder at path, which it makes if it is missing. One that others can
// enter is refused.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 && ownersMatter {
		return nil, fmt.Errorf("%s can be entered by others: chmod 700 it", path)
	}
	return &Dir{path: path}, nil
}

// Read returns a file. One that is not there is fs.ErrNotExist.
func (d *Dir) Read(name string) ([]byte, error) {
	path, err := d.file(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Replace writes a file whole. When it returns nil the file is on the disk; when it returns
// an error the former one is still there.
func (d *Dir) Replace(name string, data []byte) error {
	path, err := d.file(name)
	if err != nil {
		return err
	}
	next := filepath.Join(d.path, "."+name+".new")
	if err := d.write(next, data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), d.forget(next))
	}
	if err := d.step(); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(fmt.Errorf("replace %s: %w", name, err), d.forget(next))
	}
	return d.sync()
}

func (d *Dir) write(path string, data []byte) error {
	if err := d.step(); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = d.step()
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// forget removes what a failed write left, unless the power is gone.
func (d *Dir) forget(path string) error {
	if d.step() != nil {
		return nil //nolint:nilerr // the write has said so
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Remove deletes a file for good. One that is gone is no error.
func (d *Dir) Remove(name string) error {
	path, err := d.file(name)
	if err != nil {
		return err
	}
	if err := d.step(); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.sync()
}

// Names returns the files, in order.
func (d *Dir) Names() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			all = append(all, e.Name())
		}
	}
	return all, nil
}

func (d *Dir) file(name string) (string, error) {
	if name == "" || name[0] == '.' || strings.ContainsAny(name, `/\`) {
		return "", ErrName
	}
	return filepath.Join(d.path, name), nil
}

func (d *Dir) step() error {
	if d.Step == nil {
		return nil
	}
	return d.Step()
}
