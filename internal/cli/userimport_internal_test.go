package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/graphclient"
)

type anyToken struct{}

func (anyToken) Token(context.Context) (graphclient.Secret, error) {
	return graphclient.NewSecret("token"), nil
}

func TestAnImportSaysWhoCameAgainByAnotherNameInALaterPart(t *testing.T) {
	parts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		parts++
		id := map[int]string{1: "mira", 2: "nils", 3: "mira"}[parts]
		_ = json.NewEncoder(w).Encode(map[string]any{"rows": []map[string]any{{"row": parts + 1, "outcome": "left", "userId": id}}})
	}))
	defer server.Close()
	i, _, said := importerAt(t, server)
	if err := i.run(strings.NewReader(fileOf(3))); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); strings.Count(got, "same person") != 1 || !strings.Contains(got, "Line 4 is about the same person as line 2") {
		t.Error(got)
	}
}

func TestAnImportGoesOnWhereASlowServerStopped(t *testing.T) {
	const people = 450
	seen := map[string]int{}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Rows []struct {
				Row    int      `json:"row"`
				Values []string `json:"values"`
			} `json:"rows"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		rows := []map[string]any{}
		for _, row := range in.Rows[:min(len(in.Rows), 7)] {
			seen[row.Values[0]]++
			rows = append(rows, map[string]any{"row": row.Row, "outcome": "added", "userPrincipalName": row.Values[0], "managerMissing": row.Row == 3 && seen[row.Values[0]] == 1})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"rows": rows})
	}))
	defer slow.Close()
	i, out, said := importerAt(t, slow)
	if err := i.run(strings.NewReader(fileOf(people))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "450 added") || strings.Count(out.String(), "\n") != people || len(seen) != people {
		t.Errorf("%d people were sent, %d lines told; %s", len(seen), strings.Count(out.String(), "\n"), said.String())
	}
	for name, times := range seen {
		if want := map[bool]int{true: 2, false: 1}[name == "n1@contoso.example"]; times != want {
			t.Errorf("%s was imported %d times", name, times)
		}
	}
}

func TestAnImportThatStopsAtARaggedLineSaysWhatItDidBefore(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"rows": []map[string]any{{"row": 2, "outcome": "added"}}})
	}))
	defer server.Close()
	i, _, said := importerAt(t, server)
	if err := i.run(strings.NewReader(fileOf(1) + "a@contoso.example,b,c\n")); err == nil || errors.Is(err, ErrSomeRows) {
		t.Errorf("the file was taken: %v", err)
	}
	if !strings.Contains(said.String(), "1 added, 0 changed") {
		t.Errorf("it does not say what was done: %q", said)
	}
}

func TestTablesNameTheirPeople(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_ = json.NewEncoder(w).Encode(map[string]any{"value": []map[string]any{{"id": "m", "userPrincipalName": "mira@contoso.example"}}})
	}))
	defer server.Close()
	i, out, _ := importerAt(t, server)
	rows := []graphclient.Object{{"userId": "m"}, {"userId": "gone"}, {"userId": "m"}, {}}
	i.e.nameUsers(rows)
	if err := i.e.rows(rows, []column{{"USER", "userPrincipalName|userId"}}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(out.String()); asked != 1 || len(got) < 4 || got[1] != "mira@contoso.example" || got[2] != "gone" || got[3] != "mira@contoso.example" {
		t.Errorf("%d requests, %q", asked, got)
	}
}

func TestWhoOpensACaseThemselfSaysHowTheyWereReached(t *testing.T) {
	for _, c := range []struct {
		channel, as, secret string
		want                bool
	}{
		{"", "", "", true},
		{"", "agent", "", true},
		{"phone", "", "", false},
		{"", "automation", "", false},
		{"", "", "of an application", false},
	} {
		if got := (&env{secret: c.secret}).wantsChannel(c.channel, c.as); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// importerAt returns an importer of a server, whose pauses take no time.
func importerAt(t *testing.T, server *httptest.Server) (i *importer, out, said *bytes.Buffer) {
	t.Helper()
	client, err := graphclient.New(graphclient.Config{Graph: server.URL, Tokens: anyToken{}, HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	out, said = &bytes.Buffer{}, &bytes.Buffer{}
	c := &cobra.Command{}
	c.SetContext(t.Context())
	c.SetOut(out)
	c.SetErr(said)
	i = newImporter(&env{command: c, graph: client}, false)
	i.wait = func(context.Context, time.Duration) error { return nil }
	return i, out, said
}

func fileOf(people int) string {
	var file strings.Builder
	file.WriteString("userPrincipalName\n")
	for n := range people {
		fmt.Fprintf(&file, "n%d@contoso.example\n", n)
	}
	return file.String()
}

// A slowServer takes its time for each row. Where a client would not have waited so long it stores what it
// had done by then, and breaks the connection.
type slowServer struct {
	mu       sync.Mutex
	perRow   time.Duration
	now      time.Time
	there    map[string]int // how often somebody was added
	requests []int          // rows of each
	missed   int
}

func (s *slowServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Rows []struct {
			Row    int      `json:"row"`
			Values []string `json:"values"`
		} `json:"rows"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, len(in.Rows))
	rows, took := []map[string]any{}, time.Duration(0)
	for _, row := range in.Rows {
		if took += s.perRow; took > 30*time.Second {
			s.missed++
			s.now = s.now.Add(30 * time.Second)
			panic(http.ErrAbortHandler)
		}
		outcome := "left"
		if s.there[row.Values[0]] == 0 {
			outcome = "added"
			s.there[row.Values[0]]++
		}
		rows = append(rows, map[string]any{"row": row.Row, "outcome": outcome, "userPrincipalName": row.Values[0]})
	}
	s.now = s.now.Add(took)
	_ = json.NewEncoder(w).Encode(map[string]any{"rows": rows})
}

func (s *slowServer) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func TestAnImportSendsAsManyRowsAsTheServerHasTimeFor(t *testing.T) {
	for _, test := range []struct {
		name         string
		perRow       time.Duration
		people       int
		least, most  int // rows of a request once the pace is found
		mayGoMissing int
	}{
		{"a fast server", time.Millisecond, 1800, 200, 200, 0},
		{"one that takes half a second for a row", 500 * time.Millisecond, 300, 10, 10, 0},
		{"one that takes two seconds for a row", 2 * time.Second, 60, 2, 2, 1},
		{"one that takes twenty seconds for a row", 20 * time.Second, 20, 1, 1, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &slowServer{perRow: test.perRow, now: time.Unix(0, 0), there: map[string]int{}}
			server := httptest.NewServer(s)
			defer server.Close()
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			i, _, said := importerAt(t, server)
			i.now = s.clock
			if err := i.run(strings.NewReader(fileOf(test.people))); err != nil {
				t.Fatal(err)
			}
			if len(s.there) != test.people || s.missed > test.mayGoMissing {
				t.Errorf("%d people are there; %d requests had no answer", len(s.there), s.missed)
			}
			if n := s.requests[len(s.requests)-2]; n < test.least || n > test.most {
				t.Errorf("requests held %v rows", s.requests)
			}
			if (s.missed > 0) != strings.Contains(said.String(), "no answer") || (s.missed > 0) != strings.Contains(said.String(), "counts as left alone") {
				t.Errorf("%d requests had no answer, and people were told %s", s.missed, said)
			}
		})
	}
}

func TestAnImportThatGetsNoAnswerSaysHowFarItCame(t *testing.T) {
	s := &slowServer{perRow: time.Millisecond, now: time.Unix(0, 0), there: map[string]int{}}
	server := httptest.NewServer(s)
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	i, _, _ := importerAt(t, server)
	pauses := 0
	i.wait = func(context.Context, time.Duration) error { pauses++; return nil }
	i.now = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.there) >= 150 {
			s.perRow = time.Minute
		}
		return s.now
	}
	err := i.run(strings.NewReader(fileOf(1000)))
	if !errors.Is(err, ErrImportStopped) || !strings.Contains(err.Error(), "The lines up to 151 are done.") || pauses != importTries-1 {
		t.Errorf("after %d pauses: %v", pauses, err)
	}
	s.mu.Lock() // the last request may still end there
	for name, times := range s.there {
		if times != 1 {
			t.Errorf("%s was added %d times", name, times)
		}
	}
	s.perRow = time.Millisecond
	s.mu.Unlock()
	again, _, said := importerAt(t, server)
	if err := again.run(strings.NewReader(fileOf(1000))); err != nil || !strings.Contains(said.String(), "left alone, 0 refused") || len(s.there) != 1000 {
		t.Errorf("the same command again: %v, %s", err, said)
	}
}
