//go:build linux

// Package linuxtest lets tests run the programs of this machine with pam_postern.so and names
// of a tenant, in a mount namespace that leaves the machine as it was: local people kim and
// rescue, the group ops, and PAM as the package sets it up.
package linuxtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/ticket"
)

// inside names, in the inner run of tests, the folder with what the outer one built.
const inside = "POSTERN_TEST_INSIDE"

// Outer runs the tests whose names begin with TestInside in a mount namespace.
func Outer(t *testing.T) {
	t.Helper()
	if os.Getenv(inside) != "" {
		t.Skip("this is the inner run")
	}
	Need(t, "gcc", "make", "pamtester", "su", "sudo", "login", "getent", "ssh", "/usr/sbin/sshd", "ssh-keygen", "unshare", "setpriv",
		"/usr/sbin/pam-auth-update", "/usr/include/security/pam_modules.h")
	built := t.TempDir()
	Run(t, "make", "--no-print-directory", "-C", filepath.Join(repository(t), "native/pam"), "OUT="+built)
	self, err := os.Executable()
	Must(t, err)
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", self, "-test.run=^TestInside", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inside+"="+built)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else if testing.Verbose() {
		t.Logf("%s", out)
	}
}

// Inner makes the machine ready, once for a test program, or skips a test that Outer did not
// start.
func Inner(t *testing.T) {
	t.Helper()
	built := os.Getenv(inside)
	if built == "" {
		t.Skip("another test runs this one, in a mount namespace")
	}
	mounts.Do(func() { mount(t, built) })
	Write(t, "/etc/postern/pam.conf", "fresh-proof =\nbreak-glass =\n", 0o644)
}

var mounts sync.Once

// repository is the root of the source tree.
func repository(t testing.TB) string {
	t.Helper()
	at, err := os.Getwd()
	Must(t, err)
	for at != "/" {
		if Exists(filepath.Join(at, "go.mod")) {
			return at
		}
		at = filepath.Dir(at)
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// Need skips a test whose parts are missing; in CI that is a failure.
func Need(t testing.TB, parts ...string) {
	t.Helper()
	var missing []string
	for _, part := range parts {
		if _, err := exec.LookPath(part); err != nil && (!strings.HasSuffix(part, ".h") || !Exists(part)) {
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

// Exists tells whether there is a file.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Run runs a program and returns what it wrote.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func mount(t testing.TB, built string) {
	upper := filepath.Join(built, "upper")
	Must(t, os.Mkdir(upper, 0o700))
	Must(t, unix.Mount("upper", upper, "tmpfs", 0, ""))
	for _, d := range []string{"etc", "usr", "var"} {
		up, work := filepath.Join(upper, d), filepath.Join(upper, d+".work")
		Must(t, errors.Join(os.Mkdir(up, 0o755), os.Mkdir(work, 0o755)))
		Must(t, unix.Mount("overlay", "/"+d, "overlay", 0, "lowerdir=/"+d+",upperdir="+up+",workdir="+work))
	}
	Must(t, unix.Mount("run", "/run", "tmpfs", 0, "mode=755"))
	Must(t, unix.Mount("home", "/home", "tmpfs", 0, "mode=755"))
	Must(t, os.Mkdir("/run/sshd", 0o755))

	module, err := os.ReadFile(filepath.Join(built, "pam_postern.so"))
	Must(t, err)
	unixModule, err := filepath.Glob("/usr/lib/*/security/pam_unix.so")
	Must(t, err)
	if len(unixModule) != 1 {
		t.Fatalf("modules of PAM are at %q", unixModule)
	}
	Write(t, filepath.Join(filepath.Dir(unixModule[0]), "pam_postern.so"), string(module), 0o644)
	for _, name := range []string{"postern", "postern-passwd"} {
		profile, err := os.ReadFile(filepath.Join(repository(t), "packaging/linux/pam-configs", name))
		Must(t, err)
		Write(t, filepath.Join("/usr/share/pam-configs", name), string(profile), 0o644)
	}
	Run(t, "/usr/sbin/pam-auth-update", "--package", "--enable", "postern", "postern-passwd")
	// Like login, but without the delays that it adds.
	Write(t, "/etc/pam.d/prompt", "@include common-auth\n@include common-account\n@include common-session\n@include common-password\n", 0o644)
	Write(t, "/etc/nsswitch.conf", "passwd: files systemd\ngroup: files systemd\nshadow: files systemd\ngshadow: files systemd\nhosts: files dns\n", 0o644)
	Must(t, os.MkdirAll("/etc/postern", 0o755))
	Run(t, "/usr/sbin/groupadd", "--gid", "30500", "ops")
	Run(t, "/usr/sbin/useradd", "--uid", "30001", "--create-home", "--shell", "/bin/bash", "kim")
	Run(t, "/usr/sbin/useradd", "--uid", "30002", "--create-home", "--shell", "/bin/bash", "rescue")
	passwords := exec.Command("/usr/sbin/chpasswd")
	passwords.Stdin = strings.NewReader("kim:kims-password\nrescue:rescues-password\n")
	if out, err := passwords.CombinedOutput(); err != nil {
		t.Fatalf("chpasswd: %v\n%s", err, out)
	}
	Write(t, "/etc/sudoers.d/tests", "%ops ALL=(ALL) ALL\nkim ALL=(ALL) ALL\nrescue ALL=(ALL) ALL\nDefaults timestamp_timeout=0, !lecture\n", 0o440)
}

// Must fails the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Write writes a file with its folders.
func Write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	Must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	Must(t, os.WriteFile(path, []byte(text), mode))
	Must(t, os.Chmod(path, mode))
}

// PAMTester runs operations of a service of PAM for a user.
func PAMTester(t testing.TB, service, user string, operations ...string) *Terminal {
	t.Helper()
	return Open(t, "pamtester", append([]string{service, user}, operations...)...)
}

// As runs a program as a user of the machine, on a terminal.
func As(t testing.TB, uid string, args ...string) *Terminal {
	t.Helper()
	return Open(t, "setpriv", append([]string{"--reuid=" + uid, "--regid=" + uid, "--init-groups"}, args...)...)
}

// SSH starts a real client against a real server, without a network between them.
func SSH(t testing.TB, args ...string) *Terminal {
	t.Helper()
	if !Exists("/run/sshd/key") {
		Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/sshd/key")
		Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/sshd/client")
		Write(t, "/run/sshd/config", "HostKey /run/sshd/key\nUsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\nMaxAuthTries 3\nLogLevel DEBUG1\n", 0o644)
	}
	return Open(t, "ssh", append([]string{
		"-F", "none", "-i", "/run/sshd/client", "-o", "IdentitiesOnly=yes", "-o", "NumberOfPasswordPrompts=3",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=INFO",
		"-o", "ProxyCommand=/usr/sbin/sshd -i -f /run/sshd/config -E /run/sshd/log",
	}, args...)...)
}

// A Terminal is a program on a pseudo-terminal, and what it has written.
type Terminal struct {
	t    testing.TB
	file *os.File
	cmd  *exec.Cmd
	read chan []byte
	seen bytes.Buffer
	at   int // how far Expect has looked
}

// Open starts a program on a terminal of its own.
func Open(t testing.TB, name string, args ...string) *Terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	Must(t, err)
	fd := int(master.Fd())
	Must(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	Must(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	Must(t, err)
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = slave, slave, slave, "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "LANG=C.UTF-8"}
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	Must(t, cmd.Start())
	Must(t, slave.Close())
	p := &Terminal{t: t, file: master, cmd: cmd, read: make(chan []byte)}
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

// Expect waits until the program has written text.
func (p *Terminal) Expect(text string) *Terminal {
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

// Say types a line.
func (p *Terminal) Say(text string) *Terminal {
	p.t.Helper()
	_, err := p.file.WriteString(text + "\n")
	Must(p.t, err)
	return p
}

// End waits for the end of the program and returns its exit code and all it wrote.
func (p *Terminal) End() (int, string) {
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

// Ends checks the exit code.
func (p *Terminal) Ends(code int) {
	p.t.Helper()
	if got, out := p.End(); got != code {
		p.t.Errorf("%s ended with %d, want %d:\n%s", p.cmd.Args, got, code, out)
	}
}

// Sleeper starts a process that does nothing until the test ends.
func Sleeper(t testing.TB) ticket.Process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "600")
	Must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	s, ok := peer.StatOf(int32(cmd.Process.Pid))
	if !ok {
		t.Fatal("no process")
	}
	return ticket.Process{PID: int32(cmd.Process.Pid), Started: s.Started}
}

// BootID is the id of this boot.
func BootID(t testing.TB) string {
	t.Helper()
	return strings.TrimSpace(Run(t, "cat", "/proc/sys/kernel/random/boot_id"))
}
