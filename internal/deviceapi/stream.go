package deviceapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
)

const (
	// pingInterval is how long a stream says nothing, so that both sides notice a cut line.
	pingInterval = 20 * time.Second
	// writeLimit is how long a device may take to read what it is told.
	writeLimit = 10 * time.Second
)

// stream serves GET /device/v1/{tenant}/stream: server-sent events that say what to read
// again (https://html.spec.whatwg.org/multipage/server-sent-events.html). It resumes after
// Last-Event-ID, and ends when the device is switched off, refused or deleted. A device that
// waits for approval hears that it has it.
func (a *API) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	c, err := a.open(w, r)
	if err == nil {
		_, _, err = a.waiting(func(*call) (int, any, error) { return 0, nil, nil })(c)
	}
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	d := c.device
	s, at, err := a.Feed.join(r.Context(), d)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	defer a.Feed.leave(d, s)
	if a.Spare != nil {
		defer a.Spare(r.Context())()
	}
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= 0 {
		at = last
		s.ring()
	}
	l := newLine(w)
	_ = l.control.SetReadDeadline(time.Time{}) // the server's limit is for requests
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies hold nothing back
	w.WriteHeader(http.StatusOK)
	a.tell(r, d, s, l, at)
}

// tell writes until the device, its place in the tenant or the server is gone.
func (a *API) tell(r *http.Request, d directory.Device, s *stream, l line, at int64) {
	if l.send(fmt.Sprintf("id: %d\nretry: 2000\n\n", at)) != nil {
		return
	}
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.end:
			return
		case <-ping.C:
			if l.send("event: ping\ndata:\n\n") != nil {
				return
			}
		case <-s.wake:
			changes, upTo, missed, err := a.Feed.since(r.Context(), d, at)
			if err != nil {
				a.Log.ErrorContext(r.Context(), "a device was not told of changes", "device_id", d.DeviceID, "err", err)
				return // it comes back, with where it was
			}
			text := eventText(changes)
			if missed {
				text = eventText([]device.FeedChange{
					{Version: upTo, Change: device.DeviceChanged}, {Version: upTo, Change: device.AccountChanged}, {Version: upTo, Change: device.PolicyChanged},
				})
			}
			at = upTo
			if text != "" && l.send(text) != nil || a.gone(r, d, changes, missed) {
				return
			}
		}
	}
}

// gone reports whether the device was switched off or deleted, when a change says that it may.
func (a *API) gone(r *http.Request, d directory.Device, changes []device.FeedChange, missed bool) bool {
	about := missed
	for _, c := range changes {
		about = about || c.Change == device.DeviceChanged
	}
	if !about {
		return false
	}
	now, err := a.Store.DeviceByKey(r.Context(), d.Tenant, d.KeyThumbprint)
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

// A line is the way to one device.
type line struct {
	w       http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration // of one write
}

func newLine(w http.ResponseWriter) line {
	return line{w: w, control: http.NewResponseController(w), limit: writeLimit}
}

func (l line) send(text string) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(l.limit)) //nolint:forbidigo // of the socket; where there is none, the ping notices
	if _, err := l.w.Write([]byte(text)); err != nil {
		return err
	}
	if err := l.control.Flush(); err != nil {
		return err
	}
	// HTTP/2 resets a stream whose time is over, also when nothing is being written.
	_ = l.control.SetWriteDeadline(time.Time{})
	return nil
}

// status serves POST /device/v1/{tenant}/status: what the agent says of itself.
func (a *API) status(c *call) (int, any, error) {
	var in device.Status
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, a.Store.SaveDeviceStatus(c.r.Context(), c.tenant.ID, c.device.ID, in, a.Now())
}
