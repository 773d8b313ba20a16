package methods

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type policyPage struct { // policy.html
	console.Frame
	Policy   policy
	MayWrite bool
	Tag      string
	Settings []*setting
	Include  []target
	Exclude  []target
	Modes    []string
	Units    []string
	// Scoped says that settings name groups.
	Scoped bool
	// Typed is what groups are looked for by, and Found what there is.
	Typed string
	Found []graphclient.Object

	Changes []console.Change
	Broken  *broken
	Notes   []note
	// InScope is how many may use it, in words; empty where nobody counted.
	InScope string
	Strands bool // it was refused because people would have no way back in
	Back    bool // an earlier version is shown, not saved
	By      string
	At      time.Time
}

// HasEverybody reports whether the policy is for everybody.
func (p policyPage) HasEverybody() bool { return slices.ContainsFunc(p.Include, target.Everybody) }

// broken names the setting that has to be mended first.
type broken struct{ ID, Label string }

// A note is what a change comes to.
type note struct {
	Level, Key string
	Count      string // of people, in words
	Some       []graphclient.Object
	Where      string
}

// File implements console.Page.
func (policyPage) File() string { return "policy.html" }

// show serves GET /console/methods/{policy}; ?back=EVENT fills in what was before a change.
func show(c *console.Call) error {
	p, err := named(c)
	if err != nil {
		return err
	}
	now, tag, err := p.read(c)
	if err != nil {
		return err
	}
	d := draftOf(p, now, tag)
	back := c.Form("back")
	if back != "" && p.told {
		before, err := beforeOf(c, p, back)
		if err != nil {
			return err
		}
		d.fillFrom(before)
	}
	page, err := pageOf(c, d)
	if err != nil {
		return err
	}
	page.Back = back != ""
	return c.Show(http.StatusOK, page)
}

// edit serves POST /console/methods/{policy}: act is check, save, find or merge. What was typed is
// shown again whatever happens.
func edit(c *console.Call) error {
	p, err := named(c)
	if err != nil {
		return err
	}
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	now, tag, err := p.read(c)
	if err != nil {
		return err
	}
	d := draftOf(p, now, tag)
	act := c.Form("act")
	if act == "merge" {
		if whole := d.merge(c); !whole || c.Form("etag") != tag {
			return quicker(c, d, !whole)
		}
	} else {
		d.fill(c)
		if c.Form("etag") != tag {
			return quicker(c, d, false)
		}
	}
	page, err := pageOf(c, d)
	if err != nil {
		return err
	}
	if act != "save" || page.Broken != nil || page.Fault != nil || len(page.Changes) == 0 {
		return c.Show(http.StatusOK, page)
	}
	body := d.body()
	if c.Form("force") != "" {
		body["postern_force"] = true
	}
	err = p.save(c, tag, body)
	if refused, ok := errors.AsType[*graphclient.Error](err); ok && refused.Status == http.StatusPreconditionFailed {
		if d.now, d.tag, err = p.read(c); err != nil {
			return err
		}
		return quicker(c, d.over(), false)
	}
	if err == nil {
		return c.Go(p.Href(), "methodSaved")
	}
	if page.Fault = console.Explain(err); page.Fault == nil {
		return err
	}
	page.Strands = page.Fault.Status == http.StatusConflict && !c.Foreign() // it can be insisted on
	return c.Show(http.StatusBadRequest, page)
}

// over compares the draft with what is there by now.
func (d *draft) over() *draft {
	fresh := draftOf(d.policy, d.now, d.tag)
	for i, s := range fresh.Settings {
		s.Was = d.Settings[i].Was
		s.set(d.Settings[i].Then)
	}
	return fresh
}

func pageOf(c *console.Call, d *draft) (policyPage, error) {
	page := policyPage{
		Frame: c.Frame(d.policy.Section()), Policy: d.policy, MayWrite: d.policy.mayWrite(c), Tag: d.tag, Typed: c.Form("group"),
	}
	if c.Form("add") != "" {
		page.Typed = "" // it was found
	}
	for _, u := range units {
		page.Units = slices.Insert(page.Units, 0, u.Name)
	}
	if d.policy.modes {
		page.Modes = modes
	}
	var preview graphclient.Object
	var err error
	if d.policy.watched {
		if preview, err = c.Graph.PreviewMethodPolicy(c.Context(), d.policy.Key, d.body()); err == nil {
			d.problem(c, &page, preview)
			page.consequences(c, preview)
		}
	}
	if d.policy.told {
		if err == nil {
			page.By, page.At, err = lastChange(c, d.policy)
		}
		if err != nil {
			if page.Fault = console.Explain(err); page.Fault == nil {
				return page, err
			}
		}
	}
	for _, s := range d.Settings {
		s.Title = s.Label(c, d.policy)
		switch s.Path {
		case include:
			page.Include = known(targetsFrom(s.Then), preview)
		case exclude:
			page.Exclude = known(targetsFrom(s.Then), preview)
		}
	}
	page.Settings = d.Settings
	var scoped []string
	for _, s := range d.Settings {
		if s.Kind == kindWho {
			scoped = append(scoped, s.Now, s.Then)
		}
	}
	if scoped != nil {
		d.names = namesIn(c, scoped)
		page.Scoped = true
	}
	for _, s := range d.Settings {
		s.names = d.names
		if s.Kind == kindWho {
			s.Bearers = bearersOf(s, d.names)
		}
	}
	for _, s := range d.Changes() {
		page.Changes = append(page.Changes, console.Change{Label: s.Title, Now: s.shown(c, s.Now, preview), Then: s.shown(c, s.Then, preview)})
	}
	if s := d.broken(); s != nil {
		page.Broken = &broken{ID: s.Name(), Label: s.Title}
	}
	page.Found, err = find(c, page.Typed)
	page.Found = slices.DeleteFunc(page.Found, func(g graphclient.Object) bool {
		return slices.ContainsFunc(slices.Concat(page.Include, page.Exclude), func(t target) bool { return t.ID == g.Text("id") })
	})
	return page, err
}

// problem puts the rule that the draft breaks beside its field, or above the form.
func (d *draft) problem(c *console.Call, page *policyPage, preview graphclient.Object) {
	said := preview.Text("problem/message")
	if said == "" {
		return
	}
	at := preview.Text("problem/target")
	for _, s := range d.Settings {
		if top, _, _ := strings.Cut(s.Path, "/"); s.Path == at || top == at && s.Changed() {
			s.Problem = said
			if key := "methods_problem_" + s.Name(); c.Text(key) != key {
				s.Problem = c.Text(key)
			}
			return
		}
	}
	page.Fault = &console.Trouble{Code: preview.Text("problem/code"), Message: said}
}

// consequences says what the preview tells.
func (p *policyPage) consequences(c *console.Call, preview graphclient.Object) {
	scope, _ := preview["inScope"].(map[string]any)
	then, _ := scope["then"].(map[string]any)
	p.InScope = people(c, then)
	for _, one := range []struct{ level, key string }{
		{"danger", "leftWithoutAWayIn"}, {"caution", "losingWhatTheyUse"}, {"caution", "losing"}, {"caution", "passesEnd"}, {"info", "passesStayLonger"}, {"info", "gaining"},
	} {
		crowd, _ := preview[one.key].(map[string]any)
		n, _ := crowd["count"].(float64)
		if n > 0 {
			p.Notes = append(p.Notes, note{Level: one.level, Key: one.key, Count: people(c, crowd), Some: graphclient.Object(crowd).Objects("some")})
		}
	}
	var where []string
	lost, _ := preview["surfacesLost"].([]any)
	for _, at := range lost {
		if name, ok := at.(string); ok {
			where = append(where, c.Text("methods_at_"+name))
		}
	}
	if len(where) > 0 {
		p.Notes = append(p.Notes, note{Level: "caution", Key: "surfacesLost", Where: strings.Join(where, ", ")})
	}
}

// people says a count that may be a bound.
func people(c *console.Call, counted map[string]any) string {
	n, ok := counted["count"].(float64)
	if !ok {
		return ""
	}
	key := "methods_people_many"
	switch {
	case counted["isMore"] == true:
		key = "methods_people_more"
	case n == 1:
		key = "methods_people_one"
	}
	return c.Text(key, "N", grouped(int(n)))
}
