package tap

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestUsability(t *testing.T) {
	pass := Pass{Start: nine, Lifetime: time.Hour, SingleUse: true}
	used, multi, usedMulti, bootstrap := pass, pass, pass, pass
	used.UsedAt = nine.Add(time.Second)
	multi.SingleUse = false
	usedMulti.SingleUse, usedMulti.UsedAt = false, nine
	bootstrap.Bootstrap = true
	on := DefaultPolicy()
	on.State = "enabled"
	off, once := DefaultPolicy(), on
	once.UsableOnce = true
	for _, c := range []struct {
		name    string
		pass    Pass
		policy  Policy
		inScope bool
		at      time.Time
		want    Usability
	}{
		{"a second early", pass, on, true, nine.Add(-time.Second), NotYetValid},
		{"a nanosecond early", pass, on, true, nine.Add(-1), NotYetValid},
		{"at the start", pass, on, true, nine, EnabledByPolicy},
		{"just before the end", pass, on, true, nine.Add(time.Hour - 1), EnabledByPolicy},
		{"at the end", pass, on, true, nine.Add(time.Hour), Expired},
		{"used before", used, on, true, nine.Add(time.Minute), OneTimeUsed},
		{"used before and ended", used, on, true, nine.Add(2 * time.Hour), OneTimeUsed},
		{"used before, for many uses", usedMulti, on, true, nine.Add(time.Minute), EnabledByPolicy},
		{"the policy is off", pass, off, true, nine, DisabledByPolicy},
		{"the policy is off and the pass has ended", pass, off, true, nine.Add(time.Hour), Expired},
		{"the policy is off and the pass has not begun", pass, off, true, nine.Add(-1), NotYetValid},
		{"the user is out of scope", pass, on, false, nine, DisabledByPolicy},
		{"for many uses, which the policy no longer allows", multi, once, true, nine, DisabledByPolicy},
		{"for one use, as the policy wants", pass, once, true, nine, EnabledByPolicy},
		{"a bootstrap pass, whatever the policy says", bootstrap, off, false, nine, EnabledByPolicy},
		{"a bootstrap pass that has ended", bootstrap, off, false, nine.Add(time.Hour), Expired},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.pass.Usability(c.policy, c.inScope, c.at); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestHeldBy(t *testing.T) {
	p := Pass{ReservedFor: "one", ReservedUntil: nine}
	for _, c := range []struct {
		name        string
		pass        Pass
		transaction string
		at          time.Time
		want        bool
	}{
		{"nobody holds it", Pass{}, "one", nine, false},
		{"another transaction holds it", p, "two", nine.Add(-1), true},
		{"its own transaction holds it", p, "one", nine.Add(-1), false},
		{"the reservation ran out", p, "two", nine, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.pass.HeldBy(c.transaction, c.at); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

func TestPolicyCheck(t *testing.T) {
	group := method.Target{TargetType: "group", ID: uuid.NewString()}
	everyone := method.Target{TargetType: "group", ID: directory.AllUsers}
	many := func(n int) []method.Target {
		all := make([]method.Target, n)
		for i := range all {
			all[i] = group
		}
		return all
	}
	for _, c := range []struct {
		name   string
		change func(*Policy)
		target string // of the fault; "" when it is fine
	}{
		{"the default", func(*Policy) {}, ""},
		{"switched on", func(p *Policy) { p.State = "enabled" }, ""},
		{"another state", func(p *Policy) { p.State = "on" }, "state"},
		{"the least lifetime", func(p *Policy) { p.MinimumLifetime = 10 }, ""},
		{"below the least lifetime", func(p *Policy) { p.MinimumLifetime = 9 }, "minimumLifetimeInMinutes"},
		{"the most lifetime", func(p *Policy) { p.MaximumLifetime = 43200 }, ""},
		{"above the most lifetime", func(p *Policy) { p.MaximumLifetime = 43201 }, "maximumLifetimeInMinutes"},
		{"minimum equal to maximum", func(p *Policy) { p.MinimumLifetime, p.DefaultLifetime, p.MaximumLifetime = 60, 60, 60 }, ""},
		{"minimum above maximum", func(p *Policy) { p.MinimumLifetime = 481 }, "minimumLifetimeInMinutes"},
		{"default at the minimum", func(p *Policy) { p.DefaultLifetime = 60 }, ""},
		{"default below the minimum", func(p *Policy) { p.DefaultLifetime = 59 }, "defaultLifetimeInMinutes"},
		{"default at the maximum", func(p *Policy) { p.DefaultLifetime = 480 }, ""},
		{"default above the maximum", func(p *Policy) { p.DefaultLifetime = 481 }, "defaultLifetimeInMinutes"},
		{"the least length", func(p *Policy) { p.DefaultLength = 8 }, ""},
		{"below the least length", func(p *Policy) { p.DefaultLength = 7 }, "defaultLength"},
		{"the most length", func(p *Policy) { p.DefaultLength = 48 }, ""},
		{"above the most length", func(p *Policy) { p.DefaultLength = 49 }, "defaultLength"},
		{"the shortest window", func(p *Policy) { p.RegistrationWindow = 1 }, ""},
		{"no window", func(p *Policy) { p.RegistrationWindow = 0 }, "postern_registrationWindowInMinutes"},
		{"the longest window", func(p *Policy) { p.RegistrationWindow = 60 }, ""},
		{"above the longest window", func(p *Policy) { p.RegistrationWindow = 61 }, "postern_registrationWindowInMinutes"},
		{"a group included and one excluded", func(p *Policy) { p.Include, p.Exclude = many(1), many(1) }, ""},
		{"everybody excluded", func(p *Policy) { p.Exclude = []method.Target{everyone} }, "excludeTargets"},
		{"a user included", func(p *Policy) { p.Include[0].TargetType = "user" }, "includeTargets"},
		{"no id", func(p *Policy) { p.Include[0].ID = "staff" }, "includeTargets"},
		{"100 groups", func(p *Policy) { p.Include, p.Exclude = many(100), many(100) }, ""},
		{"101 groups included", func(p *Policy) { p.Include = many(101) }, "includeTargets"},
		{"101 groups excluded", func(p *Policy) { p.Exclude = many(101) }, "excludeTargets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := DefaultPolicy()
			c.change(&p)
			wantFault(t, p.Check(), ErrPolicyInvalid, c.target)
		})
	}
}

func TestInScope(t *testing.T) {
	in := map[directory.GroupID]bool{"staff": true}
	staff, everyone := []method.Target{{ID: "staff"}}, []method.Target{{ID: directory.AllUsers}}
	for _, c := range []struct {
		name             string
		include, exclude []method.Target
		want             bool
	}{
		{"everybody is included", everyone, nil, true},
		{"nobody is included", nil, nil, false},
		{"their group is included", staff, nil, true},
		{"another group is included", []method.Target{{ID: "others"}}, nil, false},
		{"exclusion wins", everyone, staff, false},
		{"another group is excluded", everyone, []method.Target{{ID: "others"}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := Policy{Targets: method.Targets{Include: c.include, Exclude: c.exclude}}
			if got := policy.InScope(in); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

// wantFault expects err to be want, about target; with an empty target no error.
func wantFault(t *testing.T, err, want error, target string) {
	t.Helper()
	if target == "" {
		if err != nil {
			t.Errorf("got %v, want no fault", err)
		}
		return
	}
	if f := faultOf(err); !errors.Is(err, want) || f == nil || f.Target != target {
		t.Errorf("got %v, want %v about %s", err, want, target)
	}
}
