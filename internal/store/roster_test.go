package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
	"github.com/postern-id/postern/internal/recovery/roster/rostertest"
	"github.com/postern-id/postern/internal/store"
)

func TestStoresKeepTheContractOfTheRoster(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			rostertest.Store(t, func(t testing.TB) roster.Store { return open(t, d.place(t)) })
		})
	}
}

// A truth is how people stand, and a looker that tells it. reading is called between the reading of
// a span and its answer, if it is set.
type truth struct {
	lock    sync.Mutex
	states  roster.States
	rules   int
	reading func()
}

func (w *truth) Rules(context.Context, directory.TenantID) (string, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return strconv.Itoa(w.rules), nil
}

func (w *truth) Look(context.Context, directory.TenantID) (roster.Look, error) { return w, nil }

func (w *truth) Next(_ context.Context, after directory.UserID, _ int) (roster.Span, error) {
	return roster.Span{After: after}, nil
}

func (w *truth) now() roster.States {
	w.lock.Lock()
	defer w.lock.Unlock()
	return maps.Clone(w.states)
}

func (w *truth) change(do func()) {
	w.lock.Lock()
	defer w.lock.Unlock()
	do()
}

func (w *truth) In(context.Context, roster.Span) (roster.States, error) {
	now := w.now()
	if w.reading != nil {
		w.reading()
	}
	return now, nil
}

func (w *truth) Of(context.Context, []directory.UserID) (roster.States, error) { return w.now(), nil }

// sweepOf is a sweep of one tenant that looks at w, and what reads what is stored.
func sweepOf(db *store.DB, w *truth, tenant directory.TenantID) *roster.Sweep {
	return &roster.Sweep{
		Looker: w, Store: db, Now: func() time.Time { return nine }, Log: slog.New(slog.DiscardHandler),
		Tenants: func(context.Context) ([]string, error) { return []string{string(tenant)}, nil },
	}
}

func isTrue(t *testing.T, db *store.DB, w *truth, tenant directory.TenantID) {
	t.Helper()
	all, err := db.Roster(t.Context(), tenant, nil, roster.Position{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	stored := roster.States{}
	for _, p := range all {
		stored[p.User] = p.State
	}
	if now := w.now(); !maps.Equal(stored, now) {
		t.Errorf("stored is %v, true is %v", stored, now)
	}
}

// TestAChangeBetweenReadingAndStoringIsNotForgotten: a round that read somebody before they were changed
// comes to store it after the log told of the change.
func TestAChangeBetweenReadingAndStoringIsNotForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, tenant := open(t, c), directory.TenantID(uuid.NewString())
		w := &truth{states: roster.States{"a": "3-", "b": "3-", "gone": "3-"}}
		s := sweepOf(db, w, tenant)
		w.reading = func() {
			w.change(func() {
				w.states["a"], w.states["new"] = "0-", "1-"
				delete(w.states, "gone")
			})
			s.Told(t.Context(), tenant, []string{"a", "gone", "new"})
		}
		if err := s.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		isTrue(t, db, w, tenant)
	})
}

// TestManyChangesDuringManyRoundsEndAsTheLastOneSays, at two replicas. No round stores before a change was
// told of that it has not read.
func TestManyChangesDuringManyRoundsEndAsTheLastOneSays(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, tenant := open(t, c), directory.TenantID(uuid.NewString())
		told, over := make(chan struct{}), make(chan struct{})
		w := &truth{states: roster.States{}, reading: func() {
			select {
			case <-told:
			case <-over:
			}
		}}
		var rounds, changes sync.WaitGroup
		for replica := range 2 {
			rounds.Go(func() {
				s := sweepOf(db, w, tenant)
				for open := true; open; {
					w.change(func() { w.rules++ })
					if err := s.Round(t.Context()); err != nil {
						t.Error(err)
					}
					select {
					case <-over:
						open = false
					default:
					}
				}
			})
			changes.Go(func() {
				s := sweepOf(db, w, tenant)
				for i := range 40 {
					id := directory.UserID(strconv.Itoa(i % 7))
					w.change(func() {
						if w.states[id] = recovery.State(strconv.Itoa(replica) + "-" + strconv.Itoa(i)); i%3 == 0 {
							delete(w.states, id)
						}
					})
					s.Told(t.Context(), tenant, []string{string(id)})
					select {
					case told <- struct{}{}:
					default:
					}
				}
			})
		}
		changes.Wait()
		close(over)
		rounds.Wait()
		isTrue(t, db, w, tenant)

		w.change(func() { w.rules++ })
		if err := sweepOf(db, w, tenant).Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		isTrue(t, db, w, tenant)
		notes := -1
		if err := raw(t, c).QueryRowContext(t.Context(), `SELECT COUNT(*) FROM roster_note`).Scan(&notes); err != nil || notes != 0 {
			t.Errorf("a round later %d notes are kept, %v", notes, err)
		}
	})
}

// TestARowThatCantBeReadSpoilsThePersonAndNobodyElse, and its error has nothing of what is in it.
func TestARowThatCantBeReadSpoilsThePersonAndNobodyElse(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		tenant := directory.Tenant{ID: directory.TenantID(uuid.NewString()), DisplayName: "A", Domains: []directory.Domain{{Name: "a.example", IsDefault: true}}}
		var people []directory.User
		for _, name := range []string{"broken", "sound"} {
			people = append(people, directory.User{
				Tenant: tenant.ID, ID: directory.UserID(uuid.NewString()), DisplayName: name, AccountEnabled: true, UserPrincipalName: name + "@a.example",
			})
		}
		if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
			t.Fatal(err)
		}
		var ids []directory.UserID
		for _, p := range people {
			ids = append(ids, p.ID)
			for range 2 {
				key := method.Credential{Tenant: tenant.ID, ID: uuid.NewString(), User: p.ID, Kind: "passkey", CreatedAt: nine, Name: "Key", Lookup: uuid.NewString()}
				if err := db.AddCredential(t.Context(), key, method.Addition{Most: 9, Event: change(tenant.ID)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		var bad string
		at := raw(t, c)
		if err := at.QueryRowContext(t.Context(), `SELECT MIN(id) FROM credential WHERE user_id = $1`, ids[0]).Scan(&bad); err != nil {
			t.Fatal(err)
		}
		if _, err := at.ExecContext(t.Context(), `UPDATE credential SET body = '{"name": 471104711047110}' WHERE id = $1`, bad); err != nil {
			t.Fatal(err)
		}
		look := func(found []roster.Person, err error) {
			t.Helper()
			if err != nil || len(found) != 2 {
				t.Fatalf("%d people, %v", len(found), err)
			}
			for _, p := range found {
				want := []string(nil)
				if p.User == ids[0] {
					want = []string{"credential " + bad}
				}
				if !slices.Equal(p.Unreadable, want) || want == nil && len(p.Credentials) != 2 {
					t.Errorf("%s: unreadable is %q, %d credentials", p.UPN, p.Unreadable, len(p.Credentials))
				}
			}
		}
		look(db.PeopleOfSpan(t.Context(), tenant.ID, roster.Span{}, nine))
		look(db.PeopleOf(t.Context(), tenant.ID, ids, nine))
		// Whoever decides by what somebody has is told that there is more than can be read.
		all, err := db.RegistrationsOf(t.Context(), tenant.ID, ids, nine)
		if err != nil || len(all[ids[0]].Credentials) != 2 || !all[ids[0]].Unreadable() || len(all[ids[1]].Credentials) != 2 || all[ids[1]].Unreadable() {
			t.Errorf("what they have: %+v, %v", all, err)
		}
		// One that is asked for by itself is an error: something hangs on it.
		if _, err := db.Credential(t.Context(), tenant.ID, bad); !errors.Is(err, directory.ErrUnreadable) || strings.Contains(err.Error(), "471104711047110") || !strings.Contains(err.Error(), bad) {
			t.Errorf("the method alone: %v", err)
		}
	})
}

// TestSpansHaveEverybodyOfATenantOnce, whatever their size, and nobody of another.
func TestSpansHaveEverybodyOfATenantOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		want := map[directory.TenantID][]directory.UserID{}
		for _, name := range []string{"a", "b"} {
			tenant := directory.Tenant{ID: directory.TenantID(uuid.NewString()), DisplayName: name, Domains: []directory.Domain{{Name: name + ".example", IsDefault: true}}}
			var people []directory.User
			for i := range 6 {
				people = append(people, directory.User{
					Tenant: tenant.ID, ID: directory.UserID(uuid.NewString()), DisplayName: "P", AccountEnabled: true, UserPrincipalName: fmt.Sprintf("p%d@%s.example", i, name),
				})
				want[tenant.ID] = append(want[tenant.ID], people[i].ID)
			}
			if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
				t.Fatal(err)
			}
		}
		for tenant, all := range want {
			slices.Sort(all)
			for n := 1; n <= len(all)+1; n++ {
				var got []directory.UserID
				for span := (roster.Span{}); ; {
					var err error
					if span, err = db.SpanAfter(t.Context(), tenant, span.Last, n); err != nil {
						t.Fatal(err)
					}
					people, err := db.PeopleOfSpan(t.Context(), tenant, span, nine)
					if err != nil || len(people) > n {
						t.Fatalf("%d people of %d, %v", len(people), n, err)
					}
					for _, p := range people {
						got = append(got, p.User)
					}
					if span.Last == "" {
						break
					}
				}
				if !slices.Equal(got, all) {
					t.Errorf("in spans of %d: %v, want %v", n, got, all)
				}
			}
		}
	})
}
