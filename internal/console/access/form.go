package access

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type formPage struct { // form.html
	console.Frame
	Draft   draft
	Said    said
	Notes   []note
	Names   book
	Checked bool // what it comes to is shown
	Counts  bool // past sign-ins can be counted
	Impact  graphclient.Object
	Waiting bool // for the impact, which the page fetches
	counting
	Refused bool // nobody could get in any more
	Overrun bool // somebody else changed it meanwhile
	Theirs  said // what is there now

	Templates []graphclient.Object
	Roles     []graphclient.Object
	Places    []graphclient.Object
	Strengths []graphclient.Object
	Contexts  []graphclient.Object

	Typed, TypedApp, TypedWork string
	NewContext                 string               // name of one to make
	Found                      []graphclient.Object // people and groups
	FoundApps, FoundWork       []graphclient.Object
}

// File implements console.Page.
func (formPage) File() string { return "form.html" }

// Platforms, Clients, Controls and Risks are what can be ticked.
func (formPage) Platforms() []string { return []string{"windows", "macOS", "linux", "iOS", "android"} }

// Clients are kinds of client.
func (formPage) Clients() []string {
	return []string{"browser", "mobileAppsAndDesktopClients", "other"}
}

// Controls are what can be asked for.
func (formPage) Controls() []string {
	return []string{"mfa", "compliantDevice", "domainJoinedDevice"}
}

// Risks rise in this order.
func (formPage) Risks() []string { return []string{"low", "medium", "high"} }

// Has reports whether list has one.
func (formPage) Has(list []string, one string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, one) })
}

// newPolicy begins a policy, from a template if one is named. It only reports at first.
func newPolicy(c *console.Call) error {
	d := draft{State: stateReport, Aim: "all", Where: "anywhere", Outcome: "ask", Controls: []string{"mfa"}, Frequency: "never", Mode: "exclude"}
	id := c.R.URL.Query().Get("template")
	if id != "" {
		t, err := c.Graph.Get(c.Context(), "identity", "conditionalAccess", "templates", id)
		if err != nil {
			return err
		}
		d = draftOf(inside(t, "details"))
		d.Name, d.State = t.Text("name"), stateReport
	}
	p := formPage{Draft: d, Checked: id != ""}
	if id == "" {
		found, err := c.Graph.Get(c.Context(), "identity", "conditionalAccess", "templates")
		if err != nil && !c.Lacks(err) {
			return err
		}
		p.Templates = found.Objects("value")
	}
	return showForm(c, http.StatusOK, p)
}

// askPolicy shows the form of a policy that is there.
func askPolicy(c *console.Call) error {
	o, err := c.Graph.AccessPolicy(c.Context(), c.R.PathValue("id"))
	if err != nil {
		return err
	}
	return showForm(c, http.StatusOK, formPage{Draft: draftOf(o)})
}

// editPolicy takes the form: go is save, check, find, or what to add or drop.
func editPolicy(c *console.Call) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	p := formPage{Draft: typedDraft(c), Typed: c.Form("person"), TypedApp: c.Form("appName"), TypedWork: c.Form("workName"), NewContext: c.Form("contextName"), Checked: c.Form("checked") != ""}
	verb, about, _ := strings.Cut(c.Form("go"), ":")
	switch verb {
	case "save":
		return savePolicy(c, p)
	case "check":
		p.Checked = true
	case "context":
		if err := p.nameContext(c); err != nil {
			return err
		}
	case "count":
		p.Checked = true
		if p.Waiting = c.Form("counting") == ""; p.Waiting {
			break
		}
		if err := p.count(c); err != nil {
			return err
		}
	case "drop", "add":
		field, id, _ := strings.Cut(about, ":")
		if l := p.Draft.list(field); l != nil {
			*l = slices.DeleteFunc(*l, func(one string) bool { return one == id })
			if verb == "add" {
				*l = append(*l, id)
			}
		}
		if verb == "add" {
			p.Typed, p.TypedApp, p.TypedWork = "", "", ""
		}
	}
	return showForm(c, http.StatusOK, p)
}

// count replays the sign-ins of the last days under the draft. A draft that Graph refuses is told so.
func (p *formPage) count(c *console.Call) error {
	body := p.Draft.body()
	if p.Draft.ID != "" {
		body["id"] = p.Draft.ID
	}
	var err error
	if p.Impact, err = impactOf(c, "7", []graphclient.Object{body}, ""); err == nil {
		return nil
	}
	if p.Failed.Fault = console.Explain(err); p.Failed.Fault == nil {
		return err
	}
	return nil
}

// list is the list of d that a field of the form adds to.
func (d *draft) list(field string) *[]string {
	return map[string]*[]string{
		"inUser": &d.In.Users, "inGroup": &d.In.Groups, "outUser": &d.Out.Users, "outGroup": &d.Out.Groups, "app": &d.Apps, "notApp": &d.NotApps,
		"work": &d.Work, "notWork": &d.NotWork,
	}[field]
}

func savePolicy(c *console.Call, p formPage) error {
	body := p.Draft.body()
	if c.Form("force") != "" {
		body["postern_force"] = true
	}
	id := p.Draft.ID
	var err error
	if id == "" {
		var made graphclient.Object
		if made, err = c.Graph.CreateAccessPolicy(c.Context(), body); err == nil {
			id = made.Text("id")
		}
	} else {
		err = c.Graph.Matching(p.Draft.Tag).UpdateAccessPolicy(c.Context(), id, body)
	}
	if err == nil {
		return c.Go(root+"/"+id, "access_saved")
	}
	trouble := console.Explain(err)
	if trouble == nil || trouble.Status == http.StatusForbidden || trouble.Status == http.StatusNotFound {
		return err
	}
	p.Fault, p.Checked, p.Refused = trouble, true, trouble.Status == http.StatusConflict && !c.Foreign()
	if trouble.Status == http.StatusPreconditionFailed {
		return overtaken(c, p)
	}
	return showForm(c, http.StatusBadRequest, p)
}

// overtaken shows what somebody else saved meanwhile beside the draft; saving again is a decision.
func overtaken(c *console.Call, p formPage) error {
	o, err := c.Graph.AccessPolicy(c.Context(), p.Draft.ID)
	if err != nil {
		return err
	}
	now := draftOf(o)
	names, err := bookOf(c, now)
	if err != nil {
		return err
	}
	p.Theirs, p.Overrun, p.Draft.Tag = say(c, now, names, o.Text("grantControls/authenticationStrength/displayName")), true, now.Tag
	return showForm(c, http.StatusPreconditionFailed, p)
}

// showForm shows the form with what it needs to be filled in.
func showForm(c *console.Call, status int, p formPage) error {
	trouble := p.Fault
	p.Frame = c.Frame("access")
	p.Fault = trouble
	var err error
	if p.Names, err = bookOf(c, p.Draft); err != nil {
		return err
	}
	for o, err := range c.Graph.RoleDefinitions(c.Context()) {
		if err != nil {
			return err
		}
		p.Roles = append(p.Roles, o)
	}
	if p.Places, err = p.Names.places(c); err != nil {
		return err
	}
	if p.Contexts, err = p.Names.contexts(c); err != nil {
		return err
	}
	strengthName := ""
	for o, err := range c.Graph.Strengths(c.Context()) {
		if err != nil {
			return err
		}
		p.Strengths = append(p.Strengths, o)
		if strings.EqualFold(o.Text("id"), p.Draft.Strength) {
			strengthName = o.Text("displayName")
		}
	}
	if err := p.find(c); err != nil {
		return err
	}
	p.Counts = c.May("readSignIns") && !c.Foreign()
	p.Said, p.Notes = say(c, p.Draft, p.Names, strengthName), notesOf(p.Draft)
	return c.Show(status, p)
}

// find looks for people, groups and applications whose name begins with what was typed.
func (p *formPage) find(c *console.Call) error {
	look := func(typed, properties string, set ...string) ([]graphclient.Object, error) {
		found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "startswith(displayName," + graphclient.Quote(typed) + ")", Select: properties, Top: 8}, set...)
		return found.Items, err
	}
	if p.Typed != "" {
		users, err := look(p.Typed, "id,displayName,userPrincipalName", "users")
		if err != nil {
			return err
		}
		groups, err := look(p.Typed, "id,displayName", "groups")
		if err != nil {
			return err
		}
		p.Found = slices.Concat(users, groups)
	}
	var err error
	if p.TypedApp != "" {
		if p.FoundApps, err = look(p.TypedApp, "id,appId,displayName", "servicePrincipals"); err != nil {
			return err
		}
	}
	if p.TypedWork != "" {
		p.FoundWork, err = look(p.TypedWork, "id,appId,displayName", "servicePrincipals")
	}
	return err
}
