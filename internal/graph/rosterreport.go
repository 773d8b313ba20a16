package graph

import (
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/roster"
)

// ErrReadinessFilter reports a filter that the report on readiness lacks.
var ErrReadinessFilter = &fault.Error{
	Kind: fault.Invalid, Code: "readinessFilter", Text: "The report on readiness is not filtered like this.",
	Remedy: "grade, failure, standing, administrators and unreadable each take one of the words in docs/readiness.md.",
}

const readinessReport = "reports/recoveryReadiness"

// A sieve is which states somebody asks for.
type sieve struct {
	grade    recovery.Grade
	failure  recovery.Failure
	standing recovery.Standing
	admins   *bool
	unjudged *bool
}

// sieveOf reads ?grade=, ?failure= with ?standing=, ?administrators= and ?unreadable=.
func sieveOf(c *call) (sieve, error) {
	q := c.r.URL.Query()
	s := sieve{grade: recovery.Grade(q.Get("grade")), failure: recovery.Failure(q.Get("failure")), standing: recovery.Standing(q.Get("standing"))}
	if s.grade != "" && !slices.Contains(recovery.Grades, s.grade) {
		return s, ErrReadinessFilter.With("grade", "There is no such grade.")
	}
	if s.failure != "" && !slices.Contains(recovery.Failures, s.failure) {
		return s, ErrReadinessFilter.With("failure", "There is no such failure.")
	}
	if s.standing != "" && !slices.Contains(recovery.AllStandings, s.standing) || (s.standing == "") != (s.failure == "") {
		return s, ErrReadinessFilter.With("standing", "A standing goes with a failure, and a failure with a standing.")
	}
	for name, to := range map[string]**bool{"administrators": &s.admins, "unreadable": &s.unjudged} {
		switch q.Get(name) {
		case "":
		case "true", "false":
			only := q.Get(name) == "true"
			*to = &only
		default:
			return s, ErrReadinessFilter.With(name, name+" is true or false.")
		}
	}
	return s, nil
}

func (s sieve) all() bool { return s == sieve{} }

func (s sieve) lets(state recovery.State) bool {
	standings, admin, ok := state.Read()
	return ok && (s.grade == "" || standings.Grade() == s.grade) && (s.failure == "" || standings.Of(s.failure) == s.standing) &&
		(s.admins == nil || *s.admins == admin) && (s.unjudged == nil || *s.unjudged != state.Judged())
}

// listReadiness serves GET /reports/recoveryReadiness: how everybody stands who can sign in,
// those without a way back first.
func (a *API) listReadiness(c *call) error {
	w, err := a.wish(c, odata.Allow{DefaultTop: usualPage, MaxTop: largestPage}, nil)
	if err != nil {
		return err
	}
	sieve, err := sieveOf(c)
	if err != nil {
		return err
	}
	var states []recovery.State
	if !sieve.all() {
		counts, err := a.Store.RosterCounts(c.ctx(), c.tenant.ID)
		if err != nil {
			return err
		}
		states = []recovery.State{}
		for state := range counts {
			if sieve.lets(state) {
				states = append(states, state)
			}
		}
	}
	var after roster.Position
	if len(w.after) == 2 {
		state, _ := w.after[0].(string)
		after = roster.Position{State: recovery.State(state), User: directory.UserID(w.lastID())}
	}
	found, err := a.Store.Roster(c.ctx(), c.tenant.ID, states, after, w.options.Top+1)
	if err != nil {
		return err
	}
	var next []any
	if len(found) > w.options.Top {
		found = found[:w.options.Top]
		last := found[len(found)-1]
		next = []any{string(last.State), string(last.User)}
	}
	lines := []odata.Entity{}
	for _, p := range found {
		u, err := a.Store.User(c.ctx(), c.tenant.ID, p.User)
		if errors.Is(err, directory.ErrUserUnknown) {
			continue // went meanwhile
		}
		if err != nil {
			return err
		}
		lines = append(lines, standingResource(u, p.State))
	}
	return writeList(a, c, w, readinessReport, lines, next, nil, func(e odata.Entity) odata.Entity { return e })
}

func standingResource(u directory.User, state recovery.State) odata.Entity {
	standings, admin, _ := state.Read()
	failures := odata.Entity{}
	for i, f := range recovery.Failures {
		failures = append(failures, odata.Property{Name: string(f), Value: standings[i]})
	}
	return odata.Entity{
		{Name: "id", Value: u.ID},
		{Name: "userPrincipalName", Value: u.UserPrincipalName},
		{Name: "displayName", Value: u.DisplayName},
		{Name: "department", Value: text(u.Department)},
		{Name: "jobTitle", Value: text(u.JobTitle)},
		{Name: "isAdministrator", Value: admin},
		{Name: "grade", Value: standings.Grade()},
		{Name: "isUnreadable", Value: !state.Judged()},
		{Name: "standings", Value: failures},
	}
}

// readinessSummary serves GET /reports/recoveryReadiness/summary: how many people stand how.
func (a *API) readinessSummary(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	counts, err := a.Store.RosterCounts(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	mark, err := a.Store.RosterMark(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	total, admins, unjudged := 0, 0, 0
	grades, gradesOfAdmins := map[recovery.Grade]int{}, map[recovery.Grade]int{}
	failures := map[recovery.Failure]map[recovery.Standing]int{}
	for state, n := range counts {
		standings, admin, ok := state.Read()
		if !ok {
			continue
		}
		total += n
		if !state.Judged() {
			unjudged += n
		}
		grades[standings.Grade()] += n
		if admin {
			admins += n
			gradesOfAdmins[standings.Grade()] += n
		}
		for i, f := range recovery.Failures {
			if failures[f] == nil {
				failures[f] = map[recovery.Standing]int{}
			}
			failures[f][standings[i]] += n
		}
	}
	shape := func(total int, n map[recovery.Grade]int) odata.Entity {
		e := odata.Entity{{Name: "total", Value: total}}
		for _, g := range recovery.Grades {
			e = append(e, odata.Property{Name: string(g), Value: n[g]})
		}
		return e
	}
	byFailure := []odata.Entity{}
	for _, f := range recovery.Failures {
		e := odata.Entity{{Name: "failure", Value: f}}
		for _, s := range recovery.AllStandings {
			e = append(e, odata.Property{Name: string(s), Value: failures[f][s]})
		}
		byFailure = append(byFailure, e)
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(readinessReport+"/summary", nil), odata.Entity{
		{Name: "asOfDateTime", Value: odata.Time(mark.Whole)},
		{Name: "isComplete", Value: !mark.Whole.IsZero()},
		{Name: "isRecomputing", Value: mark.Rush && !mark.Began.IsZero()},
		{Name: "unreadable", Value: unjudged},
		{Name: "everybody", Value: shape(total, grades)},
		{Name: "administrators", Value: shape(admins, gradesOfAdmins)},
		{Name: "failures", Value: byFailure},
	})
}
