package signin

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
)

// A window is a sign-in as a browser has it, with what it asked for at first.
type window struct {
	handle token.Opaque
	asked  Requirement
	raises string
	place  Place
	past   []Transaction // what other windows still show; the last one is the newest
}

// world is the state of the machine: the service, and what really happened.
type world struct {
	*Service

	store    *simpleStore
	policies *simplePolicies
	given    map[string]directory.UserID // who really gave each proof
	now      time.Time
	windows  []*window
	held     map[string][]token.Opaque // sessions by browser
	finished map[string]row
	ended    map[string]Session // by transaction
	twins    int
}

// newWorld has three people, the last of whom is disabled, and no method.
func newWorld() *world {
	w := &world{
		now: nine, given: map[string]directory.UserID{}, held: map[string][]token.Opaque{}, finished: map[string]row{}, ended: map[string]Session{},
		policies: &simplePolicies{Policy: DefaultPolicy()},
		store: &simpleStore{
			users: map[directory.UserID]*directory.User{}, transactions: map[string]row{}, sessions: map[string]sessionRow{}, familiar: map[string]MethodID{},
		},
	}
	for _, id := range people[:3] {
		w.store.users[id] = &directory.User{Tenant: contoso, ID: id, UserPrincipalName: upn(id), DisplayName: string(id), AccountEnabled: id != "dan"}
	}
	w.Service = &Service{
		Store: w.store, Policies: w.policies, Secrets: simpleSecrets{}, Now: func() time.Time { return w.now },
		Rand: rand.NewChaCha8([32]byte{}), Log: slog.New(slog.DiscardHandler), Refusals: &Refusals{}, Room: func() error { return nil },
	}
	return w
}

// add adds a method that nobody has yet: a pass, one that needs no name, or a plain one.
func (w *world) add(id MethodID, y Yield) *someMethod {
	m := &someMethod{id: id, yield: y, enabled: true, frozen: map[directory.UserID]bool{}, given: w.given}
	var method Method = m
	switch id {
	case "accesspass":
		m.yield, m.end = Yield{Factors: Knowledge | Possession}, time.Minute
		method = priorMethod{m}
	case "key":
		method = namelessMethod{m}
	}
	w.store.methods, w.Methods = append(w.store.methods, m), append(w.Methods, method)
	return m
}

func drawWorld(t *rapid.T) *world {
	w := newWorld()
	w.policies.strongest = rapid.Bool().Draw(t, "strongest first")
	for _, id := range []MethodID{"accesspass", "key", "a", "b", "c"} {
		m := w.add(id, yields(t))
		m.enabled = rapid.IntRange(0, 4).Draw(t, "enabled") > 0
		for _, user := range people[:3] {
			if rapid.IntRange(0, 4).Draw(t, "has one") > 0 {
				m.frozen[user] = false
			}
		}
	}
	return w
}

func (w *world) drawMethod(t *rapid.T) MethodID {
	return rapid.SampledFrom([]MethodID{"accesspass", "key", "a", "b", "c", "none"}).Draw(t, "method")
}

func (w *world) drawRequirement(t *rapid.T) Requirement {
	r := Requirement{SingleFactor: rapid.Bool().Draw(t, "one factor"), PhishingResistant: rapid.IntRange(0, 3).Draw(t, "wants phr") == 0}
	if rapid.IntRange(0, 2).Draw(t, "aged") == 0 {
		r.Since = w.now.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "age")) * time.Second)
	}
	return r
}

func drawPlace(t *rapid.T) Place {
	return Place{Address: netip.MustParseAddr("192.0.2.1"), Browser: rapid.SampledFrom([]string{"one", "two", ""}).Draw(t, "browser")}
}

func drawApp(t *rapid.T) App {
	return App{ID: rapid.SampledFrom([]directory.AppID{"app", directory.ConsoleAppID}).Draw(t, "application")}
}

// pick returns a window and the transaction that it shows, sometimes one of before.
func (w *world) pick(t *rapid.T) (*window, Transaction) {
	if len(w.windows) == 0 {
		t.Skip("nothing is open")
	}
	v := w.windows[rapid.IntRange(max(0, len(w.windows)-3), len(w.windows)-1).Draw(t, "window")]
	if rapid.IntRange(0, 7).Draw(t, "stale") == 0 {
		return v, rapid.SampledFrom(v.past).Draw(t, "past")
	}
	got, err := w.Open(t.Context(), v.handle)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return v, got
}

// note keeps what a step returned, and holds its error against what people may be told.
func (w *world) note(t *rapid.T, v *window, got Transaction, err error) {
	if err == nil {
		v.past = append(v.past, got)
	}
	wantTold(t, err)
}

func wantTold(t *rapid.T, err error) {
	for _, told := range []error{nil, ErrRefused, ErrGone, ErrChanged, ErrName} {
		if errors.Is(err, told) {
			return
		}
	}
	t.Fatalf("a person was told: %v", err)
}

func (w *world) begin(t *rapid.T) {
	place, asked := drawPlace(t), w.drawRequirement(t)
	tr := Transaction{Require: asked, Application: drawApp(t), DomainHint: "contoso.example"}
	tr.Tenant = rapid.SampledFrom([]directory.TenantID{"", contoso}).Draw(t, "address")
	got, handle, err := w.Begin(t.Context(), tr, place)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	w.windows = append(w.windows, &window{handle: handle, asked: asked, place: place, past: []Transaction{got}})
}

func (w *world) raise(t *rapid.T) {
	place := drawPlace(t)
	if len(w.held[place.Browser]) == 0 {
		t.Skip("no session")
	}
	o := rapid.SampledFrom(w.held[place.Browser]).Draw(t, "session")
	session, user, err := w.Session(t.Context(), o)
	if err != nil {
		wantTold(t, err)
		return
	}
	asked := w.drawRequirement(t)
	got, handle, err := w.Raise(t.Context(), Transaction{Require: asked, Application: drawApp(t)}, session, user, place)
	if err != nil {
		t.Fatalf("raise: %v", err)
	}
	w.windows = append(w.windows, &window{handle: handle, asked: asked, raises: o.ID, place: place, past: []Transaction{got}})
}

func (w *world) identify(t *rapid.T) {
	v, tr := w.pick(t)
	typed := rapid.SampledFrom([]string{upn("sam"), "kim", "KIM@contoso.example", upn("dan"), upn("nobody"), "sam@fabrikam.example", "@"}).Draw(t, "typed")
	got, err := w.Identify(t.Context(), tr, typed, v.place)
	w.note(t, v, got, err)
}

func (w *world) walk(t *rapid.T) {
	v, tr := w.pick(t)
	var got Transaction
	var err error
	switch rapid.IntRange(0, 3).Draw(t, "step") {
	case 0:
		got, err = w.Choose(t.Context(), tr, w.drawMethod(t))
	case 1:
		got, err = w.ShowOtherWays(t.Context(), tr)
	case 2:
		got, err = w.Forget(t.Context(), tr)
	case 3:
		got, err = w.Block(t.Context(), tr, v.place)
	}
	w.note(t, v, got, err)
}

func (w *world) prove(t *rapid.T) {
	v, tr := w.pick(t)
	typed := rapid.SampledFrom([]string{"sam", "kim", "dan", "nobody", "wrong"}).Draw(t, "typed")
	got, err := w.Prove(t.Context(), tr, w.drawMethod(t), typed, v.place)
	w.note(t, v, got, err)
}

// goOn does what the page asks for, as the person who was named.
func (w *world) goOn(t *rapid.T) {
	v, tr := w.pick(t)
	_, step, _, err := w.Next(t.Context(), tr, 0, v.place)
	if err != nil {
		t.Fatalf("next: %v", err)
	}
	if w.method(MethodID(step)) != nil {
		got, err := w.Prove(t.Context(), tr, MethodID(step), string(tr.User), v.place)
		w.note(t, v, got, err)
		return
	}
	if step == StepIdentify {
		got, err := w.Identify(t.Context(), tr, upn(rapid.SampledFrom(people[:2]).Draw(t, "person")), v.place)
		w.note(t, v, got, err)
		return
	}
	w.finish(t, v, tr)
}

func (w *world) stay(t *rapid.T) {
	v, tr := w.pick(t)
	w.finish(t, v, tr)
}

// finish answers the last question and holds the session against what really happened.
func (w *world) finish(t *rapid.T, v *window, tr Transaction) {
	stored, _, err := w.store.Transaction(t.Context(), tr.Tenant, tr.ID)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	before := w.store.sessions[v.raises].Session
	held := w.held[v.place.Browser]
	got, session, o, err := w.Stay(t.Context(), tr, rapid.Bool().Draw(t, "stay"), v.handle, v.place, held)
	w.note(t, v, got, err)
	switch {
	case err != nil:
		return
	case stored.Done():
		if was := w.ended[tr.ID]; session.ID != was.ID || session.User != was.User || o.ID != was.ID {
			t.Fatalf("a repeat ended in %v, not in %v", session, was)
		}
		return
	}
	w.wantEarned(t, v, got, session, before)
	w.ended[tr.ID], w.finished[tr.ID] = session, w.store.transactions[tr.ID]
	w.held[v.place.Browser] = append(slices.DeleteFunc(slices.Clone(held), func(h token.Opaque) bool { return h.ID == o.ID }), o)
	if _, _, err := w.Session(t.Context(), o); err != nil {
		t.Fatalf("the session that was just made: %v", err)
	}
}

// wantEarned expects that the person of the session showed by themselves what was asked for,
// with methods that may be used now. It adds up by itself what the service decided by its rules.
func (w *world) wantEarned(t *rapid.T, v *window, tr Transaction, session, before Session) {
	user := w.store.users[session.User]
	if user == nil || !user.AccountEnabled || session.Tenant != contoso || !strings.HasPrefix(strings.ToLower(tr.Username), string(user.ID)) {
		t.Fatalf("a session of %q, who typed %q", session.User, tr.Username)
	}
	need, proofs := v.asked, session.Proofs
	if raised := v.raises != "" && session.ID == v.raises; raised {
		if session.User != before.User || !session.CreatedAt.Equal(before.CreatedAt) {
			t.Fatalf("%v became %v", before, session)
		}
		proofs = slices.Concat(before.Proofs, proofs)
	} else {
		need.SingleFactor = false
	}
	var factors [3]bool
	var resistant bool
	for _, p := range proofs {
		if w.given[proofKey(p)] != session.User {
			t.Fatalf("%s has a proof of %q", session.User, w.given[proofKey(p)])
		}
		old := slices.ContainsFunc(before.Proofs, func(b Proof) bool { return proofKey(b) == proofKey(p) })
		m := w.store.methods[slices.IndexFunc(w.store.methods, func(m *someMethod) bool { return m.id == p.Method })]
		only, restricted := w.policies.Surfaces[tr.Surface()]
		allowed := !restricted || slices.Contains(only, p.Method) || slices.Contains(w.policies.BreakGlass, p.Method)
		if !old && !(allowed && m.enabled && m.usable(session.User)) {
			t.Fatalf("%s may not be used now", p.Method)
		}
		if !allowed || p.At.Before(need.Since) || old && p.At.Equal(need.Since) {
			continue
		}
		for i := range factors {
			factors[i] = factors[i] || m.yield.Factors&(1<<i) != 0
		}
		resistant = resistant || m.yield.PhishingResistant
	}
	count := 0
	for _, shown := range factors {
		if shown {
			count++
		}
	}
	if count == 0 || count == 1 && !need.SingleFactor || need.PhishingResistant && !resistant {
		t.Fatalf("%v was asked for and %v is all that counts of %v", need, factors, proofs)
	}
	for _, p := range session.Proofs {
		if p.Pass != nil && (session.ExpiresAt.After(p.Pass.End) || session.PassID != p.Pass.ID) {
			t.Fatal("a session does not end with its pass")
		}
	}
}

func (w *world) change(t *rapid.T) {
	m := rapid.SampledFrom(w.store.methods).Draw(t, "method")
	user := rapid.SampledFrom(people[:3]).Draw(t, "person")
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		m.enabled = !m.enabled
	case 1:
		if _, has := m.frozen[user]; has {
			m.frozen[user] = !m.frozen[user]
		}
	case 2:
		w.store.users[user].AccountEnabled = !w.store.users[user].AccountEnabled
	case 3:
		w.store.users[user].SessionsValidFrom = w.now
	case 4:
		at := rapid.SampledFrom([]Surface{SurfaceBrowser, SurfaceConsole}).Draw(t, "surface")
		w.policies.Surfaces[at] = rapid.SliceOfN(rapid.SampledFrom([]MethodID{"key", "a", "b", "c"}), 1, 4).Draw(t, "allowed")
	case 5:
		w.policies.Surfaces = map[Surface][]MethodID{}
	}
}

// compare signs in somebody who can't and somebody whom nobody knows, from a place that is new
// to both, with the same steps: what is asked and told is the same.
func (w *world) compare(t *rapid.T) {
	w.twins++
	place := Place{Address: netip.MustParseAddr("198.51.100.7"), Browser: fmt.Sprint("new ", w.twins)}
	tr := Transaction{Tenant: contoso, Application: drawApp(t), Require: w.drawRequirement(t)}
	user := rapid.SampledFrom(people[:3]).Draw(t, "person")
	var pair [2]Transaction
	for i, id := range []directory.UserID{user, "nobody"} {
		got, _, err := w.Begin(t.Context(), tr, place)
		if err == nil {
			got, err = w.Identify(t.Context(), got, upn(id), place)
		}
		if err != nil {
			t.Fatalf("name %s: %v", id, err)
		}
		pair[i] = got
	}
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		what, id := rapid.IntRange(0, 3).Draw(t, "step"), w.drawMethod(t)
		typed := "wrong"
		if !w.store.users[user].AccountEnabled {
			typed = string(user)
		}
		var said [2][]any
		for i := range pair {
			var err error
			switch what {
			case 0:
				pair[i], err = w.Choose(t.Context(), pair[i], id)
			case 1:
				pair[i], err = w.ShowOtherWays(t.Context(), pair[i])
			default:
				pair[i], err = w.Prove(t.Context(), pair[i], id, typed, place)
			}
			_, step, facts, nextErr := w.Next(t.Context(), pair[i], 0, Place{})
			said[i] = []any{err, step, facts, nextErr, pair[i].Version, len(pair[i].Proofs), pair[i].Familiar, pair[i].Last}
		}
		if !reflect.DeepEqual(said[0], said[1]) {
			t.Fatalf("%s is told %v, and nobody %v", user, said[0], said[1])
		}
		if what == 3 {
			w.change(t)
		}
	}
}

// TestSessionsAreEarnedWhateverHappens takes all steps of sign-ins in any order, in several
// windows, while policies, people and their credentials change.
func TestSessionsAreEarnedWhateverHappens(t *testing.T) {
	walk := func(t *rapid.T) {
		w := drawWorld(t)
		w.begin(t)
		tick := func(step func(*rapid.T)) func(*rapid.T) {
			return func(t *rapid.T) { w.now = w.now.Add(time.Second); step(t) }
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": tick(w.begin), "raise": tick(w.raise), "identify": tick(w.identify), "walk": tick(w.walk), "prove": tick(w.prove),
			"go on": tick(w.goOn), "go on further": tick(w.goOn), "go on to the end": tick(w.goOn), "stay": tick(w.stay), "change": tick(w.change), "compare": tick(w.compare),
			"": func(t *rapid.T) {
				for id, was := range w.finished {
					if w.store.transactions[id] != was {
						t.Fatalf("a sign-in that was done changed from %v to %v", was, w.store.transactions[id])
					}
				}
			},
		})
	}
	for range 10 { // what goes wrong only after several steps is rare
		rapid.Check(t, walk)
	}
}
