//go:build unix

package keyring

import (
	"errors"
	"io/fs"
	"os"
)

func othersCanRead(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// syncDir makes the name of a new file in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
