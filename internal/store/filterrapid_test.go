package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/store"
)

// some are texts whose comparison could go wrong: case, wildcards of LIKE, quotes, letters
// beyond ASCII, the first and the last there are.
var some = []string{"", "a", "A", "ab", "AB%", "a_", `a\`, "a'b", "ä", "Ä", "ÄB", "é", "zz", "z\U0010FFFF", " a", "a b", "İ", "ß", "1"}

// moments are times; the first stands for none. Nobody has the second, which is kept as none.
var moments = []time.Time{
	{},
	time.Unix(0, 0).UTC(), time.Unix(0, 1000).UTC(), time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC),
	time.Date(2026, 3, 1, 5, 0, 0, 1000, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC),
}

// condition draws a $filter of the schema found, as text, so that the parser is tried, too.
func condition(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if depth > 0 {
			inner := condition(depth - 1)
			switch rapid.IntRange(0, 5).Draw(t, "shape") {
			case 0:
				return "(" + inner.Draw(t, "left") + " and " + inner.Draw(t, "right") + ")"
			case 1:
				return "(" + inner.Draw(t, "left") + " or " + inner.Draw(t, "right") + ")"
			case 2:
				return "not (" + inner.Draw(t, "inner") + ")"
			}
		}
		return comparison(t)
	})
}

func comparison(t *rapid.T) string {
	equality := rapid.SampledFrom([]string{"eq", "ne"})
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return "accountEnabled " + equality.Draw(t, "op") + " " + rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "value")
	case 1:
		if rapid.Float64().Draw(t, "null") < 0.2 {
			return "employeeHireDate " + equality.Draw(t, "op") + " null"
		}
		at := rapid.SampledFrom(moments[1:]).Draw(t, "at").Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, -1, 999, 1000}).Draw(t, "off")))
		return "employeeHireDate " + rapid.SampledFrom([]string{"eq", "ne", "gt", "ge", "lt", "le"}).Draw(t, "op") + " " + at.Format(time.RFC3339Nano)
	case 2:
		return "startswith(" + property(t) + "," + literal(t) + ")"
	case 3:
		var values []string
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			values = append(values, literal(t))
		}
		return property(t) + " in (" + strings.Join(values, ",") + ")"
	case 4:
		return property(t) + " " + equality.Draw(t, "op") + " null"
	}
	return property(t) + " " + equality.Draw(t, "op") + " " + literal(t)
}

func property(t *rapid.T) string {
	return rapid.SampledFrom([]string{"displayName", "department"}).Draw(t, "property")
}

func literal(t *rapid.T) string {
	return "'" + strings.ReplaceAll(rapid.SampledFrom(some).Draw(t, "text"), "'", "''") + "'"
}

// TestAnyFilterSelectsTheSameInSQLAsInMemory holds the SQL of filters to package filter's
// own evaluation, over every combination of the values above.
func TestAnyFilterSelectsTheSameInSQLAsInMemory(t *testing.T) {
	tenant := directory.Tenant{ID: directory.TenantID(uuid.NewString()), DisplayName: "C", Domains: []directory.Domain{{Name: "c.example", IsDefault: true}}}
	var people []directory.User
	for i, name := range some {
		for j, department := range some {
			if (i+j)%3 > 0 && i != j {
				continue // a third of all pairs is enough
			}
			people = append(people, directory.User{
				Tenant: tenant.ID, ID: directory.UserID(uuid.NewString()), DisplayName: name, Department: department,
				UserPrincipalName: fmt.Sprintf("u%d-%d@c.example", i, j), AccountEnabled: (i+2*j)%3 == 0, EmployeeHireDate: slices.Delete(slices.Clone(moments), 1, 2)[(i+j)%(len(moments)-1)],
			})
		}
	}
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(r *rapid.T) {
			text := condition(3).Draw(r, "filter")
			e, err := filter.Parse(text)
			if err != nil {
				r.Fatalf("%s: %v", text, err)
			}
			b, err := filter.Check(e, found)
			if err != nil {
				r.Fatalf("%s: %v", text, err)
			}
			got, _, err := db.Users(t.Context(), tenant.ID, []filter.Bound{b}, nil, nil, 1000)
			if err != nil {
				r.Fatalf("%s: %v", text, err)
			}
			n, err := db.CountUsers(t.Context(), tenant.ID, []filter.Bound{b})
			if err != nil || n != len(got) {
				r.Fatalf("%s: counts %d, lists %d: %v", text, n, len(got), err)
			}
			for _, u := range people {
				has := slices.ContainsFunc(got, func(g directory.User) bool { return g.ID == u.ID })
				if want := filter.Eval(b, held(u)); has != want {
					r.Errorf("%s: %q, %q, %v, %v found: %v, want %v", text, u.DisplayName, u.Department, u.AccountEnabled, u.EmployeeHireDate, has, want)
				}
			}
		})
	})
}
