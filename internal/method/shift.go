package method

import (
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// A Shift is what a change of who may use a method comes to for one person.
type Shift struct {
	Gains, Loses bool
	// Uses says that the person has the method.
	Uses bool
	// Stranded says that the person loses the only method that they have and may use.
	Stranded bool
}

// ShiftOf compares what a person with r may do under now and under then. Kind is the method, and
// allows says whether the policy of another method lets people in some groups use it. A device PIN
// is a way in, and so is a pass unless it is what changes.
func ShiftOf(kind signin.MethodID, pass bool, r Registration, now, then Targets, allows func(signin.MethodID, map[directory.GroupID]bool) bool) Shift {
	before, after := now.InScope(r.Groups), then.InScope(r.Groups)
	s := Shift{Gains: after && !before, Loses: before && !after}
	if s.Uses = pass && r.Pass; !pass {
		s.Uses = slices.ContainsFunc(r.Credentials, func(c Credential) bool { return c.Kind == kind && c.Works() })
	}
	other := slices.ContainsFunc(r.Credentials, func(c Credential) bool {
		return c.Kind != kind && c.Works() && allows(c.Kind, r.Groups)
	})
	s.Stranded = s.Loses && s.Uses && !other && !r.PIN && (pass || !r.Pass)
	return s
}

// Changed returns the ids of the groups by which a person's right to the method can differ between
// now and then; directory.AllUsers among them stands for everybody. It is empty when nobody's can.
func Changed(now, then Targets) []string {
	if !now.Enabled() && !then.Enabled() {
		return nil
	}
	if now.Enabled() != then.Enabled() {
		one := then
		if now.Enabled() {
			one = now
		}
		return idsOf(one.Include)
	}
	var all []string
	for _, pair := range [][2][]Target{{now.Include, then.Include}, {now.Exclude, then.Exclude}} {
		a, b := idsOf(pair[0]), idsOf(pair[1])
		for _, id := range slices.Concat(a, b) {
			if slices.Contains(a, id) != slices.Contains(b, id) && !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

func idsOf(targets []Target) []string {
	var all []string
	for _, t := range targets {
		all = append(all, t.ID)
	}
	return all
}
