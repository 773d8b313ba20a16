package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/store/pgtest"
)

var found = filter.Schema{
	{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith},
	{Name: "department", Type: filter.TypeString, Column: "department", Ops: filter.Equality | filter.StartsWith},
	{Name: "accountEnabled", Type: filter.TypeBool, Column: "account_enabled", Ops: filter.Equality},
	{Name: "employeeHireDate", Type: filter.TypeTime, Column: "employee_hire_at", Ops: filter.Equality | filter.Ordering},
}

// held is what a user holds, as the oracle sees it.
func held(u directory.User) filter.Object {
	return func(column string) []filter.Value {
		switch {
		case column == "display_name" && u.DisplayName != "":
			return []filter.Value{filter.String(u.DisplayName)}
		case column == "department" && u.Department != "":
			return []filter.Value{filter.String(u.Department)}
		case column == "account_enabled":
			return []filter.Value{filter.Bool(u.AccountEnabled)}
		case column == "employee_hire_at" && !u.EmployeeHireDate.IsZero():
			return []filter.Value{filter.Time{At: u.EmployeeHireDate}}
		}
		return nil
	}
}

func TestFiltersInSQLFindWhatEvalFinds(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	tenant := directory.Tenant{ID: directory.TenantID(uuid.NewString()), DisplayName: "C", Domains: []directory.Domain{{Name: "c.example", IsDefault: true}}}
	var people []directory.User
	for i, name := range []string{"Ann", "anna", "Ängström", "100%", "100_x", `back\slash`, "O'Hara", "zz\U0010FFFFz", "éa", "ea"} {
		u := directory.User{
			Tenant: tenant.ID, ID: directory.UserID(uuid.NewString()), DisplayName: name,
			UserPrincipalName: uuid.NewString() + "@c.example", AccountEnabled: i%2 == 0,
		}
		if i%3 > 0 {
			u.Department, u.EmployeeHireDate = []string{"", "Sales", "sales west"}[i%3], day.Add(time.Duration(i)*time.Hour)
		}
		people = append(people, u)
	}
	for name, config := range map[string]store.Config{"SQLite": {Dir: t.TempDir()}, "PostgreSQL": {Database: "open"}} {
		t.Run(name, func(t *testing.T) {
			if config.Database != "" {
				config.Database = pgtest.Open(t)
			}
			db, err := store.Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.CreateTenant(t.Context(), store.Seed{Tenant: tenant, Users: people}); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{
				"displayName eq 'ANN'", "displayName ne 'ann'", "startswith(displayName,'an')", "startswith(displayName,'ÄN')",
				"startswith(displayName,'100%')", "startswith(displayName,'100_')", `startswith(displayName,'back\')`, "startswith(displayName,'O''')",
				"startswith(displayName,'zz')", "startswith(displayName,'e')", "startswith(department,'')", "not startswith(department,'sales')",
				"department eq null", "department ne null", "department eq ''", "department ne ''", "department ne 'sales'", "not (department eq 'sales')",
				"department in ('SALES','x')", "not (department in ('sales'))", "accountEnabled eq true", "accountEnabled ne true", "accountEnabled eq null",
				"employeeHireDate eq null", "employeeHireDate gt 2026-03-01T04:00:00Z", "employeeHireDate ge 2026-03-01T04:00:00.0000001Z",
				"employeeHireDate lt 2026-03-01T05:00:00.0000001Z", "not (employeeHireDate lt 2026-03-01T05:00:00Z)", "employeeHireDate le 2026-03-01T05:00:00Z",
				"employeeHireDate eq 1970-01-01", "employeeHireDate ne 1970-01-01", "employeeHireDate ne 2026-03-01T05:00:00.0000001Z",
				"accountEnabled eq true and (department eq null or displayName eq 'ann') and not (displayName eq 'éa')",
			} {
				e, err := filter.Parse(text)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				b, err := filter.Check(e, found)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				got, _, err := db.Users(t.Context(), tenant.ID, []filter.Bound{b}, nil, nil, 100)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				for _, u := range people {
					has := slices.ContainsFunc(got, func(g directory.User) bool { return g.ID == u.ID })
					if want := filter.Eval(b, held(u)); has != want {
						t.Errorf("%s: %q found: %v, want %v", text, u.DisplayName, has, want)
					}
				}
			}
		})
	}
}
