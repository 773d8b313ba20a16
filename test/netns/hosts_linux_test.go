package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inside names, in the inner run of tests, the folder with what the outer one built.
const inside = "POSTERN_TEST_NETNS"

// TestADeviceAndItsServerOnTwoHosts runs the tests whose names begin with TestInside, in a
// mount namespace that they may change.
func TestADeviceAndItsServerOnTwoHosts(t *testing.T) {
	if os.Getenv(inside) != "" {
		t.Skip("this is the inner run")
	}
	need(t, "ip", "unshare", "swtpm", "swtpm_setup")
	built := t.TempDir()
	for _, program := range []string{"postern", "postern-agent"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
			"-o", filepath.Join(built, program), "github.com/postern-id/postern/cmd/"+program)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", self, "-test.run=^TestInside", "-test.v", "-test.parallel=8", "-test.timeout=60m")
	cmd.Env = append(os.Environ(), inside+"="+built)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else if testing.Verbose() {
		t.Logf("%s", out)
	}
}

// need skips a test whose parts are missing; in CI that is a failure.
func need(t *testing.T, parts ...string) {
	t.Helper()
	var missing []string
	for _, part := range parts {
		if _, err := exec.LookPath(part); err != nil {
			missing = append(missing, part)
		}
	}
	root := os.Getuid() == 0
	if !root {
		missing = append(missing, "root")
	}
	if len(missing) == 0 {
		return
	}
	if root && os.Getenv("CI") == "true" {
		t.Fatalf("missing: %s; scripts/test-deps installs it", strings.Join(missing, ", "))
	}
	t.Skipf("SKIPPED, nothing of two hosts is tried. Missing: %s", strings.Join(missing, ", "))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A host is a network namespace, held by a process that sleeps.
type host struct {
	t   *testing.T
	pid int
}

func newHost(t *testing.T) *host {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "sleep", "3600")
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	h := &host{t, cmd.Process.Pid}
	mine, err := os.Readlink("/proc/self/ns/net")
	must(t, err)
	within(t, "a namespace", func() bool {
		theirs, err := os.Readlink(h.path())
		return err == nil && theirs != mine
	})
	h.ip("link set lo up")
	return h
}

func (h *host) path() string { return "/proc/" + strconv.Itoa(h.pid) + "/ns/net" }

// ip runs a command of ip(8) on the host.
func (h *host) ip(line string) {
	h.t.Helper()
	run(h.t, "nsenter", append([]string{"--net=" + h.path(), "ip"}, strings.Fields(line)...)...)
}

// here runs f on a thread that is on the host. Sockets and processes that f makes stay there.
func (h *host) here(f func()) {
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread() // and the thread ends with the goroutine
		file, err := os.Open(h.path())
		if err == nil {
			err = errors.Join(unix.Setns(int(file.Fd()), unix.CLONE_NEWNET), file.Close())
		}
		if err != nil {
			panic(fmt.Errorf("enter a network namespace: %w", err))
		}
		f()
	})
	done.Wait()
}

func (h *host) dial(ctx context.Context, address string) (conn net.Conn, err error) {
	h.here(func() { conn, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp4", address) })
	return conn, err
}

func (h *host) listen(address string) (l net.Listener) {
	h.t.Helper()
	var err error
	h.here(func() { l, err = (&net.ListenConfig{}).Listen(h.t.Context(), "tcp4", address) })
	must(h.t, err)
	h.t.Cleanup(func() { _ = l.Close() })
	return l
}

// Addresses. The server has a second one, by which the router reaches it while it takes what
// is for the first.
const (
	deviceIP = "10.77.1.2"
	routerIP = "10.77.1.1"
	serverIP = "10.77.2.2"
	behindIP = "10.77.3.2"
	name     = "id.contoso.test"
	port     = "8443"
	site     = "https://" + name + ":" + port
)

// A network is a device, a server, and the router between them.
type network struct {
	device, router, server *host
	taken                  bool
}

// link lays a cable between two hosts.
func link(t *testing.T, a *host, nameA string, b *host, nameB string) {
	t.Helper()
	run(t, "ip", "link", "add", nameA, "netns", strconv.Itoa(a.pid), "type", "veth", "peer", "name", nameB, "netns", strconv.Itoa(b.pid))
	a.ip("link set " + nameA + " up")
	b.ip("link set " + nameB + " up")
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{device: newHost(t), router: newHost(t), server: newHost(t)}
	link(t, n.device, "d0", n.router, "m1")
	link(t, n.server, "s0", n.router, "m2")
	n.router.ip("addr add " + routerIP + "/24 dev m1")
	n.router.ip("addr add 10.77.2.1/24 dev m2")
	n.router.ip("addr add 10.77.3.1/24 dev m2")
	n.device.ip("addr add " + deviceIP + "/24 dev d0")
	n.device.ip("route add default via " + routerIP)
	n.server.ip("addr add " + serverIP + "/24 dev s0")
	n.server.ip("addr add " + behindIP + "/24 dev s0")
	n.server.ip("route add default via 10.77.2.1")
	n.router.here(func() { must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600)) })
	n.names(t)
	return n
}

// names answers the device's questions for names: the router is its name server, and says of
// every name that it is the server's.
func (n *network) names(t *testing.T) {
	t.Helper()
	resolver.Do(func() { // all devices have it, and nobody outside of these tests
		file := filepath.Join(os.Getenv(inside), "resolv.conf")
		must(t, os.WriteFile(file, []byte("nameserver "+routerIP+"\noptions timeout:1 attempts:2\n"), 0o600))
		must(t, unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, ""))
	})
	var conn net.PacketConn
	var err error
	n.router.here(func() { conn, err = (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", routerIP+":53") })
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		question := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			if answer := resolve(question[:size]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
}

var resolver sync.Once

// resolve answers one question (RFC 1035 section 4): A records only.
func resolve(q []byte) []byte {
	if len(q) < 12 {
		return nil
	}
	at := 12
	for at < len(q) && q[at] != 0 {
		at += int(q[at]) + 1
	}
	end := at + 5 // the root, type and class
	if end > len(q) {
		return nil
	}
	out := append([]byte{}, q[:end]...)
	copy(out[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	if q[at+2] != 1 { // no A
		return out
	}
	out[7] = 1
	out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4)
	return append(out, net.ParseIP(serverIP).To4()...)
}

// take lets the router itself be what the device takes for the server; give ends that.
func (n *network) take() {
	if !n.taken {
		n.router.ip("route add local " + serverIP + "/32 dev lo")
	}
	n.taken = true
}

func (n *network) give() {
	if n.taken {
		n.router.ip("route del local " + serverIP + "/32 dev lo")
	}
	n.taken = false
}

// replug pulls the device's cable, as who takes it elsewhere, and puts it in again.
func (n *network) replug() {
	n.device.ip("link set d0 down")
	n.device.ip("link set d0 up")
	n.device.ip("route add default via " + routerIP)
}

// within waits for something that is to happen soon.
func within(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}
