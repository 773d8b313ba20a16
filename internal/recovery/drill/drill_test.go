package drill_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery/drill"
	"github.com/postern-id/postern/internal/signin"
)

func TestNothingIsBothAPassAndAPracticePass(t *testing.T) {
	for _, typed := range []string{"PRACTICE-7K4M-Q2HX-9TRB", "practice 7k4m q2hx 9trb", "PRACTICE7K4MQ2HX9TRB", "PRACTICE", "practice-"} {
		if _, err := tap.ParsePasscode(typed); err == nil || !drill.IsCode(typed) {
			t.Errorf("%q can be a pass", typed)
		}
	}
	for range 500 {
		code, err := tap.NewPasscode(rand.Reader, 48)
		if err != nil {
			t.Fatal(err)
		}
		if drill.IsCode(code.Reveal()) {
			t.Errorf("the pass %s looks like a practice pass", code.Reveal())
		}
	}
}

func FuzzPracticePass(f *testing.F) {
	f.Add("PRACTICE-7K4M-Q2HX-9TRB")
	f.Add("\u2013practice\u00a0")
	f.Fuzz(func(t *testing.T, typed string) {
		if _, err := tap.ParsePasscode(typed); err == nil && drill.IsCode(typed) {
			t.Errorf("%q is both", typed)
		}
	})
}

func TestTheQuarterIsOfTheTenantsCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]drill.Quarter{
		"2026-03-31T21:59:59Z": "2026-Q1", "2026-03-31T22:00:00Z": "2026-Q2", "2026-12-31T22:59:59Z": "2026-Q4", "2026-12-31T23:00:00Z": "2027-Q1",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := drill.QuarterOf(moment, berlin); got != want {
			t.Errorf("%s is in %s, want %s", at, got, want)
		}
	}
}

func TestTheChoiceOfAQuarterIsTheSameForEverybody(t *testing.T) {
	q := drill.Quarter("2026-Q4")
	if got := q.Point("t", 1); got != "ab6c96a5-12e6-ea89-271e-dcee4d6ba356" {
		t.Errorf("the point moved to %s: samples of this quarter would be chosen anew", got)
	}
	for name, other := range map[string]directory.UserID{
		"another number": q.Point("t", 2), "another tenant": q.Point("u", 1), "another quarter": drill.Quarter("2027-Q1").Point("t", 1),
	} {
		if other == q.Point("t", 1) {
			t.Errorf("%s leads to the same point", name)
		}
	}
	if !directory.IsID(string(q.Point("t", 1))) {
		t.Error("a point is no id")
	}
}

func TestEachStepFailsForItsOwnReason(t *testing.T) {
	now := time.Date(2026, 11, 12, 9, 0, 0, 0, time.UTC)
	off := &fault.Error{Code: "off", Text: "off"}
	fresh := signin.Proof{Method: tap.MethodID, AMR: []string{"otp", "mfa"}, Factors: signin.Knowledge | signin.Possession, At: now, FreshUntil: now.Add(10 * time.Minute)}
	laptop := directory.Device{ID: "d", DeviceID: "dd", AccountEnabled: true, KeyStorage: "tpm", AttestationKey: []byte{1}, Attested: true}
	at := func(change func(*drill.DeviceFacts)) *drill.DeviceFacts {
		f := &drill.DeviceFacts{Device: laptop, Seen: &signin.Device{ID: "d", DeviceID: "dd"}, UpToDate: true, PIN: hello.Settings{Allowed: true, RequireTPM: true}}
		change(f)
		return f
	}
	same := func(*drill.DeviceFacts) {}
	ways := signin.Foreseen{Registers: []signin.MethodID{"passkey"}}
	for name, c := range map[string]struct {
		facts drill.Facts
		fails []drill.StepName
	}{
		"all is well in a browser":       {drill.Facts{Said: ways, Would: fresh}, nil},
		"all is well at a device":        {drill.Facts{Where: drill.AtLockScreen, Device: at(same), Would: fresh}, nil},
		"no pass is issued":              {drill.Facts{Issue: off, Said: ways}, []drill.StepName{drill.StepIssue}},
		"no pass, and nothing to set up": {drill.Facts{Issue: off}, []drill.StepName{drill.StepIssue, drill.StepMethods}},
		"the wrong place":                {drill.Facts{Where: drill.AtLockScreen, Said: ways, Would: fresh}, []drill.StepName{drill.StepPlace}},
		"a rule": {
			drill.Facts{Said: signin.Foreseen{Refused: signin.ErrBlocked, Rule: "Offices", Registers: ways.Registers}, Would: fresh}, []drill.StepName{drill.StepRules},
		},
		"nothing to set up": {drill.Facts{Would: fresh}, []drill.StepName{drill.StepMethods}},
		"a device that did not report": {
			drill.Facts{Device: at(func(f *drill.DeviceFacts) { f.UpToDate = false }), Would: fresh}, []drill.StepName{drill.StepDevice},
		},
		"a device that is switched off": {
			drill.Facts{Device: at(func(f *drill.DeviceFacts) { f.Device.AccountEnabled = false }), Would: fresh}, []drill.StepName{drill.StepDevice},
		},
		"PINs are off": {drill.Facts{Device: at(func(f *drill.DeviceFacts) { f.PIN.Allowed = false }), Would: fresh}, []drill.StepName{drill.StepPIN}},
		"no TPM":       {drill.Facts{Device: at(func(f *drill.DeviceFacts) { f.Device.Attested = false }), Would: fresh}, []drill.StepName{drill.StepPIN}},
	} {
		t.Run(name, func(t *testing.T) {
			c.facts.Now = now
			steps := c.facts.Steps()
			var failed []drill.StepName
			for _, s := range steps {
				if s.Result == drill.StepFailed {
					failed = append(failed, s.Name)
					if s.Code == "" || s.Text == "" {
						t.Errorf("%s does not say why", s.Name)
					}
				}
			}
			if len(failed) != len(c.fails) || len(failed) > 0 && failed[0] != c.fails[0] || drill.Worked(steps) != (len(c.fails) == 0) {
				t.Errorf("%v failed, want %v", failed, c.fails)
			}
		})
	}
}
