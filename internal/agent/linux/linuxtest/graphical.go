//go:build linux

package linuxtest

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Within waits until is is true.
func Within(t testing.TB, d time.Duration, what string, is func() bool) {
	t.Helper()
	late := time.After(d)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-late:
			t.Fatalf("no %s within %s", what, d)
		case <-tick.C:
		}
	}
}

// Folder is a folder of name's, with a short path that everybody can reach.
func Folder(t testing.TB, name string) string {
	t.Helper()
	above, err := os.MkdirTemp("", "seat") //nolint:usetesting // the path of a socket has 107 bytes at most
	Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(above) })
	Must(t, os.Chmod(above, 0o755))
	own := filepath.Join(above, "own")
	Must(t, os.Mkdir(own, 0o700))
	who, err := user.Lookup(name)
	Must(t, err)
	uid, err := strconv.Atoi(who.Uid)
	Must(t, err)
	gid, err := strconv.Atoi(who.Gid)
	Must(t, err)
	Must(t, os.Chown(own, uid, gid))
	return own
}

// Self copies this test program into folder, where others than root can run it.
func Self(t testing.TB, folder string) string {
	t.Helper()
	path := filepath.Join(folder, "self")
	Program(t, path)
	return path
}

// Program copies this test program to path, whose name may tell it what to be.
func Program(t testing.TB, path string) {
	t.Helper()
	self, err := os.Executable()
	Must(t, err)
	text, err := os.ReadFile(self)
	Must(t, err)
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) { // one that runs can't be written
		t.Fatal(err)
	}
	Write(t, path, string(text), 0o755)
}

// Greetd runs Debian's greetd, with all that it starts, until the test ends.
func Greetd(t testing.TB, config string) {
	t.Helper()
	Start(t, "/usr/sbin/greetd", "-c", config)
}

// Start runs a program in a session of its own until the test ends; what it wrote is told
// when the test fails.
func Start(t testing.TB, name string, args ...string) *Process {
	t.Helper()
	return start(t, nil, name, args...)
}

func start(t testing.TB, files []*os.File, name string, args ...string) *Process {
	t.Helper()
	p := &Process{}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = p, p, files
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second
	Must(t, cmd.Start())
	p.Stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(unix.SIGTERM)
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait() // it was told to end
	})
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", filepath.Base(name), p.Wrote())
		}
	})
	return p
}

// Display runs an X server that nobody sees, and returns its name.
func Display(t testing.TB, size string) string {
	t.Helper()
	read, write, err := os.Pipe()
	Must(t, err)
	defer func() { _ = read.Close() }()
	start(t, []*os.File{write}, "Xvfb", "-displayfd", "3", "-screen", "0", size+"x24", "-nolisten", "tcp", "-noreset")
	Must(t, write.Close())
	text, err := bufio.NewReader(read).ReadString('\n')
	Must(t, err)
	return ":" + strings.TrimSpace(text)
}

// A Process is a program that runs beside the test, and what it has written.
type Process struct {
	Stop func() // ends it, and waits for that

	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes what the program writes.
func (p *Process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

// Wrote is what the program has written.
func (p *Process) Wrote() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}
