package deviceapi

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
)

// FeedStore holds what devices are to read again, in an order without gaps, so that every
// replica that reads it tells the same.
type FeedStore interface {
	// FeedVersion returns the number of the newest change; 0 when there is none.
	FeedVersion(ctx context.Context, tenant directory.TenantID) (int64, error)
	// FeedChanges returns at most limit changes after a number. Old ones are gone after a day.
	FeedChanges(ctx context.Context, tenant directory.TenantID, after int64, limit int) ([]device.FeedChange, error)
}

const (
	// feedInterval is how often a tenant with streams is looked at; a change reaches devices
	// within it.
	feedInterval = 200 * time.Millisecond
	// feedPage is how many changes are read at once, and feedRecent how many are kept in memory.
	feedPage   = 200
	feedRecent = 1000
)

// A Feed tells the streams of this process what changed. It asks the store once an interval
// and tenant, however many devices listen; a tenant without streams costs nothing.
type Feed struct {
	Store FeedStore
	Log   *slog.Logger

	mu      sync.Mutex
	tenants map[directory.TenantID]*tenantFeed
	closed  bool
}

type tenantFeed struct {
	version int64               // of the newest change that is known here
	floor   int64               // changes after it are in recent
	recent  []device.FeedChange // in order
	streams map[directory.DeviceObjectID]*stream
}

// A stream is one device that listens.
type stream struct {
	wake chan struct{} // has room for one: there is something new
	end  chan struct{} // closed: another stream of the device took over, or the server stops
}

// Run looks for changes until ctx ends, and ends all streams then.
func (f *Feed) Run(ctx context.Context) {
	defer f.Close()
	tick := time.NewTicker(feedInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, tenant := range f.listening() {
			if err := f.look(ctx, tenant); err != nil && ctx.Err() == nil {
				f.Log.ErrorContext(ctx, "changes for devices could not be read", "tenant_id", tenant, "err", err)
			}
		}
	}
}

// Close ends all streams; none begins afterwards.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, t := range f.tenants {
		for _, s := range t.streams {
			close(s.end)
		}
	}
	f.tenants = nil
}

func (f *Feed) listening() []directory.TenantID {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]directory.TenantID, 0, len(f.tenants))
	for id := range f.tenants {
		all = append(all, id)
	}
	return all
}

// look reads what is new in a tenant and wakes those whom it concerns.
func (f *Feed) look(ctx context.Context, tenant directory.TenantID) error {
	f.mu.Lock()
	t := f.tenants[tenant]
	if t == nil {
		f.mu.Unlock()
		return nil
	}
	known := t.version
	f.mu.Unlock()
	version, err := f.Store.FeedVersion(ctx, tenant)
	if err != nil || version == known {
		return err
	}
	found, err := f.Store.FeedChanges(ctx, tenant, known, feedPage)
	if err != nil || len(found) == 0 {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tenants[tenant] != t {
		return nil
	}
	t.add(found)
	return nil
}

// add takes changes in and wakes their streams.
func (t *tenantFeed) add(found []device.FeedChange) {
	t.recent = append(t.recent, found...)
	if over := len(t.recent) - feedRecent; over > 0 {
		t.floor = t.recent[over-1].Version
		t.recent = append([]device.FeedChange(nil), t.recent[over:]...)
	}
	t.version = found[len(found)-1].Version
	for _, c := range found {
		if c.Device != "" {
			t.streams[directory.DeviceObjectID(c.Device)].ring()
			continue
		}
		for _, s := range t.streams {
			s.ring()
		}
	}
}

func (s *stream) ring() {
	if s == nil {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// join lets a device listen; an earlier stream of it in this process ends. It returns the
// number of the newest change.
func (f *Feed) join(ctx context.Context, d directory.Device) (*stream, int64, error) {
	version, err := f.Store.FeedVersion(ctx, d.Tenant)
	if err != nil {
		return nil, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &stream{wake: make(chan struct{}, 1), end: make(chan struct{})}
	if f.closed {
		close(s.end)
		return s, version, nil
	}
	if f.tenants == nil {
		f.tenants = map[directory.TenantID]*tenantFeed{}
	}
	t := f.tenants[d.Tenant]
	if t == nil {
		t = &tenantFeed{version: version, floor: version, streams: map[directory.DeviceObjectID]*stream{}}
		f.tenants[d.Tenant] = t
	}
	if former := t.streams[d.ID]; former != nil {
		close(former.end)
	}
	t.streams[d.ID] = s
	return s, version, nil
}

// leave ends s, unless another stream of the device took its place.
func (f *Feed) leave(d directory.Device, s *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tenants[d.Tenant]
	if t == nil || t.streams[d.ID] != s {
		return
	}
	delete(t.streams, d.ID)
	if len(t.streams) == 0 {
		delete(f.tenants, d.Tenant)
	}
}

// since returns what concerns a device after a number, with the number that it is up to date
// with then. missed says that some of it is forgotten, so that the device reads everything.
func (f *Feed) since(ctx context.Context, d directory.Device, after int64) (changes []device.FeedChange, upTo int64, missed bool, err error) {
	f.mu.Lock()
	if t := f.tenants[d.Tenant]; t != nil && after >= t.floor && after <= t.version {
		changes, upTo = concerning(d, t.recent, after), t.version
		f.mu.Unlock()
		return changes, upTo, false, nil
	}
	f.mu.Unlock()
	if upTo, err = f.Store.FeedVersion(ctx, d.Tenant); err != nil || upTo == after {
		return nil, upTo, false, err
	}
	if after > upTo || upTo-after > feedRecent { // another life of the store, or very long ago
		return nil, upTo, true, nil
	}
	found, err := f.Store.FeedChanges(ctx, d.Tenant, after, feedRecent)
	if err != nil {
		return nil, after, false, err
	}
	if len(found) == 0 || found[0].Version != after+1 {
		return nil, upTo, true, nil
	}
	return concerning(d, found, after), found[len(found)-1].Version, false, nil
}

func concerning(d directory.Device, all []device.FeedChange, after int64) []device.FeedChange {
	var mine []device.FeedChange
	for _, c := range all {
		if c.Version > after && (c.Device == "" || c.Device == string(d.ID)) {
			mine = append(mine, c)
		}
	}
	return mine
}
