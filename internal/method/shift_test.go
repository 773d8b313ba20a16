package method_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

func TestAChangeOfTargetsShiftsWhoMayUseAMethod(t *testing.T) {
	const a, b = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	group := func(id string) method.Target { return method.Target{TargetType: "group", ID: id} }
	on, off := method.Everybody("enabled"), method.Everybody("disabled")
	onlyA := method.Targets{State: "enabled", Include: []method.Target{group(a)}}
	notA := method.Targets{State: "enabled", Include: on.Include, Exclude: []method.Target{group(a)}}
	inA := map[directory.GroupID]bool{a: true}
	key, code := method.Credential{Kind: "passkey"}, method.Credential{Kind: "otc"}
	frozen := method.Credential{Kind: "otc", FrozenAt: time.Unix(1, 0)}
	for _, c := range []struct {
		name      string
		now, then method.Targets
		r         method.Registration
		pass      bool
		want      method.Shift
	}{
		{"nothing changes", on, on, method.Registration{Credentials: []method.Credential{key}}, false, method.Shift{Uses: true}},
		{"on", off, on, method.Registration{}, false, method.Shift{Gains: true}},
		{"off, for who has no other", on, off, method.Registration{Credentials: []method.Credential{key}}, false, method.Shift{Loses: true, Uses: true, Stranded: true}},
		{"off, for who has another", on, off, method.Registration{Credentials: []method.Credential{key, code}}, false, method.Shift{Loses: true, Uses: true}},
		{"off, for whose other is frozen", on, off, method.Registration{Credentials: []method.Credential{key, frozen}}, false, method.Shift{Loses: true, Uses: true, Stranded: true}},
		{"off, for whose other policy does not allow", on, off, method.Registration{Credentials: []method.Credential{key, {Kind: "password"}}}, false, method.Shift{Loses: true, Uses: true, Stranded: true}},
		{"off, for who has a PIN", on, off, method.Registration{Credentials: []method.Credential{key}, PIN: true}, false, method.Shift{Loses: true, Uses: true}},
		{"off, for who has a pass", on, off, method.Registration{Credentials: []method.Credential{key}, Pass: true}, false, method.Shift{Loses: true, Uses: true}},
		{"off, for who never had it", on, off, method.Registration{Credentials: []method.Credential{code}}, false, method.Shift{Loses: true}},
		{"passes off, for who has but one", on, off, method.Registration{Pass: true}, true, method.Shift{Loses: true, Uses: true, Stranded: true}},
		{"passes off, for who has a key", on, off, method.Registration{Pass: true, Credentials: []method.Credential{key}}, true, method.Shift{Loses: true, Uses: true}},
		{"only for a group, for who is in it", on, onlyA, method.Registration{Groups: inA}, false, method.Shift{}},
		{"only for a group, for who is not", on, onlyA, method.Registration{}, false, method.Shift{Loses: true}},
		{"an exception, for who is in it", on, notA, method.Registration{Groups: inA}, false, method.Shift{Loses: true}},
		{"an exception that goes", notA, on, method.Registration{Groups: inA}, false, method.Shift{Gains: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind := signin.MethodID("passkey")
			if c.pass {
				kind = "accesspass"
			}
			allows := func(other signin.MethodID, _ map[directory.GroupID]bool) bool { return other != "password" }
			if got := method.ShiftOf(kind, c.pass, c.r, c.now, c.then, allows); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	for _, c := range []struct {
		name      string
		now, then method.Targets
		want      []string
	}{
		{"off before and after", off, off, nil},
		{"nothing changes", notA, notA, nil},
		{"on", off, notA, []string{directory.AllUsers}},
		{"off", onlyA, off, []string{a}},
		{"everybody gives way to a group", on, onlyA, []string{directory.AllUsers, a}},
		{"an exception", on, notA, []string{a}},
		{"another exception", notA, method.Targets{State: "enabled", Include: on.Include, Exclude: []method.Target{group(b)}}, []string{a, b}},
	} {
		if got := method.Changed(c.now, c.then); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
