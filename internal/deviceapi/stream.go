package deviceapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/request/signed"
)

// stream serves GET /device/v1/{tenant}/stream: server-sent events that say what to read
// again (https://html.spec.whatwg.org/multipage/server-sent-events.html). It resumes after
// Last-Event-ID, and ends when the device is switched off, refused or deleted. A device that
// waits for approval hears that it has it.
func (a *API) stream(w http.ResponseWriter, r *http.Request) {
	c, err := a.open(w, r)
	if err == nil {
		_, _, err = a.waiting(func(*call) (int, any, error) { return 0, nil, nil })(c)
	}
	if err != nil {
		a.calls().Refuse(w, r, err)
		return
	}
	d := c.device
	s, at, err := a.Feed.join(r.Context(), d)
	if err != nil {
		a.calls().Refuse(w, r, err)
		return
	}
	count := func() {}
	if a.Spare != nil {
		count = a.Spare(r.Context())
	}
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= 0 {
		at = last
		s.ring()
	}
	a.serve(w, r, d, s, at, func() {
		a.Feed.leave(d, s)
		count()
	})
}

// serve tells d of changes until it, its place in the tenant or the server is gone, and calls
// done then. By HTTP/1.1 it returns at once: the connection is all that is kept of the request.
func (a *API) serve(w http.ResponseWriter, r *http.Request, d directory.Device, s *stream, at int64, done func()) {
	l, alone := signed.LineTo(w)
	if !alone {
		defer done()
		a.tell(r.Context(), d, s, l, at)
		return
	}
	ctx := context.WithoutCancel(r.Context()) // which ends with this call
	go func() {
		defer done()
		defer l.Close()
		a.tell(ctx, d, s, l, at)
	}()
}

// tell writes until the device, its place in the tenant or the server is gone.
func (a *API) tell(ctx context.Context, d directory.Device, s *stream, l signed.Line, at int64) {
	if l.Send(fmt.Sprintf("id: %d\nretry: 2000\n\n", at)) != nil {
		return
	}
	ping := time.NewTicker(signed.PingInterval)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.end:
			return
		case <-ping.C:
			if l.Send("event: ping\ndata:\n\n") != nil {
				return
			}
		case <-s.wake:
			changes, upTo, missed, err := a.Feed.since(ctx, d, at)
			if err != nil {
				a.Log.ErrorContext(ctx, "a device was not told of changes", "device_id", d.DeviceID, "err", err)
				return // it comes back, with where it was
			}
			text := eventText(changes)
			if missed {
				text = eventText([]device.FeedChange{
					{Version: upTo, Change: device.DeviceChanged}, {Version: upTo, Change: device.AccountChanged}, {Version: upTo, Change: device.PolicyChanged},
				})
			}
			at = upTo
			if text != "" && l.Send(text) != nil || a.gone(ctx, d, changes, missed) {
				return
			}
		}
	}
}

// gone reports whether the device was switched off or deleted, when a change says that it may.
func (a *API) gone(ctx context.Context, d directory.Device, changes []device.FeedChange, missed bool) bool {
	about := missed
	for _, c := range changes {
		about = about || c.Change == device.DeviceChanged
	}
	if !about {
		return false
	}
	now, err := a.Store.DeviceByKey(ctx, d.Tenant, d.KeyThumbprint)
	if err == nil {
		err = now.Usable()
		return err != nil && !errors.Is(err, directory.ErrDevicePending)
	}
	return errors.Is(err, directory.ErrDeviceUnknown)
}

// eventText is changes as events; the same one is told once.
func eventText(changes []device.FeedChange) string {
	var b strings.Builder
	for i, c := range changes {
		repeated := false
		for _, later := range changes[i+1:] {
			repeated = repeated || later.Change == c.Change && later.Subject == c.Subject
		}
		if !repeated {
			fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: %s\n\n", c.Version, c.Change, c.Subject)
		}
	}
	return b.String()
}

// status serves POST /device/v1/{tenant}/status: what the agent says of itself.
func (a *API) status(c *call) (int, any, error) {
	var in device.Status
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, a.Store.SaveDeviceStatus(c.Context(), c.Tenant.ID, c.device.ID, in, a.Now())
}
