package method_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

const (
	group  = "11111111-1111-4111-8111-111111111111"
	person = "22222222-2222-4222-8222-222222222222"
)

func TestWhoIsAskedToRegister(t *testing.T) {
	now := []signin.Proof{{At: nine}}
	byPass := method.Facts{Session: signin.Session{PassID: "p", Proofs: now}, User: person, Helps: true, Open: []signin.MethodID{"passkey", "authenticator"}}
	byKey := method.Facts{
		Session: signin.Session{Proofs: now}, User: person, Groups: map[directory.GroupID]bool{group: true}, Strong: true,
		Ways: []signin.MethodID{"passkey"}, Open: []signin.MethodID{"passkey", "authenticator"},
	}
	off := method.DefaultCampaign()
	on := method.DefaultCampaign()
	on.State, on.Enforce = "enabled", true
	with := func(c method.Campaign, change func(*method.Campaign)) method.Campaign {
		c.Include = slices.Clone(c.Include)
		change(&c)
		return c
	}
	has := func(f method.Facts, change func(*method.Facts)) method.Facts { change(&f); return f }
	snoozed := func(n int, ago time.Duration) func(*method.Facts) {
		return func(f *method.Facts) { f.Snoozes = method.Snoozes{Count: n, Last: nine.Add(-ago)} }
	}
	always := method.Asking{Ask: true, Later: true, Left: -1}
	phone := signin.MethodID("authenticator")
	for _, c := range []struct {
		name     string
		campaign method.Campaign
		facts    method.Facts
		want     method.Asking
	}{
		{"after a pass, with nothing else", off, byPass, always},
		{"after a pass, with a strong method", off, has(byPass, func(f *method.Facts) { f.Strong = true }), method.Asking{}},
		{"after a pass, where nothing may be added", off, has(byPass, func(f *method.Facts) { f.Open = nil }), method.Asking{}},
		{"after a pass, where what may be added is not enough", off, has(byPass, func(f *method.Facts) { f.Helps = false }), method.Asking{}},
		{"after a pass with a purpose", off, has(byPass, func(f *method.Facts) { f.Session.Purpose = "joinDevice" }), method.Asking{}},
		{"at a device", off, has(byPass, func(f *method.Facts) { f.Session.Device = &signin.Device{} }), method.Asking{}},
		{"by a device PIN", on, has(byKey, func(f *method.Facts) { f.Session.Method = "pin" }), method.Asking{}},
		{"after Later, the same day", off, has(byPass, snoozed(1, 23*time.Hour)), method.Asking{}},
		{"after Later, the next day", off, has(byPass, snoozed(1, 24*time.Hour)), always},
		{"after Later a hundred times", off, has(byPass, snoozed(100, 24*time.Hour)), always},
		{"where a pass demands it", with(off, func(c *method.Campaign) { c.AfterPass = "required" }), has(byPass, snoozed(1, 0)), method.Asking{Ask: true, Left: -1}},
		{"where a pass leads to nothing", with(off, func(c *method.Campaign) { c.AfterPass = "none" }), byPass, method.Asking{}},
		{"without a campaign, by a key", off, byKey, method.Asking{}},
		{"a campaign for what they have not", on, byKey, method.Asking{Ask: true, Later: true, Left: 3, Wanted: phone}},
		{"a campaign for what they have", on, has(byKey, func(f *method.Facts) { f.Ways = append(f.Ways, phone) }), method.Asking{}},
		{"a campaign for what they may not add", on, has(byKey, func(f *method.Facts) { f.Open = []signin.MethodID{"passkey"} }), method.Asking{}},
		{"a campaign, the last Later", on, has(byKey, snoozed(2, 24*time.Hour)), method.Asking{Ask: true, Later: true, Left: 1, Wanted: phone}},
		{"a campaign, no Later left, also the same day", on, has(byKey, snoozed(3, time.Minute)), method.Asking{Ask: true, Wanted: phone}},
		{"a campaign, after the last Later in the session in which it was said", on, has(byKey, snoozed(3, -time.Minute)), method.Asking{}},
		{"a pass demands, whatever was said in the session", with(on, func(c *method.Campaign) { c.AfterPass = "required" }), has(byPass, snoozed(3, -time.Minute)), method.Asking{Ask: true, Left: -1}},
		{"at every sign-in, but not twice in one", with(off, func(c *method.Campaign) { c.SnoozeDuration = 0 }), has(byPass, snoozed(3, -time.Minute)), method.Asking{}},
		{"at every sign-in", with(off, func(c *method.Campaign) { c.SnoozeDuration = 0 }), has(byPass, snoozed(3, time.Minute)), always},
		{"a campaign that does not enforce", with(on, func(c *method.Campaign) { c.Enforce = false }), has(byKey, snoozed(9, 24*time.Hour)), method.Asking{Ask: true, Later: true, Left: -1, Wanted: phone}},
		{"a campaign for others", with(on, func(c *method.Campaign) {
			c.Include[0] = method.CampaignTarget{ID: person[:35] + "3", TargetType: "user", Method: "fido2"}
		}), byKey, method.Asking{}},
		{"a campaign without their group", with(on, func(c *method.Campaign) { c.Exclude = []method.Target{{TargetType: "group", ID: group}} }), byKey, method.Asking{}},
		{"a campaign without them", with(on, func(c *method.Campaign) { c.Exclude = []method.Target{{TargetType: "user", ID: person}} }), byKey, method.Asking{}},
		{"a pass demands, and a campaign asks", with(on, func(c *method.Campaign) { c.AfterPass = "required" }), byPass, method.Asking{Ask: true, Left: -1}},
		{"a pass offers, and a campaign demands", on, has(byPass, snoozed(3, 24*time.Hour)), method.Asking{Ask: true, Wanted: phone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.campaign.Ask(c.facts, nine); got != c.want {
				t.Errorf("Ask = %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestNobodyIsHeldUpByWhatTheyCanNotDo: whatever the policy, who may add nothing is never asked,
// and a demand without a Later always has something that may be added.
func TestNobodyIsHeldUpByWhatTheyCanNotDo(t *testing.T) {
	methods := []signin.MethodID{"passkey", "authenticator", "otc"}
	rapid.Check(t, func(t *rapid.T) {
		c := method.DefaultCampaign()
		c.State = rapid.SampledFrom([]string{"default", "enabled", "disabled"}).Draw(t, "state")
		c.Enforce, c.AllowedSnoozes = rapid.Bool().Draw(t, "enforce"), rapid.IntRange(0, 3).Draw(t, "allowed")
		c.SnoozeDuration = rapid.IntRange(0, 14).Draw(t, "days")
		c.AfterPass = rapid.SampledFrom([]string{"offered", "required", "none"}).Draw(t, "after")
		c.Include[0].Method = rapid.SampledFrom([]string{"fido2", "microsoftAuthenticator", "softwareOath"}).Draw(t, "method")
		some := func(name string) []signin.MethodID {
			return rapid.SliceOfDistinct(rapid.SampledFrom(methods), func(id signin.MethodID) signin.MethodID { return id }).Draw(t, name)
		}
		f := method.Facts{Ways: some("ways"), Open: some("open"), Strong: rapid.Bool().Draw(t, "strong"), Helps: rapid.Bool().Draw(t, "helps")}
		f.Session.PassID = rapid.SampledFrom([]string{"", "p"}).Draw(t, "pass")
		f.Snoozes = method.Snoozes{Count: rapid.IntRange(0, 5).Draw(t, "snoozes"), Last: nine.Add(-time.Duration(rapid.IntRange(0, 400).Draw(t, "hours")) * time.Hour)}
		a := c.Ask(f, nine)
		switch {
		case !a.Ask && (a != method.Asking{}):
			t.Fatalf("nothing is asked, yet %+v", a)
		case a.Ask && len(f.Open) == 0:
			t.Fatalf("%+v is asked of somebody who may add nothing", a)
		case a.Ask && !a.Later && f.Strong && a.Wanted == "":
			t.Fatal("somebody with a strong method is held up for no method in particular")
		}
	})
}

func TestACampaignThatCanNotBeIsNotSaved(t *testing.T) {
	if err := method.DefaultCampaign().Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*method.Campaign){
		"a state of its own":     func(c *method.Campaign) { c.State = "on" },
		"snoozes of 15 days":     func(c *method.Campaign) { c.SnoozeDuration = 15 },
		"snoozes into the past":  func(c *method.Campaign) { c.SnoozeDuration = -1 },
		"fewer than no snoozes":  func(c *method.Campaign) { c.AllowedSnoozes = -1 },
		"a word for passes":      func(c *method.Campaign) { c.AfterPass = "maybe" },
		"a method nobody knows":  func(c *method.Campaign) { c.Include[0].Method = "voice" },
		"everybody as a user":    func(c *method.Campaign) { c.Include[0].TargetType = "user" },
		"a target without an id": func(c *method.Campaign) { c.Include[0].ID = "sales" },
		"nobody but everybody":   func(c *method.Campaign) { c.Exclude = []method.Target{{TargetType: "group", ID: directory.AllUsers}} },
	} {
		c := method.DefaultCampaign()
		if change(&c); c.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
