package graph

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/recovery/drill"
	"github.com/postern-id/postern/internal/request"
)

const drillSet = "postern/recovery/drills"

// drillRoutes are the resources of rehearsals.
func drillRoutes() []route {
	return []route{
		{"GET /postern/recovery/drills", odata.Methods, directory.ReadCases, nil, (*API).listDrills},
		{"POST /postern/recovery/drills", odata.Methods, "", nil, (*API).startDrill},
		{"GET /postern/recovery/drills/schedule", odata.Policies, directory.ReadMethodsPolicy, nil, (*API).getDrillSchedule},
		{"PATCH /postern/recovery/drills/schedule", odata.Policies, directory.WriteMethodsPolicy, nil, (*API).patchDrillSchedule},
		{"GET /postern/recovery/drills/{id}", odata.Methods, directory.ReadCases, nil, (*API).getDrill},
		{"GET /postern/recovery/drills/{id}/people", odata.Methods, directory.ReadCases, nil, (*API).listPractices},
	}
}

var drillProperties = []string{"id", "kind", "quarter", "startDateTime", "endDateTime", "where", "startedBy", "asked", "note"}

func drillResource(d drill.Drill) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: d.ID},
		{Name: "kind", Value: string(d.Kind)},
		{Name: "quarter", Value: string(d.Quarter)},
		{Name: "startDateTime", Value: odata.Time(d.BeganAt)},
		{Name: "endDateTime", Value: odata.Time(d.EndsAt)},
		{Name: "where", Value: string(d.Where)},
		{Name: "startedBy", Value: d.By},
		{Name: "asked", Value: d.Asked},
		{Name: "note", Value: textOrNull(d.Note)},
	}
}

func practiceResource(p drill.Practice) odata.Entity {
	steps := []odata.Entity{}
	for _, s := range p.Steps {
		steps = append(steps, odata.Entity{
			{Name: "name", Value: string(s.Name)},
			{Name: "result", Value: string(s.Result)},
			{Name: "code", Value: textOrNull(s.Code)},
			{Name: "text", Value: textOrNull(s.Why())},
		})
	}
	took := any(nil)
	if p.TookMS > 0 {
		took = p.TookMS / 1000
	}
	failed := p.FailedStep()
	return odata.Entity{
		{Name: "userId", Value: string(p.User)},
		{Name: "userDisplayName", Value: p.Name},
		{Name: "userPrincipalName", Value: p.UPN},
		{Name: "state", Value: string(p.State)},
		{Name: "askedDateTime", Value: odata.Time(p.AskedAt)},
		{Name: "practisedDateTime", Value: odata.Time(p.DoneAt)},
		{Name: "tries", Value: p.Tries},
		{Name: "secondsTaken", Value: took},
		{Name: "ipAddress", Value: textOrNull(p.From)},
		{Name: "deviceDisplayName", Value: textOrNull(p.Device)},
		{Name: "failedStep", Value: textOrNull(string(failed.Name))},
		{Name: "why", Value: textOrNull(failed.Why())},
		{Name: "steps", Value: steps},
	}
}

// listDrills serves GET /postern/recovery/drills, the newest first.
func (a *API) listDrills(c *call) error {
	w, err := a.wish(c, odata.Allow{Properties: drillProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true, OrderBy: true}, drill.Schema)
	if err != nil {
		return err
	}
	found, position, err := a.Drills.Store.ListDrills(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, drillSet, found, position, nil, drillResource)
}

func (a *API) drillNamed(c *call) (drill.Drill, error) {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return drill.Drill{}, err
	}
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return drill.Drill{}, err
	}
	return a.Drills.Store.Drill(c.ctx(), c.tenant.ID, strings.ToLower(key.Value))
}

// getDrill serves GET /postern/recovery/drills/{id}: the drill with its counts.
func (a *API) getDrill(c *call) error {
	d, err := a.drillNamed(c)
	if err != nil {
		return err
	}
	return a.writeDrill(c, http.StatusOK, d)
}

func (a *API) writeDrill(c *call, status int, d drill.Drill, more ...odata.Property) error {
	people, err := a.Drills.Store.Practices(c.ctx(), c.tenant.ID, d.ID)
	if err != nil {
		return err
	}
	count := map[drill.State]int{}
	for _, p := range people {
		count[p.State]++
	}
	left := odata.Entity{}
	for _, why := range []string{drill.ErrAsked.Code, drill.ErrInCase.Code, drill.ErrNotThem.Code, drill.NoAddress} {
		left = append(left, odata.Property{Name: why, Value: d.LeftOut[why]})
	}
	resource := append(drillResource(d),
		odata.Property{Name: "passed", Value: count[drill.Passed]}, odata.Property{Name: "failed", Value: count[drill.Failed]},
		odata.Property{Name: "missed", Value: count[drill.Missed]}, odata.Property{Name: "waiting", Value: count[drill.Asked]},
		odata.Property{Name: "leftOut", Value: left})
	return odata.WriteEntity(c.w, status, a.root(c).Entity(drillSet, nil), append(resource, more...))
}

// listPractices serves GET /postern/recovery/drills/{id}/people: all of them, who is in the way first.
func (a *API) listPractices(c *call) error {
	d, err := a.drillNamed(c)
	if err != nil {
		return err
	}
	people, err := a.Drills.Store.Practices(c.ctx(), c.tenant.ID, d.ID)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(drillSet+"/people", nil), Value: []odata.Entity{}}
	for _, state := range []drill.State{drill.Failed, drill.Missed, drill.Asked, drill.Passed} {
		for _, p := range people {
			if p.State == state {
				page.Value = append(page.Value, practiceResource(p))
			}
		}
	}
	return odata.WritePage(c.w, page)
}

// startDrill serves POST /postern/recovery/drills: for one person with userId, else for a sample.
// The practice pass of one person is in the answer and nowhere else.
func (a *API) startDrill(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	o := drill.Order{Tenant: c.tenant.ID, By: c.actor, Name: c.actorName(), CorrelationID: request.From(c.ctx()).CorrelationID}
	var user string
	var size int
	body.String("userId", &user)
	body.Int("sampleSize", &size)
	body.String("where", (*string)(&o.Where))
	body.Int("answerInDays", &o.Days)
	body.String("note", &o.Note)
	if err := body.Done(); err != nil {
		return err
	}
	if user == "" {
		if err := directory.May(c.caller, directory.WriteMethodsPolicy, directory.Target{}); err != nil {
			return err
		}
		d, err := a.Drills.Sample(c.ctx(), o, size)
		if err != nil {
			return err
		}
		return a.writeDrill(c, http.StatusCreated, d)
	}
	id, err := a.userNamed(c, user)
	if err != nil {
		return a.hide(c, route{action: directory.StartDrill}, err)
	}
	target, err := a.Store.TargetOf(c.ctx(), c.tenant.ID, id)
	if err == nil {
		err = directory.May(c.caller, directory.StartDrill, target)
	}
	if err != nil {
		return a.hide(c, route{action: directory.StartDrill}, err)
	}
	d, code, err := a.Drills.Start(c.ctx(), o, id)
	if err != nil {
		return err
	}
	return a.writeDrill(c, http.StatusCreated, d, odata.Property{Name: "practicePass", Value: code.Reveal()})
}

func drillSchedule(s drill.Schedule) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(s.Version)},
		{Name: "id", Value: "drills"},
		{Name: "isEnabled", Value: s.Enabled},
		{Name: "sampleSize", Value: s.Size},
		{Name: "answerInDays", Value: s.Days},
		{Name: "where", Value: string(s.Where)},
		{Name: "lastModifiedDateTime", Value: odata.Time(s.ModifiedAt)},
	}
}

// getDrillSchedule serves GET /postern/recovery/drills/schedule.
func (a *API) getDrillSchedule(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	s, err := a.Drills.Store.DrillSchedule(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, http.StatusOK, a.root(c).Entity(drillSet+"/schedule", nil), drillSchedule(s))
}

// patchDrillSchedule serves PATCH /postern/recovery/drills/schedule: what is not sent stays.
func (a *API) patchDrillSchedule(c *call) error {
	s, err := a.Drills.Store.DrillSchedule(c.ctx(), c.tenant.ID)
	if err == nil {
		err = odata.Match(c.r, odata.ETag(s.Version))
	}
	if err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	old := s
	body.Bool("isEnabled", &s.Enabled)
	body.Int("sampleSize", &s.Size)
	body.Int("answerInDays", &s.Days)
	body.String("where", (*string)(&s.Where))
	if err := body.Done(); err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	s.ModifiedAt = a.Now()
	before, err := json.Marshal(old)
	if err != nil {
		return err
	}
	after, err := json.Marshal(s)
	if err != nil {
		return err
	}
	e := a.event(c, audit.Change{
		Activity: audit.SetDrillSchedule, Category: audit.CategoryPolicy, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{
			ID: "recoveryDrills", Type: audit.TargetPolicy, DisplayName: "Recovery drills",
			Modified: []audit.ModifiedProperty{{DisplayName: "Schedule", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	if err := a.Drills.Store.SaveDrillSchedule(c.ctx(), c.tenant.ID, s, e); err != nil {
		return err
	}
	s.Version++
	return odata.WriteEntity(c.w, http.StatusOK, a.root(c).Entity(drillSet+"/schedule", nil), drillSchedule(s))
}
