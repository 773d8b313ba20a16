package kiosk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/fault"
)

// Faults of the browsers.
var (
	// ErrNamespaces says that this system lets nobody fence a browser. Without a fence there
	// is no browser.
	ErrNamespaces = &fault.Error{
		Kind: fault.Unsupported, Code: "browserNamespaces",
		Text:   "This machine does not let the sign-in screen fence its browsers.",
		Remedy: "Allow unprivileged user namespaces; postern-agent doctor names the setting.",
	}
	ErrEnded = &fault.Error{
		Kind: fault.Unavailable, Code: "browserEnded",
		Text: "The browser ended by itself.", Remedy: "Try again.",
	}
	ErrHangs = &fault.Error{
		Kind: fault.Unavailable, Code: "browserHangs",
		Text: "The browser does not answer.", Remedy: "Try again.",
	}
)

// Times of the watchdog.
const (
	startWithin = 20 * time.Second // until the browser asks for its first page
	standsStill = 5 * time.Second  // stopped for so long is hung
	lookEvery   = time.Second
	endWithin   = 5 * time.Second // for what holds the output open
)

// Browser is one that runs.
type Browser struct {
	asked atomic.Bool
	open  chan struct{} // closed when the doors are there
	doors doors
	done  chan struct{} // closed when no process of it is left
	once  sync.Once
	end   func()        // begins its end
	still func() bool   // reports whether it is stopped
	said  func() string // what it wrote
	ours  atomic.Bool   // we ended it
	hung  atomic.Bool
}

// Start starts a browser as who calls. Asked has to be called when it asks for something.
func Start(s Sandbox) (*Browser, error) {
	rules, err := inMemory(s.Policy)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rules.Close() }()
	near, far, err := pair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = far.Close() }()
	args, out := s.Args(), &tail{}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // our own command line, ended by End
	cmd.ExtraFiles = []*os.File{way - 3: far, policy - 3: rules}
	// All processes inside hold this pipe, so that Wait returns when the last one is gone.
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.Dir = out, out, []string{"PATH=/usr/bin:/bin"}, "/"
	cmd.SysProcAttr, cmd.WaitDelay = &unix.SysProcAttr{Setpgid: true}, endWithin
	b := &Browser{open: make(chan struct{}), done: make(chan struct{}), said: out.String}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, near.Close())
	}
	b.end = func() { kill(cmd.Process.Pid) }
	b.still = func() bool { return stopped(cmd.Process.Pid) }
	received := make(chan struct{})
	go func() {
		defer close(received)
		if d, _, err := receive(near); err == nil {
			b.doors = d
			close(b.open)
		}
	}()
	go func() {
		_ = cmd.Wait() // how it ended is told by ours and hung
		_ = near.Close()
		<-received
		close(b.done)
	}()
	return b, nil
}

// inMemory is a file with text that no folder has.
func inMemory(text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("policy", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "policy")
	if _, err = f.Write(text); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// pair are two sockets that are connected: one for this process, and one for another.
func pair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	near, far := os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
	conn, err := connOf(near)
	if err != nil {
		return nil, nil, errors.Join(err, far.Close())
	}
	return conn, far, nil
}

// connOf is the unix socket that f is, which it closes.
func connOf(f *os.File) (*net.UnixConn, error) {
	conn, err := net.FileConn(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T is no unix socket", conn), conn.Close())
	}
	return unixConn, nil
}

// Doors returns where the browser comes for what it loads and for its windows. The caller
// closes both. Without a browser there are none.
func (b *Browser) Doors() (pages, windows net.Listener, err error) {
	select {
	case <-b.open:
	case <-b.done:
		return nil, nil, b.why()
	}
	defer b.doors.close()
	if pages, err = net.FileListener(b.doors[0]); err != nil {
		return nil, nil, err
	}
	if windows, err = net.FileListener(b.doors[1]); err != nil {
		return nil, nil, errors.Join(err, pages.Close())
	}
	return pages, windows, nil
}

// Gone is closed when no process of the browser is left.
func (b *Browser) Gone() <-chan struct{} { return b.done }

// Asked notes that the browser lives.
func (b *Browser) Asked() { b.asked.Store(true) }

// End ends the browser with all that it wrote, and returns when it is gone.
func (b *Browser) End() {
	b.ours.Store(true)
	b.once.Do(b.end)
	<-b.done
}

// Hangs ends a browser that was found to be of no use.
func (b *Browser) Hangs() {
	b.hung.Store(true)
	b.once.Do(b.end)
}

// kill ends bwrap, which takes all inside with it. While it still makes the namespaces it does
// not, so that what it has started is ended as well: the group, and the first process inside.
func kill(pid int) {
	inside := below(pid, 1)
	_ = unix.Kill(-pid, unix.SIGKILL)
	for _, one := range inside {
		_ = unix.Kill(int(one), unix.SIGKILL)
	}
}

// Watch returns when the browser was ended, with nil; or why it is of no use any more. It
// then is gone.
func (b *Browser) Watch(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	late := time.NewTimer(startWithin)
	defer late.Stop()
	still := 0
	for {
		select {
		case <-ctx.Done():
			b.End()
			return nil
		case <-b.done:
			return b.why()
		case <-late.C:
			if !b.asked.Load() {
				b.Hangs()
			}
		case <-tick.C:
			if still++; !b.still() {
				still = 0
			}
			if time.Duration(still)*lookEvery >= standsStill {
				b.Hangs()
			}
		}
	}
}

func (b *Browser) why() error {
	switch said := b.said(); {
	case b.ours.Load():
		return nil
	case b.hung.Load():
		return fmt.Errorf("%w: %s", ErrHangs, said)
	default:
		return fmt.Errorf("%w: %s", ErrEnded, said)
	}
}

// stopped reports whether the first process of bwrap's browser does not run and can't.
func stopped(bwrap int) bool {
	for _, pid := range below(bwrap, 3) {
		if s, ok := peer.StatOf(pid); ok && s.Command == "chromium" {
			return state(pid) == "T"
		}
	}
	return false
}

// below are the processes under pid, those of depth generations.
func below(pid, depth int) []int32 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil || depth == 0 {
		return nil
	}
	var all []int32
	for field := range strings.FieldsSeq(string(text)) {
		child, err := strconv.ParseInt(field, 10, 32)
		if err != nil {
			continue
		}
		all = append(all, int32(child))
		all = append(all, below(int(child), depth-1)...)
	}
	return all
}

// state is the letter of proc(5).
func state(pid int32) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')')+1:]), " ")
	letter, _, _ := strings.Cut(rest, " ")
	return letter
}

// Probe reports why browsers can't be fenced here, or nil.
func Probe(ctx context.Context, bwrap string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, bwrap, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return ErrNamespaces.With("", "bwrap is not installed: the sign-in screen can't fence its browsers.")
	}
	if err != nil {
		return fmt.Errorf("%w: %w: %s", ErrNamespaces, err, bytes.TrimSpace(out))
	}
	return nil
}

// tail keeps the end of what a program wrote.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailLength = 512

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text); n > tailLength {
		t.text = append([]byte{}, t.text[n-tailLength:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
