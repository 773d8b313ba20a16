package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/device"
)

// elevations are those that the server has not heard of yet. They wait on the disk, so that
// what was done without a network is in the log once there is one.
type elevations struct {
	files *disk.Dir
	mu    sync.Mutex // the file
	send  sync.Mutex // one at a time
	going sync.WaitGroup
	ctx   context.Context //nolint:containedctx // ends with the agent
	stop  context.CancelFunc
}

const (
	elevationsFile = "elevations.json"
	mostWaiting    = 1000 // older ones are in the journal of this machine alone
	tellWithin     = 10 * time.Second
)

func (e *elevations) open(files *disk.Dir) {
	e.files = files
	e.ctx, e.stop = context.WithCancel(context.Background())
}

func (e *elevations) close() {
	e.stop()
	e.going.Wait()
}

// Elevated says that somebody got administrator rights on this device. It is told to the server
// in the background, now or at the next contact.
func (a *Agent) Elevated(one device.Elevation) {
	one = one.Cleaned()
	one.At = a.options.Now().UTC()
	if err := a.elevations.add(one); err != nil {
		a.options.Log.Error("an elevation can't be kept for the server", "err", err)
		return
	}
	a.elevations.going.Go(func() {
		ctx, cancel := context.WithTimeout(a.elevations.ctx, tellWithin)
		defer cancel()
		d, err := a.Device()
		if err == nil {
			err = a.tellElevations(ctx, d)
		}
		if err != nil {
			a.options.Log.InfoContext(ctx, "an elevation waits for the server", "err", err)
		}
	})
}

// tellElevations tells the server of the elevations that wait.
func (a *Agent) tellElevations(ctx context.Context, d *Device) error {
	e := &a.elevations
	e.send.Lock()
	defer e.send.Unlock()
	for {
		waiting, err := e.waiting()
		if err != nil || len(waiting) == 0 {
			return err
		}
		some := waiting[:min(len(waiting), device.MostElevations)]
		if err := d.Link.Elevations(ctx, device.Elevations{Elevations: some}); err != nil {
			if noStream(err) { // a server that does not know them, or not this form of them
				return e.drop(some)
			}
			return err
		}
		if err := e.drop(some); err != nil {
			return err
		}
	}
}

// waiting returns what waits, oldest first.
func (e *elevations) waiting() ([]device.Elevation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.read()
}

func (e *elevations) read() ([]device.Elevation, error) {
	data, err := e.files.Read(elevationsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []device.Elevation
	_ = json.Unmarshal(data, &all) // one that was damaged counts as empty
	return all, nil
}

func (e *elevations) change(f func([]device.Elevation) []device.Elevation) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	all, err := e.read()
	if err != nil {
		return err
	}
	all = f(all)
	if len(all) == 0 {
		return e.files.Remove(elevationsFile)
	}
	data, err := json.Marshal(all[max(0, len(all)-mostWaiting):])
	if err != nil {
		return err
	}
	return e.files.Replace(elevationsFile, data)
}

func (e *elevations) add(one device.Elevation) error {
	return e.change(func(all []device.Elevation) []device.Elevation { return append(all, one) })
}

func (e *elevations) drop(told []device.Elevation) error {
	return e.change(func(all []device.Elevation) []device.Elevation {
		return slices.DeleteFunc(all, func(one device.Elevation) bool {
			return slices.ContainsFunc(told, func(t device.Elevation) bool { return t.ID == one.ID })
		})
	})
}
