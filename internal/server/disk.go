package server

import (
	"sync/atomic"

	"github.com/postern-id/postern/internal/fault"
)

// ErrDiskNearlyFull refuses new work of people who are not signed in, so that those who are
// can go on with what room is left.
var ErrDiskNearlyFull = &fault.Error{
	Kind: fault.Unavailable, Code: "diskNearlyFull", RetryAfter: 60,
	Text: "The disk of the server is nearly full, so no new sign-in can begin.", Remedy: "Tell your administrator: the disk needs room.",
}

// defaultDiskReserve is how much of a disk is kept for those who are signed in: 256 MiB,
// or a twentieth of a small disk.
const defaultDiskReserve = 256 << 20

// disk watches the free space of the data directory.
type disk struct {
	dir     string
	reserve uint64 // bytes; 0 takes the default
	// free returns how many bytes of the file system of dir are free for us, and how many
	// it has.
	free func(dir string) (free, total uint64, err error)
	// spare returns how many bytes the store has and does not use, or nil. Its file does not
	// shrink, so that after a flood the room is there and not on the disk.
	spare func() uint64

	low  atomic.Bool
	left atomic.Uint64
}

// look reads the free space. A disk that can't be asked counts as it did before.
func (d *disk) look() {
	free, total, err := d.free(d.dir)
	if err != nil {
		return
	}
	reserve := d.reserve
	if reserve == 0 {
		reserve = min(defaultDiskReserve, total/20)
	}
	d.left.Store(free)
	low := free < reserve
	if low && d.spare != nil {
		low = free+d.spare() < reserve
	}
	d.low.Store(low)
}

// err returns ErrDiskNearlyFull or nil.
func (d *disk) err() error {
	if d.low.Load() {
		return ErrDiskNearlyFull
	}
	return nil
}
