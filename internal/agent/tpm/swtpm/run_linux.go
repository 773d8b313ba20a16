package swtpm

import (
	"os/exec"
	"runtime"
	"syscall"

	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"
)

const platform = true

var dial dialer = linuxudstpm.Open

// begin starts cmd so that it ends with this process, however that ends, and not before, as
// by a Ctrl-C at the terminal. The kernel watches the thread that started it (prctl(2),
// PR_SET_PDEATHSIG), which therefore waits for it.
func begin(cmd *exec.Cmd) (*child, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	c := &child{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(c.ended)
		err := cmd.Start()
		if err == nil {
			c.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed
		}
	}()
	return c, <-started
}
