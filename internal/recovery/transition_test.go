package recovery

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
)

var tenPast = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC) // a Monday

func subject(class Class) Subject {
	return Subject{
		User: directory.User{ID: "mira", AccountEnabled: true, MobilePhone: "1", Manager: "boss", Department: "Sales"}, Class: class,
		Tenant: directory.Tenant{TimeZone: "Europe/Berlin"}, Changed: map[string]time.Time{},
	}
}

func newCase() Case {
	return Case{Tenant: "t", ID: "c", User: "mira", State: Open, OpenedAt: tenPast, ExpiresAt: tenPast.Add(72 * time.Hour), Opener: Opener{Kind: ByAgent, Person: Person{User: "agent"}}}
}

func proven(t *testing.T, c Case, kind ProofKind, s Subject) Case {
	t.Helper()
	c, err := c.WithProof(DefaultPolicy(), Proof{Kind: kind, By: Person{User: "agent"}}, s, tenPast)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func approval(who directory.UserID, part ApprovalPart, at time.Time) Approval {
	return Approval{By: Person{User: who}, Part: part, SignIn: SignIn{ProvedAt: at}}
}

func TestACaseComesToWhatItsProofsAndApprovalsAreWorthNow(t *testing.T) {
	p := DefaultPolicy()
	for _, x := range []struct {
		name  string
		class Class
		kinds []ProofKind
		who   []directory.UserID
		after time.Duration
		want  CaseState
	}{
		{"nothing", Everyone, nil, nil, 0, Open},
		{"a call back is enough for most people", Everyone, []ProofKind{ProofCallBack}, nil, 0, Approved},
		{"and for nobody with a role", WithRole, []ProofKind{ProofCallBack}, nil, 0, Open},
		{"who has to be seen, and approved", WithRole, []ProofKind{ProofInPerson}, nil, 0, Proven},
		{"by somebody else", WithRole, []ProofKind{ProofInPerson}, []directory.UserID{"second"}, 0, Approved},
		{"a moment before the approval runs out", WithRole, []ProofKind{ProofInPerson}, []directory.UserID{"second"}, 4*time.Hour - 1, Approved},
		{"when it has", WithRole, []ProofKind{ProofInPerson}, []directory.UserID{"second"}, 4 * time.Hour, Proven},
		{"when the proof has, too", WithRole, []ProofKind{ProofInPerson}, []directory.UserID{"second"}, 24 * time.Hour, Open},
	} {
		t.Run(x.name, func(t *testing.T) {
			s, c := subject(x.class), newCase()
			for _, k := range x.kinds {
				c = proven(t, c, k, s)
			}
			for _, who := range x.who {
				var err error
				if c, err = c.WithApproval(p, approval(who, AsApprover, tenPast), s, tenPast); err != nil {
					t.Fatal(err)
				}
			}
			if got := c.Settled(p, s, tenPast.Add(x.after)).State; got != x.want {
				t.Errorf("got %s, want %s", got, x.want)
			}
		})
	}
}

func TestAManagersWordIsAProofAndForMostPeopleAnApproval(t *testing.T) {
	p := DefaultPolicy()
	for class, want := range map[Class]int{Everyone: 1, WithRole: 0, Privileged: 0} {
		s := subject(class)
		c, err := newCase().WithApproval(p, approval("boss", AsManager, tenPast), s, tenPast)
		if err != nil {
			t.Fatal(err)
		}
		if level, _ := c.Level(p, tenPast); level != LevelHigh || len(c.Approvers(p, class, tenPast)) != want {
			t.Errorf("%s: %s, approved by %v", class, level, c.Approvers(p, class, tenPast))
		}
	}
}

func TestItTakesTwoDifferentColleagues(t *testing.T) {
	p, s, c := DefaultPolicy(), subject(Everyone), newCase()
	vouch := func(who directory.UserID) error {
		var err error
		c, err = c.WithProof(p, Proof{Kind: ProofVouch, By: Person{User: who}}, s, tenPast)
		return err
	}
	if err := vouch("peer"); err != nil || c.State != Open {
		t.Fatalf("one: %v, %s", err, c.State)
	}
	if err := vouch("peer"); !errors.Is(err, ErrTwice) {
		t.Errorf("the same one: %v", err)
	}
	if err := vouch("mate"); err != nil || c.State != Approved {
		t.Errorf("another: %v, %s", err, c.State)
	}
}

func TestContactDataCountsOnceItHasBeenOnFileForAWhile(t *testing.T) {
	p, s := DefaultPolicy(), subject(Everyone)
	for _, x := range []struct {
		name    string
		changed time.Time
		want    error
	}{
		{"never changed", time.Time{}, nil},
		{"a moment too late", tenPast.Add(-p.ContactDelay() + 1), ErrContact},
		{"just long enough ago", tenPast.Add(-p.ContactDelay()), nil},
	} {
		s.Changed = map[string]time.Time{}
		if !x.changed.IsZero() {
			s.Changed[ContactMobile], s.Changed[ContactManager] = x.changed, x.changed
		}
		if _, err := newCase().WithProof(p, Proof{Kind: ProofCallBack, By: Person{User: "agent"}}, s, tenPast); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", x.name, err)
		}
		if got := s.ManagedBy("boss", p, tenPast); got != (x.want == nil) {
			t.Errorf("%s: the manager counts: %v", x.name, got)
		}
	}
}

func TestAPrivilegedAccountTakesTwoPeople(t *testing.T) {
	p, s := DefaultPolicy(), subject(Privileged)
	c := proven(t, newCase(), ProofManager, s)
	c, err := c.WithApproval(p, approval("first", AsApprover, tenPast), s, tenPast)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name  string
		order Order
		by    Person
		want  error
	}{
		{"who approved", Order{}, Person{User: "first"}, ErrSecondPerson},
		{"the person", Order{}, Person{User: "mira"}, ErrOwnCase},
		{"nobody, with one approval", Order{Handed: true}, Person{Name: "Postern"}, ErrNotApproved},
		{"an application, with one approval", Order{}, Person{App: "automation"}, ErrNotApproved},
		{"somebody else", Order{}, Person{User: "second"}, nil},
	} {
		if _, err := c.Granted(p, x.order, x.by, s, tenPast); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", x.name, err, x.want)
		}
	}
	if c, err = c.WithApproval(p, approval("second", AsApprover, tenPast), s, tenPast); err != nil {
		t.Fatal(err)
	}
	for name, order := range map[string]Order{"an application": {}, "nobody": {Handed: true}} {
		if _, err := c.Granted(p, order, Person{App: "automation"}, s, tenPast); err != nil {
			t.Errorf("%s, with two approvals: %v", name, err)
		}
	}
}

func TestNobodyIsTwoPeopleInOneCase(t *testing.T) {
	p, s := DefaultPolicy(), subject(WithRole)
	first, err := newCase().WithApproval(p, approval("second", AsApprover, tenPast), s, tenPast)
	if err != nil {
		t.Fatal(err)
	}
	for at, name := range map[time.Time]string{tenPast: "at once", tenPast.Add(p.approvalLife()): "when the approval has run out"} {
		if _, err := first.WithProof(p, Proof{Kind: ProofInPerson, By: Person{User: "second"}}, s, at); !errors.Is(err, ErrOwnRequest) {
			t.Errorf("who approved attests %s: %v", name, err)
		}
	}
	c := proven(t, newCase(), ProofInPerson, s)
	if _, err := c.WithApproval(p, approval("agent", AsApprover, tenPast), s, tenPast); !errors.Is(err, ErrOwnRequest) {
		t.Errorf("who attested approves: %v", err)
	}
	first.Pass = &Issued{By: Person{User: "issuer"}}
	first.Proofs = []Proof{{By: Person{User: "witness"}}, {}} // and one of the person's own
	for who, want := range map[directory.UserID]bool{"agent": true, "witness": true, "second": true, "issuer": true, "judge": false, "": false} {
		if got := first.tookPart(Person{User: who, App: "console"}); got != want {
			t.Errorf("%q took part: %v", who, got)
		}
	}
	byApp := newCase()
	byApp.Opener.Person, byApp.Pass = Person{App: "portal"}, &Issued{By: Person{App: "automation"}}
	for _, x := range []struct {
		who  Person
		want bool
	}{
		{Person{App: "portal"}, true},
		{Person{App: "automation"}, true},
		{Person{App: "another"}, false},
		{Person{}, false},
		{Person{User: "judge", App: "automation"}, false}, // somebody who is signed in to it
	} {
		if got := byApp.tookPart(x.who); got != x.want {
			t.Errorf("%+v took part: %v", x.who, got)
		}
	}
}

func TestAPassIsWhatTheLevelIsGoodFor(t *testing.T) {
	p, s := DefaultPolicy(), subject(Everyone)
	p.Rules[0].Grants[0].Purposes = []PurposeKind{PurposeRegister}
	c := proven(t, newCase(), ProofCallBack, s)
	long, once, general := 61, false, tap.Purpose("")
	for name, order := range map[string]Order{"longer": {Minutes: &long}, "many uses": {Once: &once}, "another purpose": {Purpose: &general}} {
		if _, err := c.Granted(p, order, Person{User: "issuer"}, s, tenPast); !errors.Is(err, ErrGrant) {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := c.Granted(p, Order{}, Person{User: "issuer"}, s, tenPast)
	if err != nil || !*got.Once || KindOf(*got.Purpose) != PurposeRegister {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAPassWithoutAPurposeHasTheFirstOfThePolicy(t *testing.T) {
	p, s := DefaultPolicy(), subject(Everyone)
	c := newCase()
	c.Device = "1f0c8a3e-2f6a-4c55-9d5e-2f6a3a9d4e01"
	c = proven(t, c, ProofCallBack, s)
	for kind, want := range map[PurposeKind]tap.Purpose{
		PurposeGeneral: "", PurposeRegister: "registerMethods",
		PurposeSignIn: tap.Purpose("signIn").On(c.Device), PurposeReset: tap.Purpose("resetPin").On(c.Device),
	} {
		p.Rules[0].Grants[0].Purposes = []PurposeKind{kind, PurposeGeneral}
		got, err := c.Granted(p, Order{}, Person{User: "issuer"}, s, tenPast)
		if err != nil || *got.Purpose != want || !got.Purpose.Valid() {
			t.Errorf("%s: %v, %v", kind, got.Purpose, err)
		}
	}
}

func TestHoursAreThoseOfTheTenant(t *testing.T) {
	p, s := DefaultPolicy(), subject(Everyone)
	p.Hours, p.OutOfHours = &Hours{Days: []string{"monday"}, From: "08:00", To: "18:00"}, OutRefuse
	c := proven(t, newCase(), ProofInPerson, s)
	for at, want := range map[time.Time]error{
		tenPast: nil,
		time.Date(2026, 11, 2, 16, 59, 0, 0, time.UTC): nil, // 17:59 in Berlin
		time.Date(2026, 11, 2, 17, 0, 0, 0, time.UTC):  ErrOutOfHours,
		time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC):   ErrOutOfHours,
	} {
		if _, err := c.Granted(p, Order{}, Person{User: "issuer"}, s, at); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", at, err, want)
		}
	}
}

func TestACaseEndsByItselfAndADisputeStopsIt(t *testing.T) {
	c := newCase().WithPass(Issued{ID: "p", At: tenPast, Ends: tenPast.Add(time.Hour), Once: true})
	if got := c.Ticked(c.Pass.Ends.Add(-1)); got.State != PassIssued {
		t.Errorf("a moment before the end: %s", got.State)
	}
	if got := c.Ticked(c.Pass.Ends); got.State != Expired || got.Outcome != NeverUsed {
		t.Errorf("at the end: %s, %s", got.State, got.Outcome)
	}
	used, _ := c.WithUse(tenPast)
	if got := used.Ticked(tenPast.Add(registerWithin)); got.State != Closed || got.Outcome != SignedIn {
		t.Errorf("nothing was registered: %s, %s", got.State, got.Outcome)
	}
	key, _ := used.WithRegistered(Registered{ID: "k", At: tenPast.Add(time.Minute)})
	closed := key.Ticked(tenPast.Add(time.Minute))
	if closed.State != Closed || closed.Outcome != Recovered {
		t.Errorf("a key was registered: %s, %s", closed.State, closed.Outcome)
	}
	p := DefaultPolicy()
	disputed, err := closed.WithDispute(p, Person{}, "", closed.ClosedAt.Add(p.DisputeWindow()-1))
	if err != nil || !disputed.Due().IsZero() {
		t.Errorf("within the window: %v, due %s", err, disputed.Due())
	}
	if _, err := closed.WithDispute(p, Person{}, "", closed.ClosedAt.Add(p.DisputeWindow())); !errors.Is(err, ErrDisputeOver) {
		t.Errorf("after the window: %v", err)
	}
	if _, ok := disputed.WithUse(tenPast); ok {
		t.Error("a disputed case is used")
	}
	if back, err := disputed.WithRelease(tenPast); err != nil || back.State != Closed || back.Outcome != Recovered {
		t.Errorf("released: %v, %s", err, back.State)
	}
	if gone, err := disputed.WithReversal(tenPast); err != nil || gone.State != Reverted || gone.Outcome != Impostor {
		t.Errorf("reverted: %v, %s", err, gone.State)
	}
}

func TestNoPolicyLetsOnePersonRecoverAPrivilegedAccount(t *testing.T) {
	if err := DefaultPolicy().Check(); err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]Grant{
		"no approval":  {Level: LevelHigh, Minutes: 60, Purposes: PurposeKinds},
		"a low level":  {Level: LevelLow, Minutes: 60, Purposes: PurposeKinds, Approvals: 1},
		"no level":     {Level: LevelNone, Minutes: 60, Purposes: PurposeKinds, Approvals: 1},
		"no purpose":   {Level: LevelHigh, Minutes: 60, Approvals: 1},
		"no real time": {Level: LevelHigh, Minutes: 9, Purposes: PurposeKinds, Approvals: 1},
	} {
		p := DefaultPolicy()
		p.Rules[2].Grants = []Grant{g}
		if err := p.Check(); !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAColleagueIsNobodyWhoWasMadeForIt(t *testing.T) {
	p, s, other := DefaultPolicy(), subject(Everyone), subject(Everyone)
	for name, x := range map[string]struct {
		change func(u *directory.User)
		want   bool
	}{
		"of the department": {func(*directory.User) {}, true},
		"of the manager":    {func(u *directory.User) { u.Department = "" }, true},
		"of another":        {func(u *directory.User) { u.Department, u.Manager = "Legal", "other" }, false},
		"of neither":        {func(u *directory.User) { u.Department, u.Manager = "", "" }, false},
		"themselves":        {func(u *directory.User) { u.ID = "mira" }, false},
		"a guest":           {func(u *directory.User) { u.UserType = "Guest" }, false},
		"blocked":           {func(u *directory.User) { u.AccountEnabled = false }, false},
		"made just before":  {func(u *directory.User) { u.CreatedDateTime = tenPast.Add(1 - p.ContactDelay()) }, false},
		"made long before":  {func(u *directory.User) { u.CreatedDateTime = tenPast.Add(-p.ContactDelay()) }, true},
	} {
		them := other
		them.User.ID = "peer"
		x.change(&them.User)
		if got := s.Colleague(them, p, tenPast); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestADisputeStopsWhatCouldStillHappenAndARefusedCaseStaysRefused(t *testing.T) {
	p, s := DefaultPolicy(), subject(Everyone)
	waiting := proven(t, newCase(), ProofInPerson, s)
	refused, err := waiting.WithRefusal("", tenPast)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, err := waiting.WithCancel("", tenPast)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Case{"refused": refused, "cancelled before there was a pass": cancelled, "reverted": {State: Reverted, Pass: &Issued{}}} {
		if _, err := c.WithDispute(p, Person{}, "", tenPast); !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	frozen, err := waiting.WithDispute(p, Person{}, "", tenPast)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := frozen.Granted(p, Order{}, Person{User: "issuer"}, s, tenPast); !errors.Is(err, ErrFrozen) {
		t.Errorf("a pass for a disputed case: %v", err)
	}
	if back, err := frozen.WithRelease(tenPast); err != nil || back.State != Approved {
		t.Errorf("released before there was a pass: %s, %v", back.State, err)
	}
	gone := Case{State: Disputed, Disputed: &Dispute{Was: PassIssued}, Pass: &Issued{}}
	if back, err := gone.WithRelease(tenPast); err != nil || back.State != Closed || back.Outcome != DisputeLifted {
		t.Errorf("released, and its pass is gone: %s, %v", back.State, err)
	}
}

func TestTheLinkOfAMailDeniesNothingThatWasDecidedSince(t *testing.T) {
	for _, c := range []struct {
		name string
		c    Case
		sent time.Time
		want error
	}{
		{"nobody disputed", Case{State: Used}, tenPast.Add(-time.Minute), nil},
		{"it stands still", Case{State: Disputed, Disputed: &Dispute{At: tenPast}}, tenPast.Add(-time.Minute), nil},                       // which is told as that
		{"refused by it, before there was a pass", Case{State: Refused, Disputed: &Dispute{At: tenPast}}, tenPast.Add(-time.Minute), nil}, // as well
		{"released, and goes on", Case{State: Open, Disputed: &Dispute{At: tenPast}}, tenPast.Add(-time.Minute), ErrDecided},
		{"released, and sent before", Case{State: Closed, Pass: &Issued{}, Disputed: &Dispute{At: tenPast}}, tenPast.Add(-time.Minute), ErrDecided},
		{"sent when it was disputed", Case{State: Closed, Pass: &Issued{}, Disputed: &Dispute{At: tenPast}}, tenPast, ErrDecided},
		{"sent afterwards", Case{State: PassIssued, Disputed: &Dispute{At: tenPast}}, tenPast.Add(time.Second), nil},
		{"reverted", Case{State: Reverted, Pass: &Issued{}, Disputed: &Dispute{At: tenPast}}, tenPast.Add(-time.Minute), ErrDecided},
	} {
		if err := c.c.deniable(c.sent); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
