package recovery_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func method(name string, place recovery.Place, factors signin.Factors) recovery.Method {
	return recovery.Method{ID: name, Name: name, Place: place, Now: signin.Yield{Factors: factors}, Browser: true, LockScreen: true}
}

var (
	both     = signin.Possession | signin.Inherence
	phone    = method("phone", recovery.OnPhone, both)
	key      = method("key", recovery.Apart, both)
	codes    = method("codes", recovery.OnPhone, signin.Possession)
	password = method("password", recovery.InMind, signin.Knowledge)
	inLaptop = method("passkey", recovery.OnDevice, both)
	unsure   = method("unsure", recovery.OnEither, both)
	laptop   = recovery.Device{ID: "d", Name: "LAP-0417", PIN: true, WebSignIn: true, PINOffline: true, OfflineDays: 4, SeenAt: nine.Add(-time.Hour)}
	passes   = recovery.Pass{Issuable: true, Browser: true, LockScreen: true}
)

func changed[T any](v T, by func(*T)) T {
	by(&v)
	return v
}

// five are the answers that the table tells, in its order.
func five(all []recovery.Answer) []recovery.Answer {
	var some []recovery.Answer
	for _, c := range []recovery.Failure{recovery.PhoneLost, recovery.PINBroken, recovery.NewDevice, recovery.BothLost, recovery.Offline} {
		some = append(some, answerTo(all, c))
	}
	return some
}

func answerTo(all []recovery.Answer, c recovery.Failure) recovery.Answer {
	return all[slices.Index(recovery.Failures, c)]
}

func TestReadiness(t *testing.T) {
	frozen := changed(phone, func(m *recovery.Method) { m.Now = signin.Yield{} })
	browserOnly := changed(phone, func(m *recovery.Method) { m.LockScreen = false })
	withoutWeb := changed(laptop, func(d *recovery.Device) { d.WebSignIn = false })
	stale := changed(laptop, func(d *recovery.Device) { d.SeenAt = nine.AddDate(0, 0, -4) })
	just := changed(laptop, func(d *recovery.Device) { d.SeenAt = nine.AddDate(0, 0, -4).Add(time.Second) })
	inFile := changed(laptop, func(d *recovery.Device) { d.PINOffline = false })
	live := changed(passes, func(p *recovery.Pass) { p.From, p.Until = nine, nine.Add(time.Hour) })
	for _, c := range []struct {
		name  string
		facts recovery.Facts
		want  [5]recovery.Standing // phone lost, PIN broken, new device, both lost, offline
	}{
		{"nobody has nothing, and gets a pass", recovery.Facts{Pass: passes}, [5]recovery.Standing{recovery.PassOnly, recovery.NotApplicable, recovery.PassOnly, recovery.PassOnly, recovery.NotApplicable}},
		{"nothing and no passes", recovery.Facts{}, [5]recovery.Standing{recovery.Nothing, recovery.NotApplicable, recovery.Nothing, recovery.Nothing, recovery.NotApplicable}},
		{"a phone and a PIN", recovery.Facts{Methods: []recovery.Method{phone}, Devices: []recovery.Device{laptop}, Pass: passes}, [5]recovery.Standing{recovery.OneLeft, recovery.OneLeft, recovery.OneLeft, recovery.PassOnly, recovery.OneLeft}},
		{"a key closes every gap but the network's", recovery.Facts{Methods: []recovery.Method{phone, key}, Devices: []recovery.Device{laptop}, Pass: passes}, [5]recovery.Standing{recovery.Ready, recovery.Ready, recovery.Ready, recovery.OneLeft, recovery.OneLeft}},
		{"a frozen phone is none", recovery.Facts{Methods: []recovery.Method{frozen}, Devices: []recovery.Device{laptop}, Pass: passes}, [5]recovery.Standing{recovery.OneLeft, recovery.PassOnly, recovery.PassOnly, recovery.PassOnly, recovery.OneLeft}},
		{"a phone that the lock screen does not take", recovery.Facts{Methods: []recovery.Method{browserOnly}, Devices: []recovery.Device{laptop}, Pass: passes}, [5]recovery.Standing{recovery.OneLeft, recovery.PassOnly, recovery.OneLeft, recovery.PassOnly, recovery.OneLeft}},
		{"a lock screen without the web", recovery.Facts{Methods: []recovery.Method{phone, key}, Devices: []recovery.Device{withoutWeb}, Pass: passes}, [5]recovery.Standing{recovery.Ready, recovery.Nothing, recovery.Ready, recovery.OneLeft, recovery.OneLeft}},
		{"two halves are one way", recovery.Facts{Methods: []recovery.Method{codes, password}, Pass: passes}, [5]recovery.Standing{recovery.PassOnly, recovery.NotApplicable, recovery.OneLeft, recovery.PassOnly, recovery.NotApplicable}},
		{"two of the same half are none", recovery.Facts{Methods: []recovery.Method{codes, codes}, Pass: passes}, [5]recovery.Standing{recovery.PassOnly, recovery.NotApplicable, recovery.PassOnly, recovery.PassOnly, recovery.NotApplicable}},
		{"a passkey in the laptop goes with it", recovery.Facts{Methods: []recovery.Method{inLaptop}, Devices: []recovery.Device{laptop}, Pass: passes}, [5]recovery.Standing{recovery.Ready, recovery.PassOnly, recovery.PassOnly, recovery.PassOnly, recovery.OneLeft}},
		{"what may be on either counts as lost with both", recovery.Facts{Methods: []recovery.Method{unsure}, Pass: passes}, [5]recovery.Standing{recovery.PassOnly, recovery.NotApplicable, recovery.PassOnly, recovery.PassOnly, recovery.NotApplicable}},
		{"the days without a network are over", recovery.Facts{Devices: []recovery.Device{stale}, Pass: passes}, [5]recovery.Standing{recovery.OneLeft, recovery.PassOnly, recovery.PassOnly, recovery.PassOnly, recovery.Nothing}},
		{"a second before they are", recovery.Facts{Devices: []recovery.Device{just}, Pass: passes}, [5]recovery.Standing{recovery.OneLeft, recovery.PassOnly, recovery.PassOnly, recovery.PassOnly, recovery.OneLeft}},
		{"a PIN in a file that works with a network only", recovery.Facts{Devices: []recovery.Device{inFile}, Pass: passes}, [5]recovery.Standing{recovery.OneLeft, recovery.PassOnly, recovery.PassOnly, recovery.PassOnly, recovery.Nothing}},
		{"a pass that is there although policy issues none", recovery.Facts{Pass: changed(live, func(p *recovery.Pass) { p.Issuable = false })}, [5]recovery.Standing{recovery.PassOnly, recovery.NotApplicable, recovery.PassOnly, recovery.PassOnly, recovery.NotApplicable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.facts.Enabled = true
			for i, a := range five(recovery.Readiness(c.facts, nine)) {
				if a.Standing != c.want[i] {
					t.Errorf("%s: %s, want %s", a.Failure, a.Standing, c.want[i])
				}
			}
		})
	}
}

func TestWhoseAccountIsOffGetsInNowhere(t *testing.T) {
	f := recovery.Facts{Methods: []recovery.Method{phone, key}, Devices: []recovery.Device{laptop}, Pass: passes}
	for _, a := range recovery.Readiness(f, nine) {
		if a.Standing == recovery.NotApplicable {
			continue
		}
		if a.Standing != recovery.Nothing || len(a.Ways)+len(a.Aids) > 0 || !slices.Contains(a.Close, recovery.EnableAccount) {
			t.Errorf("%+v", a)
		}
	}
}

func TestAPassThatIsThereIsSaidWithItsEnd(t *testing.T) {
	p := passes
	p.From, p.Until = nine, nine.Add(time.Hour)
	f := recovery.Facts{Enabled: true, Pass: p, Devices: []recovery.Device{laptop}}
	for at, works := range map[time.Duration]bool{-time.Second: false, 0: true, time.Hour - time.Second: true, time.Hour: false} {
		for _, a := range recovery.Readiness(f, nine.Add(at)) {
			if got := !a.PassUntil.IsZero(); got != (works && a.Failure != recovery.Offline && a.Standing != recovery.NotApplicable) {
				t.Errorf("%v after the start, %s: %v", at, a.Failure, a.PassUntil)
			}
		}
	}
}

func TestWhatClosesAGap(t *testing.T) {
	everything := []recovery.Remedy{recovery.AddSecurityKey, recovery.AddPhone, recovery.AddPIN}
	f := recovery.Facts{Enabled: true, Methods: []recovery.Method{phone}, Devices: []recovery.Device{laptop}, Pass: passes, Offered: everything}
	best, cases := recovery.Best(recovery.Readiness(f, nine))
	if best != recovery.AddSecurityKey || len(cases) != 4 {
		t.Errorf("a phone and a PIN: %s closes %v", best, cases)
	}
	f.Offered = nil // what people can't add is not proposed
	if best, cases := recovery.Best(recovery.Readiness(f, nine)); best != "" {
		t.Errorf("nothing is offered, and %s closes %v", best, cases)
	}
	f.Devices[0].SeenAt = nine.AddDate(0, 0, -30)
	answers := recovery.Readiness(f, nine)
	if offline := answerTo(answers, recovery.Offline); !slices.Equal(offline.Close, []recovery.Remedy{recovery.ConnectDevice}) {
		t.Errorf("a laptop that was not seen for a month: %v", offline.Close)
	}
}

// people draws facts.
func people(t *rapid.T) recovery.Facts {
	methods := rapid.SliceOfN(rapid.Custom(drawMethod), 0, 6).Draw(t, "methods")
	devices := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) recovery.Device {
		return recovery.Device{
			PIN: rapid.Bool().Draw(t, "pin"), TPM: rapid.Bool().Draw(t, "tpm"), WebSignIn: rapid.Bool().Draw(t, "web"), PINOffline: rapid.Bool().Draw(t, "offline"),
			OfflineDays: rapid.IntRange(0, 30).Draw(t, "days"), SeenAt: nine.AddDate(0, 0, -rapid.IntRange(0, 40).Draw(t, "seen")),
		}
	}), 0, 3).Draw(t, "devices")
	return recovery.Facts{
		Enabled: rapid.Bool().Draw(t, "enabled"), Methods: methods, Devices: devices,
		Pass: recovery.Pass{
			Issuable: rapid.Bool().Draw(t, "issuable"), Browser: rapid.Bool().Draw(t, "browser"), LockScreen: rapid.Bool().Draw(t, "screen"),
			Barred:  rapid.Bool().Draw(t, "barred"),
			Helpers: rapid.SliceOfDistinct(rapid.SampledFrom([]recovery.Help{recovery.Manager, recovery.Helpdesk, recovery.Administrator}), rapid.ID[recovery.Help]).Draw(t, "helpers"),
			From:    nine, Until: nine.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "until")) * time.Hour),
		},
		Offered: rapid.SliceOfDistinct(rapid.SampledFrom(recovery.Remedies), rapid.ID[recovery.Remedy]).Draw(t, "offered"),
	}
}

func drawMethod(t *rapid.T) recovery.Method {
	return recovery.Method{
		Place:   rapid.SampledFrom([]recovery.Place{recovery.InMind, recovery.OnPhone, recovery.OnDevice, recovery.OnEither, recovery.Apart, recovery.Synced, recovery.Elsewhere}).Draw(t, "place"),
		App:     rapid.Bool().Draw(t, "app"),
		Now:     signin.Yield{Factors: signin.Factors(rapid.IntRange(0, 7).Draw(t, "factors"))},
		Browser: rapid.Bool().Draw(t, "browser"), LockScreen: rapid.Bool().Draw(t, "screen"),
	}
}

func TestMoreMethodsNeverMakeReadinessWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := people(t)
		before := recovery.Readiness(f, nine)
		counted := len(recovery.WaysBack(f.Methods))
		f.Methods = append(slices.Clone(f.Methods), drawMethod(t))
		for i, after := range recovery.Readiness(f, nine) {
			if before[i].Standing == recovery.NotApplicable { // there is something to lose now
				continue
			}
			if !after.Standing.AtLeast(before[i].Standing) {
				t.Fatalf("%s: %s became %s", after.Failure, before[i].Standing, after.Standing)
			}
		}
		if after := len(recovery.WaysBack(f.Methods)); after < counted {
			t.Fatalf("%d ways back became %d", counted, after)
		}
	})
}

func TestWithoutMethodsThereIsNoWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := people(t)
		f.Methods = nil
		for i := range f.Devices {
			f.Devices[i].PIN = false
		}
		for _, a := range recovery.Readiness(f, nine) {
			if len(a.Ways) > 0 || a.Standing == recovery.OneLeft || a.Standing == recovery.Ready {
				t.Fatalf("%+v", a)
			}
		}
	})
}

func TestLosingMoreNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := people(t)
		a := recovery.Readiness(f, nine)
		for _, less := range []recovery.Failure{recovery.PhoneLost, recovery.NewDevice, recovery.EverythingLost} {
			one, more := answerTo(a, less), answerTo(a, recovery.BothLost)
			if less == recovery.EverythingLost {
				one, more = more, one
			}
			if !one.Standing.AtLeast(more.Standing) {
				t.Fatalf("%s: %s, but with %s %s", one.Failure, one.Standing, more.Failure, more.Standing)
			}
		}
	})
}

func TestEveryRemedyMakesItsCaseBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := people(t)
		for _, a := range recovery.Readiness(f, nine) {
			if a.Standing == recovery.Ready && len(a.Close) > 0 {
				t.Fatalf("%s is ready, and %v would help", a.Failure, a.Close)
			}
			for _, r := range a.Close {
				adds := r == recovery.AddSecurityKey || r == recovery.AddPhone || r == recovery.AddPIN
				if adds && !slices.Contains(f.Offered, r) {
					t.Fatalf("%s proposes %s, which nobody offers", a.Failure, r)
				}
			}
		}
	})
}
