package method

import (
	"cmp"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

const (
	// rootsKept is how long sessions and methods are remembered behind what came from them: as long as cases are
	// kept. Passes and cases are remembered for good.
	rootsKept = 400 * 24 * time.Hour
	// mostRoots is far more than anybody needs. Nothing is pushed out: who has that many adds nothing.
	mostRoots = 1000
)

// Roots returns what the methods of o came from, which made something at at: their passes, cases, sessions and
// methods, those of these, and so on. ErrProof when one of them is not in e, ErrTooMany when there is no end of it.
func (e Estate) Roots(o Origin, at time.Time) ([]directory.Root, error) {
	a := ancestry{of: e, at: map[string]time.Time{}}
	for _, id := range o.Methods {
		if !a.method(id, at) {
			return nil, ErrProof
		}
	}
	return a.list(at)
}

// ancestry are roots by their ids.
type ancestry struct {
	of Estate
	at map[string]time.Time
}

// add reports whether id was not there, or for something earlier only.
func (a ancestry) add(id string, at time.Time) bool {
	was, there := a.at[id]
	if id == "" || there && !at.After(was) {
		return false
	}
	a.at[id] = at
	return true
}

func (a ancestry) origin(o Origin, at time.Time) {
	a.add(o.Pass, time.Time{})
	a.add(o.Case, time.Time{})
	a.add(o.Session, at)
	for _, id := range o.Methods {
		if a.add(id, at) {
			a.method(id, at)
		}
	}
	for _, r := range o.Roots {
		a.add(r.ID, r.At)
	}
}

// method adds what a method came from as it was at at, and reports whether it is there.
func (a ancestry) method(id string, at time.Time) bool {
	for _, c := range a.of.Credentials {
		if c.ID == id {
			a.origin(c.Origin, c.CreatedAt)
			return true
		}
	}
	for _, p := range a.of.PINs {
		if p.ID != id {
			continue
		}
		a.origin(p.Origin, p.CreatedAt)
		for _, r := range p.Renewals {
			if !r.At.After(at) {
				a.origin(r.origin(), r.At)
			}
		}
		return true
	}
	return false
}

func (a ancestry) list(at time.Time) ([]directory.Root, error) {
	var all []directory.Root
	for id, used := range a.at {
		if used.IsZero() || at.Sub(used) < rootsKept {
			all = append(all, directory.Root{ID: id, At: used})
		}
	}
	if len(all) > mostRoots {
		return nil, ErrTooMany
	}
	slices.SortFunc(all, func(a, b directory.Root) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// root reports whether one of all belongs to l.
func (l *lineage) root(all []directory.Root) bool {
	return slices.ContainsFunc(all, func(r directory.Root) bool {
		return r.ID != "" && (r.ID == l.of || r.ID == l.pass || l.sessions[r.ID] || l.did(r.ID, r.At))
	})
}
