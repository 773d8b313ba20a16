package server_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postern-id/postern/internal/server"
)

// keptBy starts a world with the witness, and returns what one round brought it.
func keptBy(t *testing.T, address string) *world {
	t.Helper()
	witnesses, err := server.ParseWitnesses([]string{address})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *server.Options) { o.Witnesses = witnesses })
	if err := w.server.Witnessed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// verifies reports whether the log agrees with what a witness kept, and that this was not
// nothing.
func (w *world) verifies(kept string) {
	w.t.Helper()
	reports, err := server.VerifyLog(w.t.Context(), w.options, []io.Reader{strings.NewReader(kept)}, false)
	if err != nil || len(reports) != 1 || reports[0].Report.Witnessed == 0 {
		w.t.Errorf("%+v, %v\n%s", reports, err, kept)
	}
}

func TestAFileKeepsWhatLogVerifyNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "witness")
	w := keptBy(t, "file:"+path)
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.verifies(string(kept))
}

func TestAWebhookKeepsWhatLogVerifyNeeds(t *testing.T) {
	var kept bytes.Buffer
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Query().Get("key") != "s3cret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.Copy(&kept, r.Body)
		kept.WriteByte('\n')
		w.WriteHeader(http.StatusNoContent)
	}))
	defer hook.Close()
	w := keptBy(t, hook.URL+"/?key=s3cret")
	w.verifies(kept.String())
	if strings.Contains(w.log.String(), "s3cret") {
		t.Error("the address of the webhook is in the log")
	}
}

func TestASyslogServerKeepsWhatLogVerifyNeeds(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		got := make(chan string, 8)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			for r := bufio.NewReader(conn); ; {
				n, err := r.ReadString(' ') // RFC 6587 section 3.4.1
				if err != nil {
					return
				}
				size, err := strconv.Atoi(strings.TrimSpace(n))
				if err != nil {
					got <- "no length: " + n
					return
				}
				line := make([]byte, size)
				if _, err := io.ReadFull(r, line); err != nil {
					return
				}
				got <- string(line)
			}
		}()
		w := keptBy(t, "syslog:tcp://"+l.Addr().String())
		w.verifies(<-got)
	})
	t.Run("this machine", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		l, err := net.ListenPacket("unixgram", path)
		if err != nil {
			t.Skip(err) // Windows
		}
		defer l.Close()
		w := keptBy(t, "syslog:"+path)
		line := make([]byte, 8192)
		n, _, err := l.ReadFrom(line)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(line, []byte("<109>")) {
			t.Errorf("it begins %q", line[:20])
		}
		w.verifies(string(line[:n]))
	})
}

func TestAWitnessThatIsAwayHoldsUpNobody(t *testing.T) {
	var up atomic.Bool
	var kept bytes.Buffer
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.Copy(&kept, r.Body)
		kept.WriteByte('\n')
	}))
	defer hook.Close()
	witnesses, err := server.ParseWitnesses([]string{hook.URL})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *server.Options) { o.Witnesses = witnesses })
	if err := w.server.Witnessed(t.Context()); err == nil {
		t.Error("a witness that is away took a checkpoint")
	}
	if a := w.signIn(w.get("/security-info").location, w.created.Administrator, w.created.Pass); a.status != http.StatusSeeOther {
		t.Errorf("sign-in: %d", a.status)
	}
	if all, _ := w.scrape(); all[`postern_witness_failures_total{witness="webhook"}`] != "1" {
		t.Error("the failure is not counted")
	}
	if !strings.Contains(w.log.String(), "a witness does not take checkpoints") {
		t.Error("the failure is not in the log")
	}
	up.Store(true)
	if err := w.server.Witnessed(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.verifies(kept.String())
}

func TestAWitnessThatCannotBeReadIsNamedByItsPlace(t *testing.T) {
	for _, bad := range []string{"file:relative", "syslog:tcp://host", "syslog:nonsense", "http://witness.example/s3cret", "ftp://witness.example", ""} {
		_, err := server.ParseWitnesses([]string{"file:/tmp/w", bad})
		if !errors.Is(err, server.ErrWitness) || !strings.Contains(err.Error(), "Witness 2") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
