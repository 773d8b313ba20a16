//go:build unix

package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// private refuses a file that is not a plain one of this person alone.
func private(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || ok && int(stat.Uid) != os.Geteuid() {
		return ErrOpen
	}
	return nil
}

// SyncFolder makes a new name in a folder durable.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
