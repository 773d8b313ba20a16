//go:build linux

package lockscreen_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/lockscreen"
)

// The agent's idle memory is held by a benchmark; a screen may take a small part of it.
func TestAScreenIsSmallAndQuick(t *testing.T) {
	w := newWorld(t)
	w.withPIN()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := lockscreen.New(lockscreen.Options{Agent: w.agent, Seat: w.seat, Key: "key"})
	must(t, err)
	defer s.Close()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 4<<20 {
		t.Errorf("a screen takes %d kB", took>>10)
	} else {
		t.Logf("%d kB", took>>10)
	}
	enter := httptest.NewRecorder()
	s.Handler().ServeHTTP(enter, httptest.NewRequest(http.MethodGet, s.Enter(), nil))
	cookie := enter.Result().Cookies()[0]
	best := time.Hour
	for range 20 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		page := httptest.NewRecorder()
		begun := time.Now()
		s.Handler().ServeHTTP(page, r)
		best = min(best, time.Since(begun))
		if page.Code != http.StatusOK {
			t.Fatalf("%d", page.Code)
		}
	}
	t.Logf("a page takes %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("a page takes %v", best)
	}
}
