package devices

import (
	"errors"
	"net/http"
	"sort"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A guest is somebody who signed in on a device, with how their PIN is there.
type guest struct {
	graphclient.Object
	PIN string // none, set or locked; empty when the device didn't say
}

type check struct {
	graphclient.Object
	Icon, Tone string
}

// An outcome is what holds for one setting.
type outcome struct {
	graphclient.Object
	Value string
	Lost  []loss
}

type loss struct{ ID, Name, Value string }

type devicePage struct { // device.html
	console.Frame
	Device   device
	Prepared preparation
	Guests   []guest
	Crowded  bool // more signed in on it than are shown
	User     string
	Checks   []check // of the server
	Own      []check // of the agent
	Ready    bool
	Refused  *console.Trouble // why there are no checks for that person
	Reported time.Time
	Report   graphclient.Object
	Problems []string
	Outcomes []outcome
	All      bool
	May      struct{ Policy, Check, Switch, Approve, Rename, Delete bool }
}

// File implements console.Page.
func (devicePage) File() string { return "device.html" }

// shownGuests bounds the people that a page names.
const shownGuests = 100

func showDevice(c *console.Call) error {
	id := c.R.PathValue("id")
	o, err := c.Graph.OwnDevice(c.Context(), id)
	if err != nil {
		return err
	}
	p := devicePage{Frame: c.Frame("devices"), Device: deviceOf(o), User: c.R.URL.Query().Get("user"), All: c.R.URL.Query().Get("all") == "1"}
	p.May.Policy, p.May.Check = c.May("readDevicePolicy"), c.May("readPrerequisites")
	p.May.Switch, p.May.Approve = c.May("switchDevice"), c.May("approveDevice")
	p.May.Rename, p.May.Delete = c.May("updateDevice"), c.May("deleteDevice")
	p.read(o)
	if !c.Foreign() {
		p.Prepared = preparationOf(c, p.Device)
	}
	if p.Guests, p.Crowded, err = guestsOf(c, id, p.Report); err != nil {
		return err
	}
	if p.May.Check {
		if err := p.check(c, id); err != nil {
			return err
		}
	}
	if p.May.Policy {
		if err := p.resolve(c, id); err != nil {
			return err
		}
	}
	return c.Show(http.StatusOK, p)
}

// read takes what the agent said last.
func (p *devicePage) read(o graphclient.Object) {
	status, _ := o["postern_status"].(map[string]any)
	report, _ := status["report"].(map[string]any)
	p.Reported, p.Report = o.Time("postern_status/reportedDateTime"), report
	problems, _ := report["problems"].([]any)
	for _, one := range problems {
		if text, ok := one.(string); ok {
			p.Problems = append(p.Problems, text)
		}
	}
}

// guestsOf are the people who signed in on a device, as far as a page holds them.
func guestsOf(c *console.Call, id string, report graphclient.Object) (all []guest, more bool, err error) {
	pins := map[string]string{}
	for _, u := range report.Objects("users") {
		pins[u.Text("id")] = u.Text("pin")
	}
	for u, err := range c.Graph.RegisteredUsers(c.Context(), id) {
		if err != nil {
			return nil, false, err
		}
		if len(all) == shownGuests {
			return all, true, nil
		}
		all = append(all, guest{u, pins[u.Text("id")]})
	}
	return all, false, nil
}

var tones = map[string][2]string{"pass": {"check", "good"}, "warn": {"caution", "caution"}, "fail": {"stop", "danger"}}

// check asks for the prerequisites of web sign-in. Whose methods one may not read is told with
// the checks that are about nobody.
func (p *devicePage) check(c *console.Call, id string) error {
	answer, err := c.Graph.Prerequisites(c.Context(), id, p.User)
	if refused, ok := errors.AsType[*graphclient.Error](err); ok && p.User != "" && refused.Status == http.StatusForbidden {
		p.Refused = console.Explain(err)
		answer, err = c.Graph.Prerequisites(c.Context(), id, "")
	}
	if err != nil {
		return err
	}
	p.Ready = answer.Text("isReady") == "true"
	for _, o := range answer.Objects("value") {
		tone := tones[o.Text("state")]
		one := check{o, first(tone[0], "info"), tone[1]}
		if o.Text("source") == "agent" {
			p.Own = append(p.Own, one)
		} else {
			p.Checks = append(p.Checks, one)
		}
	}
	return nil
}

// resolve asks what holds on the device. What nobody set is left out unless all is asked for.
func (p *devicePage) resolve(c *console.Call, id string) error {
	answer, err := c.Graph.EffectivePolicy(c.Context(), id, p.User)
	if err != nil {
		return err
	}
	book, err := catalogOf(c)
	if err != nil {
		return err
	}
	for _, o := range answer.Objects("value") {
		if !p.All && o.Text("source") == "default" && o.Text("reason") == "nothingSet" {
			continue
		}
		f := book[o.Text("settingDefinitionId")]
		out := outcome{Object: o, Value: f.Say(c, o["value"])}
		for _, l := range o.Objects("lost") {
			out.Lost = append(out.Lost, loss{l.Text("policyId"), l.Text("policyName"), f.Say(c, l["value"])})
		}
		p.Outcomes = append(p.Outcomes, out)
	}
	sort.SliceStable(p.Outcomes, func(i, j int) bool { return weight(p.Outcomes[i]) > weight(p.Outcomes[j]) })
	return nil
}

// weight puts conflicts first, and what has no effect on the device last.
func weight(o outcome) int {
	switch {
	case o.Text("conflict") == "true":
		return 2
	case o.Text("idle") == "true":
		return 0
	}
	return 1
}
