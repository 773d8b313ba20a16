package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/cli/bulk"
	"github.com/postern-id/postern/internal/graphclient"
)

var (
	errDown    = errors.New("the server can't be reached")
	errRefused = errors.New("=this person can't have one")
)

// server issues passes as long as fail has no error for the person.
type server struct {
	mu     sync.Mutex
	issued []string
	fail   func(user string, nth int) error
	nth    map[string]int
}

func (s *server) issue(_ context.Context, p bulk.Person) (graphclient.Pass, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nth[p.User]++
	if s.fail != nil {
		if err := s.fail(p.User, s.nth[p.User]); err != nil {
			return graphclient.Pass{}, err
		}
	}
	s.issued = append(s.issued, p.User)
	code := fmt.Sprintf("PASS%d", len(s.issued))
	return graphclient.Pass{TemporaryAccessPass: &code, StartDateTime: time.Unix(0, 0), LifetimeInMinutes: 60}, nil
}

func newServer() *server { return &server{nth: map[string]int{}} }

func people(names ...string) []bulk.Person {
	var all []bulk.Person
	for i, name := range names {
		all = append(all, bulk.Person{Line: i + 2, User: name + "@contoso.example"})
	}
	return all
}

func run(t *testing.T, ctx context.Context, s *server, path string, all []bulk.Person, step func(bulk.Outcome)) (bulk.Summary, error) { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	file, err := bulk.OpenResults(path)
	if err != nil {
		t.Fatal(err)
	}
	r := bulk.Run{
		People: all, Results: file, Issue: s.issue, Now: func() time.Time { return time.Unix(0, 0) }, Step: step,
		Fatal: func(err error) bool { return errors.Is(err, errDown) },
		Lost:  func(err error) bool { return errors.Is(err, errDown) },
		Wait:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	if step == nil {
		r.Step = func(bulk.Outcome) {}
	}
	summary, err := r.Do(ctx)
	if closed := file.Close(); closed != nil {
		t.Fatal(closed)
	}
	return summary, err
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestNobodyGetsASecondPassWhenTheCommandRunsAgain(t *testing.T) {
	s, path := newServer(), filepath.Join(t.TempDir(), "r.csv")
	s.fail = func(user string, nth int) error {
		if user == "omar@contoso.example" && nth == 1 {
			return errRefused
		}
		return nil
	}
	all := people("mira", "omar", "noor")
	first, err := run(t, t.Context(), s, path, all, nil)
	if err != nil || first != (bulk.Summary{Total: 3, Issued: 2, Failed: 1}) {
		t.Fatalf("first run: %+v, %v", first, err)
	}
	if text := read(t, path); !strings.Contains(text, "'=this person") || strings.Count(text, "\n") != 4 {
		t.Errorf("the file has\n%s", text)
	}
	second, err := run(t, t.Context(), s, path, all, nil)
	if err != nil || second != (bulk.Summary{Total: 3, Earlier: 2, Issued: 1}) {
		t.Fatalf("second run: %+v, %v", second, err)
	}
	slices.Sort(s.issued)
	if got := strings.Join(s.issued, " "); got != "mira@contoso.example noor@contoso.example omar@contoso.example" {
		t.Errorf("issued to %s", got)
	}
	if strings.Contains(read(t, path), "failed") || strings.Contains(read(t, path), "started") {
		t.Errorf("the file has\n%s", read(t, path))
	}
}

func TestALostConnectionStopsTheRunAndTheNextOneSaysWhatItReplaces(t *testing.T) {
	s, path := newServer(), filepath.Join(t.TempDir(), "r.csv")
	down := true
	s.fail = func(user string, _ int) error {
		if down && user == "omar@contoso.example" {
			return errDown
		}
		return nil
	}
	all := people("omar", "mira")
	if summary, err := run(t, t.Context(), s, path, all, nil); !errors.Is(err, errDown) || s.nth["omar@contoso.example"] != 5 {
		t.Fatalf("got %+v, %v after %d tries", summary, err, s.nth["omar@contoso.example"])
	}
	down = false
	summary, err := run(t, t.Context(), s, path, all, nil)
	if err != nil || summary.Reissued != 1 || summary.Left() != 0 {
		t.Errorf("got %+v, %v", summary, err)
	}
	if text := read(t, path); !strings.Contains(text, "omar@contoso.example,reissued,PASS") || !strings.Contains(text, "mira@contoso.example,issued,PASS") {
		t.Errorf("the file has\n%s", text)
	}
}

func TestWhoStopsTheCommandLosesNoPass(t *testing.T) {
	s, path := newServer(), filepath.Join(t.TempDir(), "r.csv")
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprint("p", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	summary, err := run(t, ctx, s, path, people(names...), func(bulk.Outcome) { stop() })
	if !errors.Is(err, context.Canceled) || summary.Issued == 0 || summary.Left() == 0 {
		t.Fatalf("got %+v, %v", summary, err)
	}
	if got := strings.Count(read(t, path), ",issued,PASS"); got != len(s.issued) {
		t.Errorf("%d passes were issued, the file has %d", len(s.issued), got)
	}
	if summary, err := run(t, t.Context(), s, path, people(names...), nil); err != nil || summary.Left() != 0 || summary.Reissued != 0 || len(s.issued) != 100 {
		t.Errorf("the second run: %+v, %v, %d issued", summary, err, len(s.issued))
	}
}

func TestALineThatACrashCutOffCountsAsLost(t *testing.T) {
	s, path := newServer(), filepath.Join(t.TempDir(), "r.csv")
	head := "line,user,result,pass,from,until,once,message,at\n"
	text := head + "2,mira@contoso.example,started,,,,,,2026-03-02T09:00:00Z\n2,mira@contoso.example,issued,PA"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	summary, err := run(t, t.Context(), s, path, people("mira"), nil)
	if err != nil || summary.Reissued != 1 {
		t.Errorf("got %+v, %v", summary, err)
	}
	if text := read(t, path); !strings.HasPrefix(text, head+"2,mira@contoso.example,reissued,PASS1,") || strings.Count(text, "\n") != 2 {
		t.Errorf("the file has\n%s", text)
	}
}

func TestAResultFileIsOneCommandsAndNothingElse(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "r.csv")
	one, err := bulk.OpenResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bulk.OpenResults(path); !errors.Is(err, bulk.ErrRunning) {
		t.Errorf("a second command got %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %v, %v", info.Mode(), err)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(path string) error{
		"another file":     func(path string) error { return os.WriteFile(path, []byte("user\nmira@contoso.example\n"), 0o600) },
		"readable by all":  func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o644)) },
		"a link elsewhere": func(path string) error { return os.Symlink(filepath.Join(folder, "r.csv"), path) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.csv")
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			if _, err := bulk.OpenResults(path); !errors.Is(err, bulk.ErrResults) {
				t.Errorf("got %v", err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Errorf("the file is now %q", after)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*.lock")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
