package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/server"
)

// TestAPassWhoseCommandWasKilledIsReplaced kills `tap issue --from` with SIGKILL when the
// server has issued a pass and the answer is still to come, and runs it again.
func TestAPassWhoseCommandWasKilledIsReplaced(t *testing.T) {
	site := httptest.NewUnstartedServer(nil)
	site.StartTLS()
	defer site.Close()
	o := server.Options{Dir: t.TempDir(), PublicURL: site.URL, Hold: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	created, err := server.Init(t.Context(), o, server.NewTenant{Domain: "contoso.example", Admin: "admin", TimeZone: "UTC", EnableTAP: true, App: "automation"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var victim atomic.Pointer[os.Process]
	var issued atomic.Int64
	var mu sync.Mutex
	ids := map[string]string{} // path of a person's passes to the id of the last one
	site.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/temporaryAccessPassMethods") {
			s.Handler().ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		s.Handler().ServeHTTP(answer, r)
		var pass struct{ ID, TemporaryAccessPass string }
		if err := json.Unmarshal(answer.Body.Bytes(), &pass); err != nil {
			t.Error(err)
		}
		mu.Lock()
		ids[r.URL.Path] = pass.TemporaryAccessPass
		mu.Unlock()
		if p := victim.Load(); issued.Add(1) == 6 && p != nil {
			_ = p.Kill()
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})

	work := t.TempDir()
	ca := filepath.Join(work, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	postern := func(args ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), program, args...)
		c.Dir = work
		c.Env = append(os.Environ(), asPostern+"=1", "XDG_CONFIG_HOME="+work, "POSTERN_SERVER="+site.URL, "POSTERN_CA="+ca,
			"POSTERN_TENANT="+created.TenantID, "POSTERN_CLIENT_ID="+created.ClientID, "POSTERN_CLIENT_SECRET="+created.ClientSecret)
		return c
	}
	list := "user\n"
	for i := range 20 {
		name := fmt.Sprintf("p%d@contoso.example", i)
		if out, err := postern("user", "create", name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		list += name + "\n"
	}
	if err := os.WriteFile(filepath.Join(work, "people.csv"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}

	first := postern("tap", "issue", "--from", "people.csv")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	victim.Store(first.Process)
	if err := first.Wait(); err == nil {
		t.Fatal("the command was not killed")
	}
	before := issued.Load()
	out, err := postern("tap", "issue", "--from", "people.csv").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(work, "people.results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	reissued := strings.Count(text, ",reissued,")
	if reissued < 1 || reissued > 4 || strings.Count(text, ",issued,") != 20-reissued || strings.Contains(text, "started") {
		t.Errorf("the second run says\n%s\nand the file has\n%s", out, text)
	}
	if got := issued.Load(); got > 20+int64(reissued) {
		t.Errorf("%d passes before the kill, %d in all, %d issued again", before, got, reissued)
	}
	for path, pass := range ids {
		name := strings.TrimPrefix(strings.TrimSuffix(path, "/authentication/temporaryAccessPassMethods"), "/v1.0/users/")
		if !strings.Contains(text, name+",issued,"+pass+",") && !strings.Contains(text, name+",reissued,"+pass+",") {
			t.Errorf("the pass of %s in the file is not the one that works", name)
		}
	}
}
