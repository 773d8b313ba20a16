package method_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

func TestWhoIsExcludedIsOutWhoeverIncludesThem(t *testing.T) {
	staff, guests := uuid.NewString(), uuid.NewString()
	in := func(ids ...string) map[directory.GroupID]bool {
		groups := map[directory.GroupID]bool{}
		for _, id := range ids {
			groups[directory.GroupID(id)] = true
		}
		return groups
	}
	everybody := method.Everybody("enabled")
	everybody.Exclude = []method.Target{{TargetType: "group", ID: guests}}
	some := method.Targets{State: "enabled", Include: []method.Target{{TargetType: "group", ID: staff}}, Exclude: everybody.Exclude}
	for name, c := range map[string]struct {
		targets method.Targets
		groups  map[directory.GroupID]bool
		want    bool
	}{
		"all, and in no group":         {everybody, nil, true},
		"all but them":                 {everybody, in(guests), false},
		"in the group":                 {some, in(staff), true},
		"in none":                      {some, nil, false},
		"in both":                      {some, in(staff, guests), false},
		"all, while the method is off": {method.Everybody("disabled"), in(staff), false},
	} {
		if got := c.targets.InScope(c.groups); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestTargetsThatWouldReachOthersThanMeantAreRefused(t *testing.T) {
	group := method.Target{TargetType: "group", ID: uuid.NewString()}
	with := func(change func(*method.Targets)) method.Targets {
		all := method.Everybody("enabled")
		all.Exclude = []method.Target{group}
		change(&all)
		return all
	}
	if err := with(func(*method.Targets) {}).Check(); err != nil {
		t.Fatal(err)
	}
	for name, all := range map[string]method.Targets{
		"another state":         with(func(t *method.Targets) { t.State = "default" }),
		"a user":                with(func(t *method.Targets) { t.Include = []method.Target{{TargetType: "user", ID: group.ID}} }),
		"a name":                with(func(t *method.Targets) { t.Include = []method.Target{{TargetType: "group", ID: "staff"}} }),
		"everybody is excluded": with(func(t *method.Targets) { t.Exclude = []method.Target{{TargetType: "group", ID: directory.AllUsers}} }),
		"too many":              with(func(t *method.Targets) { t.Include = make([]method.Target, 101) }),
	} {
		if err := all.Check(); !errors.Is(err, method.ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	preferred := method.DefaultPreferred()
	if err := preferred.Check(); err != nil {
		t.Fatal(err)
	}
	if preferred.State = "on"; !errors.Is(preferred.Check(), method.ErrPolicy) {
		t.Error("a state that nobody knows is taken")
	}
}
