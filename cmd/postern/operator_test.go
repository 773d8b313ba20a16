package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

// command runs one command line in this process.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &problems)
	return code, out.String(), problems.String()
}

// initialised makes a data directory and returns it with what init said.
func initialised(t *testing.T) (string, server.Created) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	code, out, problems := command(t, "init", "--data", dir, "--domain", "contoso.example", "--json")
	var created server.Created
	if err := json.Unmarshal([]byte(out), &created); err != nil || code != program.Done {
		t.Fatalf("init: %d %v\n%s", code, err, problems)
	}
	return dir, created
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAnOperatorGetsWrongIsTold(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	fresh, _ := initialised(t)
	other, _ := initialised(t)
	for _, tt := range []struct {
		name string
		make func(t *testing.T, dir string) // before the command; dir is initialised
		args []string                       // DIR is the directory
		exit int
		says string // code or words
	}{
		{"an unknown flag", nil, []string{"serve", "--data", "DIR", "--lisen", "x"}, program.WrongUse, "unknown flag: --lisen"},
		{"an unknown command", nil, []string{"serv"}, program.WrongUse, `serv"`},
		{"no data directory", nil, []string{"serve"}, program.WrongUse, "--data DIR"},
		{"an unknown setting", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "postern.yaml"), "lisen: x") }, []string{"serve", "--data", "DIR"}, program.WrongUse, `"lisen"`},
		{"settings that are no YAML", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "postern.yaml"), "a: [") }, []string{"serve", "--data", "DIR"}, program.WrongUse, "YAML"},
		{"a level that is none", nil, []string{"serve", "--data", "DIR", "--log-level", "loud"}, program.WrongUse, "loud"},
		{"a proxy that is no network", nil, []string{"serve", "--data", "DIR", "--trusted-proxy", "x"}, program.WrongUse, "proxyInvalid"},
		{"a file of countries that is none", nil, []string{"serve", "--data", "DIR", "--places", "DIR/master.key"}, program.WrongUse, "placesFile"},
		{"a witness that is none", nil, []string{"serve", "--data", "DIR", "--witness", "x"}, program.WrongUse, "witnessInvalid"},
		{"a certificate without its key", nil, []string{"serve", "--data", "DIR", "--tls-cert", "x"}, program.WrongUse, "--tls-key"},
		{"a certificate that is not there", nil, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "y"}, program.Failed, "certificateUnusable"},
		{"a port in use", nil, []string{"serve", "--data", "DIR", "--listen", taken.Addr().String()}, program.Failed, "listenFailed"},
		{"a port for metrics in use", nil, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0", "--metrics", taken.Addr().String()}, program.Failed, "listenFailed"},
		{"a directory that is not there", nil, []string{"serve", "--data", "DIR/none"}, program.Failed, "notInitialised"},
		{"a directory without a tenant", nil, []string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, program.Failed, "masterKeyMissing"},
		{"a file as directory", nil, []string{"serve", "--data", "DIR/master.key"}, program.Failed, "can't be used"},
		{"the same domain twice", nil, []string{"init", "--data", "DIR", "--domain", "contoso.example"}, program.Failed, "domainTaken"},
		{"a domain that is none", nil, []string{"init", "--data", "DIR", "--domain", "-"}, program.Failed, "domainInvalid"},
		{"no master key", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "master.key")) }, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0"}, program.Failed, "masterKeyMissing"},
		{"init without the master key of the store", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "master.key")) }, []string{"init", "--data", "DIR", "--domain", "b.example"}, program.Failed, "masterKeyMissing"},
		{"a master key that is none", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "master.key"), "hello") }, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0"}, program.Failed, "masterKeyBad"},
		{"the master key of another store", func(t *testing.T, dir string) {
			key, err := os.ReadFile(filepath.Join(other, "master.key"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "master.key"), string(key))
		}, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0"}, program.Failed, "masterKeyWrong"},
		{"a master key that others can read", func(t *testing.T, dir string) {
			if runtime.GOOS == "windows" {
				t.Skip("Windows has no file modes")
			}
			if err := os.Chmod(filepath.Join(dir, "master.key"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0"}, program.Failed, "masterKeyReadable"},
		{"a database of another kind", nil, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0", "--database", "mysql://x"}, program.Failed, "storeUnreachable"},
		{"a database that is not there", nil, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0", "--database", "postgres://u:s3cret@127.0.0.1:1/x"}, program.Failed, "storeUnreachable"},
		{"a store that is no database", func(t *testing.T, dir string) {
			for _, name := range []string{"postern.db-wal", "postern.db-shm"} {
				_ = os.Remove(filepath.Join(dir, name))
			}
			write(t, filepath.Join(dir, "postern.db"), strings.Repeat("not a database", 100))
		}, []string{"serve", "--data", "DIR", "--listen", "127.0.0.1:0"}, program.Failed, "dataUnusable"},
		{"pruning at no time", nil, []string{"log", "prune", "--data", "DIR", "--before", "soon"}, program.WrongUse, "soon"},
		{"erasing nobody", nil, []string{"log", "erase", "--data", "DIR", "--user", "x@contoso.example"}, program.NotFound, "userUnknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			copyDir(t, dir, fresh)
			if tt.make != nil {
				tt.make(t, dir)
			}
			args := append([]string{}, tt.args...)
			for i, arg := range args {
				args[i] = strings.Replace(arg, "DIR", dir, 1)
			}
			code, out, problems := command(t, args...)
			if code != tt.exit || !strings.Contains(problems, tt.says) || out != "" || strings.Contains(problems, "s3cret") {
				t.Errorf("exit %d, want %d with %q\nstdout: %s\nstderr: %s", code, tt.exit, tt.says, out, problems)
			}
			if n := strings.Count(strings.TrimSpace(problems), "\n"); n > 0 {
				t.Errorf("it takes %d lines to say so: %s", n+1, problems)
			}
		})
	}
}

// copyDir copies a data directory of which the master key is for its owner only.
func copyDir(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "master.key"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestOfSeveralInitsAtOnceOneMakesTheTenant(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	const n = 4
	codes := make([]int, n)
	problems := make([]bytes.Buffer, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			codes[i] = run(t.Context(), []string{"init", "--data", dir, "--domain", "contoso.example"}, strings.NewReader(""), io.Discard, &problems[i])
		})
	}
	all.Wait()
	done := 0
	for i, code := range codes {
		if code == program.Done {
			done++
		} else if !strings.Contains(problems[i].String(), "domainTaken") {
			t.Errorf("one said: %s", problems[i].String())
		}
	}
	if done != 1 {
		t.Errorf("%d made the tenant", done)
	}
	if code, _, problems := command(t, "log", "verify", "--data", dir); code != program.Done {
		t.Errorf("the store afterwards: %s", problems)
	}
}

// A process is `postern` as its users start it.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan map[string]any       // records of its log
	seen   map[string]map[string]any // by message, what until passed by
	client *http.Client
	url    string
}

// serve starts `postern serve` on dir and returns once it is ready.
func serve(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, lines: make(chan map[string]any, 1000), seen: map[string]map[string]any{}}
	p.cmd = exec.CommandContext(t.Context(), program, append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, args...)...)
	p.cmd.Env = append(os.Environ(), asPostern+"=1")
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(stderr); in.Scan(); {
			var record map[string]any
			if err := json.Unmarshal(in.Bytes(), &record); err != nil {
				record = map[string]any{"msg": in.Text()}
			}
			p.lines <- record
		}
	}()
	ca, err := os.ReadFile(server.CAFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	p.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	p.url = "https://" + p.until("ready")["listen"].(string)
	return p
}

// until returns the next record whose message is msg.
func (p *process) until(msg string) map[string]any {
	p.t.Helper()
	for record := range p.lines {
		if record["msg"] == msg {
			return record
		}
		if said, ok := record["msg"].(string); ok {
			p.seen[said] = record
		}
		if record["level"] == "ERROR" || record["level"] == nil {
			p.t.Fatalf("it says %v", record)
		}
	}
	p.t.Fatalf("it ended without %q", msg)
	return nil
}

func (p *process) get(path string) (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res, string(body)
}

// end sends a signal and returns how the process left.
func (p *process) end(signal os.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	for range p.lines { // until it has said all
	}
	return p.cmd.Wait()
}

func TestADirectoryHasOneServer(t *testing.T) {
	dir, created := initialised(t)
	write(t, filepath.Join(dir, "made-by-postern-dev"), "")
	first := serve(t, dir)
	for _, args := range [][]string{{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, {"dev", "--data", dir, "--listen", "127.0.0.1:0"}, {"dev", "--data", dir, "--listen", "127.0.0.1:0", "--reset"}} {
		if code, _, problems := command(t, args...); code != program.Failed || !strings.Contains(problems, "dataInUse") {
			t.Errorf("%v: exit %d, %s", args, code, problems)
		}
	}
	if code, _, problems := command(t, "recover", "--data", dir, "--upn", created.Administrator); code != program.Done {
		t.Errorf("recover beside the server: %d %s", code, problems)
	}
	if code, _, problems := command(t, "init", "--data", dir, "--domain", "second.example"); code != program.Done {
		t.Errorf("a second tenant beside the server: %d %s", code, problems)
	}
	if res, said := first.get("/readyz"); res.StatusCode != http.StatusOK {
		t.Errorf("the first server: %d %s", res.StatusCode, said)
	}
	if err := first.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	if err := serve(t, dir).end(syscall.SIGTERM); err != nil {
		t.Errorf("the next server: %v", err)
	}
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	dir, _ := initialised(t)
	p := serve(t, dir, "--metrics", "127.0.0.1:0")
	main := p.url
	p.url = "http://" + p.seen["metrics"]["listen"].(string)
	if res, body := p.get("/metrics"); res.StatusCode != http.StatusOK || !strings.Contains(body, "postern_clock_wrong 0") {
		t.Errorf("metrics: %d\n%s", res.StatusCode, body)
	}
	if res, _ := p.get("/healthz"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the listener of metrics serves more: %d", res.StatusCode)
	}
	p.url = main
	if res, _ := p.get("/metrics"); res.StatusCode != http.StatusNotFound {
		t.Errorf("everybody gets the metrics: %d", res.StatusCode)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

func TestSIGTERMLetsARequestFinish(t *testing.T) {
	dir, created := initialised(t)
	p := serve(t, dir, "--http")
	p.url = "http" + strings.TrimPrefix(p.url, "https")
	body, in := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/"+created.TenantID+"/oauth2/v2.0/token", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Expect", "100-continue") // is answered once the server has begun
	begun := make(chan struct{})
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(begun) }}))
	answered := make(chan int, 1)
	p.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
	go func() {
		res, err := p.client.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		_ = res.Body.Close()
		answered <- res.StatusCode
	}()
	<-begun
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until it takes no more
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	if _, err := io.WriteString(in, "grant_type=none"); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if status := <-answered; status != http.StatusBadRequest {
		t.Errorf("the request that had begun: %d", status)
	}
	for range p.lines { // until it has said all
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it left with %v", err)
	}
}

func TestCertificatesAreReadAgainOnSIGHUP(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGHUP")
	}
	dir, _ := initialised(t)
	stop := serve(t, dir) // makes a leaf
	if err := stop.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	pair := func() {
		t.Helper()
		for _, name := range []string{"server.pem", "server.key"} {
			data, err := os.ReadFile(filepath.Join(dir, "tls", name))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(files, name), string(data))
		}
	}
	pair()
	p := serve(t, dir, "--tls-cert", filepath.Join(files, "server.pem"), "--tls-key", filepath.Join(files, "server.key"))
	serial := func() string {
		t.Helper()
		res, _ := p.get("/healthz")
		return res.TLS.PeerCertificates[0].SerialNumber.String()
	}
	first := serial()

	write(t, filepath.Join(files, "server.pem"), "broken")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for record := range p.lines {
		if record["msg"] == "certificate was not read; the old one stays" {
			break
		}
	}
	if again := serial(); again != first {
		t.Error("a broken file replaced the certificate")
	}

	next, _ := initialised(t)
	if err := serve(t, next).end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	dir = next
	pair()
	ca, err := os.ReadFile(server.CAFile(next))
	if err != nil {
		t.Fatal(err)
	}
	p.client.Transport.(*http.Transport).TLSClientConfig.RootCAs.AppendCertsFromPEM(ca)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until("certificate was read again")
	if again := serial(); again == first {
		t.Error("the new certificate is not served")
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
