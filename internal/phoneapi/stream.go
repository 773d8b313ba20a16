package phoneapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/request/signed"
)

const (
	// feedInterval is how often a tenant whose people listen is looked at; a request reaches an
	// open app within it.
	feedInterval = 250 * time.Millisecond
	// maxStreams bounds how many streams one process has, and maxWindows how many one phone has,
	// which may show the app in several windows.
	maxStreams = 50_000
	maxWindows = 4
	// unknown is what a new stream knows of: neither a request nor that there is none.
	unknown = "?"
)

// A Feed tells open apps that a request waits, or has gone. It asks the store once an interval
// and tenant, however many listen; a tenant in which nobody does costs nothing. What waits is
// a state and not a message, so that nothing can be missed.
type Feed struct {
	Store interface {
		// WaitingRequests returns the people of a tenant whose request waits at now, with its id.
		WaitingRequests(ctx context.Context, tenant directory.TenantID, now time.Time) (map[directory.UserID]string, error)
	}
	Now func() time.Time
	Log *slog.Logger

	mu      sync.Mutex
	tenants map[directory.TenantID]map[string][]*stream // by the id of the phone, oldest first
	streams int
	closed  bool
}

// A stream is one app that listens.
type stream struct {
	user directory.UserID
	last string        // id of the request that the app knows of; guarded by Feed.mu
	wake chan string   // has room for one: the id of the request that waits, empty for none
	news chan News     // has room for newsKept
	end  chan struct{} // closed: newer streams of the phone took its place, or the server stops
}

// Run looks for requests until ctx ends, and ends all streams then.
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
			waiting, err := f.Store.WaitingRequests(ctx, tenant, f.Now())
			if err != nil {
				if ctx.Err() == nil {
					f.Log.ErrorContext(ctx, "requests for phones could not be read", "tenant_id", tenant, "err", err)
				}
				continue
			}
			f.tell(tenant, waiting)
		}
	}
}

// Close ends all streams; none begins afterwards.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, all := range f.tenants {
		for _, windows := range all {
			for _, s := range windows {
				close(s.end)
			}
		}
	}
	f.tenants, f.streams = nil, 0
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

// tell wakes the streams for which something changed.
func (f *Feed) tell(tenant directory.TenantID, waiting map[directory.UserID]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, windows := range f.tenants[tenant] {
		for _, s := range windows {
			s.tell(waiting[s.user])
		}
	}
}

// tell wakes s if it does not know of id yet.
func (s *stream) tell(id string) {
	if id == s.last {
		return
	}
	s.last = id
	select { // the newest is what counts
	case <-s.wake:
	default:
	}
	s.wake <- id
}

// join lets a phone listen; it soon hears what there is. Its oldest stream in this process ends
// where there are too many. It is nil when there is no room.
func (f *Feed) join(tenant directory.TenantID, phone string, user directory.UserID) *stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.streams >= maxStreams {
		return nil
	}
	if f.tenants == nil {
		f.tenants = map[directory.TenantID]map[string][]*stream{}
	}
	if f.tenants[tenant] == nil {
		f.tenants[tenant] = map[string][]*stream{}
	}
	windows := f.tenants[tenant][phone]
	if len(windows) >= maxWindows {
		close(windows[0].end)
		windows, f.streams = windows[1:], f.streams-1
	}
	s := &stream{user: user, last: unknown, wake: make(chan string, 1), news: make(chan News, newsKept), end: make(chan struct{})}
	f.tenants[tenant][phone] = append(slices.Clone(windows), s)
	f.streams++
	return s
}

// leave ends s, unless that has happened.
func (f *Feed) leave(tenant directory.TenantID, phone string, s *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	windows := f.tenants[tenant][phone]
	i := slices.Index(windows, s)
	if i < 0 {
		return
	}
	f.streams--
	if windows = slices.Delete(slices.Clone(windows), i, i+1); len(windows) > 0 {
		f.tenants[tenant][phone] = windows
		return
	}
	delete(f.tenants[tenant], phone)
	if len(f.tenants[tenant]) == 0 {
		delete(f.tenants, tenant)
	}
}

// stream serves GET …/stream: server-sent events with the id of the request that waits, empty
// for none, and with changes of the person's methods. The app reads the rest by a call of its own.
func (a *API) stream(w http.ResponseWriter, r *http.Request) {
	c, err := a.open(w, r)
	if err == nil {
		_, _, err = a.known(func(c *call) (int, any, error) {
			if c.phone.Frozen() {
				return 0, nil, method.ErrFrozen
			}
			return 0, nil, nil
		})(c)
	}
	if err != nil {
		a.calls().Refuse(w, r, err)
		return
	}
	s := a.Feed.join(c.Tenant.ID, c.phone.ID, c.phone.User)
	if s == nil {
		a.calls().Refuse(w, r, ErrFull)
		return
	}
	defer a.Feed.leave(c.Tenant.ID, c.phone.ID, s)
	if a.Spare != nil {
		defer a.Spare(r.Context())()
	}
	a.listen(c, s, signed.Share(w))
}

func (a *API) listen(c *call, s *stream, l signed.Line) {
	if l.Send("retry: 2000\n\n") != nil {
		return
	}
	ping := time.NewTicker(signed.PingInterval)
	defer ping.Stop()
	for {
		select {
		case <-c.Context().Done():
			return
		case <-s.end:
			return
		case <-ping.C:
			if !a.stillThere(c.Context(), c) || l.Send(": ping\n\n") != nil {
				return
			}
		case id := <-s.wake:
			if !a.stillThere(c.Context(), c) || l.Send(fmt.Sprintf("event: request\ndata: %s\n\n", id)) != nil {
				return
			}
		case n := <-s.news:
			if !a.stillThere(c.Context(), c) || l.Send(n.event()) != nil {
				return
			}
		}
	}
}
