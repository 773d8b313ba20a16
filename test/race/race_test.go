// Package race lets many people do the same thing at the same moment, through real servers:
// three on one PostgreSQL, and one on SQLite. `make soak` repeats each race many times.
package race

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/store/pgtest"
	"github.com/postern-id/postern/test/live"
)

func TestMain(m *testing.M) { live.Main(m, pgtest.Main) }

// crowd is how many race.
const crowd = 64

// a track is a house with its servers, on which one race after another is run.
type track struct {
	*live.House
	*live.Graph
	servers []string
	races   int // gives each race a person of its own
}

func newTrack(t *testing.T, database string, servers int) *track {
	h := live.NewHouse(t, database)
	k := &track{House: h, servers: h.Serve(t, servers)}
	var err error
	if k.Graph, err = h.Graph(t.Context(), k.server(0)); err != nil {
		t.Fatal(err)
	}
	return k
}

// server spreads requests over the servers.
func (k *track) server(i int) string { return k.servers[i%len(k.servers)] }

// person makes somebody and returns their id and name.
func (k *track) person(t *testing.T) (id, name string) {
	t.Helper()
	k.races++
	nick := fmt.Sprintf("racer%d", k.races)
	id, err := k.CreateUser(t.Context(), k.server(k.races), nick)
	if err != nil {
		t.Fatal(err)
	}
	return id, live.Name(nick)
}

func (k *track) issue(t *testing.T, user, body string) live.Issued {
	t.Helper()
	p, err := k.Issue(t.Context(), k.server(0), user, body)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// from is the client address of racer i, each its own, so that no throttle of an address
// decides the race.
func from(i int) string { return fmt.Sprintf("192.0.2.%d", i+1) }

// races are the races, run on every track.
var races = []struct {
	name      string
	few, many int // rounds
	run       func(*testing.T, *track)
}{
	{"of 64 browsers with one one-time pass one gets in", 3, 100, onePass},
	{"a form that is sent 64 times leads to one session", 1, 20, oneForm},
	{"of 64 uses of a code one wins at most, and the reuse ends what it won", 2, 50, oneCode},
	{"of 64 uses of a refresh token one wins at most, and the reuse ends what it won", 2, 50, oneRefresh},
	{"of passes issued at the same moment one stays", 1, 20, manyIssues},
	{"a pass deleted during a sign-in leaves nothing behind", 3, 100, deleteMeanwhile},
	{"whose access ends is refused by every server within two seconds", 1, 20, accessEnds},
	{"one Global Administrator stays", 2, 50, lastAdministrator},
	{"parallel guesses are counted one by one", 1, 20, guesses},
}

func TestRaces(t *testing.T) {
	tracks := []struct {
		name  string
		build func(*testing.T) *track
	}{
		{"three servers on PostgreSQL", func(t *testing.T) *track { return newTrack(t, pgtest.Open(t), 3) }},
		{"one server on SQLite", func(t *testing.T) *track { return newTrack(t, "", 1) }},
	}
	for _, track := range tracks {
		t.Run(track.name, func(t *testing.T) {
			k := track.build(t)
			for _, race := range races {
				t.Run(race.name, func(t *testing.T) {
					for range live.Rounds(race.few, race.many) {
						race.run(t, k)
					}
				})
			}
		})
	}
}

// outcome is how far one racer came.
type outcome struct {
	proved bool   // the pass was taken
	code   string // the sign-in came to its end
	err    error
}

// prove brings racer i to the pass and types it; a busy server is asked again.
func (k *track) prove(t *testing.T, b *live.Browser, i int, page, pass string) (bool, error) {
	for {
		a, err := b.Prove(t.Context(), k.server(i), page, pass)
		switch {
		case err != nil:
			return false, err
		case a.Status == http.StatusSeeOther:
			return true, nil
		case a.Status == http.StatusTooManyRequests:
			continue
		case a.Status == http.StatusBadRequest && strings.Contains(a.Body, `data-error="credentialRefused"`):
			return false, nil
		}
		return false, fmt.Errorf("pass: %d\n%s", a.Status, a.Body)
	}
}

// finish answers the last question and fetches the code; each step at another server.
func (k *track) finish(t *testing.T, b *live.Browser, i int, page string) (string, error) {
	a, err := b.Stay(t.Context(), k.server(i+1), page)
	if err != nil {
		return "", err
	}
	if a.Status != http.StatusSeeOther {
		return "", fmt.Errorf("stay: %d\n%s", a.Status, a.Body)
	}
	return b.Code(t.Context(), k.server(i+2), a.Location)
}

// browsers opens one browser for each racer, at the page that asks for the pass of name.
func (k *track) browsers(t *testing.T, n int, name string, from func(int) string) ([]*live.Browser, []string) {
	t.Helper()
	all, pages := make([]*live.Browser, n), make([]string, n)
	for i, err := range live.AtOnce(n, func(i int) (err error) {
		all[i] = k.NewBrowser(from(i))
		if pages[i], err = all[i].Begin(t.Context(), k.server(i)); err != nil {
			return err
		}
		return all[i].Identify(t.Context(), k.server(i+1), pages[i], name)
	}) {
		if err != nil {
			t.Fatalf("browser %d: %v", i, err)
		}
	}
	return all, pages
}

// signIns returns the interactive sign-ins of a person with the given error code.
func (k *track) signIns(t *testing.T, user string, code int) int {
	t.Helper()
	all, err := live.List[struct {
		IsInteractive bool
	}](t.Context(), k.Graph, k.server(0), "/v1.0/auditLogs/signIns?$filter="+
		url.QueryEscape(fmt.Sprintf("userId eq '%s' and status/errorCode eq %d", user, code)))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range all {
		if e.IsInteractive {
			n++
		}
	}
	return n
}
