package server_test

import (
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/store"
)

func TestARealDiskThatFillsUpLosesNothing(t *testing.T) {
	dir := smallDisk(t)
	w := newWorld(t, func(o *server.Options) { o.Dir = filepath.Join(dir, "data") })
	app := w.appToken()
	group := func(name string) (int, map[string]any) {
		return w.api(http.MethodPost, "/v1.0/groups", app, `{"displayName": "`+name+`", "mailEnabled": false, "mailNickname": "`+name+`", "securityEnabled": true}`)
	}
	if status, v := group("before"); status != http.StatusCreated {
		t.Fatalf("%d %v", status, v)
	}
	fill(t, filepath.Join(dir, "ballast"), 600<<10)
	w.server.Look(t.Context())
	if a := w.authorize(nil); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `data-error="diskNearlyFull"`) {
		t.Errorf("a stranger on a nearly full disk: %d", a.status)
	}
	if status, v := group("nearly"); status != http.StatusCreated {
		t.Errorf("an administrator on a nearly full disk: %d %v", status, v)
	}
	fill(t, filepath.Join(dir, "more"), 0)
	kept := []string{"before", "nearly"}
	for n := 0; ; n++ {
		if n == 1000 {
			t.Fatal("a full disk took everything")
		}
		name := "full" + strconv.Itoa(n)
		status, v := group(name)
		if status == http.StatusCreated {
			continue
		}
		if status != http.StatusServiceUnavailable || !strings.Contains(asText(v), "diskFull") {
			t.Errorf("on a full disk: %d %v", status, v)
		}
		break
	}
	for _, ballast := range []string{"ballast", "more"} {
		if err := os.Remove(filepath.Join(dir, ballast)); err != nil {
			t.Fatal(err)
		}
	}
	w.server.Look(t.Context())
	if status, v := group("after"); status != http.StatusCreated {
		t.Errorf("with room again: %d %v", status, v)
	}
	for _, name := range append(kept, "after") {
		if status, v := w.api(http.MethodGet, "/v1.0/groups?$filter=displayName%20eq%20'"+name+"'", app, ""); status != http.StatusOK || len(v["value"].([]any)) != 1 {
			t.Errorf("%s: %d %v", name, status, v)
		}
	}
}

// What a flood leaves in the database is room again once it is cleaned up, although the file
// stays as large as it was.
func TestADiskThatAFloodFilledHasRoomAgain(t *testing.T) {
	dir := smallDisk(t)
	const nearly = 6 << 20
	w := newWorld(t, func(o *server.Options) { o.Dir, o.DiskReserve = filepath.Join(dir, "data"), nearly })
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.options.Dir, "postern.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for round := 0; freeOn(t, dir) >= nearly; round++ {
		if _, err := db.Exec(`
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
			INSERT INTO pushed_request (tenant_id, id, secret_hash, app_id, expires_at, body)
			SELECT $1, $2 || '-' || i, '', '', 1, hex(zeroblob(4096)) FROM n`, w.created.TenantID, round); err != nil {
			t.Fatal(err)
		}
	}
	w.server.Look(t.Context())
	if a := w.authorize(nil); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `data-error="diskNearlyFull"`) {
		t.Errorf("a stranger on a flooded disk: %d", a.status)
	}
	w.server.CleanOnce(t.Context())
	w.server.Look(t.Context())
	if a := w.authorize(nil); a.status != http.StatusSeeOther {
		t.Errorf("a stranger once the flood is gone: %d\n%s", a.status, a.body)
	}
	if freeOn(t, dir) >= nearly {
		t.Fatal("the disk has room by itself, so that this shows nothing")
	}
	w.push(pushed())
}

func freeOn(t *testing.T, dir string) uint64 {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return st.Bavail * 4096
}

func TestADiskThatIsReadOnlyIsTold(t *testing.T) {
	dir := smallDisk(t)
	w := newWorld(t, func(o *server.Options) { o.Dir = filepath.Join(dir, "data") })
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	if err := server.Serve(t.Context(), w.options, server.Listen{Address: "127.0.0.1:0"}, func(*server.Server) {}); !errors.Is(err, store.ErrDir) {
		t.Errorf("serve: %v", err)
	}
	if _, err := server.Recover(t.Context(), w.options, w.created.Administrator, false); !errors.Is(err, store.ErrDir) {
		t.Errorf("recover: %v", err)
	}
	remount(0)
	if _, err := server.Recover(t.Context(), w.options, w.created.Administrator, false); err != nil {
		t.Errorf("writable again: %v", err)
	}
}

// smallDisk mounts a file system of 24 MiB until the test ends.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes to a new file until only left bytes of its file system are free.
func fill(t *testing.T, path string, left uint64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		if freeOn(t, filepath.Dir(path)) <= left {
			return
		}
		if _, err := f.Write(block); err != nil {
			return // full
		}
	}
}
