package recovery

import (
	"errors"
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// Steps that are asked about on a page of their own.
var asked = []string{"cancel", "refuse", "dispute", "release", "revert"}

type stepPage struct { // step.html
	console.Frame
	Case     kase
	Devices  []string // that joined with the pass, by name
	Step     string
	Note     string
	Typed    string
	Mistyped bool
	Late     bool // the case is in no state for it any more
}

// File implements console.Page.
func (stepPage) File() string { return "step.html" }

// Removes reports whether the step takes something away for good, so that it takes the number.
func (p stepPage) Removes() bool { return p.Step == "revert" }

// Grave reports whether the button is a warning.
func (p stepPage) Grave() bool { return p.Step != "release" && p.Step != "cancel" }

// stepOf reads what the address names.
func stepOf(c *console.Call) (stepPage, error) {
	p := stepPage{Frame: c.Frame("recovery"), Step: c.R.PathValue("step"), Note: c.Form("note"), Typed: c.Form("number")}
	if !slices.Contains(asked, p.Step) {
		return p, console.ErrNowhere
	}
	need := handles
	if p.Step == "release" || p.Step == "revert" {
		need = judges
	}
	if !c.May(need) {
		return p, console.ErrNotYours
	}
	var err error
	if p.Case, err = read(c); err != nil {
		return p, err
	}
	if p.Late = !fits(p.Step, p.Case); !p.Late {
		p.Devices, err = p.joined(c)
	}
	return p, err
}

// joined are the devices that the step is about, for who may read what came from a pass.
func (p stepPage) joined(c *console.Call) ([]string, error) {
	if p.Case.Pass == nil || !slices.Contains([]string{"dispute", "release", "revert"}, p.Step) {
		return nil, nil
	}
	o, err := c.Graph.Lineage(c.Context(), p.Case.Who.ID, p.Case.Pass.ID)
	if refused, ok := errors.AsType[*graphclient.Error](err); ok && refused.Status < 500 {
		return nil, nil // a help, not a need
	}
	var all []string
	for _, d := range o.Objects("devices") {
		all = append(all, d.Text("displayName"))
	}
	return all, err
}

// fits reports whether the state of k is one for a step. What else is in its way the server says.
func fits(step string, k kase) bool {
	waits := slices.Contains([]string{"open", "proven", "approved"}, k.State)
	switch step {
	case "cancel":
		return waits || k.State == "passIssued"
	case "refuse":
		return waits
	case "dispute":
		return k.State != "disputed" && k.State != "reverted" && k.State != "refused" && (k.Pass != nil || !slices.Contains(over, k.State))
	}
	return k.State == "disputed"
}

// askStep serves GET /console/recovery/cases/{id}/{step}.
func askStep(c *console.Call) error {
	p, err := stepOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

// takeStep serves POST /console/recovery/cases/{id}/{step}.
func takeStep(c *console.Call) error {
	p, err := stepOf(c)
	if err != nil {
		return err
	}
	if typed, _ := isNumber(p.Typed); p.Removes() && typed != p.Case.Number {
		p.Mistyped = true
		return c.Show(http.StatusBadRequest, p)
	}
	if _, err := c.Graph.Matching(c.Form("etag")).Do(c.Context(), http.MethodPost, noted(c, graphclient.Object{}), at(p.Case.ID, p.Step)...); err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		return c.Show(statusOf(err), p)
	}
	return c.Go(hrefOf(p.Case.ID), "recovery_"+p.Step)
}
