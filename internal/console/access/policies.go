package access

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

type listPage struct { // list.html
	console.Frame
	Policies []said
	NextHref string
	Write    bool
	Strong   bool // may see strengths
	None     bool // there is no policy at all
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// pageSize is how many policies a page has: each is told in words.
const pageSize = 50

func listPolicies(c *console.Call) error {
	p := listPage{Frame: c.Frame("access"), Write: c.May("writeAccessRules"), Strong: c.May("readStrengths")}
	found, err := c.Page(graphclient.Query{Top: pageSize}, "identity", "conditionalAccess", "policies")
	if err != nil {
		return err
	}
	drafts := make([]draft, len(found.Items))
	for i, o := range found.Items {
		drafts[i] = draftOf(o)
	}
	names, err := bookOf(c, drafts...)
	if err != nil {
		return err
	}
	for i, d := range drafts {
		p.Policies = append(p.Policies, say(c, d, names, found.Items[i].Text("grantControls/authenticationStrength/displayName")))
	}
	p.NextHref, p.None = c.NextHref(found), len(drafts) == 0
	return c.Show(http.StatusOK, p)
}

type policyPage struct { // policy.html
	console.Frame
	Policy  said
	Notes   []note
	Made    time.Time
	Changed time.Time
	Write   bool
	Chosen  string // state that was asked for
	Refused bool   // because nobody could get in any more
	Typed   string
}

// File implements console.Page.
func (policyPage) File() string { return "policy.html" }

func policyOf(c *console.Call) (policyPage, error) {
	p := policyPage{Frame: c.Frame("access"), Write: c.May("writeAccessRules")}
	o, err := c.Graph.AccessPolicy(c.Context(), c.R.PathValue("id"))
	if err != nil {
		return p, err
	}
	d := draftOf(o)
	names, err := bookOf(c, d)
	if err != nil {
		return p, err
	}
	p.Policy = say(c, d, names, o.Text("grantControls/authenticationStrength/displayName"))
	p.Notes, p.Chosen = notesOf(d), d.State
	p.Made, p.Changed = o.Time("createdDateTime"), o.Time("modifiedDateTime")
	return p, nil
}

func showPolicy(c *console.Call) error {
	p, err := policyOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

// switchPolicy turns a policy on or off, or lets it only report.
func switchPolicy(c *console.Call) error {
	p, err := policyOf(c)
	if err != nil {
		return err
	}
	p.Chosen = c.Form("state")
	change := graphclient.Object{"state": p.Chosen}
	if c.Form("force") != "" {
		change["postern_force"] = true
	}
	err = c.Graph.Matching(c.Form("etag")).UpdateAccessPolicy(c.Context(), p.Policy.ID, change)
	if err == nil {
		return c.Go(root+"/"+p.Policy.ID, "access_saved")
	}
	if p.Fault = console.Explain(err); p.Fault == nil {
		return err
	}
	p.Refused = p.Fault.Status == http.StatusConflict && !c.Foreign()
	return c.Show(http.StatusBadRequest, p)
}

type deletePage struct{ policyPage } // delete.html

// File implements console.Page.
func (deletePage) File() string { return "delete.html" }

// ErrNameTyped says that a name that was to be typed is another one.
var ErrNameTyped = &fault.Error{
	Kind: fault.Invalid, Code: "consoleAccessNameTyped",
	Text: "That is not the name of what would be deleted.", Remedy: "Type it as it is shown.",
}

// askDelete says what deleting a policy means, before it happens.
func askDelete(c *console.Call) error {
	p, err := policyOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, deletePage{p})
}

func deletePolicy(c *console.Call) error {
	p, err := policyOf(c)
	if err != nil {
		return err
	}
	if p.Typed = c.Form("name"); !console.SameName(p.Typed, p.Policy.Name) {
		err = ErrNameTyped
	} else {
		err = c.Graph.Matching(c.Form("etag")).DeleteAccessPolicy(c.Context(), p.Policy.ID)
	}
	if err == nil {
		return c.Go(root, "access_deleted")
	}
	if p.Fault = console.Explain(err); p.Fault == nil {
		return err
	}
	return c.Show(http.StatusBadRequest, deletePage{p})
}

// A note is what a policy comes to beside its sentence.
type note struct{ Level, Icon, Key string }

// notesOf are what is easily overlooked in a policy.
func notesOf(d draft) []note {
	var all []note
	add := func(level, icon, key string) { all = append(all, note{level, icon, "access_note_" + key}) }
	switch d.State {
	case stateReport:
		add("", "info", "report")
	case stateOff:
		add("", "info", "off")
	default:
		add("caution", "caution", "on")
	}
	if d.Other {
		add("caution", "caution", "other")
	}
	if d.Works {
		add("", "info", "works")
	}
	if d.Works && d.Outcome != "block" {
		add("danger", "stop", "works_block")
	}
	if !d.Works && d.In.Everybody && d.Out.empty() && (d.Outcome == "block" || d.Strength != "" || len(d.Controls) > 0) {
		add("caution", "caution", "nobody_out")
	}
	if !d.Works && d.Outcome == "block" && d.Aim == "all" {
		add("danger", "stop", "block_all")
	}
	if !d.Works && d.Aim == "all" && d.Strength != "" && d.In.Everybody {
		add("", "info", "register")
	}
	if d.Aim == "register" {
		add("", "info", "registering")
	}
	if d.Aim == "context" {
		add("", "info", "context")
	}
	return all
}
