package pam_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/userdb"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

// inside names, in the inner run of these tests, the folder with what the outer one built.
const inside = "POSTERN_TEST_INSIDE"

// TestLinuxPrograms runs the programs of this machine (su, sudo, login, sshd and more) with the
// module, the service for names and the agent's end of the socket. What they change is
// changed in a mount namespace only.
func TestLinuxPrograms(t *testing.T) {
	if os.Getenv(inside) != "" {
		t.Skip("this is the inner run")
	}
	need(t, "gcc", "make", "pamtester", "su", "sudo", "login", "getent", "ssh", "/usr/sbin/sshd", "ssh-keygen", "unshare", "setpriv", "/usr/sbin/pam-auth-update", "/usr/include/security/pam_modules.h")
	built := t.TempDir()
	run(t, "make", "--no-print-directory", "-C", "../../../native/pam", "OUT="+built)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", self, "-test.run=^TestInside", "-test.v", "-test.timeout=5m")
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
		if _, err := exec.LookPath(part); err != nil && (!strings.HasSuffix(part, ".h") || !exists(part)) {
			missing = append(missing, part)
		}
	}
	switch {
	case os.Getuid() != 0:
		missing = append(missing, "root")
	case len(missing) == 0:
		return
	}
	if os.Getenv("CI") == "true" && os.Getuid() == 0 {
		t.Fatalf("missing: %s; scripts/test-deps installs it", strings.Join(missing, ", "))
	}
	t.Skipf("missing: %s", strings.Join(missing, ", "))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A machine is this one, changed where nobody else sees it.
type machine struct {
	*office
	t    *testing.T
	stop func() // the agent
}

// newMachine mounts over what the tests change, installs the module and starts an agent.
func newMachine(t *testing.T) *machine {
	t.Helper()
	built := os.Getenv(inside)
	if built == "" {
		t.Skip("TestLinuxPrograms runs this")
	}
	m := &machine{t: t, office: newOffice()}
	mounts.Do(func() { m.mount(built) })
	write(t, pam.Conf, "fresh-proof =\nbreak-glass =\n", 0o644)
	m.start()
	t.Cleanup(func() { m.stop() })
	return m
}

var mounts sync.Once

func (m *machine) mount(built string) {
	t := m.t
	upper, err := os.MkdirTemp("", "upper")
	if err != nil {
		t.Fatal(err)
	}
	must(t, unix.Mount("upper", upper, "tmpfs", 0, ""))
	for _, d := range []string{"etc", "usr", "var"} {
		up, work := filepath.Join(upper, d), filepath.Join(upper, d+".work")
		must(t, errors.Join(os.Mkdir(up, 0o755), os.Mkdir(work, 0o755)))
		must(t, unix.Mount("overlay", "/"+d, "overlay", 0, "lowerdir=/"+d+",upperdir="+up+",workdir="+work))
	}
	must(t, unix.Mount("run", "/run", "tmpfs", 0, "mode=755"))
	must(t, unix.Mount("home", "/home", "tmpfs", 0, "mode=755"))
	must(t, os.Mkdir("/run/sshd", 0o755))

	module, err := os.ReadFile(filepath.Join(built, "pam_postern.so"))
	must(t, err)
	unixModule, err := filepath.Glob("/usr/lib/*/security/pam_unix.so")
	must(t, err)
	if len(unixModule) != 1 {
		t.Fatalf("modules of PAM are at %q", unixModule)
	}
	write(t, filepath.Join(filepath.Dir(unixModule[0]), "pam_postern.so"), string(module), 0o644)
	for _, name := range []string{"postern", "postern-passwd"} {
		profile, err := os.ReadFile(filepath.Join("../../../packaging/linux/pam-configs", name))
		must(t, err)
		write(t, filepath.Join("/usr/share/pam-configs", name), string(profile), 0o644)
	}
	run(t, "/usr/sbin/pam-auth-update", "--package", "--enable", "postern", "postern-passwd")
	// Like login, but without the delays that it adds.
	write(t, "/etc/pam.d/prompt", "@include common-auth\n@include common-account\n@include common-session\n@include common-password\n", 0o644)
	write(t, "/etc/nsswitch.conf", "passwd: files systemd\ngroup: files systemd\nshadow: files systemd\ngshadow: files systemd\nhosts: files dns\n", 0o644)
	must(t, os.MkdirAll("/etc/postern", 0o755))
	run(t, "/usr/sbin/groupadd", "--gid", "30500", "ops")
	run(t, "/usr/sbin/useradd", "--uid", "30001", "--create-home", "--shell", "/bin/bash", "kim")
	run(t, "/usr/sbin/useradd", "--uid", "30002", "--create-home", "--shell", "/bin/bash", "rescue")
	passwords := exec.Command("/usr/sbin/chpasswd")
	passwords.Stdin = strings.NewReader("kim:kims-password\nrescue:rescues-password\n")
	if out, err := passwords.CombinedOutput(); err != nil {
		t.Fatalf("chpasswd: %v\n%s", err, out)
	}
	write(t, "/etc/sudoers.d/tests", "%ops ALL=(ALL) ALL\nkim ALL=(ALL) ALL\nrescue ALL=(ALL) ALL\nDefaults timestamp_timeout=0, !lecture\n", 0o440)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), mode))
	must(t, os.Chmod(path, mode))
}

// start starts the agent; stop ends it and leaves no socket.
func (m *machine) start() {
	t := m.t
	ctx, cancel := context.WithCancel(context.Background())
	state, err := disk.Open(filepath.Join(t.TempDir(), "state"))
	must(t, err)
	pins, err := userdb.OpenPins(state)
	must(t, err)
	book := &userdb.Book{
		Numbers: device.Numbers{First: 200000, Last: 499999}, Pins: pins,
		Local: func() (userdb.Local, error) { return userdb.ReadLocal("/etc/passwd", "/etc/group") },
	}
	refused, err := book.Set(m.accounts(), map[string]string{"g-ops": "ops"})
	must(t, err)
	if len(refused) > 0 {
		t.Fatalf("refused: %v", refused)
	}
	log := slog.New(slog.DiscardHandler)
	names, err := peer.Listen(ctx, "/run/systemd/userdb/"+userdb.Name)
	must(t, err)
	talk, err := peer.Listen(ctx, "/run/postern/pam.sock")
	must(t, err)
	server := &pam.Server{
		Agent: m.office, Peer: peer.Of, Now: time.Now, Log: log,
		Services: func() pam.Services { s, err := pam.ReadServices(pam.Conf); must(t, err); return s },
		Local: func(name string) bool {
			l, err := userdb.ReadLocal("/etc/passwd", "/etc/group")
			must(t, err)
			return l.Users[name]
		},
	}
	var done sync.WaitGroup
	done.Go(func() { _ = (&userdb.Server{Book: book, Log: log, Peer: peer.Of}).Serve(ctx, names) })
	done.Go(func() { _ = server.Serve(ctx, talk) })
	m.stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
		_ = os.Remove("/run/postern/pam.sock")
	})
}

// An office decides in the place of the rest of the agent: it knows people, PINs and passes.
type office struct {
	mu      sync.Mutex
	people  map[string]*somebody
	policy  pam.Policy
	records []string
}

type somebody struct {
	pam.Person
	pin, pass string
	wrong     int
}

var (
	errPIN  = &fault.Error{Kind: fault.Forbidden, Code: "pinWrong", Text: "That's not the PIN."}
	errPass = &fault.Error{Kind: fault.Forbidden, Code: "credentialRefused", Text: "That didn't work.", Remedy: "Check the pass."}
)

func newOffice() *office {
	o := &office{people: map[string]*somebody{}, policy: pam.Policy{Online: true, UsePIN: true, DeviceCode: true, ElevationFor: 0}}
	for i, name := range []string{"ada", "bob"} {
		o.people[name] = &somebody{Person: pam.Person{ID: "id-" + name, Name: name, UID: uint32(200001 + i), Enabled: true, PIN: pam.PINSet}, pin: "246810", pass: "ABCDEFGH"}
	}
	return o
}

func (o *office) accounts() []device.Account {
	var all []device.Account
	for _, p := range o.people {
		groups := []device.AccountGroup{{ID: "g-finance", Name: "finance-200100", GID: 200100}}
		if p.Name == "ada" {
			groups = append(groups, device.AccountGroup{ID: "g-ops", Name: "admins-200101", GID: 200101})
		}
		all = append(all, device.Account{
			ID: p.ID, UserName: p.Name, UPN: p.Name + "@contoso.example", DisplayName: "Person " + p.Name, UID: p.UID, GID: p.UID,
			Home: "/home/" + p.Name, Shell: "/bin/bash", Groups: groups, Enabled: true,
		})
	}
	return all
}

// set changes what the office knows, while programs ask.
func (o *office) set(change func(*office)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

func (o *office) Person(typed string) (pam.Person, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, _, _ := strings.Cut(typed, "@contoso.example")
	p, ok := o.people[name]
	if !ok {
		return pam.Person{}, false
	}
	return p.Person, true
}

func (o *office) Policy(pam.Person) pam.Policy {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.policy
}

func (o *office) Admit(pam.Attempt) error { return nil }

func (o *office) UnlockPIN(_ context.Context, a pam.Attempt, pin string) (pam.Person, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.people[a.Person.Name]
	if pin != p.pin {
		if p.wrong++; p.wrong == 5 {
			p.PIN = pam.PINStopped
		}
		return pam.Person{}, errPIN
	}
	p.wrong = 0
	return p.Person, nil
}

func (o *office) RedeemPass(_ context.Context, a pam.Attempt, pass string) (pam.Person, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, _, _ := strings.Cut(a.Request.User, "@")
	p, ok := o.people[name]
	if !ok || strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(pass)) != p.pass {
		return pam.Person{}, errPass
	}
	p.pass = "" // one-time
	return p.Person, nil
}

func (o *office) RedeemTicket(context.Context, pam.Attempt, string) (pam.Person, error) {
	return pam.Person{}, errPass
}

func (o *office) StartCode(context.Context, pam.Attempt) (pam.Grant, error) {
	return pam.Grant{URL: "https://login.contoso.example/device", Code: "WXYZ-2345", Number: "42"}, nil
}

func (o *office) AwaitCode(_ context.Context, a pam.Attempt, _ pam.Grant) (pam.Person, error) {
	p, _ := o.Person(a.Request.User)
	return p, nil
}

func (o *office) ChangePIN(_ context.Context, a pam.Attempt, former, next string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.people[a.Person.Name]
	if former != p.pin {
		return errPIN
	}
	p.pin = next
	return nil
}

func (o *office) Record(a pam.Attempt, by pam.Method, result pam.Code) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records = append(o.records, fmt.Sprintf("%s %s %s %q %d remote=%v", a.Request.Action, a.Request.Service, a.Request.User, by, result, a.Remote))
}

// recorded tells whether a record has all parts.
func (o *office) recorded(parts ...string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.records {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(r, part)
		}
		if found {
			return true
		}
	}
	return false
}

// A terminal is a program on a pseudo-terminal, and what it has written.
type terminal struct {
	t    *testing.T
	file *os.File
	cmd  *exec.Cmd
	read chan []byte
	seen bytes.Buffer
	at   int // how far expect has looked
}

// open starts a program on a terminal of its own.
func (m *machine) open(name string, args ...string) *terminal {
	t := m.t
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	fd := int(master.Fd())
	must(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	must(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = slave, slave, slave, "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "LANG=C.UTF-8"}
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	must(t, cmd.Start())
	must(t, slave.Close())
	p := &terminal{t: t, file: master, cmd: cmd, read: make(chan []byte)}
	go func() {
		defer close(p.read)
		for {
			buffer := make([]byte, 4096)
			n, err := master.Read(buffer)
			if n > 0 {
				p.read <- buffer[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

// expect waits until the program has written text.
func (p *terminal) expect(text string) *terminal {
	p.t.Helper()
	end := time.After(30 * time.Second)
	for {
		if i := bytes.Index(p.seen.Bytes()[p.at:], []byte(text)); i >= 0 {
			p.at += i + len(text)
			return p
		}
		select {
		case more, ok := <-p.read:
			if !ok {
				p.t.Fatalf("%s ended before it wrote %q:\n%s", p.cmd.Path, text, p.seen.String())
			}
			p.seen.Write(more)
		case <-end:
			p.t.Fatalf("%s does not write %q:\n%s", p.cmd.Path, text, p.seen.String())
		}
	}
}

// say types a line.
func (p *terminal) say(text string) *terminal {
	p.t.Helper()
	_, err := p.file.WriteString(text + "\n")
	must(p.t, err)
	return p
}

// end waits for the end of the program and returns its exit code and all it wrote.
func (p *terminal) end() (int, string) {
	p.t.Helper()
	late := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	for more := range p.read {
		p.seen.Write(more)
	}
	_ = p.cmd.Wait()
	_ = p.file.Close()
	return p.cmd.ProcessState.ExitCode(), p.seen.String()
}

// ends checks the exit code.
func (p *terminal) ends(code int) {
	p.t.Helper()
	if got, out := p.end(); got != code {
		p.t.Errorf("%s ended with %d, want %d:\n%s", p.cmd.Args, got, code, out)
	}
}
