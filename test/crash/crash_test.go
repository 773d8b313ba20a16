// Package crash ends the real server, or a backend of its database, at random moments while
// people are made, passes issued and redeemed, and the policy changed, and then looks whether
// everything that was acknowledged is there, whole, with its event, and nobody is stranded.
//
// It happens 20 times usually and 200 times in `make soak`. The seed of a run is printed;
// what the machine does meanwhile is not in it.
package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/internal/store/pgtest"
	"github.com/postern-id/postern/test/live"
)

func TestMain(m *testing.M) { live.Main(m, pgtest.Main) }

const (
	kills, killsInSoak = 20, 200
	// workers do things at the same time.
	workers = 4
	// latest is how long after a start the end may come.
	latest = 400 * time.Millisecond
)

func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	tests := []struct {
		name     string
		database func(testing.TB) string
	}{
		{"SQLite", func(testing.TB) string { return "" }},
		{"PostgreSQL", pgtest.Open},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRun(t, test.database(t))
			r.start(t)
			for round := range live.Rounds(kills, killsInSoak) {
				r.work(t, round, func() {
					if err := r.server.Kill(); err != nil {
						t.Error(err)
					}
				})
				if out, err := r.house.Run(t.Context(), "log", "verify"); err != nil {
					t.Fatalf("log verify after kill %d: %v\n%s", round, err, out)
				}
				r.house.Forget()
				r.start(t)
				r.check(t, round)
			}
		})
	}
}

func TestNothingAcknowledgedIsLostWhenTheDatabaseIsKilled(t *testing.T) {
	database := pgtest.Open(t)
	r := newRun(t, database)
	r.start(t)
	for round := range live.Rounds(kills, killsInSoak) {
		r.work(t, round, func() { killBackends(t, database) })
		r.awaitReady(t)
		r.check(t, round)
	}
	if err := r.server.Stop(); err != nil {
		t.Error(err)
	}
	if out, err := r.house.Run(t.Context(), "log", "verify"); err != nil {
		t.Errorf("log verify: %v\n%s", err, out)
	}
}

// killBackends ends one process of the database's server as a crash would, which makes
// PostgreSQL end all of them and recover from its log. A server of somebody else's is only
// asked to end the connections.
func killBackends(t *testing.T, database string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close(context.Background())
	const others = ` FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	if os.Getenv("POSTERN_TEST_POSTGRES") != "" {
		if _, err := c.Exec(t.Context(), "SELECT pg_terminate_backend(pid)"+others); err != nil {
			t.Error(err)
		}
		return
	}
	var pid int
	err = c.QueryRow(t.Context(), "SELECT pid"+others+" ORDER BY state = 'active' DESC, random() LIMIT 1").Scan(&pid)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Error(err)
	}
}

// A run is a house whose server is ended again and again.
type run struct {
	house  *live.House
	server *live.Process
	graph  *live.Graph
	chance *rand.Rand // for the goroutine of the test alone

	mu     sync.Mutex
	people []*person // of this round
	policy policy
}

// policy is what is known of the setting that changes.
type policy struct {
	last     int   // value that was tried last
	possible []int // values that may be there: the last acknowledged one, and those tried since
	count    int   // changes that were acknowledged
	unsure   int   // changes that were not
}

func newRun(t *testing.T, database string) *run {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return &run{
		house: live.NewHouse(t, database), chance: rand.New(rand.NewPCG(seed, 0)),
		policy: policy{last: 60, possible: []int{60}},
	}
}

// start starts the server anew and gets a token from it.
func (r *run) start(t *testing.T) {
	t.Helper()
	server, err := r.house.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.server = server
	t.Cleanup(func() { _ = server.Kill() }) // usually it is dead by then
	if r.graph, err = r.house.Graph(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
}

// awaitReady asks until the server serves again.
func (r *run) awaitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, err := r.graph.Do(ctx, r.server.URL, "GET", live.PolicyPath, "", nil); err == nil && status == 200 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the server does not come back:\n%s", r.server.Words())
		case <-tick.C:
		}
	}
}

// work lets the workers work until strike has come, at a random moment.
func (r *run) work(t *testing.T, round int, strike func()) {
	t.Helper()
	r.people = nil
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r.live(ctx, fmt.Sprintf("p%d-%d-%d", round, w, n))
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			r.changePolicy(ctx)
		}
	})
	moment := time.NewTimer(time.Duration(r.chance.Int64N(int64(latest))))
	<-moment.C
	strike()
	stop()
	all.Wait()
}

// A person is what one worker did for one person, as far as it was acknowledged.
type person struct {
	nick string
	id   string
	pass live.Issued

	browser        *live.Browser
	page           string
	proved, stayed bool // acknowledged
	maybeStayed    bool // sent
	location       string
}

// live makes a person, issues them a one-time pass and lets them sign in, until something
// is not answered.
func (r *run) live(ctx context.Context, nick string) {
	p := &person{nick: nick}
	r.mu.Lock()
	r.people = append(r.people, p)
	r.mu.Unlock()
	// The requests themselves are not given up when the round ends: what is answered counts.
	ctx, at := context.WithoutCancel(ctx), r.server.URL
	id, err := r.graph.CreateUser(ctx, at, nick)
	if err != nil {
		return
	}
	p.id = id
	pass, err := r.graph.Issue(ctx, at, id, `{"isUsableOnce":true}`)
	if err != nil {
		return
	}
	p.pass = pass
	p.browser = r.house.NewBrowser("192.0.2.1")
	page, err := p.browser.Begin(ctx, at)
	if err != nil || p.browser.Identify(ctx, at, page, live.Name(nick)) != nil {
		return
	}
	p.page = page
	if a, err := p.browser.Prove(ctx, at, page, pass.Pass); err != nil || a.Status != 303 {
		return
	}
	p.proved = true
	p.maybeStayed = true
	a, err := p.browser.Stay(ctx, at, page)
	if err != nil || a.Status != 303 {
		return
	}
	p.stayed, p.location = true, a.Location
}

// changePolicy sets a value that was not there before.
func (r *run) changePolicy(ctx context.Context) {
	p := &r.policy
	p.last = 60 + (p.last-60+1)%400
	if err := r.graph.SetDefaultLifetime(context.WithoutCancel(ctx), r.server.URL, p.last); err != nil {
		p.possible = append(p.possible, p.last)
		p.unsure++
		return
	}
	p.count++
	p.possible = []int{p.last}
}

// check compares what is there with what was acknowledged.
func (r *run) check(t *testing.T, round int) {
	t.Helper()
	acknowledged := 0
	for _, p := range r.people {
		if p.id != "" {
			acknowledged++
		}
		r.checkPerson(t, p)
	}
	r.checkPolicy(t)
	if t.Failed() {
		t.Fatalf("after round %d, in which %d people were made:\n%s", round, acknowledged, r.server.Words())
	}
}

func (r *run) checkPolicy(t *testing.T) {
	t.Helper()
	var now struct{ DefaultLifetimeInMinutes int }
	if status, err := r.graph.Do(t.Context(), r.server.URL, "GET", live.PolicyPath, "", &now); err != nil || status != 200 {
		t.Fatalf("read the policy: %d %v", status, err)
	}
	p := &r.policy
	if !slices.Contains(p.possible, now.DefaultLifetimeInMinutes) {
		t.Errorf("the policy says %d and not one of %v", now.DefaultLifetimeInMinutes, p.possible)
	}
	n, most := len(r.events(t, "activityDisplayName eq 'Authentication Methods Policy Update'")), p.count+p.unsure
	if n < p.count || n > most {
		t.Errorf("%d changes of the policy were acknowledged and %d were not; it has %d events", p.count, p.unsure, n)
	}
	// From here on it is known for certain.
	p.possible, p.count, p.unsure = []int{now.DefaultLifetimeInMinutes}, n, 0
}

type event struct {
	ID                  string
	ActivityDisplayName string
}

func (r *run) events(t *testing.T, filter string) []event {
	t.Helper()
	all, err := live.List[event](t.Context(), r.graph, r.server.URL, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape(filter))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkPerson checks one person: what was acknowledged is there, what was not is there
// whole or not at all, and a one-time pass lets them in once.
func (r *run) checkPerson(t *testing.T, p *person) {
	t.Helper()
	var user struct{ ID string }
	status, err := r.graph.Do(t.Context(), r.server.URL, "GET", "/v1.0/users/"+live.Name(p.nick), "", &user)
	if err != nil || status != 200 && status != 404 {
		t.Fatalf("read %s: %d %v", p.nick, status, err)
	}
	if user.ID == "" {
		if p.id != "" {
			t.Errorf("%s was acknowledged and is gone", p.nick)
		}
		return
	}
	activities := map[string]int{}
	for _, e := range r.events(t, "targetResources/any(t:t/id eq '"+user.ID+"')") {
		activities[e.ActivityDisplayName]++
	}
	if activities["Add user"] != 1 {
		t.Errorf("%s is there with %d events: %v", p.nick, activities["Add user"], activities)
	}
	passes, err := live.List[live.Issued](t.Context(), r.graph, r.server.URL, "/v1.0/users/"+user.ID+"/authentication/temporaryAccessPassMethods")
	if err != nil {
		t.Fatal(err)
	}
	if len(passes) != activities["User registered security info"] {
		t.Errorf("%s has %d passes with %d events", p.nick, len(passes), activities["User registered security info"])
	}
	if p.pass.ID == "" {
		return
	}
	if len(passes) != 1 || passes[0].ID != p.pass.ID {
		t.Errorf("pass %s was acknowledged and %v is there", p.pass.ID, passes)
		return
	}
	r.checkSignIn(t, p, user.ID)
}

// checkSignIn goes on with the sign-in where it was cut off, in the same browser, and then
// tries the pass in another one.
func (r *run) checkSignIn(t *testing.T, p *person, user string) {
	t.Helper()
	at := r.server.URL
	before := r.signIns(t, user)
	if p.stayed && before != 1 || before > 1 || before == 1 && !p.maybeStayed {
		t.Errorf("%s: %d sign-ins are in the log; acknowledged: %v, sent: %v", p.nick, before, p.stayed, p.maybeStayed)
	}
	if p.page != "" {
		if !p.proved { // it may be reserved or not: the same browser goes on either way
			if a, err := p.browser.Prove(t.Context(), at, p.page, p.pass.Pass); err != nil || a.Status != 303 {
				t.Errorf("%s is stranded at the pass: %d %v\n%s", p.nick, a.Status, err, a.Body)
				return
			}
		}
		a, err := p.browser.Stay(t.Context(), at, p.page)
		if err != nil || a.Status != 303 {
			t.Errorf("%s is stranded at the end: %d %v\n%s", p.nick, a.Status, err, a.Body)
			return
		}
		if p.stayed && a.Location != p.location {
			t.Errorf("%s: a repeat leads to %q, not to %q", p.nick, a.Location, p.location)
		}
		if _, err := p.browser.Code(t.Context(), at, a.Location); err != nil {
			t.Errorf("%s: %v", p.nick, err)
		}
		if n := r.signIns(t, user); n != 1 {
			t.Errorf("%s: %d sign-ins are in the log after the repeat", p.nick, n)
		}
	} else if _, err := r.house.NewBrowser("192.0.2.2").SignIn(t.Context(), at, live.Name(p.nick), p.pass.Pass); err != nil {
		t.Errorf("%s: an acknowledged pass does not work: %v", p.nick, err)
	}
	_, err := r.house.NewBrowser("192.0.2.3").SignIn(t.Context(), at, live.Name(p.nick), p.pass.Pass)
	if err == nil || !strings.Contains(err.Error(), "credentialRefused") {
		t.Errorf("%s: the one-time pass works twice: %v", p.nick, err)
	}
}

// signIns counts the interactive sign-ins of a person that succeeded.
func (r *run) signIns(t *testing.T, user string) int {
	t.Helper()
	all, err := live.List[struct{ IsInteractive bool }](t.Context(), r.graph, r.server.URL,
		"/v1.0/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+user+"' and status/errorCode eq 0"))
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
