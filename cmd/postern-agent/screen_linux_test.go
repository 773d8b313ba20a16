package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postern-id/postern/internal/agent/greeter"
	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/agent/linux/linuxtest"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/server"
)

// TestTheSignInScreen runs the sign-in screen as the package sets it up: Debian's greetd, a
// compositor on an X server that nobody sees, Chromium, the agent with a TPM, and a server.
func TestTheSignInScreen(t *testing.T) { linuxtest.Outer(t) }

const ada = "ada@contoso.example"

// A stage is a machine that has joined, with its sign-in screen on a display.
type stage struct {
	t       *testing.T
	display string
	pass    string // ada's, for many uses
	dir     string // everybody may look in
	own     string // greetd's user's own
	agent   *linuxtest.Process
	run     []string // its arguments
	n       int      // pages that were seen
	last    string   // page that was shown
	since   time.Time
	hostile atomic.Value // instead of the server's page: what is served
	secret  string       // address of a service of this machine
	reached atomic.Int32 // how often somebody came there
	done    atomic.Int32 // hostile pages that have done all they can
	unplug  func()       // cuts the way to the server, streams too
}

func newStage(t *testing.T) *stage {
	t.Helper()
	linuxtest.Inner(t)
	linuxtest.Need(t, "/usr/sbin/greetd", "sway", "Xvfb", "xdotool", "import", "bwrap", "systemd-socket-activate", "/usr/lib/chromium/chromium")
	chip := tpmtest.New(t)
	site := httptest.NewUnstartedServer(nil)
	site.StartTLS()
	t.Cleanup(site.Close)
	o := server.Options{Dir: t.TempDir(), PublicURL: site.URL, Hold: time.Millisecond, TPMRoots: chip.CA(), Log: slog.New(slog.DiscardHandler)}
	created, err := server.Init(t.Context(), o, server.NewTenant{Domain: "contoso.example", Admin: "ada", TimeZone: "UTC", EnableTAP: true})
	linuxtest.Must(t, err)
	s, err := server.Open(t.Context(), o)
	linuxtest.Must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	own := linuxtest.Folder(t, "_greetd")
	g := &stage{t: t, own: own, dir: filepath.Dir(own), since: time.Now()}
	g.unplug = func() {
		linuxtest.Must(t, site.Listener.Close())
		site.CloseClientConnections()
	}
	site.Config.Handler = g.spoilt(s.Handler())
	site.Config.ErrorLog = log.New(io.Discard, "", 0)
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { g.reached.Add(1) }))
	t.Cleanup(inner.Close)
	g.secret = inner.Listener.Addr().String()
	linuxtest.Program(t, "/usr/bin/postern-agent")
	ca := filepath.Join(g.dir, "ca.pem")
	linuxtest.Write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw})), 0o644)
	agent := []string{"--state", filepath.Join(g.dir, "state"), "--tpm", chip.Where(), "--ca", ca}
	join := exec.CommandContext(t.Context(), "/usr/bin/postern-agent", append([]string{"join", "--server", site.URL, "--upn", ada, "--tap-stdin"}, agent...)...)
	join.Stdin = strings.NewReader(created.Pass + "\n")
	if out, err := join.CombinedOutput(); err != nil {
		t.Fatalf("join: %v\n%s", err, out)
	}
	again, err := server.Recover(t.Context(), o, ada, true)
	linuxtest.Must(t, err)
	g.pass = again.Pass

	session := filepath.Join(g.dir, "session")
	linuxtest.Write(t, session, "#!/bin/sh\necho \"I am $(id -un), $(id -u), by $POSTERN_METHOD\" >"+g.dir+"/opened\n", 0o755)
	linuxtest.Write(t, filepath.Join(g.dir, "opened"), "", 0o666)
	linuxtest.Must(t, os.Chmod(filepath.Join(g.dir, "opened"), 0o666))
	g.run = append([]string{"run", "--log-level", "info", "--session-command", session}, agent...)
	g.startAgent()

	for from, to := range map[string]string{"greeter": "/usr/lib/postern/greeter", "sway.conf": "/usr/share/postern/sway.conf"} {
		text, err := os.ReadFile(filepath.Join("../../packaging/linux/greeter", from))
		linuxtest.Must(t, err)
		linuxtest.Write(t, to, string(text), 0o755)
	}
	g.startWeb()
	linuxtest.Write(t, "/etc/pam.d/greetd", "@include common-auth\n@include common-account\n@include common-session\n", 0o644)
	g.display = linuxtest.Display(t, "1024x768")
	return g
}

// startAgent starts the agent, in the place of the one that was stopped.
func (g *stage) startAgent() {
	g.t.Helper()
	socket := greeter.ScreenSocket(greeter.Socket)
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		g.t.Fatal(err)
	}
	g.agent = linuxtest.Start(g.t, "/usr/bin/postern-agent", g.run...)
	linuxtest.Within(g.t, 10*time.Second, "agent", func() bool { return linuxtest.Exists(socket) })
}

const webUser = "_postern-web"

// startWeb makes web sign-in's user and listens for its browser, as the package has systemd do.
func (g *stage) startWeb() {
	g.t.Helper()
	if _, err := user.Lookup(webUser); err != nil {
		sysusers, err := filepath.Abs("../../packaging/linux/greeter/sysusers.conf")
		linuxtest.Must(g.t, err)
		linuxtest.Run(g.t, "systemd-sysusers", sysusers)
	}
	if err := os.Remove(kiosk.Socket); err != nil && !os.IsNotExist(err) { // of the test before
		g.t.Fatal(err)
	}
	linuxtest.Start(g.t, "systemd-socket-activate", "--accept", "--listen="+kiosk.Socket,
		"setpriv", "--reuid="+webUser, "--regid="+webUser, "--clear-groups", "--no-new-privs", "/usr/bin/postern-agent", "greeter", "web")
	linuxtest.Within(g.t, 10*time.Second, "socket of web sign-in's browser", func() bool { return linuxtest.Exists(kiosk.Socket) })
	greetd, err := user.Lookup("_greetd")
	linuxtest.Must(g.t, err)
	uid, err := strconv.Atoi(greetd.Uid)
	linuxtest.Must(g.t, err)
	linuxtest.Must(g.t, errors.Join(os.Chown(kiosk.Socket, uid, 0), os.Chmod(kiosk.Socket, 0o600)))
}

// begin starts greetd.
func (g *stage) begin() {
	start := filepath.Join(g.dir, "start")
	linuxtest.Write(g.t, start, "#!/bin/sh\nexport XDG_RUNTIME_DIR="+g.own+" DISPLAY="+g.display+" WLR_BACKENDS=x11 WLR_RENDERER=pixman\nexec /usr/lib/postern/greeter 2>"+g.own+"/log\n", 0o755)
	config := filepath.Join(g.dir, "greetd.toml")
	linuxtest.Write(g.t, config, "[terminal]\nvt = \"none\"\n[general]\nsource_profile = false\n[default_session]\ncommand = \""+start+"\"\nuser = \"_greetd\"\n", 0o644)
	linuxtest.Greetd(g.t, config)
	g.t.Cleanup(func() {
		if g.t.Failed() {
			text, _ := os.ReadFile(g.own + "/log")
			g.t.Logf("the greeter wrote:\n%s", text)
			g.picture("failed")
		}
	})
}

// picture takes a picture of the display into the folder that POSTERN_TEST_PICTURES names.
func (g *stage) picture(name string) {
	g.t.Helper()
	folder := os.Getenv("POSTERN_TEST_PICTURES")
	if folder == "" {
		return
	}
	g.x("import", "-window", "root", filepath.Join(folder, name+".png"))
}

// x runs a client of the display.
func (g *stage) x(name string, args ...string) []byte {
	g.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+g.display)
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return bytes.TrimSpace(out)
}

// shown is the title of the page that the person sees, as the compositor has it.
func (g *stage) shown() string {
	name := g.windows().find(func(n node) bool { return n.Focused })
	if name != g.last {
		g.last = name
		g.t.Logf("%7s %q", time.Since(g.since).Round(10*time.Millisecond), name)
	}
	return name
}

// windows are those of the compositor.
func (g *stage) windows() node {
	var tree node
	sockets, err := filepath.Glob(g.own + "/sway-ipc.*.sock")
	if err != nil || len(sockets) == 0 {
		return tree
	}
	out, err := exec.CommandContext(g.t.Context(), "swaymsg", "-s", sockets[0], "-t", "get_tree").Output()
	if err == nil {
		err = json.Unmarshal(out, &tree)
	}
	if err != nil { // it comes, or goes
		return node{}
	}
	return tree
}

type node struct {
	Name    string
	Focused bool
	Nodes   []node
}

func (n node) find(is func(node) bool) string {
	if is(n) {
		return n.Name
	}
	for _, one := range n.Nodes {
		if name := one.find(is); name != "" {
			return name
		}
	}
	return ""
}

// sees waits for a page.
func (g *stage) sees(title string) *stage {
	g.t.Helper()
	g.until("page "+title, func() bool { return strings.Contains(g.shown(), title) })
	return g
}

// until waits, and takes a picture.
func (g *stage) until(what string, is func() bool) {
	g.t.Helper()
	linuxtest.Within(g.t, pageWithin, what, is)
	g.t.Logf("%7s %s", time.Since(g.since).Round(10*time.Millisecond), what)
	g.n++
	g.picture(strconv.Itoa(g.n))
}

const pageWithin = 30 * time.Second // of machines that do much else

// types fills in the field that has the focus and those after it, and sends them.
func (g *stage) types(texts ...string) *stage {
	g.t.Helper()
	return g.goesOn(func() {
		for i, text := range texts {
			if i > 0 {
				g.presses("Tab")
			}
			g.presses("ctrl+a")
			g.x("xdotool", "type", "--delay", "20", text)
		}
		g.presses("Return")
	})
}

// goes presses keys that lead to another page.
func (g *stage) goes(keys ...string) *stage {
	g.t.Helper()
	return g.goesOn(func() { g.presses(keys...) })
}

// goesOn does what leads to another page, and waits for that. A page that was not ready yet
// gets it once more.
func (g *stage) goesOn(do func()) *stage {
	g.t.Helper()
	before := g.shown()
	for range 6 {
		do()
		for range 250 {
			<-time.After(20 * time.Millisecond)
			if now := g.shown(); now != before {
				return g
			}
		}
	}
	g.t.Fatalf("the page %q does not go on", before)
	return g
}

func (g *stage) presses(keys ...string) *stage {
	g.t.Helper()
	g.x("xdotool", append([]string{"key"}, keys...)...)
	return g
}

func TestInsideAPersonComesBackByAPass(t *testing.T) {
	g := newStage(t)
	g.begin()
	g.sees("Locked")
	g.until("browser that waits", func() bool {
		return g.windows().find(func(n node) bool { return strings.HasSuffix(n.Name, "/begin") }) != ""
	})
	g.first("Sign in ·", time.Second).types()
	g.sees("Enter your pass").types(g.pass)
	g.sees("You’re signed in").types()
	g.sees("Choose a new PIN").types("246810", "246810")
	g.until("session", func() bool { return strings.HasPrefix(g.opened(), "I am ada, 2") })
	if !strings.HasSuffix(g.opened(), "by web\n") {
		t.Error(g.opened())
	}
	// The session has ended: greetd shows the screen again, and the PIN works.
	linuxtest.Write(t, filepath.Join(g.dir, "opened"), "", 0o666)
	g.sees("Locked").types("246810")
	g.until("session by PIN", func() bool { return strings.HasPrefix(g.opened(), "I am ada, 2") })
}

// first clicks, and measures how long the first prompt takes. On a machine that is not busy
// (POSTERN_SOAK=1 looks) it may not take longer than most.
func (g *stage) first(title string, most time.Duration) *stage {
	g.t.Helper()
	clicked := time.Now()
	g.types().sees(title)
	took := time.Since(clicked)
	g.t.Logf("first prompt after %s", took.Round(10*time.Millisecond))
	if os.Getenv("POSTERN_SOAK") != "" && !busy(g.t) && took > most {
		g.t.Errorf("the first prompt came after %s, not within %s", took, most)
	}
	return g
}

// busy reports whether more programs want to run than there are cores for.
func busy(t *testing.T) bool {
	text, err := os.ReadFile("/proc/loadavg")
	linuxtest.Must(t, err)
	load, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	linuxtest.Must(t, err)
	return load > float64(2*runtime.NumCPU())
}

// opened is what the session's command wrote.
func (g *stage) opened() string {
	text, err := os.ReadFile(filepath.Join(g.dir, "opened"))
	linuxtest.Must(g.t, err)
	return string(text)
}

// spoilt serves the hostile page in the place of the server's, once there is one.
func (g *stage) spoilt(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := g.hostile.Load().(string)
		switch {
		case r.URL.Path == "/done":
			g.done.Add(1)
		case page != "" && strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/authorize"):
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, page)
		default:
			server.ServeHTTP(w, r)
		}
	})
}

// The page of web sign-in is somebody else's: it can do what Chromium lets pages do.
func TestInsideAHostilePageReachesNothing(t *testing.T) {
	g := newStage(t)
	targets := []string{
		"https://evil.example/", "https://" + g.secret + "/", "http://" + g.secret + "/", "http://localhost:8000/", "https://localhost:8000/",
		"https://169.254.169.254/latest/meta-data/", "https://[::1]:8443/", "https://10.0.0.1/", "http://localhost/?state=foreign&code=1", "file:///etc/passwd",
	}
	list, err := json.Marshal(targets)
	linuxtest.Must(t, err)
	g.hostile.Store(`<!doctype html><title>Hostile</title><h1>Hostile</h1><script>
		const all = ` + string(list) + `.map(u => fetch(u, {mode: "no-cors"}).catch(() => 0));
		for (const u of ` + string(list) + `) { new Image().src = u; try { navigator.sendBeacon(u) } catch {}; document.body.append(Object.assign(document.createElement("iframe"), {src: u})) }
		const peer = new RTCPeerConnection({iceServers: [{urls: "stun:` + g.secret + `"}]}); peer.createDataChannel("x"); peer.createOffer().then(o => peer.setLocalDescription(o));
		all.push(new Promise(end => { const s = new WebSocket("wss://` + g.secret + `/"); s.onopen = s.onerror = end }));
		open("http://` + g.secret + `/");
		Promise.all(all).then(() => fetch("/done"));
	</script>`)
	g.begin()
	g.sees("Locked").first("Hostile", 10*time.Second) // no browser waits yet, and a key may have come too early
	g.until("end of what the page can do", func() bool { return g.done.Load() > 0 })
	if n := g.reached.Load(); n > 0 {
		t.Errorf("the page came to a service of this machine %d times", n)
	}
	for _, host := range []string{"evil.example:443", g.secret, "localhost:8000", "169.254.169.254:443", "[::1]:8443", "10.0.0.1:443"} {
		linuxtest.Within(t, 10*time.Second, host+" in the log", func() bool {
			return strings.Contains(g.agent.Wrote(), `"host":"`+host+`","code":"webSignInHost"`)
		})
	}
	// Nor do its keys: the compositor has those that lead back.
	g.goes("Escape").sees("Locked")

	// The page goes where the policy does not let it.
	g.hostile.Store(`<!doctype html><title>Onward</title><script>location = "https://evil.example/"</script>`)
	g.types().sees("evil.example")
	g.until("name of host and policy above the page", func() bool { return g.barHas("Can't open evil.example: policy ConfigureWebSignInAllowedUrls") })
	g.goes("ctrl+alt+Delete").sees("Locked")

	// A browser that ends, or hangs, is told.
	g.hostile.Store(`<!doctype html><title>Quiet</title>`)
	g.types().sees("Quiet")
	g.strangers()
	g.signal(unix.SIGSEGV)
	g.sees("Web sign-in").goes("Escape").sees("Locked")
	if !strings.Contains(g.agent.Wrote(), `"code":"lockBrowser"`) {
		t.Error("a browser that ended is not told")
	}
	// The lock screen's own comes back by itself.
	linuxtest.Must(t, unix.Kill(g.browser("_greetd"), unix.SIGKILL))
	g.until("screen that is gone", func() bool { return g.shown() == "1" })
	g.sees("Locked")
	if os.Getenv("POSTERN_SOAK") != "" {
		g.types().sees("Quiet")
		g.signal(unix.SIGSTOP)
		g.sees("Web sign-in")
		if !strings.Contains(g.agent.Wrote(), kiosk.ErrHangs.Text) {
			t.Error("a browser that hangs is not told")
		}
		// So is the lock screen's own, whose page does not answer while the browser lives.
		g.goes("Escape").sees("Locked")
		for _, pid := range g.processes("_greetd", "^/usr/lib/chromium/chromium --type=renderer") {
			linuxtest.Must(t, unix.Kill(pid, unix.SIGSTOP))
		}
		linuxtest.Within(t, 2*pageWithin, "screen that is gone", func() bool { return g.shown() == "1" })
		g.sees("Locked")
		// The agent is put in the place of another version: the screen comes back by itself.
		g.agent.Stop()
		g.startAgent()
		g.until("greeter that attaches again", func() bool { return strings.Contains(g.agent.Wrote(), `"msg":"greeter"`) })
		g.sees("Locked").types().sees("Quiet")
	}
	// Nobody else's programs see any of it.
	for user, socket := range map[string]string{"30001": greeter.Socket, "_greetd": greeter.ScreenSocket(greeter.Socket)} {
		p := linuxtest.As(t, user, "/usr/bin/python3", "-c", "import socket\ns = socket.socket(socket.AF_UNIX); s.connect('"+socket+"'); s.settimeout(5)\nprint('heard', len(s.recv(99)))")
		p.Expect("heard 0").Ends(0)
	}
}

// barHas reports whether the bar above the page has text.
func (g *stage) barHas(text string) bool {
	all, err := os.ReadFile(filepath.Join(g.own, "postern-bar"))
	return err == nil && strings.Contains(string(all), text)
}

// strangers shows that the two browsers are two users': neither can look into the other, or
// end it.
func (g *stage) strangers() {
	t := g.t
	t.Helper()
	for pid, stranger := range map[int]string{g.browser("_greetd"): webUser, g.browser(webUser): "_greetd"} {
		inside := "/proc/" + strconv.Itoa(pid)
		if !linuxtest.Exists(inside + "/root/home/kiosk/profile/Default/Preferences") {
			t.Errorf("the profile of %d is elsewhere, so that this test shows nothing", pid)
		}
		linuxtest.As(t, stranger, "/usr/bin/python3", "-c", strings.ReplaceAll(peek, "PID", strconv.Itoa(pid))).Expect("the end").Ends(0)
	}
	// Nor can web sign-in's user come to where the greeter, the agent and the compositor are.
	sockets, err := filepath.Glob(g.own + "/*")
	linuxtest.Must(t, err)
	for _, path := range append(sockets, kiosk.Socket) {
		linuxtest.As(t, webUser, "/usr/bin/python3", "-c", "import os\nprint('may' if os.access('"+path+"', os.R_OK) or os.access('"+path+"', os.W_OK) else 'may not')").Expect("may not").Ends(0)
	}
	linuxtest.As(t, webUser, "/usr/bin/python3", "-c", "import socket\ns = socket.socket(socket.AF_UNIX); s.connect('"+greeter.Socket+"'); s.settimeout(5)\nprint('heard', len(s.recv(99)))").Expect("heard 0").Ends(0)
}

// peek tries what one user's program can do to another's, and fails when any of it works.
const peek = `
import ctypes, os, signal
def tried(what, do):
    try: do()
    except OSError: return
    raise SystemExit("it can: " + what)
for name in ("root/home/kiosk/profile/Default/Preferences", "environ", "mem", "maps", "fd/0", "cwd/profile", "map_files"):
    path = "/proc/PID/" + name
    tried("read " + name, lambda: os.listdir(path) if name == "map_files" else open(path, "rb").read(1))
tried("look at what is open", lambda: os.listdir("/proc/PID/fd"))
for number in (0, signal.SIGTERM, signal.SIGSTOP): tried("signal", lambda: os.kill(PID, number))
libc = ctypes.CDLL(None, use_errno=True)
def called(result):
    if result < 0: raise OSError(ctypes.get_errno(), "refused")
tried("ptrace", lambda: called(libc.ptrace(0x4206, PID, 0, 0)))
here = ctypes.create_string_buffer(8)
class Part(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
mine, theirs = Part(ctypes.addressof(here), 8), Part(0x400000, 8)
tried("read memory", lambda: called(libc.process_vm_readv(PID, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)))
def enter(): called(libc.setns(os.open("/proc/PID/ns/user", os.O_RDONLY), 0))
tried("enter its namespaces", enter)
print("the end")
`

// signal sends a signal to web sign-in's browser.
func (g *stage) signal(s unix.Signal) {
	g.t.Helper()
	linuxtest.Must(g.t, unix.Kill(g.browser(webUser), s))
}

// browser is the first process of the browser that runs as name.
func (g *stage) browser(name string) int {
	g.t.Helper()
	for _, pid := range g.processes(name, "^/usr/lib/chromium/chromium ") {
		line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err == nil && !bytes.Contains(line, []byte("--type=")) {
			return pid
		}
	}
	g.t.Fatalf("no browser of %s", name)
	return 0
}

// processes are name's below this test whose command lines fit a pattern.
func (g *stage) processes(name, pattern string) []int {
	g.t.Helper()
	var all []int
	for text := range strings.FieldsSeq(string(g.x("pgrep", "-u", name, "-f", pattern))) {
		pid, err := strconv.Atoi(text)
		linuxtest.Must(g.t, err)
		for at, ok := int32(pid), true; ok && at > 1; {
			var s peer.Stat
			s, ok = peer.StatOf(at)
			env, _ := os.ReadFile("/proc/" + strconv.Itoa(int(at)) + "/environ") // sway's own are init's children
			if s.Parent == int32(os.Getpid()) || bytes.Contains(env, []byte("XDG_RUNTIME_DIR="+g.own)) {
				all = append(all, pid)
				break
			}
			at = s.Parent
		}
	}
	return all
}
