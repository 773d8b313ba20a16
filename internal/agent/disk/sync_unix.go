//go:build !windows

package disk

import (
	"errors"
	"os"
)

// ownersMatter says that a folder's mode tells who may enter.
const ownersMatter = true

// sync makes renames and removals in the folder durable.
func (d *Dir) sync() error {
	if err := d.step(); err != nil {
		return err
	}
	folder, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
