package pam_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/linux/linuxtest"
	"github.com/postern-id/postern/internal/agent/pam"
)

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
		if got := linuxtest.Run(t, args[0], args[1:]...); !strings.Contains(got, tt.want) {
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
		Expect("Device PIN or pass").Say("246810").Ends(0)
	if _, err := os.Stat("/home/ada"); err != nil {
		t.Error("no home:", err)
	}
	m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("111111").Expect("not the PIN").Ends(1)
	m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("ABCD-EFGH").Ends(0)
	m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("ABCD-EFGH").Expect("Check the pass").Ends(1)
	m.pamtester("prompt", "bob@contoso.example", "authenticate", "acct_mgmt").Expect("Device PIN").Say("246810").Ends(0)
	m.pamtester("prompt", "eve", "authenticate").Expect("Temporary Access Pass").Say("ABCD-EFGH").Expect("didn't work").Ends(1)
	m.pamtester("prompt", "eve", "acct_mgmt").Ends(1)
	m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("").Expect("WXYZ-2345").Expect("42").Say("").Ends(0)
	m.pamtester("prompt", "kim", "authenticate", "acct_mgmt").Expect("Password:").Say("kims-password").Ends(0)
	m.pamtester("prompt", "kim", "authenticate").Expect("Password:").Say("wrong").Ends(1)
	m.set(func(o *office) { o.people["ada"].Enabled = false })
	m.pamtester("prompt", "ada", "acct_mgmt").Expect("disabled").Ends(1)
}

func TestInsideWrongPINsStopThePINAndAPassStillWorks(t *testing.T) {
	m := newMachine(t)
	for range 5 {
		m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("111111").Ends(1)
	}
	m.pamtester("prompt", "ada", "authenticate").Expect("Temporary Access Pass").Say("246810").Ends(1)
	m.pamtester("prompt", "ada", "authenticate").Expect("Temporary Access Pass").Say("abcd efgh").Ends(0)
}

func TestInsideThePINIsChanged(t *testing.T) {
	m := newMachine(t)
	m.pamtester("passwd", "ada", "chauthtok").Expect("Present device PIN").Say("246810").
		Expect("New device PIN:").Say("975318").Expect("again").Say("975318").Expect("is changed").Ends(0)
	m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("975318").Ends(0)
	m.pamtester("passwd", "kim", "chauthtok").Expect("New password:").Say("another-password").Expect("Retype").Say("another-password").Ends(0)
	m.pamtester("prompt", "kim", "authenticate").Expect("Password:").Say("another-password").Ends(0)
	m.pamtester("passwd", "kim", "chauthtok").Expect("New password:").Say("kims-password").Expect("Retype").Say("kims-password").Ends(0)
}

func TestInsideSu(t *testing.T) {
	m := newMachine(t)
	const show = "echo I am $(id -un) by $POSTERN_METHOD"
	m.as("30001", "su", "-", "ada", "-c", show).Expect("Device PIN").Say("246810").Expect("I am ada").Ends(0)
	m.as("30001", "su", "ada", "-c", show).Expect("Device PIN").Say("246810").Expect("I am ada by pin").Ends(0)
	m.as("30001", "su", "-", "ada", "-c", show).Expect("Device PIN").Say("111111").Expect("Authentication failure").Ends(1)
	m.open("su", "-", "ada", "-c", show).Expect("I am ada").Ends(0) // root need not prove anything
	m.as("200001", "su", "-", "kim", "-c", show).Expect("Password:").Say("kims-password").Expect("I am kim").Ends(0)
}

func TestInsideSudo(t *testing.T) {
	m := newMachine(t)
	m.as("200001", "sudo", "id", "-un").Expect("Device PIN:").Say("246810").Expect("root").Ends(0)
	if !m.recorded("auth sudo ada", `"pin" 0`) {
		t.Error("no record of it")
	}
	m.as("200001", "sudo", "id", "-un").Expect("Device PIN:").Say("ABCD-EFGH").Expect("can't be used").Expect("Device PIN:").Say("111111").
		Expect("not the PIN").Expect("Device PIN:").Say("246810").Expect("root").Ends(0)
	m.set(func(o *office) { o.policy.ElevationPass = true })
	m.as("200001", "sudo", "id", "-un").Expect("Device PIN or pass:").Say("ABCD-EFGH").Expect("root").Ends(0)
	if pins, passes := m.elevated("ada", "pin"), m.elevated("ada", "pass"); pins != 2 || passes != 1 {
		t.Errorf("the server would hear of %d elevations by PIN and %d by pass", pins, passes)
	}
	m.as("200002", "sudo", "id", "-un").Expect("Device PIN").Say("246810").Expect("not in the sudoers file").Ends(1)
	m.as("30001", "sudo", "id", "-un").Expect("password").Say("kims-password").Expect("root").Ends(0)
}

func TestInsideOneProofCountsForSomeMinutesAtOneTerminal(t *testing.T) {
	m := newMachine(t)
	m.as("200001", "sh", "-c", "sudo id -un; sudo id -un").Expect("Device PIN").Say("246810").Expect("root").Expect("Device PIN").Say("246810").Expect("root").Ends(0)
	m.set(func(o *office) { o.policy.ElevationFor = 5 * 60e9 })
	m.as("200001", "sh", "-c", "sudo id -un; sudo id -un; echo done").Expect("Device PIN").Say("246810").Expect("root").Expect("root").Expect("done").Ends(0)
	if !m.recorded("auth sudo ada", `"recent" 0`) {
		t.Error("no record of it")
	}
	if n := m.elevated("ada", "pin"); n != 3 {
		t.Errorf("%d elevations are told, of three proofs", n)
	}
	// Somebody else's terminal, and the next session on the same one.
	m.as("200001", "sudo", "id", "-un").Expect("Device PIN").Say("246810").Expect("root").Ends(0)
}

func TestInsideLogin(t *testing.T) {
	m := newMachine(t)
	p := m.open("login")
	p.Expect("login:").Say("ada").Expect("Device PIN").Say("111111").Expect("login:").Say("ada").Expect("Device PIN").Say("246810")
	p.Expect("$").Say("echo I am $(id -un) by $POSTERN_METHOD in $PWD").Expect("I am ada by pin in /home/ada").Say("exit").Ends(0)
	p = m.open("login")
	p.Expect("login:").Say("kim").Expect("Password:").Say("kims-password").Expect("$").Say("exit").Ends(0)
}

func TestInsideSSH(t *testing.T) {
	m := newMachine(t)
	show := "echo I am $(id -un) by $POSTERN_METHOD; cat /etc/hostname >/dev/null"
	m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "ada@here", show).
		Expect("Temporary Access Pass: ").Say("246810").Expect("works at the device itself only").
		Expect("Temporary Access Pass: ").Say("ABCD-EFGH").Expect("I am ada by pass").Ends(0)
	if !m.recorded("auth sshd ada", "remote=true") {
		t.Error("sshd is taken for somebody at the machine")
	}
	three := m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "ada@here", show)
	for range 3 {
		three.Expect("Temporary Access Pass: ").Say("WRONG-PASS")
	}
	if code, out := three.End(); code != 255 || strings.Contains(out, "I am") || strings.Contains(strings.ToLower(out), "password:") {
		t.Errorf("three wrong passes: %d\n%s", code, out)
	}
	m.set(func(o *office) { o.policy.RemoteDeviceCode = true })
	m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "ada@here", show).
		Expect("Enter alone: use your phone").Say("").Expect("WXYZ-2345").Expect("Press Enter").Say("").Expect("I am ada by deviceCode").Ends(0)
	m.ssh("-o", "PreferredAuthentications=keyboard-interactive", "kim@here", show).
		Expect("Password:").Say("kims-password").Expect("I am kim").Ends(0)
}

func TestInsideAnSSHKeyIsNotEnough(t *testing.T) {
	m := newMachine(t)
	m.ssh("-o", "PreferredAuthentications=none", "ada@here").Ends(255) // makes the keys
	public, err := os.ReadFile("/run/sshd/client.pub")
	must(t, err)
	linuxtest.Write(t, "/home/ada/.ssh/authorized_keys", string(public), 0o600)
	linuxtest.Run(t, "chown", "-R", "200001:200001", "/home/ada")
	linuxtest.Run(t, "chmod", "-R", "go=", "/home/ada")
	byKey := func() *linuxtest.Terminal {
		return m.ssh("-o", "PreferredAuthentications=publickey", "ada@here", "id -un")
	}
	byKey().Expect("ada").Ends(0)
	m.set(func(o *office) { o.people["ada"].Enabled = false })
	byKey().Ends(255)
	m.set(func(o *office) { o.people["ada"].Enabled = true })
	linuxtest.Write(t, pam.Conf, "fresh-proof = sshd\n", 0o644)
	byKey().Ends(255)
	linuxtest.Write(t, pam.Conf, "", 0o644)
	byKey().Expect("ada").Ends(0)
	m.stop()
	byKey().Ends(255)
}

func TestInsideSudoOverSSHTakesNoPIN(t *testing.T) {
	m := newMachine(t)
	m.ssh("-t", "-o", "PreferredAuthentications=keyboard-interactive", "ada@here", "sudo id -un").
		Expect("Temporary Access Pass").Say("ABCD-EFGH").Expect("need a device PIN").Ends(1)
	m.set(func(o *office) { o.policy.ElevationPass, o.people["ada"].pass = true, "ABCDEFGH" })
	again := m.ssh("-t", "-o", "PreferredAuthentications=keyboard-interactive", "ada@here", "sudo id -un").
		Expect("Temporary Access Pass").Say("ABCD-EFGH").Expect("Temporary Access Pass").Say("246810").Expect("device itself only")
	m.set(func(o *office) { o.people["ada"].pass = "ABCDEFGH" })
	again.Expect("Temporary Access Pass").Say("ABCD-EFGH").Expect("root").Ends(0)
}

// The table of docs/linux.md: who gets in while there is no agent.
func TestInsideWithoutTheAgent(t *testing.T) {
	m := newMachine(t)
	m.stop()
	m.pamtester("prompt", "ada", "authenticate").Ends(1)
	m.pamtester("prompt", "ada", "acct_mgmt").Ends(1)
	m.pamtester("prompt", "kim", "authenticate", "acct_mgmt").Expect("Password:").Say("kims-password").Ends(0)
	m.pamtester("sudo", "kim", "authenticate", "acct_mgmt").Expect("Password:").Say("kims-password").Ends(0)

	linuxtest.Write(t, pam.Conf, "# what needs a proof\nfresh-proof = sudo prompt\nbreak-glass = rescue\n", 0o644)
	m.pamtester("sudo", "kim", "authenticate").Ends(1)
	m.pamtester("sudo", "kim", "acct_mgmt").Ends(1)
	m.pamtester("cron", "kim", "authenticate").Expect("Password:").Say("kims-password").Ends(0)
	m.pamtester("sudo", "rescue", "authenticate", "acct_mgmt").Expect("Password:").Say("rescues-password").Ends(0)
	m.pamtester("prompt", "root", "acct_mgmt").Ends(1)
	for tty, code := range map[string]int{"/dev/tty1": 0, "tty63": 0, "ttyS0": 0, "console": 0, "/dev/pts/1": 1, "ttyp0": 1, "/dev/tty": 1, "tty1/../../x": 1} {
		m.open("pamtester", "-I", "tty="+tty, "prompt", "root", "acct_mgmt").Ends(code)
	}
	m.open("pamtester", "-I", "tty=/dev/tty1", "-I", "rhost=192.0.2.1", "prompt", "root", "acct_mgmt").Ends(1)
	m.open("setpriv", "--ruid=30001", "pamtester", "-I", "tty=/dev/tty1", "prompt", "root", "acct_mgmt").Ends(1) // as su is run

	// A file that anybody could have written excepts nobody.
	for name, change := range map[string]func(){
		"the group may write it": func() { must(t, os.Chmod(pam.Conf, 0o664)) },
		"it is somebody else's":  func() { must(t, os.Chown(pam.Conf, 30001, 0)) },
		"a line is no line":      func() { linuxtest.Write(t, pam.Conf, "break-glass = rescue\nfresh sudo\n", 0o644) },
		"it is a link":           func() { must(t, os.Remove(pam.Conf)); must(t, os.Symlink("/run/other", pam.Conf)) },
	} {
		linuxtest.Write(t, "/run/other", "break-glass = rescue\n", 0o644)
		linuxtest.Write(t, pam.Conf, "break-glass = rescue\n", 0o644)
		m.pamtester("sudo", "rescue", "acct_mgmt").Ends(0)
		change()
		if code, out := m.pamtester("sudo", "rescue", "acct_mgmt").End(); code != 1 {
			t.Errorf("%s: %d\n%s", name, code, out)
		}
		must(t, os.Remove(pam.Conf))
	}
	m.pamtester("sudo", "kim", "acct_mgmt").Ends(0) // no file says nothing
}

func TestInsideAFileThatNobodyUnderstandsDemandsWhatNobodyHas(t *testing.T) {
	m := newMachine(t)
	linuxtest.Write(t, pam.Conf, "fresh-proof = sudo\n", 0o644)
	m.pamtester("sudo", "kim", "authenticate").Expect("Local accounts can't").Ends(1)
	m.pamtester("sudo", "kim", "acct_mgmt").Expect("Local accounts can't").Ends(1)
	m.pamtester("prompt", "kim", "acct_mgmt").Ends(0)
	m.open("pamtester", "-I", "tty=/dev/tty1", "prompt", "root", "acct_mgmt").Ends(0)
}

func TestInsideAnAgentThatHangsLetsNobodyInAndKeepsNobodyLocalOut(t *testing.T) {
	m := newMachine(t)
	m.stop()
	l, err := net.Listen("unix", "/run/postern/pam.sock")
	must(t, err)
	defer func() { _ = l.Close() }()
	linuxtest.Write(t, "/etc/pam.d/hung", "auth [success=done ignore=ignore default=die] pam_postern.so timeout=1\nauth required pam_permit.so\naccount required pam_permit.so\n", 0o644)
	m.pamtester("hung", "ada", "authenticate").Ends(1)
	m.pamtester("hung", "kim", "authenticate").Ends(0)
	linuxtest.Write(t, "/etc/pam.d/hung", "auth [success=done ignore=ignore default=die] pam_postern.so timeout=never\nauth required pam_permit.so\n", 0o644)
	m.pamtester("hung", "kim", "authenticate").Ends(1) // an option that is wrong
}

func TestInsideAnImpostorIsNotTalkedTo(t *testing.T) {
	m := newMachine(t)
	m.stop()
	linuxtest.Write(t, "/etc/pam.d/false", "auth [success=done ignore=ignore default=die] pam_postern.so socket=/tmp/postern-impostor.sock\nauth required pam_deny.so\n", 0o644)
	const script = `
import socket, os
s = socket.socket(socket.AF_UNIX); s.bind("/tmp/postern-impostor.sock"); s.listen(); os.chmod("/tmp/postern-impostor.sock", 0o666)
print("ready", flush=True)
c, _ = s.accept(); print(len(c.recv(100)), flush=True)`
	defer func() { _ = os.Remove("/tmp/postern-impostor.sock") }()
	impostor := m.as("30001", "/usr/bin/python3", "-c", script).Expect("ready")
	m.pamtester("false", "ada", "authenticate").Ends(1)
	impostor.Expect("0").Ends(0) // and it learned nothing
}

func TestInsideAScreenLockerUnlocksItsOwnUserOnly(t *testing.T) {
	m := newMachine(t)
	linuxtest.Write(t, "/etc/pam.d/locker", "@include common-auth\n@include common-account\n", 0o644)
	m.as("200001", "pamtester", "locker", "ada", "authenticate").Expect("Device PIN").Say("246810").Ends(0)
	m.as("200001", "pamtester", "locker", "ada", "authenticate").Expect("Device PIN").Say("111111").Ends(1)
	m.as("200002", "pamtester", "locker", "ada", "authenticate").Ends(1)
	m.as("30001", "pamtester", "locker", "ada", "authenticate").Ends(1)
	m.as("200001", "pamtester", "locker", "eve", "authenticate").Ends(1)
	if m.recorded("locker") {
		t.Error("the word of a program of a user's is believed")
	}
	m.as("200001", "pamtester", "passwd", "ada", "chauthtok").Ends(1)
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
	flood := m.as("30001", "/usr/bin/python3", "-c", script).Expect("full")
	m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("246810").Ends(0)
	m.as("200001", "pamtester", "locker", "ada", "authenticate").Expect("Device PIN").Say("246810").Ends(0)
	flood.Say("").Ends(0)
}

// su is root's towards the agent, and anybody runs it, as often as they like.
func TestInsideManySusOfOneUserKeepNobodyOut(t *testing.T) {
	m := newMachine(t)
	const script = `
import subprocess
all = [subprocess.Popen(["su", "ada", "-c", "true"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True) for i in range(300)]
held = sum(1 for p in all if b"Device PIN" in p.stderr.read(10))
print("held", held, "of", len(all), flush=True)
input()
for p in all: p.kill()`
	flood := m.as("30001", "/usr/bin/python3", "-c", script).Expect("held 16 of 300")
	m.pamtester("prompt", "ada", "authenticate").Expect("Device PIN").Say("246810").Ends(0)
	m.as("200001", "sudo", "id", "-un").Expect("Device PIN:").Say("246810").Expect("root").Ends(0)
	m.as("200002", "su", "ada", "-c", "id -un").Expect("Device PIN").Say("246810").Expect("ada").Ends(0)
	flood.Say("").Ends(0)
}

func TestInsideTheModuleKeepsItsMemoryInOrder(t *testing.T) {
	m := newMachine(t)
	if os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("POSTERN_SOAK=1 runs it: valgrind takes seconds for each program")
	}
	linuxtest.Need(t, "valgrind")
	check := func(user string, operations ...string) *linuxtest.Terminal {
		return m.open("valgrind", append([]string{"-q", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=9", "pamtester", "alone", user}, operations...)...)
	}
	linuxtest.Write(t, "/etc/pam.d/alone", "auth [success=done ignore=ignore default=die] pam_postern.so\nauth required pam_permit.so\naccount required pam_postern.so\nsession required pam_postern.so\npassword required pam_postern.so\n", 0o644)
	check("ada", "authenticate", "acct_mgmt", "open_session", "close_session").Expect("Device PIN").Say("246810").Ends(0)
	check("ada", "authenticate").Expect("Device PIN").Say("111111").Ends(1)
	check("kim", "authenticate").Ends(0)
	check("ada", "chauthtok").Expect("Present").Say("246810").Expect("New").Say("975318").Expect("again").Say("975318").Ends(0)
	m.stop()
	check("ada", "authenticate").Ends(1)
}
