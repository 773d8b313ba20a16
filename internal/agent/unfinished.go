package agent

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/graphclient"
)

// unfinished are the sign-ins by pass whose answer was lost. The server keeps a one-time pass
// for the sign-in in which it was typed (rule 1 of docs/threat-model.md), so that whoever types
// it again has to go on with that one.
type unfinished struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]lost // by name and pass
}

type lost struct {
	request *websignin.Request
	until   time.Time
	person  string // whom it got in; they wait for their welcome, and it can't be gone on with
}

// keepLost is as long as the server keeps a pass.
const keepLost = 10 * time.Minute

func typed(name string, pass graphclient.Secret) [sha256.Size]byte {
	return sha256.Sum256([]byte(name + "\x00" + pass.Reveal()))
}

// take returns the sign-in in which the same was typed before, or nil.
func (u *unfinished) take(name string, pass graphclient.Secret, now time.Time) *websignin.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := typed(name, pass)
	one, ok := u.all[key]
	if !ok || one.person != "" {
		return nil
	}
	delete(u.all, key)
	if !now.Before(one.until) {
		return nil
	}
	return one.request
}

// again says that somebody's welcome was lost, too: they may type the same once more.
func (u *unfinished) again(person string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, one := range u.all {
		if one.person == person {
			one.person = ""
			u.all[key] = one
		}
	}
}

// done says that somebody is in.
func (u *unfinished) done(person string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, one := range u.all {
		if one.person == person {
			delete(u.all, key)
		}
	}
}

// keep keeps a sign-in, of a person when they are known.
func (u *unfinished) keep(name string, pass graphclient.Secret, r *websignin.Request, person string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = map[[sha256.Size]byte]lost{}
	}
	for key, one := range u.all {
		if !now.Before(one.until) {
			delete(u.all, key)
		}
	}
	u.all[typed(name, pass)] = lost{r, now.Add(keepLost), person}
}

// SignInWithPass signs a person in by a pass that they typed at a console: web sign-in
// without a browser, under the same policy. One whose answer was lost goes on when the same is
// typed again. A practice pass ends in a [Practised].
func (a *Agent) SignInWithPass(ctx context.Context, name string, pass graphclient.Secret) (websignin.Person, error) {
	if r := a.unfinished.take(name, pass, a.options.Now()); r != nil && a.mayStartWeb() == nil {
		p, err := a.pass(ctx, r, name, pass)
		if !websignin.Gone(err) {
			return p, err
		}
	}
	r, err := a.StartWeb(ctx, "http://localhost", name)
	if err != nil {
		return websignin.Person{}, err
	}
	return a.pass(ctx, r, name, pass)
}

func (a *Agent) pass(ctx context.Context, r *websignin.Request, name string, pass graphclient.Secret) (websignin.Person, error) {
	p, err := r.Pass(ctx, name, pass)
	if r.Typed() && (err == nil || websignin.Lost(err)) {
		a.unfinished.keep(name, pass, r, p.ID, a.options.Now())
	}
	return p, a.practised(ctx, err)
}
