package access

import (
	"cmp"
	"slices"
	"sort"

	"github.com/postern-id/postern/internal/directory"
)

// With is policies with a draft in force: in the place of the one of the same id, or beside them.
func With(policies []Policy, draft Policy) []Policy {
	out := slices.DeleteFunc(slices.Clone(policies), func(p Policy) bool { return p.ID == draft.ID })
	draft.State = Enabled
	return append(out, draft)
}

// A PastSignIn is a sign-in that succeeded, with the methods that its person has now. The
// request is as much as the log still knows of it.
type PastSignIn struct {
	Request Request
	Methods Methods
}

// mostNamed is how many people an impact names; it counts all of them.
const mostNamed = 100

// Impact replays past sign-ins under other rules. It keeps some bytes for each person that it
// saw. The zero value is not of use: see [NewImpact].
type Impact struct {
	before, after                  *Set
	signIns, blocked, asked, eased int
	people                         map[directory.UserID]*fate
}

// fate is what becomes of a person.
type fate struct {
	blocked, asked int
	by             *Policy // the first that was in the way
	in, out        bool    // some sign-in still can be had; some can't
}

// NewImpact begins to replay: before are the rules of today, after those that are thought of.
func NewImpact(before, after *Set) *Impact {
	return &Impact{before: before, after: after, people: map[directory.UserID]*fate{}}
}

// Add replays one sign-in.
func (m *Impact) Add(s PastSignIn) {
	before, after := m.before.Evaluate(s.Request), m.after.Evaluate(s.Request)
	m.signIns++
	p := m.people[s.Request.Subject.User]
	if p == nil {
		p = &fate{}
		m.people[s.Request.Subject.User] = p
	}
	if after.Met {
		p.in = true
		if !before.Met {
			m.eased++
		}
		return
	}
	// With all methods that they have now, used now, could they?
	with := s.Request
	with.Proofs = append(slices.Clone(with.Proofs), s.Methods.proofs(with.At)...)
	if m.after.Evaluate(with).Met {
		p.in = true
	} else if m.before.Evaluate(with).Met {
		p.out = true
	}
	switch {
	case after.Blocked && !before.Blocked:
		m.blocked++
		p.blocked++
	case !after.Blocked && before.Met:
		m.asked++
		p.asked++
	default:
		return
	}
	if p.by == nil {
		p.by = after.By
	}
}

// Counts are what an impact comes to.
type Counts struct {
	SignIns int `json:"signIns"` // replayed
	People  int `json:"people"`  // of whom they were
	// Blocked and Asked were neither blocked nor asked for more under the rules of today.
	Blocked Count `json:"blocked"`
	Asked   Count `json:"askedForMore"`
	// LockedOut are people none of whose sign-ins could be had any more with the methods that
	// they have, and who could have them today.
	LockedOut int `json:"lockedOutPeople"`
	// Eased are sign-ins that today's rules would no longer let by and the others would.
	Eased int `json:"easedSignIns"`
	// Affected are people who would notice, those who are locked out first; at most a hundred.
	Affected []Affected `json:"affected"`
}

// Count is of sign-ins and of the people of whom they were.
type Count struct {
	SignIns int `json:"signIns"`
	People  int `json:"people"`
}

// Affected is a person who would notice.
type Affected struct {
	User      directory.UserID `json:"userId"`
	Blocked   int              `json:"blockedSignIns"`
	Asked     int              `json:"askedForMoreSignIns"`
	LockedOut bool             `json:"lockedOut"`
	Policy    string           `json:"policyId,omitempty"` // that was in the way first
}

// Counts says what became of the sign-ins that were added.
func (m *Impact) Counts() Counts {
	c := Counts{SignIns: m.signIns, People: len(m.people), Blocked: Count{SignIns: m.blocked}, Asked: Count{SignIns: m.asked}, Eased: m.eased}
	for user, p := range m.people {
		a := Affected{User: user, Blocked: p.blocked, Asked: p.asked, LockedOut: p.out && !p.in}
		if p.blocked > 0 {
			c.Blocked.People++
		}
		if p.asked > 0 {
			c.Asked.People++
		}
		if a.LockedOut {
			c.LockedOut++
		}
		if p.by != nil {
			a.Policy = p.by.ID
			c.Affected = append(c.Affected, a)
		}
	}
	sort.Slice(c.Affected, func(i, j int) bool {
		a, b := c.Affected[i], c.Affected[j]
		return cmp.Or(order(b.LockedOut, a.LockedOut), cmp.Compare(b.Blocked, a.Blocked), cmp.Compare(b.Asked, a.Asked), cmp.Compare(a.User, b.User)) < 0
	})
	c.Affected = c.Affected[:min(len(c.Affected), mostNamed)]
	return c
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
