package deviceapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
)

// memoryFeed is a feed's store, as a database that several replicas read.
type memoryFeed struct {
	mu    sync.Mutex
	all   []device.FeedChange
	asked atomic.Int64
}

func (m *memoryFeed) add(c device.FeedChange) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.Version = int64(len(m.all) + 1)
	m.all = append(m.all, c)
}

func (m *memoryFeed) FeedVersion(context.Context, directory.TenantID) (int64, error) {
	m.asked.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.all)), nil
}

func (m *memoryFeed) FeedChanges(_ context.Context, _ directory.TenantID, after int64, limit int) ([]device.FeedChange, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.all[min(int(after), len(m.all)):]
	return append([]device.FeedChange(nil), found[:min(limit, len(found))]...), nil
}

// crowd opens n streams at a server, each of a device of its own.
func crowd(t *testing.T, f *Feed, n int) []net.Conn {
	t.Helper()
	a := &API{Feed: f, Log: slog.New(slog.DiscardHandler)}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := directory.Device{Tenant: "t", ID: directory.DeviceObjectID(r.URL.Query().Get("d"))}
		s, at, err := f.join(r.Context(), d)
		if err != nil {
			t.Error(err)
			return
		}
		a.serve(w, r, d, s, at, func() { f.leave(d, s) })
	}))
	t.Cleanup(site.Close)
	t.Cleanup(f.Close) // before the site closes, which waits for its streams
	all := make([]net.Conn, n)
	for i := range all {
		c, err := net.Dial("tcp", site.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(c, "GET /?d=%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
		all[i] = c
	}
	for _, c := range all {
		awaitText(t, c, "retry:")
	}
	return all
}

func awaitText(t *testing.T, c net.Conn, text string) {
	t.Helper()
	for r := bufio.NewReaderSize(c, 512); ; {
		got, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("waiting for %q: %v", text, err)
		}
		if strings.Contains(got, text) {
			return
		}
	}
}

func TestAChangeReachesTheStreamsOfAllReplicas(t *testing.T) {
	store := &memoryFeed{}
	var all []net.Conn
	for range 2 {
		f := &Feed{Store: store, Log: slog.New(slog.DiscardHandler)}
		go f.Run(t.Context())
		all = append(all, crowd(t, f, 100)...)
	}
	asked := store.asked.Load()
	begin := time.Now()
	store.add(device.FeedChange{Change: device.PolicyChanged})
	for _, c := range all {
		awaitText(t, c, "event: policy")
	}
	took := time.Since(begin)
	if took > 5*time.Second { // 0.2 s on a quiet machine
		t.Errorf("200 streams were told after %v", took)
	}
	if got, most := store.asked.Load()-asked, 2*int64(took/feedInterval+2); got > most {
		t.Errorf("the store was asked %d times in %v, for two replicas", got, took)
	}
}

func TestAStreamThatEndsIsClosed(t *testing.T) {
	f := &Feed{Store: &memoryFeed{}, Log: slog.New(slog.DiscardHandler)}
	c := crowd(t, f, 1)[0]
	f.Close()
	if _, err := io.Copy(io.Discard, c); err != nil { // until the end, or the connection's deadline
		t.Errorf("the device is left waiting: %v", err)
	}
}
