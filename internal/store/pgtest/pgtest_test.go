package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

func TestEachDatabaseIsEmptyAndItsOwn(t *testing.T) {
	first, second := connect(t, Open(t)), connect(t, Open(t))
	if _, err := first.Exec(t.Context(), "CREATE TABLE only_here (id TEXT)"); err != nil {
		t.Fatal(err)
	}
	if n := tables(t, first); n != 1 {
		t.Errorf("the first database has %d tables, want 1", n)
	}
	if n := tables(t, second); n != 0 {
		t.Errorf("the second database has %d tables, want 0", n)
	}
}

func TestADatabaseGoesWithItsTest(t *testing.T) {
	Open(t) // skips where no server can be started
	var gone string
	t.Run("open", func(t *testing.T) { gone = Open(t) })
	if c, err := pgx.Connect(t.Context(), gone); err == nil {
		c.Close(t.Context())
		t.Error("the database outlived its test")
	}
}

func TestTheServerIsPrivate(t *testing.T) {
	c := connect(t, Open(t))
	if os.Getenv("POSTERN_TEST_POSTGRES") != "" {
		t.Skip("a server of somebody else's is in use")
	}
	var listen string
	if err := c.QueryRow(t.Context(), "SHOW listen_addresses").Scan(&listen); err != nil {
		t.Fatal(err)
	}
	if listen != "" {
		t.Errorf("listens on %q, want no address", listen)
	}
	u, err := started()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(u.Query().Get("host"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, want 0700", info.Mode().Perm())
	}
}

// TestNothingIsLeftBehind ends another test process, and looks whether its server went too.
func TestNothingIsLeftBehind(t *testing.T) {
	Open(t) // skips where no server can be started
	if os.Getenv("POSTERN_TEST_POSTGRES") != "" {
		t.Skip("a server of somebody else's is in use")
	}
	tests := []struct {
		name string
		end  func(*exec.Cmd) error
	}{
		{"when the process is killed", func(c *exec.Cmd) error { return c.Process.Kill() }},
		{"when the process is interrupted", func(c *exec.Cmd) error { return c.Process.Signal(os.Interrupt) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestHolder$")
			cmd.Env = append(os.Environ(), "PGTEST_HOLDER=yes")
			hold, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer hold.Close()
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatalf("the other process said %q: %v", said, err)
			}
			u, err := url.Parse(strings.TrimSpace(said))
			if err != nil {
				t.Fatal(err)
			}
			dir := u.Query().Get("host")
			if _, err := os.Stat(filepath.Join(dir, ".s.PGSQL.5432")); err != nil {
				t.Fatalf("the other process has no server: %v", err)
			}
			if err := test.end(cmd); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			awaitRemoval(t, dir)
		})
	}
}

// TestHolder is the other process of TestNothingIsLeftBehind: it holds a database until
// it is ended.
func TestHolder(t *testing.T) {
	if os.Getenv("PGTEST_HOLDER") == "" {
		t.Skip("runs only inside TestNothingIsLeftBehind")
	}
	fmt.Println(Open(t))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestTheNewestBinariesAreUsed(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "9", "15", "17"} {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := newestBinaries(root)
	if want := filepath.Join(root, "17", "bin"); got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if got, err := newestBinaries(t.TempDir()); !errors.Is(err, errMissing) {
		t.Errorf("without binaries: got %q, %v; want errMissing", got, err)
	}
}

func TestAGivenServerMustBeAURL(t *testing.T) {
	for _, dsn := range []string{"host=db user=postern password=hidden", "mysql://db/x", "postgres://%"} {
		t.Setenv("POSTERN_TEST_POSTGRES", dsn)
		if _, err := serverURL(); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: got %v, want an error without the password", dsn, err)
		}
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func tables(t *testing.T, c *pgx.Conn) (n int) {
	t.Helper()
	err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitRemoval returns when dir is gone and fails the test after half a minute.
func awaitRemoval(t *testing.T, dir string) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(30 * time.Second)
	for {
		select {
		case <-look.C:
			if _, err := os.Stat(dir); os.IsNotExist(err) {
				return
			}
		case <-late:
			t.Fatalf("%s is still there", dir)
		}
	}
}
