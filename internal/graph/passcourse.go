package graph

import (
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/tap"
)

// mostEvents bounds what is read of either log for one pass.
const mostEvents = 100

// courseOf is what became of a pass of c.user, which may be gone: how often it was tried, where
// it was used, and why it ended.
func (a *API) courseOf(c *call, id string) (odata.Entity, error) {
	var there *tap.Pass
	switch p, err := a.Store.Pass(c.ctx(), c.tenant.ID, c.user.ID); {
	case err == nil && p.ID == id:
		there = &p
	case err != nil && !errors.Is(err, tap.ErrNone):
		return nil, err
	}
	events, err := a.passEvents(c, id, there)
	if err != nil {
		return nil, err
	}
	course := tap.CourseOf(id, there, events, a.Now())
	shown := odata.Entity{
		{Name: "issuedDateTime", Value: odata.Time(course.IssuedAt)},
		{Name: "failedTries", Value: course.Tries},
		{Name: "lastFailedTryDateTime", Value: odata.Time(course.TriedAt)},
		{Name: "heldUntilDateTime", Value: odata.Time(course.HeldTill)},
		{Name: "usedDateTime", Value: odata.Time(course.UsedAt)},
		{Name: "usedOn", Value: usedOn(course.Used)},
		{Name: "endedDateTime", Value: odata.Time(course.EndedAt)},
		{Name: "endReason", Value: text(string(course.End))},
		{Name: "pass", Value: nil},
	}
	if there != nil {
		resource, err := a.passResource(c, *there)
		if err != nil {
			return nil, err
		}
		shown[len(shown)-1].Value = resource.Select([]string{
			"id", "createdDateTime", "startDateTime", "lifetimeInMinutes", "isUsableOnce", "isUsable", "methodUsabilityReason", "postern_stoppedBecause",
		})[1:]
	}
	return shown, nil
}

func usedOn(in *audit.SignIn) any {
	if in == nil {
		return nil
	}
	return odata.Entity{
		{Name: "deviceId", Value: text(in.DeviceID)},
		{Name: "deviceDisplayName", Value: text(in.DeviceDisplayName)},
		{Name: "browser", Value: text(in.Browser)},
		{Name: "operatingSystem", Value: text(in.OperatingSystem)},
		{Name: "ipAddress", Value: text(in.IPAddress)},
		{Name: "appDisplayName", Value: text(in.AppDisplayName)},
	}
}

// passEvents reads the newest changes of c.user, and their sign-ins from the issue of a pass on
// and about its first use.
func (a *API) passEvents(c *call, id string, p *tap.Pass) ([]audit.Event, error) {
	user := "'" + string(c.user.ID) + "'"
	changes, err := a.someEvents(c, audit.KindDirectory, auditSchema, "targetResources/any(t: t/id eq "+user+")", newestFirst)
	if err != nil {
		return nil, err
	}
	from := tap.CourseOf(id, p, changes, a.Now()).IssuedAt
	if from.IsZero() {
		return changes, nil // nothing is known of it but what came from it
	}
	signIns := "userId eq " + user + " and signInEventTypes/any(t: t eq 'interactiveUser') and createdDateTime ge "
	oldestFirst := []filter.Order{{Property: newestFirst[0].Property}}
	first, err := a.someEvents(c, audit.KindSignIn, signInSchema, signIns+moment(from), oldestFirst)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(changes, first)
	if p == nil || p.UsedAt.IsZero() {
		return all, nil
	}
	used, err := a.someEvents(c, audit.KindSignIn, signInSchema,
		signIns+moment(p.UsedAt.Add(-time.Second))+" and createdDateTime le "+moment(p.UsedAt.Add(time.Second)), oldestFirst)
	for _, e := range used {
		if !slices.ContainsFunc(first, func(f audit.Event) bool { return f.ID == e.ID }) {
			all = append(all, e)
		}
	}
	return all, err
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (a *API) someEvents(c *call, kind audit.Kind, schema filter.Schema, match string, order []filter.Order) ([]audit.Event, error) {
	e, err := filter.Parse(match)
	if err != nil {
		return nil, err
	}
	bound, err := filter.Check(e, schema)
	if err != nil {
		return nil, err
	}
	found, _, err := a.Store.Events(c.ctx(), c.tenant.ID, kind, []filter.Bound{bound}, order, nil, mostEvents)
	return found, err
}
