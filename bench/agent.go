package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/test/live"
)

// measureAgent measures how soon the agent of a joined device answers, and what memory it
// holds while it is connected and nothing happens. Without swtpm the device has no TPM.
func (b *bench) measureAgent(ctx context.Context) error {
	program := filepath.Join(b.dir, "postern-agent")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "github.com/postern-id/postern/cmd/postern-agent") //nolint:gosec // this module
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, "agenthouse"), "")
	if err != nil {
		return err
	}
	// Devices prove calls to the server's own address, so that it has to have one.
	address, err := free(ctx)
	if err != nil {
		return err
	}
	public := "https://localhost:" + address.port
	s, err := h.Start(ctx, "--listen", address.text, "--public-url", public)
	if err != nil {
		return err
	}
	defer func() { _ = s.Kill() }()
	d := &benchDevice{program: program, state: filepath.Join(b.dir, "agent"), tpm: "software", ca: h.CACertificate}
	if stop, err := d.startTPM(ctx, b.dir); err != nil {
		fmt.Fprintln(os.Stderr, "no TPM:", err)
	} else {
		defer stop()
	}
	if err := d.join(ctx, public, h.Administrator, h.Pass); err != nil {
		return err
	}
	var starts []time.Duration
	var idle int
	for i := range b.rounds {
		begin := time.Now()
		cmd, err := d.run(ctx)
		if err != nil {
			return err
		}
		starts = append(starts, time.Since(begin))
		if i == b.rounds-1 {
			wait(ctx, b.span)
			if idle, err = resident(cmd.Process.Pid); err != nil {
				return err
			}
		}
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			return err
		}
	}
	overhead, bare, err := b.measurePIN(ctx, h, s, d)
	if err != nil {
		return err
	}
	b.duration("agent ready, key in "+map[bool]string{true: "a file", false: "swtpm"}[d.tpm == "software"], median(starts), 100*time.Millisecond)
	b.bound("resident memory of the agent, idle", fmt.Sprintf("%.1f MiB", float64(idle)/1024), "25 MiB", float64(idle)/(25*1024), 1)
	if bare > 0 {
		b.duration(fmt.Sprintf("a PIN without the server, above the %.1f ms of its TPM", float64(bare)/float64(time.Millisecond)), overhead, 30*time.Millisecond)
	}
	return nil
}

const benchPIN = "271828"

// measurePIN measures how long a right PIN takes on a device whose server is away, above what
// the TPM itself takes to load the key and sign with it. It ends the server.
func (b *bench) measurePIN(ctx context.Context, h *live.House, s *live.Process, d *benchDevice) (overhead, bare time.Duration, err error) {
	if d.tpm == "software" {
		return 0, 0, nil
	}
	ca, err := os.ReadFile(d.ca)
	if err != nil {
		return 0, 0, err
	}
	a, err := agent.Open(agent.Options{State: d.state, TPM: d.tpm, CA: ca, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	user, err := setPIN(ctx, h, a)
	if err != nil {
		return 0, 0, err
	}
	if err := s.Kill(); err != nil {
		return 0, 0, err
	}
	var unlocks []time.Duration
	for range 4 * b.rounds {
		begin := time.Now()
		out, err := a.Unlock(ctx, user, benchPIN)
		if err != nil {
			return 0, 0, err
		}
		if !out.Offline {
			return 0, 0, errors.New("the server is still there")
		}
		unlocks = append(unlocks, time.Since(begin))
	}
	if bare, err = b.bareTPM(d.tpm); err != nil {
		return 0, 0, err
	}
	return max(0, median(unlocks)-bare), bare, nil
}

// setPIN signs the administrator in by a fresh pass and sets their PIN up.
func setPIN(ctx context.Context, h *live.House, a *agent.Agent) (user string, err error) {
	out, err := h.Run(ctx, "recover", "--upn", h.Administrator, "--json")
	if err != nil {
		return "", err
	}
	var fresh struct {
		Pass string `json:"temporaryAccessPass"`
	}
	if err := json.Unmarshal([]byte(out), &fresh); err != nil {
		return "", err
	}
	p, err := a.SignInWithPass(ctx, h.Administrator, graphclient.NewSecret(fresh.Pass))
	if err != nil {
		return "", err
	}
	if _, err := a.Welcome(ctx, p); err != nil {
		return "", err
	}
	return p.ID, a.SetPIN(ctx, p, benchPIN)
}

// bareTPM is how long the TPM takes to load a key and sign with it.
func (b *bench) bareTPM(where string) (took time.Duration, err error) {
	chip, err := tpm.Open(where)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, chip.Close()) }()
	key, err := chip.NewDeviceKey()
	if err != nil {
		return 0, err
	}
	var all []time.Duration
	for range 4 * b.rounds {
		begin := time.Now()
		if _, err := chip.Sign(key, nil, make([]byte, 32)); err != nil {
			return 0, err
		}
		all = append(all, time.Since(begin))
	}
	return median(all), nil
}

type place struct{ text, port string }

// free is an address of loopback that was free a moment ago.
func free(ctx context.Context) (place, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return place{}, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return place{l.Addr().String(), port}, errors.Join(err, l.Close())
}

type benchDevice struct{ program, state, tpm, ca string }

// startTPM gives the device a TPM in software.
func (d *benchDevice) startTPM(ctx context.Context, dir string) (stop func(), err error) {
	dir = filepath.Join(dir, "tpm")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "swtpm_setup", "--tpm2", "--tpmstate", dir, "--overwrite").CombinedOutput(); err != nil { //nolint:gosec // a folder of ours
		return nil, fmt.Errorf("swtpm_setup: %w %s", err, out)
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.CommandContext(ctx, "swtpm", "socket", "--tpm2", "--tpmstate", "dir="+dir, "--server", "type=unixio,path="+socket, "--flags", "not-need-init,startup-clear") //nolint:gosec // a folder of ours
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d.tpm = "unix:" + socket
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, answers(ctx, socket)
}

// answers waits until somebody listens at a socket.
func answers(ctx context.Context, socket string) error {
	for end := time.Now().Add(10 * time.Second); ; {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(end) {
			return err
		}
		wait(ctx, 200*time.Microsecond)
	}
}

func (d *benchDevice) flags(args ...string) []string {
	return append(args, "--state", d.state, "--tpm", d.tpm, "--ca", d.ca)
}

func (d *benchDevice) join(ctx context.Context, server, upn, pass string) error {
	cmd := exec.CommandContext(ctx, d.program, d.flags("join", "--server", server, "--upn", upn, "--tap-stdin")...) //nolint:gosec // built here
	cmd.Stdin = strings.NewReader(pass + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("join: %w %s", err, out)
	}
	return nil
}

func (d *benchDevice) run(ctx context.Context) (*exec.Cmd, error) {
	socket := filepath.Join(d.state, "agent.sock")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, d.program, d.flags("run", "--socket", "off", "--names-socket", "off", "--greeter-socket", "off")...) //nolint:gosec // built here
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return cmd, answers(ctx, socket)
}
