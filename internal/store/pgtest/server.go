package pgtest

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// guard.sh starts a server and removes it once its standard input closes.
//
//go:embed guard.sh
var guard string

// errMissing says what a machine lacks on which no server can be started.
var errMissing = errors.New("PostgreSQL is missing: install Debian's package postgresql, or set POSTERN_TEST_POSTGRES")

// process is a running server and the guard that will remove it.
type process struct {
	url  *url.URL
	cmd  *exec.Cmd
	open io.Closer // the guard's standard input
}

// server is the one server of this process; nil until a test needed it.
var server *process

// started returns the URL of the server of this process, which its first call starts.
var started = sync.OnceValues(func() (*url.URL, error) {
	bin, err := newestBinaries("/usr/lib/postgresql")
	if err != nil {
		return nil, err
	}
	if server, err = start(bin); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return server.url, nil
})

// newestBinaries returns the folder of programs of the highest version under root.
func newestBinaries(root string) (string, error) {
	found, err := filepath.Glob(filepath.Join(root, "*", "bin", "initdb"))
	if err != nil {
		return "", err
	}
	newest, bin := 0, ""
	for _, initdb := range found {
		dir := filepath.Dir(initdb)
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && version > newest {
			newest, bin = version, dir
		}
	}
	if bin == "" {
		return "", errMissing
	}
	return bin, nil
}

// start starts a server from the programs in bin and returns when it answers.
func start(bin string) (*process, error) {
	// In a session of its own, so that Ctrl-C reaches the tests and not the guard.
	args := []string{"setsid", "sh", "-c", guard, "guard", bin}
	if os.Getuid() == 0 { // initdb refuses root
		args = append([]string{"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // fixed words and a folder; it ends by its standard input
	cmd.Dir = "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	dir, ready := strings.CutPrefix(strings.TrimSpace(said), "ready ")
	if err != nil || !ready {
		rest, _ := io.ReadAll(out)
		return nil, errors.Join(fmt.Errorf("%s%s", said, rest), cmd.Wait())
	}
	q := url.Values{"host": {dir}, "user": {"postgres"}, "sslmode": {"disable"}}
	return &process{&url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: q.Encode()}, cmd, in}, nil
}

// stop ends the server and returns when its folder is gone.
func (p *process) stop() {
	_ = p.open.Close()
	_ = p.cmd.Wait()
}
