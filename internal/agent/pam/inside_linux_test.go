package pam_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/pam"
)

func (m *machine) pamtester(service, user string, operations ...string) *terminal {
	return m.open("pamtester", append([]string{service, user}, operations...)...)
}

func TestInsideNamesAreThere(t *testing.T) {
	m := newMachine(t)
	for _, tt := range []struct{ command, want string }{
		{"getent passwd ada", "ada:x:200001:200001:Person ada:/home/ada:/bin/bash"},
		{"getent passwd 200002", "bob:x:200002:200002:"},
		{"getent group finance-200100", "finance-200100:x:200100:"},
		{"getent group 200001", "ada:x:200001:"},
		{"getent shadow ada", "ada:!*:"},
		{"id --groups --name ada", "ada finance-200100 ops"},
		{"id --groups --name bob", "bob finance-200100"},
		{"getent passwd", "bob:x:200002"},
	} {
		args := strings.Fields(tt.command)
		if got := run(t, args[0], args[1:]...); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", tt.command, got)
		}
	}
	m.stop()
	if out, err := exec.Command("getent", "passwd", "ada").CombinedOutput(); err == nil {
		t.Errorf("without the agent: %s", out)
	}
}

func TestInsidePAM(t *testing.T) {
	m := newMachine(t)
	m.pamtester("prompt", "ada", "authenticate", "acct_mgmt", "open_session", "close_session").
		expect("Device PIN or pass").say("246810").ends(0)
	if _, err := os.Stat("/home/ada"); err != nil {
		t.Error("no home:", err)
	}
	m.pamtester("prompt", "ada", "authenticate").expect("Device PIN").say("111111").expect("not the PIN").ends(1)
	m.pamtester("prompt", "ada", "authenticate").expect("Device PIN").say("ABCD-EFGH").ends(0)
	m.pamtester("prompt", "ada", "authenticate").expect("Device PIN").say("ABCD-EFGH").expect("Check the pass").ends(1)
	m.pamtester("prompt", "bob@contoso.example", "authenticate", "acct_mgmt").expect("Device PIN").say("246810").ends(0)
	m.pamtester("prompt", "eve", "authenticate").expect("Temporary Access Pass").say("ABCD-EFGH").expect("didn't work").ends(1)
	m.pamtester("prompt", "eve", "acct_mgmt").ends(1)
	m.pamtester("prompt", "ada", "authenticate").expect("Device PIN").say("").expect("WXYZ-2345").expect("42").say("").ends(0)
	m.pamtester("prompt", "kim", "authenticate", "acct_mgmt").expect("Password:").say("kims-password").ends(0)
	m.pamtester("prompt", "kim", "authenticate").expect("Password:").say("wrong").ends(1)
	m.set(func(o *office) { o.people["ada"].Enabled = false })
	m.pamtester("prompt", "ada", "acct_mgmt").expect("disabled").ends(1)
}

func TestInsideWrongPINsStopThePINAndAPassStillWorks(t *testing.T) {
	m := newMachine(t)
	for range 5 {
		m.pamtester("prompt", "ada", "authenticate").expect("Device PIN").say("111111").ends(1)
	}
	m.pamtester("prompt", "ada", "authenticate").expect("Temporary Access Pass").say("246810").ends(1)
	m.pamtester("prompt", "ada", "authenticate").expect("Temporary Access Pass").say("abcd efgh").ends(0)
}

func TestInsideThePINIsChanged(t *testing.T) {
	m := newMachine(t)
	m.pamtester("passwd", "ada", "chauthtok").expect("Present device PIN").say("246810").
		expect("New device PIN:").say("975318").expect("again").say("975318").expect("is changed").ends(0)
	m.pamtester("prompt", "ada", "authenticate").expect("Device PIN").say("975318").ends(0)
	m.pamtester("passwd", "kim", "chauthtok").expect("New password:").say("another-password").expect("Retype").say("another-password").ends(0)
	m.pamtester("prompt", "kim", "authenticate").expect("Password:").say("another-password").ends(0)
	m.pamtester("passwd", "kim", "chauthtok").expect("New password:").say("kims-password").expect("Retype").say("kims-password").ends(0)
}

// as runs a program as a user of the machine, on a terminal.
func (m *machine) as(uid string, args ...string) *terminal {
	return m.open("setpriv", append([]string{"--reuid=" + uid, "--regid=" + uid, "--init-groups"}, args...)...)
}

func TestInsideSu(t *testing.T) {
	m := newMachine(t)
	const show = "echo I am $(id -un) by $POSTERN_METHOD"
	m.as("30001", "su", "-", "ada", "-c", show).expect("Device PIN").say("246810").expect("I am ada").ends(0)
	m.as("30001", "su", "ada", "-c", show).expect("Device PIN").say("246810").expect("I am ada by pin").ends(0)
	m.as("30001", "su", "-", "ada", "-c", show).expect("Device PIN").say("111111").expect("Authentication failure").ends(1)
	m.open("su", "-", "ada", "-c", show).expect("I am ada").ends(0) // root need not prove anything
	m.as("200001", "su", "-", "kim", "-c", show).expect("Password:").say("kims-password").expect("I am kim").ends(0)
}

func TestInsideSudo(t *testing.T) {
	m := newMachine(t)
	m.as("200001", "sudo", "id", "-un").expect("Device PIN:").say("246810").expect("root").ends(0)
	if !m.recorded("auth sudo ada", `"pin" 0`) {
		t.Error("no record of it")
	}
	m.as("200001", "sudo", "id", "-un").expect("Device PIN:").say("ABCD-EFGH").expect("can't be used").expect("Device PIN:").say("111111").
		expect("not the PIN").expect("Device PIN:").say("246810").expect("root").ends(0)
	m.set(func(o *office) { o.policy.ElevationPass = true })
	m.as("200001", "sudo", "id", "-un").expect("Device PIN or pass:").say("ABCD-EFGH").expect("root").ends(0)
	m.as("200002", "sudo", "id", "-un").expect("Device PIN").say("246810").expect("not in the sudoers file").ends(1)
	m.as("30001", "sudo", "id", "-un").expect("password").say("kims-password").expect("root").ends(0)
}

func TestInsideOneProofCountsForSomeMinutesAtOneTerminal(t *testing.T) {
	m := newMachine(t)
	m.as("200001", "sh", "-c", "sudo id -un; sudo id -un").expect("Device PIN").say("246810").expect("root").expect("Device PIN").say("246810").expect("root").ends(0)
	m.set(func(o *office) { o.policy.ElevationFor = 5 * 60e9 })
	m.as("200001", "sh", "-c", "sudo id -un; sudo id -un; echo done").expect("Device PIN").say("246810").expect("root").expect("root").expect("done").ends(0)
	if !m.recorded("auth sudo ada", `"recent" 0`) {
		t.Error("no record of it")
	}
	// Somebody else's terminal, and the next session on the same one.
	m.as("200001", "sudo", "id", "-un").expect("Device PIN").say("246810").expect("root").ends(0)
}

func TestInsideLogin(t *testing.T) {
	m := newMachine(t)
	p := m.open("login")
	p.expect("login:").say("ada").expect("Device PIN").say("111111").expect("login:").say("ada").expect("Device PIN").say("246810")
	p.expect("$").say("echo I am $(id -un) by $POSTERN_METHOD in $PWD").expect("I am ada by pin in /home/ada").say("exit").ends(0)
	p = m.open("login")
	p.expect("login:").say("kim").expect("Password:").say("kims-password").expect("$").say("exit").ends(0)
}

// ssh starts a real client against a real server, without a network between them.
func (m *machine) ssh(args ...string) *terminal {
	t := m.t
	if !exists("/run/sshd/key") {
		run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/sshd/key")
		run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/run/sshd/client")
		write(t, "/run/sshd/config", "HostKey /run/sshd/key\nUsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\nMaxAuthTries 3\nLogLevel DEBUG1\n", 0o644)
	}
	return m.open("ssh", append([]string{
		"-F", "none", "-i", "/run/sshd/client", "-o", "IdentitiesOnly=yes", "-o", "NumberOfPasswordPrompts=3",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=INFO",
		"-o", "ProxyCommand=/usr/sbin/sshd -i -f /run/sshd/config -E /run/sshd/log",
	}, args...)...)
}

func TestInsideSSH(t *testing.T) {
	m := newMachine(t)
	show := "echo I am $(id -un) by $POSTERN_METHOD; cat /etc/hostname >/dev/null"
	m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "ada@here", show).
		expect("Temporary Access Pass: ").say("246810").expect("works at the device itself only").
		expect("Temporary Access Pass: ").say("ABCD-EFGH").expect("I am ada by pass").ends(0)
	if !m.recorded("auth sshd ada", "remote=true") {
		t.Error("sshd is taken for somebody at the machine")
	}
	three := m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "ada@here", show)
	for range 3 {
		three.expect("Temporary Access Pass: ").say("WRONG-PASS")
	}
	if code, out := three.end(); code != 255 || strings.Contains(out, "I am") || strings.Contains(strings.ToLower(out), "password:") {
		t.Errorf("three wrong passes: %d\n%s", code, out)
	}
	m.set(func(o *office) { o.policy.RemoteDeviceCode = true })
	m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "ada@here", show).
		expect("Enter alone: use your phone").say("").expect("WXYZ-2345").expect("Press Enter").say("").expect("I am ada by deviceCode").ends(0)
	m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "kim@here", show).
		expect("Password:").say("kims-password").expect("I am kim").ends(0)
}

func TestInsideAnSSHKeyIsNotEnough(t *testing.T) {
	m := newMachine(t)
	m.ssh("-o", "PreferredAuthentications=none", "ada@here").ends(255) // makes the keys
	public, err := os.ReadFile("/run/sshd/client.pub")
	must(t, err)
	write(t, "/home/ada/.ssh/authorized_keys", string(public), 0o600)
	run(t, "chown", "-R", "200001:200001", "/home/ada")
	run(t, "chmod", "-R", "go=", "/home/ada")
	byKey := func() *terminal { return m.ssh("-o", "PreferredAuthentications=publickey", "ada@here", "id -un") }
	byKey().expect("ada").ends(0)
	m.set(func(o *office) { o.people["ada"].Enabled = false })
	byKey().ends(255)
	m.set(func(o *office) { o.people["ada"].Enabled = true })
	write(t, pam.Conf, "fresh-proof = sshd\n", 0o644)
	byKey().ends(255)
	write(t, pam.Conf, "", 0o644)
	byKey().expect("ada").ends(0)
	m.stop()
	byKey().ends(255)
}

func TestInsideSudoOverSSHTakesNoPIN(t *testing.T) {
	m := newMachine(t)
	m.ssh("-t", "-o", "PreferredAuthentications=keyboard-interactive", "ada@here", "sudo id -un").
		expect("Temporary Access Pass").say("ABCD-EFGH").expect("need a device PIN").ends(1)
	m.set(func(o *office) { o.policy.ElevationPass, o.people["ada"].pass = true, "ABCDEFGH" })
	again := m.ssh("-t", "-o", "PreferredAuthentications=keyboard-interactive", "ada@here", "sudo id -un").
		expect("Temporary Access Pass").say("ABCD-EFGH").expect("Temporary Access Pass").say("246810").expect("device itself only")
	m.set(func(o *office) { o.people["ada"].pass = "ABCDEFGH" })
	again.expect("Temporary Access Pass").say("ABCD-EFGH").expect("root").ends(0)
}

// The table of docs/linux.md: who gets in while there is no agent.
func TestInsideWithoutTheAgent(t *testing.T) {
	m := newMachine(t)
	m.stop()
	m.pamtester("prompt", "ada", "authenticate").ends(1)
	m.pamtester("prompt", "ada", "acct_mgmt").ends(1)
	m.pamtester("prompt", "kim", "authenticate", "acct_mgmt").expect("Password:").say("kims-password").ends(0)
	m.pamtester("sudo", "kim", "authenticate", "acct_mgmt").expect("Password:").say("kims-password").ends(0)

	write(t, pam.Conf, "# what needs a proof\nfresh-proof = sudo prompt\nbreak-glass = rescue\n", 0o644)
	m.pamtester("sudo", "kim", "authenticate").ends(1)
	m.pamtester("sudo", "kim", "acct_mgmt").ends(1)
	m.pamtester("cron", "kim", "authenticate").expect("Password:").say("kims-password").ends(0)
	m.pamtester("sudo", "rescue", "authenticate", "acct_mgmt").expect("Password:").say("rescues-password").ends(0)
	m.pamtester("prompt", "root", "acct_mgmt").ends(1)
	for tty, code := range map[string]int{"/dev/tty1": 0, "tty63": 0, "ttyS0": 0, "console": 0, "/dev/pts/1": 1, "ttyp0": 1, "/dev/tty": 1, "tty1/../../x": 1} {
		m.open("pamtester", "-I", "tty="+tty, "prompt", "root", "acct_mgmt").ends(code)
	}
	m.open("pamtester", "-I", "tty=/dev/tty1", "-I", "rhost=192.0.2.1", "prompt", "root", "acct_mgmt").ends(1)
	m.open("setpriv", "--ruid=30001", "pamtester", "-I", "tty=/dev/tty1", "prompt", "root", "acct_mgmt").ends(1) // as su is run

	// A file that anybody could have written excepts nobody.
	for name, change := range map[string]func(){
		"the group may write it": func() { must(t, os.Chmod(pam.Conf, 0o664)) },
		"it is somebody else's":  func() { must(t, os.Chown(pam.Conf, 30001, 0)) },
		"a line is no line":      func() { write(t, pam.Conf, "break-glass = rescue\nfresh sudo\n", 0o644) },
		"it is a link":           func() { must(t, os.Remove(pam.Conf)); must(t, os.Symlink("/run/other", pam.Conf)) },
	} {
		write(t, "/run/other", "break-glass = rescue\n", 0o644)
		write(t, pam.Conf, "break-glass = rescue\n", 0o644)
		m.pamtester("sudo", "rescue", "acct_mgmt").ends(0)
		change()
		if code, out := m.pamtester("sudo", "rescue", "acct_mgmt").end(); code != 1 {
			t.Errorf("%s: %d\n%s", name, code, out)
		}
		must(t, os.Remove(pam.Conf))
	}
	m.pamtester("sudo", "kim", "acct_mgmt").ends(0) // no file says nothing
}

func TestInsideAFileThatNobodyUnderstandsDemandsWhatNobodyHas(t *testing.T) {
	m := newMachine(t)
	write(t, pam.Conf, "fresh-proof = sudo\n", 0o644)
	m.pamtester("sudo", "kim", "authenticate").expect("Local accounts can't").ends(1)
	m.pamtester("sudo", "kim", "acct_mgmt").expect("Local accounts can't").ends(1)
	m.pamtester("prompt", "kim", "acct_mgmt").ends(0)
	m.open("pamtester", "-I", "tty=/dev/tty1", "prompt", "root", "acct_mgmt").ends(0)
}

func TestInsideAnAgentThatHangsLetsNobodyInAndKeepsNobodyLocalOut(t *testing.T) {
	m := newMachine(t)
	m.stop()
	l, err := net.Listen("unix", "/run/postern/pam.sock")
	must(t, err)
	defer func() { _ = l.Close() }()
	write(t, "/etc/pam.d/hung", "auth [success=done ignore=ignore default=die] pam_postern.so timeout=1\nauth required pam_permit.so\naccount required pam_permit.so\n", 0o644)
	m.pamtester("hung", "ada", "authenticate").ends(1)
	m.pamtester("hung", "kim", "authenticate").ends(0)
	write(t, "/etc/pam.d/hung", "auth [success=done ignore=ignore default=die] pam_postern.so timeout=never\nauth required pam_permit.so\n", 0o644)
	m.pamtester("hung", "kim", "authenticate").ends(1) // an option that is wrong
}

func TestInsideAnImpostorIsNotTalkedTo(t *testing.T) {
	m := newMachine(t)
	m.stop()
	write(t, "/etc/pam.d/false", "auth [success=done ignore=ignore default=die] pam_postern.so socket=/tmp/postern-impostor.sock\nauth required pam_deny.so\n", 0o644)
	const script = `
import socket, os
s = socket.socket(socket.AF_UNIX); s.bind("/tmp/postern-impostor.sock"); s.listen(); os.chmod("/tmp/postern-impostor.sock", 0o666)
print("ready", flush=True)
c, _ = s.accept(); print(len(c.recv(100)), flush=True)`
	defer func() { _ = os.Remove("/tmp/postern-impostor.sock") }()
	impostor := m.as("30001", "/usr/bin/python3", "-c", script).expect("ready")
	m.pamtester("false", "ada", "authenticate").ends(1)
	impostor.expect("0").ends(0) // and it learned nothing
}

func TestInsideAScreenLockerUnlocksItsOwnUserOnly(t *testing.T) {
	m := newMachine(t)
	write(t, "/etc/pam.d/locker", "@include common-auth\n@include common-account\n", 0o644)
	m.as("200001", "pamtester", "locker", "ada", "authenticate").expect("Device PIN").say("246810").ends(0)
	m.as("200001", "pamtester", "locker", "ada", "authenticate").expect("Device PIN").say("111111").ends(1)
	m.as("200002", "pamtester", "locker", "ada", "authenticate").ends(1)
	m.as("30001", "pamtester", "locker", "ada", "authenticate").ends(1)
	m.as("200001", "pamtester", "locker", "eve", "authenticate").ends(1)
	if m.recorded("locker") {
		t.Error("the word of a program of a user's is believed")
	}
	m.as("200001", "pamtester", "passwd", "ada", "chauthtok").ends(1)
}

func TestInsideManyConnectionsOfOneUserKeepNobodyOut(t *testing.T) {
	m := newMachine(t)
	const script = `
import socket
all = []
for i in range(300):
    s = socket.socket(socket.AF_UNIX); s.connect("/run/postern/pam.sock"); all.append(s)
print("full", flush=True)
input()`
	flood := m.as("30001", "/usr/bin/python3", "-c", script).expect("full")
	m.pamtester("prompt", "ada", "authenticate").expect("Device PIN").say("246810").ends(0)
	m.as("200001", "pamtester", "locker", "ada", "authenticate").expect("Device PIN").say("246810").ends(0)
	flood.say("").ends(0)
}

func TestInsideTheModuleKeepsItsMemoryInOrder(t *testing.T) {
	m := newMachine(t)
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Skip("valgrind is missing")
	}
	check := func(user string, operations ...string) *terminal {
		return m.open("valgrind", append([]string{"-q", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=9", "pamtester", "alone", user}, operations...)...)
	}
	write(t, "/etc/pam.d/alone", "auth [success=done ignore=ignore default=die] pam_postern.so\nauth required pam_permit.so\naccount required pam_postern.so\nsession required pam_postern.so\npassword required pam_postern.so\n", 0o644)
	check("ada", "authenticate", "acct_mgmt", "open_session", "close_session").expect("Device PIN").say("246810").ends(0)
	if os.Getenv("POSTERN_SOAK") == "" {
		return // each run takes seconds
	}
	check("ada", "authenticate").expect("Device PIN").say("111111").ends(1)
	check("kim", "authenticate").ends(0)
	check("ada", "chauthtok").expect("Present").say("246810").expect("New").say("975318").expect("again").say("975318").ends(0)
	m.stop()
	check("ada", "authenticate").ends(1)
}
