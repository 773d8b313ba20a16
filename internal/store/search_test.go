package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/store"
)

var searchable = filter.Schema{
	{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.StartsWith | filter.Search},
	{Name: "userPrincipalName", Type: filter.TypeString, Column: "user_principal_name", Ops: filter.StartsWith | filter.Search},
}

// searchFor is the search that a console makes of what somebody types.
func searchFor(t *testing.T, typed string) []filter.Bound {
	t.Helper()
	var all []string
	for word := range strings.FieldsSeq(typed) {
		all = append(all, fmt.Sprintf(`("displayName:%[1]s" OR "userPrincipalName:%[1]s")`, word))
	}
	e, err := filter.ParseSearch(strings.Join(all, " AND "))
	if err != nil {
		t.Fatal(err)
	}
	b, err := filter.Check(e, searchable)
	if err != nil {
		t.Fatal(err)
	}
	return []filter.Bound{b}
}

// fits reports whether each word that was typed begins one of u's.
func fits(u directory.User, typed string) bool {
	words := append(directory.Words(u.DisplayName), directory.Words(u.UserPrincipalName)...)
	for part := range strings.FieldsSeq(typed) {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, part) }) {
			return false
		}
	}
	return true
}

func manyPeople() (directory.Tenant, []directory.User) {
	tenant := directory.Tenant{ID: directory.TenantID(uuid.NewString()), DisplayName: "C", Domains: []directory.Domain{{Name: "c.example", IsDefault: true}}}
	var people []directory.User
	for i := range 160 {
		name := []string{"Maria", "Mario", "Anna", "Anna Maria", "Zoe"}[i%5] + " " + []string{"Rossi", "Ros", "Marino", "Berg"}[i/5%4]
		if i%10 == 4 {
			name = []string{"Rossi, Maria", "Ost", "maria", "Mar"}[i/10%4]
		}
		people = append(people, directory.User{
			Tenant: tenant.ID, ID: directory.UserID(uuid.NewString()), DisplayName: name, AccountEnabled: true,
			UserPrincipalName: fmt.Sprintf("%s%d@c.example", []string{"m.", "ros.", "p"}[i%3], i),
		})
	}
	return tenant, people
}

// TestASearchFindsWhoIsCalledSoFirstThenEverybodyElseOnce in each of the ways in which it may look.
func TestASearchFindsWhoIsCalledSoFirstThenEverybodyElseOnce(t *testing.T) {
	tenant, people := manyPeople()
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
			t.Fatal(err)
		}
		for _, bounds := range [][3]int{{1000, 1000, 1000}, {1000, 0, 1000}, {0, 0, 1000}, {0, 0, 3}, {60, 20, 40}} {
			db.BoundSearches(bounds[0], bounds[1], bounds[2])
			for _, typed := range []string{"m", "mar", "maria", "maria ros", "ros maria", "rossi", "example", "c", "p1 m", "nobody", "maria nobody", "anna maria r m"} {
				var want, got []directory.UserID
				for _, u := range people {
					if fits(u, typed) {
						want = append(want, u.ID)
					}
				}
				called := func(u directory.User) bool { return strings.HasPrefix(strings.ToLower(u.DisplayName), typed) }
				var last directory.User
				var after []any
				for pages := 0; ; pages++ {
					found, next, err := db.Users(t.Context(), tenant.ID, searchFor(t, typed), nil, after, 7)
					if err != nil {
						t.Fatalf("%v %q: %v", bounds, typed, err)
					}
					for _, u := range found {
						if len(got) > 0 && called(u) && (!called(last) || cmp.Compare(strings.ToLower(last.DisplayName), strings.ToLower(u.DisplayName)) > 0) {
							t.Errorf("%v %q: %q comes after %q", bounds, typed, u.DisplayName, last.DisplayName)
						}
						got, last = append(got, u.ID), u
					}
					if next == nil {
						break
					}
					if after = next; pages > 200 {
						t.Fatalf("%v %q: no end", bounds, typed)
					}
				}
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(want, got) {
					t.Errorf("%v %q: found %d, want %d, and each once", bounds, typed, len(got), len(want))
				}
			}
		}
	})
}

// TestASearchGathersWhoHasARareWordAndWalksWhereAllAreCommon is about time alone: both find the same.
func TestASearchGathersWhoHasARareWordAndWalksWhereAllAreCommon(t *testing.T) {
	tenant, people := manyPeople()
	db := open(t, store.Config{Dir: t.TempDir()})
	if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
		t.Fatal(err)
	}
	db.BoundSearches(50, 10, 1000)
	for typed, want := range map[string]bool{"zoe": true, "example zoe": true, "nobody": true, "example": false, "example c": false} {
		if got, err := db.Gathers(t.Context(), tenant.ID, searchFor(t, typed)); err != nil || got != want {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
}

// TestAPageOfASearchPassesOverABoundedNumberOfHolders although nobody has both words, and says where it goes on.
func TestAPageOfASearchPassesOverABoundedNumberOfHolders(t *testing.T) {
	tenant, people := manyPeople()
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
			t.Fatal(err)
		}
		db.BoundSearches(0, 0, 40)
		var after []any
		pages := 0
		for ; pages == 0 || after != nil; pages++ {
			found, next, err := db.Users(t.Context(), tenant.ID, searchFor(t, "berg zoe maria p"), nil, after, 7)
			if err != nil || len(found) > 0 {
				t.Fatalf("%d people, %v", len(found), err)
			}
			after = next
		}
		holders := 0 // of the word that it goes along, the longest
		for _, u := range people {
			for _, w := range append(directory.Words(u.DisplayName), directory.Words(u.UserPrincipalName)...) {
				if strings.HasPrefix(w, "maria") {
					holders++
				}
			}
		}
		if pages != holders/40+1 {
			t.Errorf("%d pages for %d holders", pages, holders)
		}
		for _, wrong := range [][]any{{"spread", "a", "b"}, {"spread", "9 0 m", "b"}, {"spread", "0 -1 m", "b"}, {"spread", 1.0, "b"}, {"spread", "0 0 m"}} {
			if _, _, err := db.Users(t.Context(), tenant.ID, searchFor(t, "mar p"), nil, wrong, 7); err == nil {
				t.Errorf("%v is a position", wrong)
			}
		}
	})
}

// TestASearchReadsNoMoreThanItShows: whoever is called so is read along the index of names, and where all words are
// common the walk goes along the index of words and sorts nothing.
func TestASearchReadsNoMoreThanItShows(t *testing.T) {
	tenant, people := manyPeople()
	onBoth(t, func(t *testing.T, c store.Config) {
		if c.Database != "" {
			c.Database += "&enable_seqscan=off&enable_bitmapscan=off"
		}
		db := open(t, c)
		if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
			t.Fatal(err)
		}
		plans, err := db.PlansOfSearch(t.Context(), tenant.ID, searchFor(t, "maria ros"))
		if err != nil {
			t.Fatal(err)
		}
		for part, plan := range plans {
			for _, bad := range map[string][]string{
				"begins": {"TEMP B-TREE", "SUBQUERY", "Sort", "SubPlan", "directory_user_upn"},
				"walk":   {"TEMP B-TREE", "LIST SUBQUERY", "MATERIALIZE", "Sort", "hashed", "directory_user_display_name"},
			}[part] {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %q in\n%s", part, bad, plan)
				}
			}
			if strings.Contains(plan, "SCAN directory_user") || strings.Contains(plan, "SCAN object_word") || strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s reads a whole table:\n%s", part, plan)
			}
		}
	})
}

// TestAPageOfTheLogReadsItsOwnEntriesOnly however many of its kind there are.
func TestAPageOfTheLogReadsItsOwnEntriesOnly(t *testing.T) {
	db := open(t, store.Config{Dir: t.TempDir()})
	for _, kind := range []audit.Kind{audit.KindSignIn, audit.KindDirectory} {
		plan, err := db.PlanOfLog(t.Context(), "t", kind, nil)
		if err != nil || plan != "SEARCH event USING INDEX sqlite_autoindex_event_1 (tenant_id=? AND id=?)" {
			t.Errorf("%s: %q, %v", kind, plan, err)
		}
	}
}
