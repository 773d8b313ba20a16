package report

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
)

var nine = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func proof(method string) audit.AuthenticationDetail {
	return audit.AuthenticationDetail{Method: method, Succeeded: true, At: nine}
}

func earlier(method string) audit.AuthenticationDetail {
	d := proof(method)
	d.ResultDetail = audit.PreviouslySatisfied
	return d
}

func TestWhatASignInCountsFor(t *testing.T) {
	for _, c := range []struct {
		name string
		in   audit.SignIn
		want Tallies
	}{
		{"a PIN", audit.SignIn{Details: []audit.AuthenticationDetail{proof(audit.MethodHello)}}, Tallies{byMethod + "windowsHelloForBusiness": 1, byStrength + PhishingResistant: 1}},
		{"a passkey", audit.SignIn{Details: []audit.AuthenticationDetail{proof(audit.MethodPasskey)}}, Tallies{byMethod + "fido2": 1, byStrength + PhishingResistant: 1}},
		{"a pass", audit.SignIn{Details: []audit.AuthenticationDetail{proof(audit.MethodPass)}}, Tallies{byMethod + "temporaryAccessPass": 1, byStrength + AccessPass: 1}},
		{"a phone", audit.SignIn{Details: []audit.AuthenticationDetail{proof(audit.MethodAuthenticator)}}, Tallies{byMethod + "microsoftAuthenticator": 1, byStrength + MultiFactor: 1}},
		{"a password", audit.SignIn{Details: []audit.AuthenticationDetail{proof(audit.MethodPassword)}}, Tallies{byMethod + "password": 1, byStrength + SingleFactor: 1}},
		{
			"a password and codes",
			audit.SignIn{Details: []audit.AuthenticationDetail{proof(audit.MethodPassword), proof(audit.MethodCodes)}},
			Tallies{byMethod + "password": 1, byMethod + "softwareOath": 1, byStrength + MultiFactor: 1},
		},
		{
			"codes after a password of before",
			audit.SignIn{Details: []audit.AuthenticationDetail{earlier(audit.MethodPassword), proof(audit.MethodCodes)}},
			Tallies{byMethod + "softwareOath": 1, byStrength + MultiFactor: 1},
		},
		{"a session", audit.SignIn{Details: []audit.AuthenticationDetail{earlier(audit.MethodPasskey)}}, Tallies{}},
		{"something new", audit.SignIn{Details: []audit.AuthenticationDetail{proof("Smoke signal")}}, Tallies{byMethod + "other": 1, byStrength + SingleFactor: 1}},
		{"a refused pass", audit.SignIn{ErrorCode: 130503, Details: []audit.AuthenticationDetail{{Method: audit.MethodPass}}}, Tallies{SignInsFailed: 1, PassesRefused: 1}},
		{"a refused password", audit.SignIn{ErrorCode: 50126, Details: []audit.AuthenticationDetail{{Method: audit.MethodPassword}}}, Tallies{SignInsFailed: 1}},
		{
			"many that a throttle refused",
			audit.SignIn{ErrorCode: 50053, AdditionalDetails: "41 more tries refused within a minute", Details: []audit.AuthenticationDetail{{Method: audit.MethodPass}}},
			Tallies{SignInsFailed: 41, PassesRefused: 41},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Tallies{}
			c.in.EventType = audit.InteractiveUser
			if got.countSignIn(&c.in); !maps.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			got = Tallies{}
			c.in.EventType = audit.NonInteractiveUser
			if got.countSignIn(&c.in); len(got) != 0 {
				t.Errorf("in the background: %v", got)
			}
		})
	}
}

func TestTheMedianIsThatOfTheTimesToFirstUse(t *testing.T) {
	for _, c := range []struct {
		name  string
		waits []time.Duration
		low   time.Duration
		high  time.Duration
	}{
		{"one", []time.Duration{100 * time.Second}, 90 * time.Second, 120 * time.Second},
		{"three", []time.Duration{10 * time.Second, 200 * time.Second, time.Hour}, 180 * time.Second, 240 * time.Second},
		{"a month", []time.Duration{30 * 24 * time.Hour}, 24 * time.Hour, 7 * 24 * time.Hour},
		{"at once", []time.Duration{0}, 0, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			total := Tallies{}
			for _, w := range c.waits {
				_, one := Person{Pass: "a", WorksAt: nine}.After(Step{What: Used, Pass: "a", At: nine.Add(w)})
				total.Add(one)
			}
			if got, ok := total.MedianWait(); !ok || got < c.low || got > c.high {
				t.Errorf("%v, %t", got, ok)
			}
		})
	}
	if got, ok := (Tallies{}).MedianWait(); ok {
		t.Errorf("of none: %v", got)
	}
}

func TestRefusedTriesInARowEndWithASignInOrANewPass(t *testing.T) {
	p := Person{}
	for range ManyRefusals {
		p, _ = p.After(Step{What: Refused, At: nine, N: 1})
	}
	if p.AlarmAt() != nine {
		t.Errorf("after %d: %+v", ManyRefusals, p)
	}
	if few, _ := (Person{}).After(Step{What: Refused, At: nine, N: ManyRefusals - 1}); !few.AlarmAt().IsZero() {
		t.Errorf("after one less: %+v", few)
	}
	if used, _ := p.After(Step{What: Used, Pass: "a", At: nine}); used.Refused != 0 {
		t.Errorf("after a sign-in: %+v", used)
	}
	if fresh, _ := p.After(Step{What: Issued, Pass: "a", At: nine}); fresh.Refused != 0 {
		t.Errorf("after a new pass: %+v", fresh)
	}
}

func TestADayIsThatOfTheTenant(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	late := time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)
	if utc, there := DayOf(late, time.UTC), DayOf(late, berlin); utc.String() != "2026-11-23" || there.String() != "2026-11-24" {
		t.Errorf("%v, %v", utc, there)
	}
}

func TestStatesOfPeopleAndDevices(t *testing.T) {
	for facts, want := range map[PersonFacts]State{
		{Enabled: true}:                               "none",
		{Enabled: true, Ways: 1}:                      "one",
		{Enabled: true, Ways: 2}:                      "more",
		{Enabled: true, Ways: 9, Administrator: true}: "more.admin",
		{Enabled: true, Administrator: true}:          "none.admin",
		{Administrator: true, Ways: 1}:                "", // can't sign in anyway
	} {
		if got := facts.State(); got != want {
			t.Errorf("%+v is %q, want %q", facts, got, want)
		}
	}
	seen := DeviceFacts{Trust: "AzureAd", Enabled: true, SeenAt: nine.Add(-StaleAfter)}
	change := func(to func(*DeviceFacts)) DeviceFacts { d := seen; to(&d); return d }
	for want, d := range map[State]DeviceFacts{
		"ready.AzureAd":       seen,
		"stale.AzureAd":       change(func(d *DeviceFacts) { d.SeenAt = d.SeenAt.Add(-time.Second); d.Broken = true }),
		"broken.AzureAd":      change(func(d *DeviceFacts) { d.Broken = true }),
		"noWebSignIn.AzureAd": change(func(d *DeviceFacts) { d.Broken, d.NoWebSignIn = true, true }),
		"pending.AzureAd":     change(func(d *DeviceFacts) { d.Pending = true }),
		"off.ServerAd":        change(func(d *DeviceFacts) { d.Refused, d.Trust = true, "ServerAd" }),
		"off.AzureAd":         change(func(d *DeviceFacts) { d.Enabled, d.Pending = false, true }),
	} {
		if got := d.State(nine); got != want {
			t.Errorf("%+v is %q, want %q", d, got, want)
		}
	}
}

func TestAttentionIsInTheOrderOfWhatCannotWait(t *testing.T) {
	all := Facts{
		Refused:   []Subject{{ID: "p", Name: "Piotr", N: 7, At: nine.Add(-time.Hour)}, {ID: "q", N: ManyRefusals, At: nine.Add(-Lately - time.Second)}},
		People:    map[State]int{"none": 34, "none.admin": 4, "one": 300},
		Devices:   map[State]int{"noWebSignIn.AzureAd": 1, "pending.AzureAd": 2, "ready.AzureAd": 9},
		Globeless: []Subject{{ID: "d", Name: "LAP-0388"}},
		Starters:  []Subject{{ID: "e", Name: "Ewan", With: "Grace", At: nine.AddDate(0, 0, 8)}},
		Waiting:   Waiting{MailGivenUp: 1, JobsGivenUp: 2, OldestUnsealed: nine.Add(-time.Hour), GlobalAdministrators: 1},
		Clock:     "clockOff", Disk: "diskNearlyFull", CertificateEnds: nine.Add(48 * time.Hour),
	}
	var got []string
	for _, i := range Attention(all, nine) {
		got = append(got, i.Severity.String()+" "+i.Kind)
	}
	want := []string{
		"danger serverClock", "danger serverDisk", "danger logUnsealed", "danger refusedPasses", "danger certificateEnds",
		"caution fewGlobalAdministrators", "caution peopleWithoutWay", "caution deviceWithoutWebSignIn", "caution mailGivenUp", "caution jobsGivenUp",
		"notice devicesPending", "notice startsWithoutPass",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNothingNeedsAnybodyWhenAllIsWell(t *testing.T) {
	well := Facts{
		Refused: []Subject{{N: ManyRefusals - 1, At: nine}}, People: map[State]int{"one": 5, "more.admin": 2},
		Devices: map[State]int{"ready.AzureAd": 3, "stale.AzureAd": 2},
		Waiting: Waiting{OldestUnsealed: nine.Add(-sealLate), GlobalAdministrators: 2}, CertificateEnds: nine.Add(certificateLate),
	}
	if got := Attention(well, nine); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestManyOfAKindAreOneLine(t *testing.T) {
	many := Facts{Waiting: Waiting{GlobalAdministrators: 2}, Devices: map[State]int{"noWebSignIn.AzureAd": 3, "noWebSignIn.Workplace": 1}, People: map[State]int{"none.admin": 2}}
	for range 9 {
		many.Starters = append(many.Starters, Subject{ID: uuid.NewString(), At: nine})
		many.Globeless = append(many.Globeless, Subject{ID: uuid.NewString()})
	}
	kinds := map[string]int{}
	for _, i := range Attention(many, nine) {
		kinds[i.Kind]++
	}
	if want := map[string]int{DevicesWithoutGlobe: 1, Starts: each, AdministratorsLocked: 1}; !maps.Equal(kinds, want) {
		t.Errorf("%v", kinds)
	}
}

// aLog is a sealed log of one tenant.
type aLog struct {
	tenant  string
	entries []audit.SealedEntry
}

func (l *aLog) add(t *testing.T, e audit.Event) {
	t.Helper()
	e.Tenant, e.ID = l.tenant, uuid.NewString()
	entry, err := e.Seal(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l.entries = append(l.entries, audit.SealedEntry{Position: int64(len(l.entries)), Entry: entry})
}

func (l *aLog) Sealed(_ context.Context, _ string, from int64, limit int) ([]audit.SealedEntry, error) {
	var found []audit.SealedEntry
	for _, e := range l.entries {
		if e.Position >= from && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, nil
}

// book is a store that can break after it was read.
type book struct {
	Store

	at     int64
	people map[string]Person
	days   map[Day]Tallies
	broken error
}

func (b *book) Counted(context.Context, string) (int64, error) { return b.at, nil }

func (b *book) Count(_ context.Context, _ string, batch Batch) error {
	if b.broken != nil {
		return b.broken
	}
	if batch.From != b.at {
		return ErrStale
	}
	for day, t := range batch.Apply(b.people) {
		if b.days[day] == nil {
			b.days[day] = Tallies{}
		}
		b.days[day].Add(t)
	}
	b.at = batch.To
	return nil
}

func TestAFollowerGoesOnWhereItStoppedAndSurvivesPruning(t *testing.T) {
	log, kept := &aLog{tenant: uuid.NewString()}, &book{people: map[string]Person{}, days: map[Day]Tallies{}}
	var touched []string
	f := &Follower{
		Log: log, Store: kept, Logs: slog.New(slog.DiscardHandler),
		Tenants: func(context.Context) ([]string, error) { return []string{log.tenant}, nil },
		Zone:    func(context.Context, string) (*time.Location, error) { return time.UTC, nil },
		Now:     func() time.Time { return nine },
		Told:    func(_ context.Context, _ string, all map[Kind][]string) { touched = append(touched, all[People]...) },
	}
	pin := audit.Event{At: nine, Change: &audit.Change{
		Activity: audit.UserRegisteredSecurityInfo, ResultReason: audit.ReasonUserRegisteredHello, Result: audit.Success,
		Targets: []audit.Target{{ID: "mira", Type: audit.TargetUser}},
	}}
	for range 3 {
		log.add(t, pin)
	}
	kept.broken = errors.New("the database is away")
	if err := f.Round(t.Context()); err == nil {
		t.Error("a failure was not told")
	}
	kept.broken = nil
	for range 2 { // the second finds nothing new
		if err := f.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	day := DayOf(nine, time.UTC)
	if n := kept.days[day][PINsSetUp]; n != 3 || !slices.Equal(touched, []string{"mira"}) {
		t.Errorf("%d were counted, %v were told", n, touched)
	}
	one := &aLog{tenant: log.tenant}
	one.add(t, pin)
	one.entries[0].Position = 7 // what was before it was pruned
	log.entries = one.entries
	if err := f.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := kept.days[day][PINsSetUp]; n != 4 || kept.at != 8 {
		t.Errorf("after pruning: %d up to %d", n, kept.at)
	}
}

func TestAnEntryThatWasTamperedWithStopsNobody(t *testing.T) {
	log := &aLog{tenant: uuid.NewString()}
	pin := audit.Event{At: nine, Change: &audit.Change{ResultReason: audit.ReasonUserRegisteredHello, Result: audit.Success}}
	log.add(t, pin)
	log.add(t, pin)
	log.entries[0].Entry.Body = []byte("{")
	b, _ := Read(log.entries, time.UTC)
	if n := b.Days[DayOf(nine, time.UTC)][PINsSetUp]; n != 1 || b.To != 2 {
		t.Errorf("%d up to %d", n, b.To)
	}
}

func TestACensusRoundEndsAndRests(t *testing.T) {
	m := Mark{}.next("b", true, nine)
	if m.After != "b" || m.Began != nine || !m.Whole.IsZero() || !m.Due(nine) {
		t.Errorf("on the way: %+v", m)
	}
	m = m.next("d", false, nine.Add(time.Minute))
	if m.After != "" || m.Whole != nine || m.Version != 2 || m.Due(nine.Add(time.Minute)) || !m.Due(nine.Add(time.Minute+between)) {
		t.Errorf("at the end: %+v", m)
	}
}
