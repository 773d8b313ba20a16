package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Process is a running server. End it with Kill or Stop.
type Process struct {
	URL string // https://127.0.0.1:port
	PID int
	// Ready is how long it took from the start of the process to its word that it serves.
	Ready time.Duration

	cmd   *exec.Cmd
	ended chan struct{}
	words tail
}

// Start starts a server on a free port of loopback and returns when it serves. It believes
// X-Forwarded-For of loopback, so that callers choose the address they come from.
func (h *House) Start(ctx context.Context, more ...string) (*Process, error) {
	cmd := h.command(context.WithoutCancel(ctx), append([]string{
		"serve", "--listen", "127.0.0.1:0", "--public-url", "https://localhost", "--trusted-proxy", "127.0.0.0/8", "--newcomers", "1000000",
	}, more...)...)
	words, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, PID: cmd.Process.Pid, ended: make(chan struct{})}
	address := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.listen(words, address)
	}()
	go func() {
		<-read // Wait closes the pipe
		_ = cmd.Wait()
		close(p.ended)
	}()
	select {
	case at := <-address:
		p.Ready = time.Since(begin)
		p.URL = "https://" + at
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("the server ended before it served:\n%s", p.words.String())
	case <-time.After(2 * time.Minute):
		return nil, errors.Join(fmt.Errorf("the server does not get ready:\n%s", p.words.String()), p.Kill())
	}
}

// listen reads the operator's log and tells the address in the line that says ready.
func (p *Process) listen(words io.Reader, address chan<- string) {
	lines := bufio.NewScanner(words)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Level, Msg, Listen string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Level != "INFO" {
			p.words.add(lines.Text())
		}
		if line.Msg == "ready" {
			address <- line.Listen
		}
	}
	_, _ = io.Copy(io.Discard, words)
}

// Kill ends the server as a power cut would, without a chance to finish anything.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("the server had ended by itself:\n%s", p.words.String())
	}
	return err
}

// Stop asks the server to end, and waits.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	<-p.ended
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("the server ended with %v:\n%s", p.cmd.ProcessState, p.words.String())
	}
	return nil
}

// Words returns the end of the operator's log, without what is only told for information.
func (p *Process) Words() string { return p.words.String() }

// tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if len(t.lines) > 400 {
		t.lines = t.lines[200:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines[max(0, len(t.lines)-40):], "\n")
}
