package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/store"
)

var logSchema = filter.Schema{
	{Name: "at", Type: filter.TypeTime, Column: "at", Ops: filter.Ordering | filter.Sort},
	{Name: "address", Type: filter.TypeString, Column: "ip_address", Ops: filter.Eq | filter.StartsWith},
	{Name: "user", Type: filter.TypeString, Column: "user_id", Ops: filter.Eq},
	{Name: "code", Type: filter.TypeInt, Column: "error_code", Ops: filter.Equality},
	{Name: "method", Column: audit.MarkMethod, Elements: filter.Schema{{Type: filter.TypeString, Column: audit.MarkMethod, Ops: filter.Eq}}},
}

func bound(t testing.TB, text string) []filter.Bound {
	t.Helper()
	if text == "" {
		return nil
	}
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := filter.Check(e, logSchema)
	if err != nil {
		t.Fatal(err)
	}
	return []filter.Bound{b}
}

// TestAPageOfAFilteredLogLooksAtABoundedNumberOfEntries reads all pages of what is rare and of
// what is frequent, in both directions: whatever index serves a filter, nothing is left out.
func TestAPageOfAFilteredLogLooksAtABoundedNumberOfEntries(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, tenant := open(t, c), directory.TenantID(uuid.NewString())
		db.LookAtEvents(20)
		ann := uuid.NewString()
		var entries []audit.Event
		for n := range 100 {
			e := audit.Event{
				Tenant: string(tenant), ID: uuid.NewString(), At: nine.Add(time.Duration(n/3) * time.Second), // some at one time
				SignIn: &audit.SignIn{IPAddress: "192.0.2.7", UserID: ann, Details: []audit.AuthenticationDetail{{Method: "Passkey"}}},
			}
			if n%10 == 0 {
				e.SignIn.ErrorCode, e.SignIn.Details[0].Method = 130503, "Temporary Access Pass"
			}
			if n == 5 {
				e.SignIn.IPAddress = "203.0.113.24"
			}
			entries = append(entries, e)
		}
		if err := db.Record(t.Context(), entries...); err != nil {
			t.Fatal(err)
		}
		for _, q := range []struct {
			filter string
			want   int
		}{
			{"", 100},
			{"startsWith(address,'203.')", 1},
			{"startsWith(address,'192.') and user eq '" + ann + "'", 99},
			{"code ne 0", 10},
			{"code ne 0 and startsWith(address,'203.')", 0},
			{"method/any(m: m eq 'passkey')", 90},
			{"method/any(m: m eq 'Passkey') and startsWith(address,'203.')", 1},
			{"method/any(m: m eq 'Passkey') and code eq 0 and user eq '" + ann + "'", 90},
			{"code eq 0 or code eq 130503", 100},
			{"at ge 2026-11-02T09:00:10Z and code ne 0", 7},
		} {
			for _, descending := range []bool{true, false} {
				order := []filter.Order{{Property: &logSchema[0], Descending: descending}}
				var ids []string
				var after []any
				var last time.Time
				for pages := 0; ; pages++ {
					found, next, err := db.Events(t.Context(), tenant, audit.KindSignIn, bound(t, q.filter), order, after, 7)
					if err != nil {
						t.Fatal(err)
					}
					if len(found) > 7 || pages > 100 {
						t.Fatalf("%q: page %d has %d entries", q.filter, pages, len(found))
					}
					for _, e := range found {
						if !last.IsZero() && e.At.After(last) == descending && !e.At.Equal(last) {
							t.Fatalf("%q is out of order", q.filter)
						}
						last = e.At
						ids = append(ids, e.ID)
					}
					if after = next; next == nil {
						break
					}
				}
				slices.Sort(ids)
				if len(ids) != q.want || len(slices.Compact(slices.Clone(ids))) != q.want {
					t.Errorf("%q found %d entries, %d different, want %d", q.filter, len(ids), len(slices.Compact(ids)), q.want)
				}
			}
		}
	})
}
