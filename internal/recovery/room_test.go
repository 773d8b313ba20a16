package recovery

import (
	"errors"
	"testing"
)

func TestAStrangersCasesTakeNobodysRoom(t *testing.T) {
	one := func(kind OpenerKind, network string) Case {
		return Case{State: Open, Opener: Opener{Kind: kind, Network: network}}
	}
	with := func(c Case, change func(*Case)) Case { change(&c); return c }
	self, known := one(BySelf, "a"), with(one(BySelf, "home"), func(c *Case) { c.Opener.Known = true })
	proved := with(self, func(c *Case) { c.Proofs = []Proof{{}} })
	approved := with(self, func(c *Case) { c.Approvals = []Approval{{}} })
	issued := with(self, func(c *Case) { c.State = PassIssued })
	disputed := with(one(ByAgent, ""), func(c *Case) { c.State = Disputed })
	agents, apps := []Case{one(ByAgent, ""), one(ByAgent, ""), one(ByAgent, ""), one(ByAgent, "")}, []Case{one(ByAutomation, ""), one(ByAutomation, ""), one(ByAutomation, ""), one(ByAutomation, ""), one(ByAutomation, "")}
	for _, x := range []struct {
		name   string
		c      Case
		living []Case
		out    int
		err    error
	}{
		{"the first", self, nil, -1, nil},
		{"the third from anywhere", self, []Case{self, self}, -1, nil},
		{"the fourth: the oldest gives way", self, []Case{self, self, self}, 0, nil},
		{"who asks from another network keeps theirs", self, []Case{one(BySelf, "b"), self, self}, 1, nil},
		{"who comes from another network pushes out who asked most", one(BySelf, "b"), []Case{one(BySelf, "c"), self, self}, 1, nil},
		{"what somebody has spoken for stays", self, []Case{proved, approved, self}, 2, nil},
		{"none gives way", self, []Case{proved, approved, issued}, -1, ErrMany},
		{"an agent, beside what strangers asked", agents[0], []Case{self, self, self, self, self}, -1, nil},
		{"an agent, the fifth", agents[0], agents, -1, nil},
		{"an agent, the sixth: nothing gives way", agents[0], append(agents, agents[0]), -1, ErrMany},
		{"an agent, beside what applications opened", agents[0], apps, -1, nil},
		{"an application, the sixth", apps[0], apps, -1, ErrMany},
		{"an agent, beside what the manager opened", agents[0], []Case{one(ByManager, ""), one(ByManager, ""), one(ByManager, ""), one(ByManager, ""), one(ByManager, "")}, -1, nil},
		{"an agent, beside disputed ones", agents[0], []Case{disputed, disputed, disputed, disputed, disputed}, -1, nil},
		{"where they signed in before", known, []Case{self, self, self}, -1, nil},
		{"nothing from there gives way to a stranger", self, []Case{known, known, known}, -1, nil},
		{"the fourth from there", known, []Case{self, known, known, known}, 1, nil},
	} {
		if out, err := x.c.Room(x.living); out != x.out || !errors.Is(err, x.err) {
			t.Errorf("%s: %d, %v; want %d, %v", x.name, out, err, x.out, x.err)
		}
	}
}

func TestADeniedRequestWithoutAPassIsOver(t *testing.T) {
	asked := Case{State: Approved, Opener: Opener{Kind: BySelf}}
	c, err := asked.WithDispute(DefaultPolicy(), Person{User: "sam"}, "", tenPast)
	if err != nil || c.State != Refused || c.Outcome != NotBelieved || !c.ClosedAt.Equal(tenPast) || c.Disputed == nil || c.Disputed.Was != Approved {
		t.Errorf("asked for by themselves: %v, %+v", err, c)
	}
	asked.State, asked.Pass = PassIssued, &Issued{}
	if c, err := asked.WithDispute(DefaultPolicy(), Person{}, "", tenPast); err != nil || c.State != Disputed {
		t.Errorf("with a pass: %v, %s", err, c.State)
	}
	agents := Case{State: Open, Opener: Opener{Kind: ByAgent}}
	if c, err := agents.WithDispute(DefaultPolicy(), Person{}, "", tenPast); err != nil || c.State != Disputed {
		t.Errorf("an agent's: %v, %s", err, c.State)
	}
}
