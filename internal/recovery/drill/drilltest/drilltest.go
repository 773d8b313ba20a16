// Package drilltest tests what stores promise about drills: [drill.Store].
package drilltest

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/drill"
)

// Fixture is a store under test, with what the suite needs beside its contract.
type Fixture interface {
	drill.Store
	AddUser(t testing.TB, tenant directory.TenantID, user directory.UserID)
	OpenCase(t testing.TB, c recovery.Case)
	Events(t testing.TB, tenant directory.TenantID) int
}

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// Store tests the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"a drill and its people come back as they were put, in their tenant alone", comesBack},
		{"of many samples of a quarter one is taken, whole", oneSample},
		{"nobody is asked twice in a quarter, but by hand who was stopped", notTwice},
		{"who has a case that is not over is left out", inCase},
		{"a case that anybody may have asked for keeps nobody out", strangersCase},
		{"a practice is open until its time is over, and no longer", overdue},
		{"of two saves of one practice one is kept", saves},
		{"people are found around the circle", circle},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bench{Fixture: open(t), tenant: directory.TenantID(uuid.NewString())}
			b.user = b.person(t)
			c.test(t, b)
		})
	}
}

type bench struct {
	Fixture
	tenant directory.TenantID
	user   directory.UserID
}

func (b *bench) person(t testing.TB) directory.UserID {
	user := directory.UserID(uuid.NewString())
	b.AddUser(t, b.tenant, user)
	return user
}

func (b *bench) event() audit.Event {
	return audit.Event{Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, Change: &audit.Change{Activity: audit.DrillStarted}}
}

func (b *bench) drill(kind drill.Kind) drill.Drill {
	return drill.Drill{
		Tenant: b.tenant, ID: uuid.NewString(), Kind: kind, Quarter: "2026-Q4", BeganAt: nine, EndsAt: nine.Add(time.Hour),
		Where: drill.Anywhere, By: "Avery", Asked: 1, LeftOut: map[string]int{"drillInCase": 2},
	}
}

func practice(d drill.Drill, user directory.UserID) drill.Practice {
	return drill.Practice{
		Tenant: d.Tenant, Drill: d.ID, User: user, Quarter: d.Quarter, State: drill.Asked, EndsAt: d.EndsAt, Where: d.Where, Name: "Mira", AskedAt: d.BeganAt, Hash: "h",
	}
}

// begin begins a drill of a kind for one person.
func (b *bench) begin(t testing.TB, kind drill.Kind, user directory.UserID) (drill.Drill, error) {
	d := b.drill(kind)
	return d, b.BeginDrill(t.Context(), d, []drill.Practice{practice(d, user)}, nil, b.event())
}

func (b *bench) begun(t testing.TB) (drill.Drill, drill.Practice) {
	t.Helper()
	d, err := b.begin(t, drill.OfPerson, b.user)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.OpenPractice(t.Context(), b.tenant, b.user, nine)
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

func comesBack(t *testing.T, b *bench) {
	want, p := b.begun(t)
	got, err := b.Drill(t.Context(), b.tenant, want.ID)
	if err != nil || got.By != "Avery" || !got.EndsAt.Equal(want.EndsAt) || got.LeftOut["drillInCase"] != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	people, err := b.Practices(t.Context(), b.tenant, want.ID)
	if err != nil || len(people) != 1 || people[0].User != b.user || people[0].Hash != "h" || p.Name != "Mira" {
		t.Errorf("%+v, %v", people, err)
	}
	if _, err := b.Drill(t.Context(), directory.TenantID(uuid.NewString()), want.ID); !errors.Is(err, drill.ErrUnknown) {
		t.Errorf("another tenant: %v", err)
	}
	if _, err := b.OpenPractice(t.Context(), directory.TenantID(uuid.NewString()), b.user, nine); !errors.Is(err, drill.ErrNoneOpen) {
		t.Errorf("another tenant: %v", err)
	}
	listed, _, err := b.ListDrills(t.Context(), b.tenant, nil, nil, nil, 10)
	if err != nil || len(listed) != 1 || b.Events(t, b.tenant) != 1 {
		t.Errorf("%d drills, %v", len(listed), err)
	}
	for text, n := range map[string]int{"quarter eq '" + string(want.Quarter) + "' and kind eq 'person'": 1, "quarter eq '1999-Q1'": 0} {
		e, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		match, err := filter.Check(e, drill.Schema)
		if err != nil {
			t.Fatal(err)
		}
		if listed, _, err := b.ListDrills(t.Context(), b.tenant, []filter.Bound{match}, nil, nil, 10); err != nil || len(listed) != n {
			t.Errorf("%s finds %d drills, %v", text, len(listed), err)
		}
	}
}

func oneSample(t *testing.T, b *bench) {
	var all sync.WaitGroup
	errs := make(chan error, 4)
	for range 4 {
		user := b.person(t)
		all.Go(func() {
			_, err := b.begin(t, drill.OfSample, user)
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	won := 0
	for err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, drill.ErrQuarter) {
			t.Errorf("lost by %v", err)
		}
	}
	if done, err := b.Sampled(t.Context(), b.tenant, "2026-Q4"); won != 1 || !done || err != nil || b.Events(t, b.tenant) != 1 {
		t.Errorf("%d won, %v, %v", won, done, err)
	}
	if done, err := b.Sampled(t.Context(), b.tenant, "2027-Q1"); done || err != nil {
		t.Errorf("the next quarter: %v, %v", done, err)
	}
}

func notTwice(t *testing.T, b *bench) {
	_, p := b.begun(t)
	for _, kind := range []drill.Kind{drill.OfPerson, drill.OfSample} {
		if _, err := b.begin(t, kind, b.user); !errors.Is(err, drill.ErrAsked) {
			t.Errorf("%s while one is open: %v", kind, err)
		}
	}
	p.State = drill.Failed
	if err := b.SavePractice(t.Context(), p, b.event()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.begin(t, drill.OfSample, b.user); !errors.Is(err, drill.ErrAsked) {
		t.Errorf("a sample after a failure: %v", err)
	}
	second, err := b.begin(t, drill.OfPerson, b.user)
	if err != nil {
		t.Fatalf("by hand after a failure: %v", err)
	}
	open, err := b.OpenPractice(t.Context(), b.tenant, b.user, nine)
	if err != nil || open.Drill != second.ID {
		t.Errorf("open is %+v, %v", open, err)
	}
	open.State, open.Hash = drill.Passed, ""
	if err := b.SavePractice(t.Context(), open, b.event()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.begin(t, drill.OfPerson, b.user); !errors.Is(err, drill.ErrAsked) {
		t.Errorf("by hand after it passed: %v", err)
	}
	if _, err := b.OpenPractice(t.Context(), b.tenant, b.user, nine); !errors.Is(err, drill.ErrNoneOpen) {
		t.Errorf("after it passed one is open: %v", err)
	}
}

func strangersCase(t *testing.T, b *bench) {
	opens := func(user directory.UserID, number string, c recovery.Case) {
		c.Tenant, c.ID, c.Number, c.User, c.State, c.OpenedAt = b.tenant, uuid.NewString(), number, user, recovery.Open, nine
		c.Opener.Kind = recovery.BySelf
		b.OpenCase(t, c)
	}
	opens(b.user, "R-AAAAAA", recovery.Case{})
	opens(b.user, "R-BBBBBB", recovery.Case{Asks: []recovery.Ask{{ID: "1"}}}) // to ask is to say nothing
	for _, kind := range []drill.Kind{drill.OfSample, drill.OfPerson} {
		if err := b.MayPractise(t.Context(), kind, drill.Practice{Tenant: b.tenant, User: b.user}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := b.begin(t, drill.OfSample, b.user); err != nil {
		t.Error(err)
	}
	for number, c := range map[string]recovery.Case{
		"R-CCCCCC": {Opener: recovery.Opener{Known: true}},
		"R-DDDDDD": {Proofs: []recovery.Proof{{Kind: recovery.ProofMatch}}},
		"R-EEEEEE": {Approvals: []recovery.Approval{{Part: recovery.AsManager}}},
	} {
		user := b.person(t)
		opens(user, number, c)
		if _, err := b.begin(t, drill.OfPerson, user); !errors.Is(err, drill.ErrInCase) {
			t.Errorf("with %+v: %v", c, err)
		}
	}
}

func inCase(t *testing.T, b *bench) {
	b.OpenCase(t, recovery.Case{Tenant: b.tenant, ID: uuid.NewString(), Number: "R-AAAAAA", User: b.user, State: recovery.Open, OpenedAt: nine})
	for _, kind := range []drill.Kind{drill.OfPerson, drill.OfSample} {
		if _, err := b.begin(t, kind, b.user); !errors.Is(err, drill.ErrInCase) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if listed, _, err := b.ListDrills(t.Context(), b.tenant, nil, nil, nil, 10); err != nil || len(listed) != 0 {
		t.Errorf("%d drills are kept, %v", len(listed), err)
	}
	if _, err := b.begin(t, drill.OfPerson, directory.UserID(uuid.NewString())); !errors.Is(err, directory.ErrUserUnknown) {
		t.Errorf("nobody: %v", err)
	}
}

func overdue(t *testing.T, b *bench) {
	d, p := b.begun(t)
	if due, err := b.OverduePractices(t.Context(), b.tenant, d.EndsAt.Add(-time.Second), 10); err != nil || len(due) != 0 {
		t.Errorf("before the end %d are overdue, %v", len(due), err)
	}
	if _, err := b.OpenPractice(t.Context(), b.tenant, b.user, d.EndsAt); !errors.Is(err, drill.ErrNoneOpen) {
		t.Errorf("at the end it is open: %v", err)
	}
	due, err := b.OverduePractices(t.Context(), b.tenant, d.EndsAt, 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("at the end %d are overdue, %v", len(due), err)
	}
	p.State, p.Hash = drill.Missed, ""
	if err := b.SavePractice(t.Context(), p, b.event()); err != nil {
		t.Fatal(err)
	}
	if due, err := b.OverduePractices(t.Context(), b.tenant, d.EndsAt, 10); err != nil || len(due) != 0 {
		t.Errorf("once it ended %d are overdue, %v", len(due), err)
	}
}

func saves(t *testing.T, b *bench) {
	_, p := b.begun(t)
	p.Trial = &drill.Trial{
		Trial:  hello.Trial{ID: "trial-1", Challenge: []byte{0, 1}, Root: "root", Version: 2},
		Device: "7d1c2b3a-4f5e-4a6b-9c8d-0e1f2a3b4c5d", Until: nine.Add(time.Minute),
	}
	if err := b.SavePractice(t.Context(), p, b.event()); err != nil {
		t.Fatal(err)
	}
	if kept, err := b.OpenPractice(t.Context(), b.tenant, b.user, nine); err != nil || !reflect.DeepEqual(kept.Trial, p.Trial) {
		t.Errorf("the key on trial is %+v, not %+v: %v", kept.Trial, p.Trial, err)
	}
	before := b.Events(t, b.tenant)
	if err := b.SavePractice(t.Context(), p, b.event()); !errors.Is(err, drill.ErrChanged) || b.Events(t, b.tenant) != before {
		t.Errorf("an old one is saved: %v", err)
	}
}

func circle(t *testing.T, b *bench) {
	for _, from := range []directory.UserID{"00000000-0000-0000-0000-000000000000", b.user, "ffffffff-ffff-ffff-ffff-ffffffffffff"} {
		if u, err := b.UserFrom(t.Context(), b.tenant, from); err != nil || u.ID != b.user {
			t.Errorf("from %s: %s, %v", from, u.ID, err)
		}
	}
	if _, err := b.UserFrom(t.Context(), directory.TenantID(uuid.NewString()), b.user); !errors.Is(err, directory.ErrUserUnknown) {
		t.Errorf("an empty tenant: %v", err)
	}
}
