package drills

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type schedulePage struct { // schedule.html
	console.Frame
	Tag      string
	On       bool
	Form     form
	Places   []string
	Wrong    string // property at fault
	Theirs   *plan  // somebody was quicker: what holds now
	Changed  time.Time
	MayWrite bool
}

// File implements console.Page.
func (schedulePage) File() string { return "schedule.html" }

// A plan is a schedule as Graph has it.
type plan struct {
	On          bool
	Size, Days  int
	Where, Tag  string
	LastChanged time.Time
}

func planOf(c *console.Call) (plan, error) {
	o, err := c.Graph.Get(c.Context(), at("schedule")...)
	if err != nil {
		return plan{}, err
	}
	return plan{o["isEnabled"] == true, number(o, "sampleSize"), number(o, "answerInDays"), o.Text("where"), o.Text(graphclient.ETag), o.Time("lastModifiedDateTime")}, nil
}

// showSchedule serves GET /console/recovery/drills/schedule.
func showSchedule(c *console.Call) error {
	now, err := planOf(c)
	if err != nil {
		return err
	}
	f := form{Where: now.Where, Days: strconv.Itoa(now.Days), Size: strconv.Itoa(now.Size)}
	return c.Show(http.StatusOK, schedulePage{Frame: c.Frame("recovery"), Tag: now.Tag, On: now.On, Form: f, Places: places, Changed: now.LastChanged, MayWrite: c.May(writesPolicy)})
}

// saveSchedule serves POST /console/recovery/drills/schedule. Who was overtaken sees what holds now beside
// what they typed; pressing again saves theirs.
func saveSchedule(c *console.Call) error {
	p := schedulePage{Frame: c.Frame("recovery"), Tag: c.Form("etag"), On: c.Form("isEnabled") != "", Form: readForm(c), Places: places, MayWrite: true}
	body := graphclient.Object{"isEnabled": p.On, "where": p.Form.Where}
	var err error
	for name, typed := range map[string]string{"sampleSize": p.Form.Size, "answerInDays": p.Form.Days} {
		n, bad := strconv.Atoi(typed)
		if bad != nil {
			err = errTyped.With(name, "")
		}
		body[name] = n
	}
	if err == nil {
		_, err = c.Graph.Matching(p.Tag).Do(c.Context(), http.MethodPatch, body, at("schedule")...)
	}
	if err == nil {
		return c.Go(root, "drills_scheduled")
	}
	if p.Fault = console.Explain(err); p.Fault == nil {
		return err
	}
	p.Wrong = p.Fault.Target
	if refused, ok := errors.AsType[*graphclient.Error](err); ok && refused.Status == http.StatusPreconditionFailed {
		now, err := planOf(c)
		if err != nil {
			return err
		}
		p.Fault, p.Theirs, p.Tag = nil, &now, now.Tag
		return c.Show(http.StatusPreconditionFailed, p)
	}
	return c.Show(max(p.Fault.Status, http.StatusBadRequest), p)
}
