package devices

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// steps are those of the form, in their order.
var steps = []string{"basics", "settings", "assignments", "review"}

type wizardPage struct { // wizard.html
	console.Frame
	Step    string
	Steps   []string
	Draft   draft
	Written string // the draft, as the form carries it

	Fields   []field      // of the settings in the draft
	Others   []definition // those that can be added
	Nameless bool         // there is no name yet
	Typed    string       // start of a group's name
	Searched bool
	Found    []graphclient.Object // groups

	Warnings []warning
	Changes  []change
	Clashes  []change // what somebody else changed since the form was opened
	Overrun  bool     // somebody did
}

// File implements console.Page.
func (wizardPage) File() string { return "wizard.html" }

// Done reports whether a step comes before the one that is shown.
func (p wizardPage) Before(step string) bool {
	return slices.Index(steps, step) < slices.Index(steps, p.Step)
}

// Count is how many changes would be saved.
func (p wizardPage) Count() int { return len(p.Changes) }

// A change is one line of a review. Name is of a setting; Key, if it is none, of the words for
// what it is. Yours is what the draft keeps where two people changed the same.
type change struct{ Key, Name, Now, Then, Yours string }

func newPolicy(c *console.Call) error {
	book, err := catalogOf(c)
	if err != nil {
		return err
	}
	d := readDraft("")
	if id := c.R.URL.Query().Get("add"); book[id].ID != "" {
		d.Settings[id] = book[id].Default
	}
	return showStep(c, http.StatusOK, wizardPage{Step: "basics", Draft: d}, book)
}

func editPolicy(c *console.Call) error {
	book, err := catalogOf(c)
	if err != nil {
		return err
	}
	stored, err := c.Graph.DevicePolicy(c.Context(), c.R.PathValue("id"))
	if err != nil {
		return err
	}
	return showStep(c, http.StatusOK, wizardPage{Step: "basics", Draft: draftOf(stored, book)}, book)
}

// draftPolicy takes one step of the form, and shows the next one or saves.
func draftPolicy(c *console.Call) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	book, err := catalogOf(c)
	if err != nil {
		return err
	}
	p := wizardPage{Step: c.Form("step"), Draft: readDraft(c.Form("draft"))}
	p.Draft.take(c, p.Step, book)
	verb, about, _ := strings.Cut(c.Form("go"), ":")
	switch verb {
	case "add":
		if d, known := book[c.Form("add")]; known {
			p.Draft.Settings[d.ID] = first(p.Draft.Settings[d.ID], d.Default)
		}
	case "remove":
		delete(p.Draft.Settings, about)
	case "find":
		p.Typed, p.Searched = c.Form("group"), true
	case "include", "exclude":
		p.Draft.drop(target{Kind: "group", Group: about})
		p.Draft.Targets = append(p.Draft.Targets, target{Kind: "group", Group: about, Exclude: verb == "exclude"})
	case "drop":
		p.Draft.drop(target{Kind: "group", Group: about})
	case "save":
		return savePolicy(c, p, book)
	default:
		if p.Step = verb; !slices.Contains(steps, verb) {
			p.Step = steps[0]
		}
	}
	return showStep(c, http.StatusOK, p, book)
}

// showStep shows the step of p, or an earlier one that has to be mended first.
func showStep(c *console.Call, status int, p wizardPage, book catalog) error {
	trouble := p.Fault
	p.Frame, p.Steps = c.Frame("settings"), steps
	p.Fault = trouble
	if p.Nameless = p.Draft.Name == "" && p.Step != steps[0]; p.Nameless {
		p.Step = steps[0]
	}
	var err error
	switch p.Step {
	case "settings":
		p.Others = p.Draft.others(book)
	case "assignments":
		err = p.find(c)
	case "review":
		err = p.review(c, book)
	}
	if err != nil {
		return err
	}
	if err := named(c, p.Draft.Targets); err != nil {
		return err
	}
	p.Fields = p.Draft.fields(book)
	for i, f := range p.Fields {
		p.Fields[i].Wrong = p.Fault != nil && strings.Contains(p.Fault.Message, f.Name+":")
	}
	if p.Written, err = p.Draft.Written(); err != nil {
		return err
	}
	return c.Show(status, p)
}

// others are the settings of the catalog that d does not set.
func (d draft) others(book catalog) []definition {
	return slices.DeleteFunc(book.ordered(), func(one definition) bool { _, set := d.Settings[one.ID]; return set })
}

// find looks for groups whose name begins with what was typed.
func (p *wizardPage) find(c *console.Call) error {
	if p.Typed == "" {
		return nil
	}
	found, err := c.Page(graphclient.Query{
		Filter: "startswith(displayName," + graphclient.Quote(p.Typed) + ")", Select: "id,displayName,description", Top: 10,
	}, "groups")
	p.Found = found.Items
	return err
}

// review asks Graph what saving would do. What Graph refuses is mended at the step that has it.
func (p *wizardPage) review(c *console.Call, book catalog) error {
	now := draft{Settings: map[string]string{}}
	if p.Draft.ID != "" {
		stored, err := c.Graph.DevicePolicy(c.Context(), p.Draft.ID)
		if err != nil {
			return err
		}
		now = draftOf(stored, book)
		p.catchUp(c, now, book)
	}
	whole := p.Draft.policy(book)
	whole["assignments"] = assignments(p.Draft.Targets)
	answer, err := c.Graph.PreviewDevicePolicy(c.Context(), p.Draft.ID, whole)
	if err != nil {
		trouble := console.Explain(err)
		if trouble == nil || trouble.Status == http.StatusForbidden || trouble.Status == http.StatusNotFound {
			return err
		}
		p.Fault, p.Step = trouble, p.stepOf(trouble.Message, book)
		p.Others = p.Draft.others(book)
		return nil
	}
	p.Warnings = warningsOf(answer, book)
	if err := errors.Join(named(c, now.Targets), named(c, p.Draft.Targets)); err != nil {
		return err
	}
	p.Changes = differences(c, now, p.Draft, book)
	return nil
}

// stepOf is the step at which what a message is about can be mended.
func (p *wizardPage) stepOf(message string, book catalog) string {
	for _, f := range p.Draft.fields(book) {
		if strings.Contains(message, f.Name) {
			return "settings"
		}
	}
	if strings.Contains(message, "group") || strings.Contains(message, "assign") {
		return "assignments"
	}
	return "basics"
}

// catchUp takes over what somebody else changed since the form was opened, except where the
// draft changed the same, and says so.
func (p *wizardPage) catchUp(c *console.Call, now draft, book catalog) {
	d := &p.Draft
	if d.ETag == now.ETag || d.Was == nil {
		d.ETag = now.ETag
		return
	}
	p.Overrun = true
	was := *d.Was
	merge := func(key, name, was, now string, mine *string, say func(string) string) {
		if was == now {
			return
		}
		line := change{Key: key, Name: name, Now: say(was), Then: say(now)}
		if *mine == was {
			*mine = now
		} else if *mine != now {
			line.Yours = say(*mine)
		}
		p.Clashes = append(p.Clashes, line)
	}
	plain := func(s string) string { return s }
	merge("name", "", was.Name, now.Name, &d.Name, plain)
	merge("description", "", was.Description, now.Description, &d.Description, plain)
	merge("tags", "", was.Tags, now.Tags, &d.Tags, plain)
	for _, def := range book.ordered() {
		before, mine := setting(was, def), setting(*d, def)
		merge("", def.Name, before, setting(now, def), &mine, func(s string) string { return sayOr(c, def, s) })
		if mine == "" {
			delete(d.Settings, def.ID)
		} else {
			d.Settings[def.ID] = mine[1:]
		}
	}
	if !sameTargets(was.Targets, now.Targets) {
		line := change{Key: "targets"}
		switch {
		case sameTargets(d.Targets, was.Targets):
			d.Targets = now.Targets
		case !sameTargets(d.Targets, now.Targets):
			line.Yours = sayTargets(c, d.Targets)
		}
		line.Now, line.Then = sayTargets(c, was.Targets), sayTargets(c, now.Targets)
		p.Clashes = append(p.Clashes, line)
	}
	d.ETag, d.Was = now.ETag, &now
}

// setting is = and the value of a setting, or nothing where it is not set: an empty text is a value, too.
func setting(d draft, def definition) string {
	if value, set := d.Settings[def.ID]; set {
		return "=" + value
	}
	return ""
}

func sayOr(c *console.Call, def definition, value string) string {
	if value == "" {
		return c.Text("devices_not_set")
	}
	return def.inWords(c, value[1:])
}

func sameTargets(a, b []target) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(t target) bool {
		return !slices.ContainsFunc(b, func(o target) bool { return o.Kind == t.Kind && o.Group == t.Group && o.Exclude == t.Exclude })
	})
}

// sayTargets are whom a policy is for, in words.
func sayTargets(c *console.Call, all []target) string {
	var words []string
	for _, t := range all {
		switch {
		case t.Kind != "group":
			words = append(words, c.Text("devices_to_"+t.Kind))
		case t.Exclude:
			words = append(words, c.Text("devices_to_except", "Group", first(t.Name, t.Group)))
		default:
			words = append(words, first(t.Name, t.Group))
		}
	}
	if len(words) == 0 {
		return c.Text("devices_to_nobody")
	}
	return strings.Join(words, ", ")
}

// differences are what saving then would change of now.
func differences(c *console.Call, now, then draft, book catalog) []change {
	var all []change
	add := func(key, name, a, b string) {
		if a != b {
			all = append(all, change{Key: key, Name: name, Now: a, Then: b})
		}
	}
	add("name", "", now.Name, then.Name)
	add("description", "", now.Description, then.Description)
	add("tags", "", strings.Join(now.tags(), ", "), strings.Join(then.tags(), ", "))
	for _, def := range book.ordered() {
		if a, b := setting(now, def), setting(then, def); a != b {
			add("", def.Name, sayOr(c, def, a), sayOr(c, def, b))
		}
	}
	if !sameTargets(now.Targets, then.Targets) {
		all = append(all, change{Key: "targets", Now: sayTargets(c, now.Targets), Then: sayTargets(c, then.Targets)})
	}
	return all
}
