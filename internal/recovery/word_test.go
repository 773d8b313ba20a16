package recovery

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

// caseOf is a case of somebody that got its pass at a time, in a state, and was denied at another.
func caseOf(state CaseState, pass, denied time.Time) Case {
	c := Case{ID: "theirs", State: state, Pass: &Issued{ID: "pass", At: pass, Ends: pass.Add(time.Hour)}}
	if !denied.IsZero() {
		c.Disputed = &Dispute{At: denied}
	}
	return c
}

func TestAWordStandsForAsLongAsWhoGaveItIsKnownToHaveBeenThemselves(t *testing.T) {
	said := tenPast
	agent := []directory.RoleID{directory.HelpdeskAdministrator}
	approver := []directory.RoleID{directory.AuthenticationAdministrator}
	none := time.Time{}
	for _, x := range []struct {
		name string
		part ApprovalPart
		is   func(*speaker)
		want bool
	}{
		{"the manager's", AsManager, func(*speaker) {}, true},
		{"of who is the manager no more", AsManager, func(s *speaker) { s.user.ID = "other" }, false},
		{"of an account that is off", asColleague, func(s *speaker) { s.user.AccountEnabled = false }, false},
		{"whose sessions were ended before", asColleague, func(s *speaker) { s.user.SessionsValidFrom = said.Add(-time.Second) }, true},
		{"whose sessions were ended after it", asColleague, func(s *speaker) { s.user.SessionsValidFrom = said.Add(time.Second) }, false},
		{"whose key is gone", asColleague, func(s *speaker) { s.estate = method.Estate{} }, false},
		{"whose key is frozen", asColleague, func(s *speaker) {
			s.estate = method.Estate{Credentials: []method.Credential{{ID: "key", FrozenAt: said}}}
		}, false},
		{"given with a device PIN", asColleague, func(s *speaker) { s.estate = method.Estate{PINs: []method.PIN{{ID: "key"}}} }, true},
		{"whose case was denied after it", asColleague, func(s *speaker) {
			s.cases = []Case{caseOf(Disputed, said.Add(-time.Hour), said.Add(time.Hour))}
		}, false},
		{"and found to be an impostor's", asColleague, func(s *speaker) {
			s.cases = []Case{caseOf(Reverted, said.Add(-time.Hour), said.Add(time.Hour))}
		}, false},
		{"and found to be genuine", asColleague, func(s *speaker) {
			s.cases = []Case{caseOf(Closed, said.Add(-time.Hour), said.Add(time.Hour))}
		}, true},
		{"before its pass", asColleague, func(s *speaker) {
			s.cases = []Case{caseOf(Disputed, said.Add(time.Minute), said.Add(time.Hour))}
		}, true},
		{"after it was denied, when nothing of it is left", asColleague, func(s *speaker) {
			s.cases = []Case{caseOf(Reverted, said.Add(-time.Hour), said.Add(-time.Minute))}
		}, true},
		{"while a case without a pass is denied", asColleague, func(s *speaker) {
			s.cases = []Case{{State: Disputed, Disputed: &Dispute{At: said.Add(time.Hour)}}}
		}, true},
		{"after a case of theirs that can't be read", asColleague, func(s *speaker) {
			s.cases = []Case{{State: Closed, OpenedAt: said.Add(-time.Hour), Unreadable: true}}
		}, false},
		{"before one", asColleague, func(s *speaker) {
			s.cases = []Case{{State: Closed, OpenedAt: said.Add(time.Second), Unreadable: true}}
		}, true},
		{"of a case that nobody denied", asColleague, func(s *speaker) { s.cases = []Case{caseOf(Closed, said.Add(-time.Hour), none)} }, true},
		{"an agent's", asAgent, func(s *speaker) { s.target.Roles = agent }, true},
		{"of who was an agent", asAgent, func(*speaker) {}, false},
		{"an approver's", AsApprover, func(s *speaker) { s.target.Roles = approver }, true},
		{"of an agent, who approves nothing", AsApprover, func(s *speaker) { s.target.Roles = agent }, false},
	} {
		s := speaker{
			user:   directory.User{ID: "boss", AccountEnabled: true},
			estate: method.Estate{Credentials: []method.Credential{{ID: "key"}}},
		}
		x.is(&s)
		if got := s.gave(word{Person{User: s.user.ID}, x.part, said, "key"}, subject(Everyone)); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}

func TestWhatCameFromARecoveryVouchesForNobodyForADay(t *testing.T) {
	key := method.Credential{ID: "key", CreatedAt: tenPast, Origin: method.Origin{Pass: "pass", Case: "theirs"}}
	next := method.Credential{ID: "next", CreatedAt: tenPast, Origin: method.Origin{Methods: []string{"key"}}}
	s := speaker{estate: method.Estate{
		Credentials: []method.Credential{key, next, {ID: "old"}}, Sessions: []signin.Session{{ID: "theirs", PassID: "pass"}, {ID: "by app", Method: "next"}, {ID: "own", Method: "old"}},
	}, cases: []Case{caseOf(Closed, tenPast, time.Time{})}}
	s.cases[0].UsedAt = tenPast
	for _, x := range []struct {
		in    SignIn
		after time.Duration
		want  bool // refused
	}{
		{SignIn{ProvedBy: "key"}, recovered - 1, true},
		{SignIn{ProvedBy: "next"}, recovered - 1, true},
		{SignIn{ProvedBy: "old", Session: "own"}, time.Minute, false},
		{SignIn{ProvedBy: "key"}, recovered, false},
		{SignIn{Session: "theirs"}, time.Minute, true},
		{SignIn{Session: "by app"}, time.Minute, true},
		{SignIn{Session: "own"}, time.Minute, false},
		{SignIn{Pass: "pass"}, time.Minute, true},
		{SignIn{}, recovered - 1, true},
		{SignIn{}, recovered, false},
	} {
		if got := s.settled(x.in, tenPast.Add(x.after)); errors.Is(got, ErrApproverRecovered) != x.want {
			t.Errorf("%+v after %v: %v", x.in, x.after, got)
		}
	}
	s.cases[0].UsedAt = time.Time{}
	if err := s.settled(SignIn{}, tenPast.Add(time.Minute)); err != nil {
		t.Errorf("while nobody used the pass: %v", err)
	}
	s.cases[0] = caseOf(Disputed, tenPast, tenPast.Add(time.Hour))
	if s.settled(SignIn{ProvedBy: "key"}, tenPast.Add(48*time.Hour)) == nil {
		t.Error("while the case is not over")
	}
	s.cases[0] = Case{State: Closed, OpenedAt: tenPast, Unreadable: true}
	if err := s.settled(SignIn{ProvedBy: "old"}, tenPast.Add(48*time.Hour)); !errors.Is(err, ErrApproverUnreadable) {
		t.Errorf("with a case that can't be read: %v", err)
	}
}

func TestWhatWasTakenAwayShowsNothing(t *testing.T) {
	p, now := DefaultPolicy(), tenPast.Add(time.Hour)
	for _, x := range []struct {
		name string
		of   Proof
		is   func(*Subject)
		want bool
	}{
		{"a number that is there", Proof{Kind: ProofCallBack, Contact: ContactMobile}, func(*Subject) {}, true},
		{"that is gone", Proof{Kind: ProofCallBack, Contact: ContactMobile}, func(s *Subject) { s.User.MobilePhone = "" }, false},
		{"that is another", Proof{Kind: ProofCallBack, Contact: ContactMobile}, func(s *Subject) { s.Changed[ContactMobile] = now.Add(-time.Minute) }, false},
		{"a call, when the sessions were ended", Proof{Kind: ProofCallBack, Contact: ContactMobile}, func(s *Subject) { s.User.SessionsValidFrom = now }, true},
		{"a credential, when the sessions were ended", Proof{Kind: ProofCredential}, func(s *Subject) { s.User.SessionsValidFrom = now }, false},
		{"a phone that is there", Proof{Kind: ProofMatch, With: "phone"}, func(*Subject) {}, true},
		{"that is gone, too", Proof{Kind: ProofMatch, With: "another"}, func(*Subject) {}, false},
	} {
		s := subject(Everyone)
		x.is(&s)
		x.of.At = tenPast
		if got := s.shows(x.of, p, method.Estate{Credentials: []method.Credential{{ID: "phone"}}}, now); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	p.ContactHours = 0
	s := subject(Everyone)
	s.Changed[ContactMobile] = tenPast.Add(time.Second)
	if s.shows(Proof{Kind: ProofCallBack, Contact: ContactMobile, At: tenPast}, p, method.Estate{}, now) {
		t.Error("what was another number then shows nothing of this one")
	}
}
