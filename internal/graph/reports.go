package graph

import (
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/report"
)

// Faults of reports.
var (
	ErrReportDays = &fault.Error{
		Kind: fault.Invalid, Code: "reportDays", Target: "days",
		Text: "The report does not go back so many days.", Remedy: "days is a number from 1 to 90.",
	}
	ErrReportState = &fault.Error{
		Kind: fault.NotFound, Code: "reportState",
		Text: "The report has no such state.", Remedy: "docs/reports.md lists them.",
	}
)

const (
	usualDays = 30
	mostDays  = 90
)

// daysOf reads ?days=30.
func daysOf(c *call) (int, error) {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return 0, err
	}
	text := c.r.URL.Query().Get("days")
	if text == "" {
		return usualDays, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 1 || days > mostDays {
		return 0, ErrReportDays
	}
	return days, nil
}

// dailyReport serves GET /postern/reports/daily?days=30: what the log amounts to, day by day, the
// oldest first, and all days together.
func (a *API) dailyReport(c *call) error {
	days, err := daysOf(c)
	if err != nil {
		return err
	}
	last := report.DayOf(a.Now(), c.tenant.Location())
	first := last.Add(1 - days)
	counted, err := a.Store.Tallies(c.ctx(), string(c.tenant.ID), first, last)
	if err != nil {
		return err
	}
	waiting, err := a.Store.Waiting(c.ctx(), c.tenant.ID, a.Now())
	if err != nil {
		return err
	}
	total := report.Tallies{}
	lines := []odata.Entity{}
	for n := range days {
		day := first.Add(n)
		total.Add(counted[day])
		lines = append(lines, append(odata.Entity{{Name: "date", Value: day.String()}}, talliesResource(counted[day])...))
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/reports/daily", nil), odata.Entity{
		{Name: "timeZone", Value: c.tenant.Location().String()},
		{Name: "passesWaiting", Value: waiting.Passes},
		{Name: "total", Value: talliesResource(total)},
		{Name: "value", Value: lines},
	})
}

func talliesResource(t report.Tallies) odata.Entity {
	counts := func(names []string, of func(string) int) odata.Entity {
		all := odata.Entity{}
		for _, name := range names {
			all = append(all, odata.Property{Name: name, Value: of(name)})
		}
		return all
	}
	var median any
	if wait, ok := t.MedianWait(); ok {
		median = int(wait / time.Second)
	}
	return odata.Entity{
		{Name: "passes", Value: odata.Entity{
			{Name: "issued", Value: t[report.PassesIssued]},
			{Name: "used", Value: t[report.PassesUsed]},
			{Name: "endedUnused", Value: t[report.PassesUnused]},
			{Name: "refused", Value: t[report.PassesRefused]},
			{Name: "medianSecondsToFirstUse", Value: median},
			{Name: "byPreset", Value: counts(report.Presets, t.Preset)},
		}},
		{Name: "signIns", Value: odata.Entity{
			{Name: "byMethod", Value: counts(report.Methods, t.Method)},
			{Name: "byStrength", Value: counts(report.Strengths, t.Strength)},
			{Name: "failed", Value: t[report.SignInsFailed]},
		}},
		{Name: "pins", Value: odata.Entity{
			{Name: "setUp", Value: t[report.PINsSetUp]},
			{Name: "reset", Value: t[report.PINsReset]},
		}},
	}
}

// asOf is how old the oldest of what a census shows is; nothing while the first round goes on.
func (a *API) asOf(c *call, kind report.Kind) (odata.Entity, error) {
	m, err := a.Store.CensusMark(c.ctx(), string(c.tenant.ID), kind)
	return odata.Entity{{Name: "asOfDateTime", Value: odata.Time(m.Whole)}, {Name: "isComplete", Value: !m.Whole.IsZero()}}, err
}

// peopleReport serves GET /postern/reports/people: people who can sign in by how many ways back
// in they have.
func (a *API) peopleReport(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	counts, err := a.Store.CensusCounts(c.ctx(), string(c.tenant.ID), report.People)
	if err != nil {
		return err
	}
	shown, err := a.asOf(c, report.People)
	if err != nil {
		return err
	}
	all, admins := map[string]int{}, map[string]int{}
	for state, n := range counts {
		ways, admin := state.Ways()
		all[ways], all["total"] = all[ways]+n, all["total"]+n
		if admin {
			admins[ways], admins["total"] = admins[ways]+n, admins["total"]+n
		}
	}
	shape := func(n map[string]int) odata.Entity {
		return odata.Entity{
			{Name: "total", Value: n["total"]},
			{Name: "twoOrMore", Value: n[report.MoreWays]},
			{Name: "one", Value: n[report.OneWay]},
			{Name: "none", Value: n[report.NoWay]},
		}
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/reports/people", nil), append(shown,
		odata.Property{Name: "everybody", Value: shape(all)}, odata.Property{Name: "administrators", Value: shape(admins)}))
}

// devicesReport serves GET /postern/reports/devices: devices by how they are, and by how they
// belong to the tenant.
func (a *API) devicesReport(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	counts, err := a.Store.CensusCounts(c.ctx(), string(c.tenant.ID), report.Devices)
	if err != nil {
		return err
	}
	shown, err := a.asOf(c, report.Devices)
	if err != nil {
		return err
	}
	total, healths, trusts := 0, map[string]int{}, map[string]int{}
	for state, n := range counts {
		health, trust := state.Device()
		total, healths[health], trusts[trust] = total+n, healths[health]+n, trusts[trust]+n
	}
	shape := func(names []string, n map[string]int) odata.Entity {
		all := odata.Entity{}
		for _, name := range names {
			all = append(all, odata.Property{Name: name, Value: n[name]})
		}
		return all
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/reports/devices", nil), append(shown,
		odata.Property{Name: "total", Value: total},
		odata.Property{Name: "byState", Value: shape(report.DeviceHealths, healths)},
		odata.Property{Name: "byTrustType", Value: shape(report.TrustTypes, trusts)}))
}

// waysByPath are how many ways back in people have, as paths and answers say it.
var waysByPath = map[string]string{"twoOrMore": report.MoreWays, "one": report.OneWay, "none": report.NoWay}

// listPeopleIn serves GET /postern/reports/people/{state}: who has so many ways, administrators
// first.
func (a *API) listPeopleIn(c *call) error {
	ways, ok := waysByPath[c.r.PathValue("state")]
	if !ok {
		return ErrReportState
	}
	return a.listCensus(c, report.People, report.PeopleStates(ways), func(id string, state report.State) (odata.Entity, error) {
		u, err := a.Store.User(c.ctx(), c.tenant.ID, directory.UserID(id))
		_, admin := state.Ways()
		return odata.Entity{
			{Name: "id", Value: id},
			{Name: "displayName", Value: u.DisplayName},
			{Name: "userPrincipalName", Value: u.UserPrincipalName},
			{Name: "jobTitle", Value: text(u.JobTitle)},
			{Name: "department", Value: text(u.Department)},
			{Name: "isAdministrator", Value: admin},
		}, err
	})
}

// listDevicesIn serves GET /postern/reports/devices/{state}.
func (a *API) listDevicesIn(c *call) error {
	states := report.DeviceStates(c.r.PathValue("state"))
	if _, known := deviceHealths[c.r.PathValue("state")]; !known {
		return ErrReportState
	}
	return a.listCensus(c, report.Devices, states, func(id string, _ report.State) (odata.Entity, error) {
		d, err := a.Store.Device(c.ctx(), c.tenant.ID, directory.DeviceObjectID(id))
		return odata.Entity{
			{Name: "id", Value: id},
			{Name: "displayName", Value: d.DisplayName},
			{Name: "operatingSystem", Value: text(d.OperatingSystem)},
			{Name: "trustType", Value: text(string(d.TrustType))},
			{Name: "approximateLastSignInDateTime", Value: odata.Time(d.SeenAt)},
		}, listed(err)
	})
}

var deviceHealths = func() map[string]bool {
	all := map[string]bool{}
	for _, h := range report.DeviceHealths {
		all[h] = true
	}
	return all
}()

// listCensus serves who is in states, page by page. Who went meanwhile is left out.
func (a *API) listCensus(c *call, kind report.Kind, states []report.State, show func(string, report.State) (odata.Entity, error)) error {
	w, err := a.wish(c, odata.Allow{DefaultTop: usualPage, MaxTop: largestPage}, nil)
	if err != nil {
		return err
	}
	at, after := 0, ""
	if len(w.after) == 2 {
		n, _ := w.after[0].(float64)
		at, after = min(max(int(n), 0), len(states)), w.lastID()
	}
	lines, looked := []odata.Entity{}, 0
	for ; at < len(states); at, after = at+1, "" {
		ids, err := a.Store.CensusList(c.ctx(), string(c.tenant.ID), kind, states[at], after, w.options.Top-looked+1)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if looked == w.options.Top {
				return writeList(a, c, w, "postern/reports", lines, []any{at, after}, nil, func(e odata.Entity) odata.Entity { return e })
			}
			looked, after = looked+1, id
			line, err := show(id, states[at])
			if isGone(err) {
				continue
			}
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
	}
	return writeList(a, c, w, "postern/reports", lines, nil, nil, func(e odata.Entity) odata.Entity { return e })
}
