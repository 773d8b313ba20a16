package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

var _ access.Store = (*store.DB)(nil)

func accessPolicy(name string) *access.Policy {
	return &access.Policy{
		ID: uuid.NewString(), DisplayName: name, State: access.ReportOnly, CreatedAt: nine,
		Conditions: access.Conditions{
			ClientAppTypes: []string{"all"}, Users: access.Users{IncludeUsers: []string{access.All}},
			Applications: access.Applications{Include: []string{access.All}},
		},
		Grant: &access.Grant{Operator: "OR", Controls: []access.Control{access.MFA}},
	}
}

func TestRulesOfAccessAreKeptWithTheirEventsAndVersion(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		tenant, other := tenantOf(t, db, "contoso.example"), tenantOf(t, db, "fabrikam.example")
		before, changes := number(t, db, `SELECT COUNT(*) FROM event`), 0
		do := func(what access.Change) {
			t.Helper()
			what.Event = change(tenant)
			changes++
			if err := db.ChangeAccess(t.Context(), tenant, func(access.Rules) (access.Change, error) { return what, nil }); err != nil {
				t.Fatal(err)
			}
			version, err := db.AccessVersion(t.Context(), tenant)
			if err != nil || version != int64(changes) {
				t.Errorf("after %d changes the version is %d, %v", changes, version, err)
			}
			if n := number(t, db, `SELECT COUNT(*) FROM event`) - before; n != changes {
				t.Errorf("%d events are recorded, want %d", n, changes)
			}
		}
		if version, err := db.AccessVersion(t.Context(), tenant); err != nil || version != 0 {
			t.Errorf("before the first change the version is %d, %v", version, err)
		}
		p := accessPolicy("MFA for all")
		modes, _ := access.ParseModes("password,sms")
		strength := &access.Strength{
			ID: uuid.NewString(), DisplayName: "Ours", Combinations: []access.Modes{access.FIDO2, modes}, AAGUIDs: []string{uuid.NewString()}, CreatedAt: nine,
		}
		place := &access.Location{ID: uuid.NewString(), DisplayName: "HQ", Trusted: true, Networks: []string{"203.0.113.0/24"}, CreatedAt: nine}
		do(access.Change{Policy: p})
		do(access.Change{Location: place})
		do(access.Change{Strength: strength})
		do(access.Change{Context: &access.ContextClass{ID: "c1", DisplayName: "Sensitive", Available: true, CreatedAt: nine}})

		got, err := db.AccessRules(t.Context(), tenant)
		if err != nil || len(got.Policies) != 1 || len(got.Locations) != 1 || len(got.Strengths) != 1 || len(got.Contexts) != 1 || got.Version != 4 {
			t.Fatalf("there are %+v, %v", got, err)
		}
		read := got.Policies[0]
		if read.Version != 1 || !read.CreatedAt.Equal(nine) || read.DisplayName != p.DisplayName || read.State != access.ReportOnly || read.Grant.Controls[0] != access.MFA {
			t.Errorf("the policy is read as %+v", read)
		}
		if s := got.Strengths[0]; fmt.Sprint(s.Combinations) != fmt.Sprint(strength.Combinations) || fmt.Sprint(s.AAGUIDs) != fmt.Sprint(strength.AAGUIDs) || s.Version != 1 {
			t.Errorf("the strength is read as %+v", s)
		}
		if l := got.Locations[0]; !l.Trusted || l.Networks[0] != "203.0.113.0/24" {
			t.Errorf("the location is read as %+v", l)
		}
		if x := got.Contexts[0]; x.ID != "c1" || !x.Available {
			t.Errorf("the context is read as %+v", x)
		}

		p.State = access.Enabled
		do(access.Change{Policy: p})
		do(access.Change{Location: place, Remove: true})
		got, err = db.AccessRules(t.Context(), tenant)
		if err != nil || got.Policies[0].Version != 2 || got.Policies[0].State != access.Enabled || len(got.Locations) != 0 {
			t.Errorf("after change and removal there are %+v, %v", got, err)
		}
		if elsewhere, err := db.AccessRules(t.Context(), other); err != nil || elsewhere.Version != 0 || len(elsewhere.Policies) != 0 {
			t.Errorf("another tenant has %+v, %v", elsewhere, err)
		}
	})
}

func TestARefusedChangeOfAccessLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		tenant := tenantOf(t, db, "contoso.example")
		before, refusal := number(t, db, `SELECT COUNT(*) FROM event`), errors.New("no")
		err := db.ChangeAccess(t.Context(), tenant, func(access.Rules) (access.Change, error) {
			return access.Change{Policy: accessPolicy("x"), Event: change(tenant)}, refusal
		})
		version, _ := db.AccessVersion(t.Context(), tenant)
		if !errors.Is(err, refusal) || version != 0 || number(t, db, `SELECT COUNT(*) FROM event`) != before {
			t.Errorf("it returned %v and left version %d", err, version)
		}
	})
}

func TestOfManyRulesAtOnceNoMoreAreKeptThanDecideAllows(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		tenant := tenantOf(t, db, "contoso.example")
		full := errors.New("full")
		var group sync.WaitGroup
		results := make(chan error, 8)
		for range cap(results) {
			group.Go(func() {
				p := accessPolicy("x")
				results <- db.ChangeAccess(t.Context(), tenant, func(there access.Rules) (access.Change, error) {
					if len(there.Policies) == 3 {
						return access.Change{}, full
					}
					return access.Change{Policy: p, Event: change(tenant)}, nil
				})
			})
		}
		group.Wait()
		kept := 0
		for range cap(results) {
			if err := <-results; err == nil {
				kept++
			} else if !errors.Is(err, full) {
				t.Error(err)
			}
		}
		there, err := db.AccessRules(t.Context(), tenant)
		if err != nil || kept != 3 || len(there.Policies) != 3 || there.Version != 3 {
			t.Errorf("%d were kept, %d are there at version %d, %v", kept, len(there.Policies), there.Version, err)
		}
	})
}

// Tries that failed count together, by whatever method, for their own account and while they are new.
func TestFailedTriesCountForAnHour(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db := open(t, c)
		tenant := tenantOf(t, db, "contoso.example")
		rule := signin.Rule{Budget: 10, Window: time.Hour, Slow: time.Second}
		for _, name := range []string{"account|ann|password", "account|ann|otc|proved", "account|ann|otc", "account|ann2|password", "place|ann|x"} {
			if _, err := db.Charge(t.Context(), tenant, []signin.Bucket{{Name: name, Rule: rule}}, nine); err != nil {
				t.Fatal(err)
			}
		}
		for since, want := range map[time.Time]int64{nine.Add(-time.Hour): 3, nine.Add(time.Minute): 0} {
			if n, err := db.FailedTries(t.Context(), tenant, "ann", since); err != nil || n != want {
				t.Errorf("since %s: %d, want %d (%v)", since, n, want, err)
			}
		}
	})
}
