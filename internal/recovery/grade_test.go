package recovery_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
)

func TestEachFailureTakesItsOwn(t *testing.T) {
	app := changed(phone, func(m *recovery.Method) { m.App = true })
	synced := method("synced", recovery.Synced, both)
	upstream := method("upstream", recovery.Elsewhere, signin.Knowledge|signin.Possession)
	tpm := changed(laptop, func(d *recovery.Device) { d.TPM = true })
	for _, c := range []struct {
		name  string
		facts recovery.Facts
		in    recovery.Failure
		want  recovery.Standing
	}{
		{"an app that was removed", recovery.Facts{Methods: []recovery.Method{app}}, recovery.AppRemoved, recovery.PassOnly},
		{"an app that was removed beside a passkey on the phone", recovery.Facts{Methods: []recovery.Method{app, phone}}, recovery.AppRemoved, recovery.OneLeft},
		{"no app to remove", recovery.Facts{Methods: []recovery.Method{phone}}, recovery.AppRemoved, recovery.NotApplicable},
		{"the only key at home", recovery.Facts{Methods: []recovery.Method{key}}, recovery.KeyForgotten, recovery.PassOnly},
		{"two keys are forgotten together", recovery.Facts{Methods: []recovery.Method{key, key}}, recovery.KeyForgotten, recovery.PassOnly},
		{"a key at home, a device PIN here", recovery.Facts{Methods: []recovery.Method{key}, Devices: []recovery.Device{laptop}}, recovery.KeyForgotten, recovery.OneLeft},
		{"no key to forget", recovery.Facts{Methods: []recovery.Method{synced}}, recovery.KeyForgotten, recovery.NotApplicable},
		{"a cleared TPM takes the PIN and the passkey beside it", recovery.Facts{Methods: []recovery.Method{inLaptop}, Devices: []recovery.Device{tpm}}, recovery.TPMCleared, recovery.PassOnly},
		{"a cleared TPM leaves the phone", recovery.Facts{Methods: []recovery.Method{phone}, Devices: []recovery.Device{tpm}}, recovery.TPMCleared, recovery.OneLeft},
		{"a PIN in a file knows no TPM", recovery.Facts{Devices: []recovery.Device{laptop}}, recovery.TPMCleared, recovery.NotApplicable},
		{"the upstream is down", recovery.Facts{Methods: []recovery.Method{upstream}}, recovery.FederationDown, recovery.PassOnly},
		{"the upstream is down, with a key here", recovery.Facts{Methods: []recovery.Method{upstream, key}}, recovery.FederationDown, recovery.OneLeft},
		{"who signs in here alone needs no upstream", recovery.Facts{Methods: []recovery.Method{key}}, recovery.FederationDown, recovery.NotApplicable},
		{"what the upstream asks for may be on the phone", recovery.Facts{Methods: []recovery.Method{upstream}}, recovery.PhoneLost, recovery.PassOnly},
		{"everything is lost, keys too", recovery.Facts{Methods: []recovery.Method{key, phone}}, recovery.EverythingLost, recovery.PassOnly},
		{"a synced passkey comes back", recovery.Facts{Methods: []recovery.Method{synced}}, recovery.EverythingLost, recovery.OneLeft},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.facts.Enabled, c.facts.Pass = true, passes
			if got := recovery.Stand(c.facts, nine).Of(c.in); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestAWayThatConditionalAccessKeepsOutIsNone(t *testing.T) {
	f := recovery.Facts{Enabled: true, Methods: []recovery.Method{phone, key}, Pass: passes}
	f.Methods[0].Now.Modes, f.Methods[1].Now.Modes = access.DeviceBasedPush, access.FIDO2
	f.Admits = func(all []recovery.Method) bool {
		return slices.ContainsFunc(all, func(m recovery.Method) bool { return m.Now.Modes.Has(access.FIDO2) })
	}
	if got := recovery.Stand(f, nine).Of(recovery.KeyForgotten); got != recovery.PassOnly {
		t.Errorf("a phone that is not let in: %s", got)
	}
	f.Pass.Barred = true
	a := answerTo(recovery.Readiness(f, nine), recovery.KeyForgotten)
	if a.Standing != recovery.Nothing || !slices.Contains(a.Close, recovery.ExemptPass) || slices.Contains(a.Close, recovery.AddPhone) {
		t.Errorf("a pass that is not let in either: %s, closed by %v", a.Standing, a.Close)
	}
}

func TestHelpIsSaidWithItsTime(t *testing.T) {
	f := recovery.Facts{Enabled: true, Methods: []recovery.Method{phone}, Pass: passes}
	f.Pass.Helpers = []recovery.Help{recovery.Administrator, recovery.Helpdesk, recovery.Manager}
	f.Pass.From, f.Pass.Until = nine, nine.Add(time.Hour)
	var who []recovery.Help
	for _, w := range answerTo(recovery.Readiness(f, nine), recovery.BothLost).Aids {
		who = append(who, w.Help)
	}
	if !slices.Equal(who, []recovery.Help{recovery.Self, recovery.Helpdesk, recovery.Manager, recovery.Administrator}) {
		t.Errorf("quickest first: %v", who)
	}
}

func TestEveryWaySaysWhoAndHowLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, a := range recovery.Readiness(people(t), nine) {
			for _, w := range slices.Concat(a.Ways, a.Aids) {
				if w.Help == "" || w.Takes <= 0 {
					t.Fatalf("%s: %+v", a.Failure, w)
				}
			}
			if !slices.IsSortedFunc(a.Aids, func(a, b recovery.Way) int { return int(a.Takes - b.Takes) }) {
				t.Fatalf("%s: slower help first: %+v", a.Failure, a.Aids)
			}
		}
	})
}

func TestStandSaysWhatReadinessSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := people(t)
		all := recovery.Stand(f, nine)
		for i, a := range recovery.Readiness(f, nine) {
			if all[i] != a.Standing || all.Of(a.Failure) != a.Standing {
				t.Fatalf("%s: %s, and %s", a.Failure, all[i], a.Standing)
			}
		}
	})
}

func TestAStateIsReadAsItWasWrittenAndSortsWorstFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := recovery.Stand(people(t), nine), recovery.Stand(people(t), nine)
		admin := rapid.Bool().Draw(t, "admin")
		state := one.State(admin)
		if back, a, ok := state.Read(); !ok || back != one || a != admin {
			t.Fatalf("%s: %v %v %v", state, back, a, ok)
		}
		if slices.Index(recovery.Grades, one.Grade()) < slices.Index(recovery.Grades, other.Grade()) && state >= other.State(false) {
			t.Fatalf("%s is worse than %s, and comes later", state, other.State(false))
		}
	})
	for admin, want := range map[bool]bool{true: true, false: false} {
		judged := recovery.Stand(recovery.Facts{Enabled: true}, nine).State(admin)
		none := recovery.Stand(recovery.Facts{Enabled: true, Unreadable: true, Methods: []recovery.Method{phone, key}, Pass: passes}, nine).State(admin)
		state := none.Unjudged()
		if all, a, ok := state.Read(); !ok || a != want || all.Grade() != recovery.NoWay || state.Judged() || !judged.Judged() || state >= judged {
			t.Errorf("who can't be judged stands as %s: %v %v", state, a, all)
		}
	}
	for _, text := range []string{"", "3m", "3m33333333333", "3mxxxxxxxxxx"} {
		if _, _, ok := recovery.State(text).Read(); ok {
			t.Errorf("%q is read", text)
		}
	}
}

func TestWhoStandsAsBeforeLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := people(t)
		before := recovery.Stand(f, nine)
		if s, d := before.Loses(before); s || d {
			t.Fatal("something is lost of nothing")
		}
		more := f
		more.Methods = append(slices.Clone(f.Methods), drawMethod(t))
		if s, d := before.Loses(recovery.Stand(more, nine)); s || d {
			t.Fatal("somebody loses by having more")
		}
		f.Enabled = false
		after := recovery.Stand(f, nine)
		strandable := false
		for i, c := range recovery.Failures {
			strandable = strandable || c != recovery.Offline && before[i] != recovery.Nothing && before[i] != recovery.NotApplicable
		}
		if s, _ := before.Loses(after); s != strandable {
			t.Fatalf("whose account is switched off is stranded: %v, want %v", s, strandable)
		}
	})
}
