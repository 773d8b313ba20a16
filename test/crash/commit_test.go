package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern-id/postern/internal/store/pgtest"
	"github.com/postern-id/postern/test/live"
)

// TestNothingAcknowledgedIsLostWhenCommitsAreCutOff breaks connections to PostgreSQL just
// before a COMMIT, just after it (so that nobody is told whether it happened), or lets the
// answer come late.
func TestNothingAcknowledgedIsLostWhenCommitsAreCutOff(t *testing.T) {
	proxy := newProxy(t)
	r := newRun(t, proxy.URL)
	r.start(t)
	var mu sync.Mutex
	chance := rand.New(rand.NewPCG(r.chance.Uint64(), 0))
	for round := range live.Rounds(3, 100) {
		proxy.Break(func() live.Fault {
			mu.Lock()
			defer mu.Unlock()
			return []live.Fault{live.Cut, live.Lost, live.Stall, live.None}[min(3, chance.IntN(16))]
		})
		r.work(t, round, func() {})
		proxy.Break(func() live.Fault { return live.None })
		r.check(t, round)
	}
	t.Logf("%d commits were cut before, %d after, %d stalled, %d left alone",
		proxy.Count(live.Cut), proxy.Count(live.Lost), proxy.Count(live.Stall), proxy.Count(live.None))
	if proxy.Count(live.Cut) == 0 || proxy.Count(live.Lost) == 0 {
		t.Error("no commit was cut off")
	}
	if err := r.server.Stop(); err != nil {
		t.Error(err)
	}
	if out, err := r.house.Run(t.Context(), "log", "verify"); err != nil {
		t.Errorf("log verify: %v\n%s", err, out)
	}
}

func newProxy(t *testing.T) *live.Proxy {
	t.Helper()
	proxy, err := live.NewProxy(pgtest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	return proxy
}

// lose calls act until the answer to a COMMIT of it got lost, each time after prepare, whose
// commits are left alone. What works in the background may take the loss for itself.
func lose(t *testing.T, p *live.Proxy, prepare func(), act func() error) {
	t.Helper()
	for range 50 {
		prepare()
		var taken atomic.Bool
		p.Break(func() live.Fault {
			if taken.Swap(true) {
				return live.None
			}
			return live.Lost
		})
		err := act()
		p.Break(func() live.Fault { return live.None })
		if err != nil {
			return
		}
	}
	t.Fatal("no answer was lost")
}

// TestAChangeThatLostItsAnswerIsNotMadeTwice loses the answer to one COMMIT, and lets the
// caller try again, as callers do.
func TestAChangeThatLostItsAnswerIsNotMadeTwice(t *testing.T) {
	proxy := newProxy(t)
	r := newRun(t, proxy.URL)
	r.start(t)
	ctx, at, n := t.Context(), r.server.URL, 0
	next := func() *person {
		n++
		return &person{nick: fmt.Sprintf("twice%d", n)}
	}
	var p *person

	t.Run("a person", func(t *testing.T) {
		create := func() error {
			_, err := r.graph.CreateUser(ctx, at, p.nick)
			return err
		}
		lose(t, proxy, func() { p = next() }, create)
		if refused, ok := errors.AsType[*live.StatusError](create()); !ok || refused.Status != http.StatusBadRequest && refused.Status != http.StatusConflict {
			t.Errorf("the second request gets %v", refused)
		}
		p.id = "made"
		r.checkPerson(t, p)
	})

	t.Run("a pass", func(t *testing.T) {
		issue := func() error {
			var err error
			p.pass, err = r.graph.Issue(ctx, at, p.id, `{"isUsableOnce":true}`)
			return err
		}
		lose(t, proxy, func() { p = r.create(t, next()) }, issue)
		if err := issue(); err != nil {
			t.Fatal(err)
		}
		passes, err := live.List[live.Issued](ctx, r.graph, at, "/v1.0/users/"+p.id+"/authentication/temporaryAccessPassMethods")
		if err != nil || len(passes) != 1 || passes[0].ID != p.pass.ID {
			t.Errorf("the person has %v, not %s: %v", passes, p.pass.ID, err)
		}
		r.checkSignIn(t, p, p.id)
	})

	t.Run("the end of a sign-in", func(t *testing.T) {
		lose(t, proxy, func() { p = r.prove(t, r.create(t, next())) }, func() error {
			p.maybeStayed = true
			a, err := p.browser.Stay(ctx, at, p.page)
			if err == nil && a.Status != http.StatusSeeOther {
				err = &live.StatusError{Request: "stay", Status: a.Status}
			}
			return err
		})
		r.checkPerson(t, p)
	})

	t.Run("a refresh token", func(t *testing.T) {
		var first live.Tokens
		refresh := func() error {
			got, err := r.house.Refresh(ctx, at, first.Refresh)
			if err == nil && got.Status != http.StatusOK {
				err = &live.StatusError{Request: "refresh", Status: got.Status}
			}
			return err
		}
		lose(t, proxy, func() { first = r.tokens(t, r.create(t, next())) }, refresh)
		// It is spent, whoever asks: a second use ends the family (RFC 9700 section 4.14.2).
		if refused, ok := errors.AsType[*live.StatusError](refresh()); !ok || refused.Status != http.StatusBadRequest {
			t.Errorf("a spent refresh token gets %v", refused)
		}
	})
}

// create makes p.
func (r *run) create(t *testing.T, p *person) *person {
	t.Helper()
	var err error
	if p.id, err = r.graph.CreateUser(t.Context(), r.server.URL, p.nick); err != nil {
		t.Fatal(err)
	}
	return p
}

// prove brings p's sign-in with a new one-time pass to the last question.
func (r *run) prove(t *testing.T, p *person) *person {
	t.Helper()
	ctx, at := t.Context(), r.server.URL
	var err error
	if p.pass, err = r.graph.Issue(ctx, at, p.id, `{"isUsableOnce":true}`); err != nil {
		t.Fatal(err)
	}
	p.browser = r.house.NewBrowser("192.0.2.1")
	if p.page, err = p.browser.Begin(ctx, at); err != nil {
		t.Fatal(err)
	}
	if err := p.browser.Identify(ctx, at, p.page, live.Name(p.nick)); err != nil {
		t.Fatal(err)
	}
	if a, err := p.browser.Prove(ctx, at, p.page, p.pass.Pass); err != nil || a.Status != http.StatusSeeOther {
		t.Fatalf("prove: %d %v", a.Status, err)
	}
	p.proved = true
	return p
}

// tokens signs p in and redeems the code.
func (r *run) tokens(t *testing.T, p *person) live.Tokens {
	t.Helper()
	pass, err := r.graph.Issue(t.Context(), r.server.URL, p.id, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	code, err := r.house.NewBrowser("192.0.2.1").SignIn(t.Context(), r.server.URL, live.Name(p.nick), pass.Pass)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.house.Redeem(t.Context(), r.server.URL, code)
	if err != nil || got.Refresh == "" {
		t.Fatalf("redeem: %+v %v", got, err)
	}
	return got
}
