package pam

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Conf is the administrator's file. The module reads it, too, so that it holds without the agent.
const Conf = "/etc/postern/pam.conf"

// elevating are the services that give rights to somebody who is signed in already.
var elevating = []string{"sudo", "sudo-i", "doas", "polkit-1"}

// remote are the services that people reach over a network.
var remote = []string{"sshd", "ssh", "cockpit", "xrdp-sesman", "xrdp", "vsftpd", "proftpd", "ftp", "dovecot", "smtp", "samba", "rlogin", "rsh", "rexec", "telnet", "remote", "webmin", "rstudio", "jupyterhub", "openvpn"}

// Services says how the services of PAM stand.
type Services struct {
	// Fresh are those that demand a fresh proof of everybody, beyond those that elevate.
	Fresh []string
}

// ReadServices reads the administrator's file; one that is missing says nothing.
func ReadServices(path string) (Services, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Services{}, nil
	}
	if err != nil {
		return Services{}, err
	}
	defer func() { _ = f.Close() }()
	return parseServices(f)
}

func parseServices(r io.Reader) (Services, error) {
	var s Services
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(key) {
		case "fresh-proof":
			s.Fresh = append(s.Fresh, strings.Fields(value)...)
		case "break-glass": // the module's business
		default:
			return s, fmt.Errorf("%s: nobody understands the line %.40q", Conf, lines.Text())
		}
	}
	return s, lines.Err()
}

// elevates tells whether a service asks those who are signed in for one more proof.
func elevates(service string) bool { return slices.Contains(elevating, service) }

// fresh tells whether the account phase of a service insists on a proof before it.
func (s Services) fresh(service string) bool {
	return elevates(service) || slices.Contains(s.Fresh, service)
}

// fromAfar tells whether a request of a program of root's comes over a network.
func fromAfar(r Request) bool { return r.RHost != "" || slices.Contains(remote, r.Service) }
