package kiosk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	cmd   *exec.Cmd
	out   tail
	asked atomic.Bool
	done  chan struct{} // closed when no process of it is left
	once  sync.Once
	ours  atomic.Bool // we ended it
	hung  atomic.Bool
}

// Start starts a browser. Asked has to be called when it asks for something.
func Start(s Sandbox) (*Browser, error) {
	args := s.Args()
	b := &Browser{cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})} //nolint:gosec,noctx // our own command line, ended by End
	// All processes inside hold this pipe, so that Wait returns when the last one is gone.
	b.cmd.Stdout, b.cmd.Stderr, b.cmd.Env, b.cmd.Dir = &b.out, &b.out, []string{"PATH=/usr/bin:/bin"}, "/"
	b.cmd.SysProcAttr, b.cmd.WaitDelay = &unix.SysProcAttr{Setpgid: true}, endWithin
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = b.cmd.Wait() // how it ended is told by ours and hung
		close(b.done)
	}()
	return b, nil
}

// Asked notes that the browser lives.
func (b *Browser) Asked() { b.asked.Store(true) }

// End ends the browser with all that it wrote, and returns when it is gone.
func (b *Browser) End() {
	b.ours.Store(true)
	b.kill()
	<-b.done
}

// kill ends bwrap, which takes all inside with it. While it still makes the namespaces it does
// not, so that what it has started is ended as well: the group, and the first process inside.
func (b *Browser) kill() {
	b.once.Do(func() {
		pid := b.cmd.Process.Pid
		inside := below(pid, 1)
		_ = unix.Kill(-pid, unix.SIGKILL)
		for _, one := range inside {
			_ = unix.Kill(int(one), unix.SIGKILL)
		}
	})
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
				b.hung.Store(true)
				b.kill()
			}
		case <-tick.C:
			if still++; !b.stopped() {
				still = 0
			}
			if time.Duration(still)*lookEvery >= standsStill {
				b.hung.Store(true)
				b.kill()
			}
		}
	}
}

func (b *Browser) why() error {
	switch said := b.out.String(); {
	case b.ours.Load():
		return nil
	case b.hung.Load():
		return fmt.Errorf("%w: %s", ErrHangs, said)
	default:
		return fmt.Errorf("%w: %s", ErrEnded, said)
	}
}

// stopped reports whether the browser's first process does not run and can't.
func (b *Browser) stopped() bool {
	for _, pid := range below(b.cmd.Process.Pid, 3) {
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
