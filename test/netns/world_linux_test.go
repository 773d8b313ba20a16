package netns

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/control"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/test/live"
)

const (
	admin = "admin@" + live.Domain
	user  = "admin" // their name on the device
)

// A world is a network with the built server on one host.
type world struct {
	*network
	t       *testing.T
	house   *live.House
	graph   *live.Graph
	process *live.Process
}

func newWorld(t *testing.T) *world {
	t.Helper()
	built := os.Getenv(inside)
	if built == "" {
		t.Skip("another test runs this one, in a mount namespace")
	}
	t.Parallel() // each in a network of its own
	w := &world{t: t, network: newNetwork(t)}
	var err error
	w.house, err = live.Init(t.Context(), filepath.Join(built, "postern"), t.TempDir(), "")
	must(t, err)
	transport, ok := w.house.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("a client without a transport")
	}
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return w.router.dial(ctx, behindIP+":"+port)
	}
	w.serve()
	w.graph, err = w.house.Graph(t.Context(), site)
	must(t, err)
	return w
}

// serve starts the server on its host. It is ended with the test.
func (w *world) serve(more ...string) {
	w.t.Helper()
	var err error
	w.server.here(func() {
		w.process, err = w.house.Start(w.t.Context(), append([]string{"--listen", "0.0.0.0:" + port, "--public-url", site}, more...)...)
	})
	must(w.t, err)
	process := w.process
	w.t.Cleanup(func() {
		_ = process.Kill()
		if w.t.Failed() {
			w.t.Logf("the server said at the end:\n%s", process.Words())
		}
	})
}

// restart ends the server as a power cut does, and starts it again.
func (w *world) restart(more ...string) {
	w.t.Helper()
	must(w.t, w.process.Kill())
	w.house.Forget()
	w.serve(more...)
}

// pass issues a pass for the administrator.
func (w *world) pass(body string) string {
	w.t.Helper()
	p, err := w.graph.Issue(w.t.Context(), site, admin, body)
	must(w.t, err)
	return p.Pass
}

const (
	once = `{"isUsableOnce":true}`
	many = `{"isUsableOnce":false}`
)

// devices is how many the tenant has.
func (w *world) devices() int {
	w.t.Helper()
	all, err := live.List[struct{ ID string }](w.t.Context(), w.graph, site, "/v1.0/devices")
	must(w.t, err)
	return len(all)
}

// A machine is the device: its TPM, its state, and the agent when that runs.
type machine struct {
	w     *world
	chip  *tpmtest.Machine
	state string
	ca    string // file with the CAs that it trusts
	agent *exec.Cmd
	words bytes.Buffer
}

func (w *world) machine() *machine {
	w.t.Helper()
	// The path of a socket has 107 bytes at most.
	state, err := os.MkdirTemp("", "agent")
	must(w.t, err)
	m := &machine{w: w, chip: tpmtest.New(w.t), state: state, ca: w.house.CACertificate}
	w.t.Cleanup(func() {
		m.kill()
		_ = os.RemoveAll(state)
		if w.t.Failed() {
			w.t.Logf("the agent said:\n%s", m.words.String())
		}
	})
	return m
}

func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append(args, "--state", m.state, "--tpm", m.chip.Where(), "--ca", m.ca)
	return exec.CommandContext(ctx, filepath.Join(os.Getenv(inside), "postern-agent"), args...)
}

// says runs one command of the agent on the device and returns what it printed, on both.
func (m *machine) says(stdin string, args ...string) (out, words string, err error) {
	cmd := m.command(m.w.t.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	m.w.device.here(func() { err = cmd.Start() })
	if err == nil {
		err = cmd.Wait()
	}
	return stdout.String(), stderr.String(), err
}

// join joins the device with a pass.
func (m *machine) join(pass string) (words string, err error) {
	_, words, err = m.says(pass+"\n", "join", "--server", site, "--upn", admin, "--tap-stdin", "--name", "LT-0451")
	return words, err
}

func (m *machine) joined() *machine {
	m.w.t.Helper()
	if words, err := m.join(m.w.pass(once)); err != nil {
		m.w.t.Fatalf("join: %v\n%s", err, words)
	}
	return m
}

// start runs the agent.
func (m *machine) start() *machine {
	m.w.t.Helper()
	_ = os.Remove(m.socket())
	m.agent = m.command(context.WithoutCancel(m.w.t.Context()), "run", "--socket", m.socket(), "--names-socket", "off", "--greeter-socket", "off", "--log-level", "info")
	m.agent.Stderr = &m.words
	var err error
	m.w.device.here(func() { err = m.agent.Start() })
	must(m.w.t, err)
	for _, socket := range []string{m.socket(), filepath.Join(m.state, control.Name)} {
		within(m.w.t, "the agent listens", func() bool {
			conn, err := net.Dial("unix", socket)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
	}
	return m
}

// forgive lets the TPM forget wrong PINs, as time would. The agent is started anew: the TPM
// takes one user at a time.
func (m *machine) forgive() {
	m.w.t.Helper()
	m.kill()
	m.chip.Forgive()
	m.start()
}

// kill ends the agent as a power cut does.
func (m *machine) kill() {
	if m.agent != nil {
		_ = m.agent.Process.Kill()
		_ = m.agent.Wait()
	}
	m.agent = nil
}

func (m *machine) socket() string { return filepath.Join(m.state, "pam.sock") }

// online waits until the agent is in touch with the server.
func (m *machine) online() *machine {
	m.w.t.Helper()
	within(m.w.t, "the agent is online", func() bool { return m.status().Online })
	return m
}

type status struct {
	DeviceID string `json:"deviceId"`
	Online   bool   `json:"online"`
	Users    []struct {
		PIN string `json:"pin"`
	} `json:"users"`
	Problems []struct {
		Code string `json:"code"`
	} `json:"problems"`
}

func (m *machine) status() status {
	m.w.t.Helper()
	out, words, err := m.says("", "status", "--json")
	if err != nil {
		m.w.t.Fatalf("status: %v\n%s", err, words)
	}
	var s status
	must(m.w.t, json.Unmarshal([]byte(out), &s))
	return s
}

// A prompt is a conversation as pam_postern.so holds it for a program of root's.
type prompt struct {
	asked, said []string
	code        string // of PAM; 0 is success
}

// talk answers the agent's questions, one after the other, and returns what was said. An
// agent that goes away is an error.
func (m *machine) talk(action string, answers ...string) (prompt, error) {
	return m.answering(action, func(question string) string {
		if len(answers) == 0 {
			m.w.t.Errorf("one question more than was thought of: %s", question)
			return ""
		}
		first := answers[0]
		answers = answers[1:]
		return first
	})
}

func (m *machine) answering(action string, answer func(question string) string) (prompt, error) {
	var p prompt
	conn, err := net.Dial("unix", m.socket())
	if err != nil {
		return p, err
	}
	defer func() { _ = conn.Close() }()
	start := "v=1\x00action=" + action + "\x00user=" + user + "\x00service=login\x00tty=/dev/tty1\x00"
	if err := write(conn, 'S', start); err != nil {
		return p, err
	}
	for {
		f, err := pam.ReadFrame(conn)
		if err != nil {
			return p, err
		}
		switch f.Type {
		case 'P', 'E':
			p.asked = append(p.asked, string(f.Payload))
			if err := write(conn, 'r', answer(string(f.Payload))); err != nil {
				return p, err
			}
		case 'R':
			p.code = string(f.Payload)
			return p, nil
		default:
			p.said = append(p.said, string(f.Payload))
		}
	}
}

func write(w io.Writer, kind byte, text string) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(text))), text...))
	return err
}

// does is talk that has to end well, or has to be refused.
func (m *machine) does(well bool, action string, answers ...string) prompt {
	m.w.t.Helper()
	p, err := m.talk(action, answers...)
	must(m.w.t, err)
	if (p.code == "0") != well {
		m.w.t.Fatalf("%s ends with %s, it asked %q and said %q", action, p.code, p.asked, p.said)
	}
	return p
}

const (
	firstPIN  = "271828"
	secondPIN = "314159"
)

// withPIN signs the person in by a pass and sets a PIN up.
func (m *machine) withPIN() *machine {
	m.w.t.Helper()
	m.does(true, "auth", m.w.pass(many))
	m.does(true, "chauthtok", firstPIN, firstPIN)
	return m
}

// foreign is a server certificate of our making, for the server's name.
func foreign(t *testing.T, change func(*certificate)) (pair tls.Certificate, certFile, keyFile, caFile string) {
	t.Helper()
	c := newCertificate()
	change(&c)
	pair, err := c.issue()
	must(t, err)
	dir := t.TempDir()
	certFile, keyFile, caFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	must(t, errors.Join(os.WriteFile(certFile, c.chain, 0o600), os.WriteFile(keyFile, c.private, 0o600), os.WriteFile(caFile, c.root, 0o600)))
	return pair, certFile, keyFile, caFile
}

// trusting lets the device trust the server's CA and those that are added.
func (m *machine) trusting(t *testing.T) (add func(file string)) {
	t.Helper()
	m.ca = filepath.Join(t.TempDir(), "bundle.pem")
	add = func(file string) {
		bundle, err := os.ReadFile(m.w.house.CACertificate)
		must(t, err)
		more, err := os.ReadFile(file)
		must(t, err)
		must(t, os.WriteFile(m.ca, append(bundle, more...), 0o600))
	}
	add(m.w.house.CACertificate)
	return add
}

// quiet is a log that nobody reads.
var quiet = log.New(io.Discard, "", 0)

func withValue(r *http.Request, key, value any) context.Context {
	return context.WithValue(r.Context(), key, value)
}
