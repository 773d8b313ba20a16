package methods

import (
	"cmp"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A target is a group that a policy is for, or is not for.
type target struct {
	ID       string
	Mode     string // what its people may approve with
	Required bool
	// What Graph knows of it.
	Name   string
	Count  int // people; -1 when nobody counted
	IsMore bool
}

const (
	include = "includeTargets"
	exclude = "excludeTargets"
)

// modes are what the people of a target may approve with.
var modes = []string{"any", "push", "deviceBasedPush"}

// Everybody reports whether it is no group but all people.
func (t target) Everybody() bool { return t.ID == allUsers }

// Label is what it is called, or its id.
func (t target) Label() string { return cmp.Or(t.Name, t.ID) }

// Text is what a form keeps of it.
func (t target) Text() string {
	text := t.ID
	if t.Mode != "" || t.Required {
		text += "|" + t.Mode
	}
	if t.Required {
		text += "|required"
	}
	return text
}

func targetFrom(text string) target {
	parts := strings.Split(text, "|")
	t := target{ID: parts[0], Count: -1}
	if len(parts) > 1 && slices.Contains(modes, parts[1]) {
		t.Mode = parts[1]
	}
	t.Required = len(parts) > 2 && parts[2] == "required"
	return t
}

// targetsOf returns a list of targets as text, a line each.
func targetsOf(o graphclient.Object, name string) string {
	var all []string
	for _, one := range o.Objects(name) {
		t := target{ID: one.Text("id"), Mode: one.Text("authenticationMode")}
		t.Required = one["isRegistrationRequired"] == true
		all = append(all, t.Text())
	}
	return strings.Join(all, "\n")
}

func targetsFrom(text string) []target {
	all := []target{}
	for _, line := range trimmed(text) {
		all = append(all, targetFrom(line))
	}
	return all
}

// targetValues are targets as Graph takes them.
func (p policy) targetValues(name, text string) []graphclient.Object {
	all := []graphclient.Object{}
	for _, t := range targetsFrom(text) {
		o := graphclient.Object{"targetType": "group", "id": t.ID}
		if name == include {
			o["isRegistrationRequired"] = t.Required
			if p.modes && t.Mode != "" {
				o["authenticationMode"] = t.Mode
			}
		}
		all = append(all, o)
	}
	return all
}

// edited applies what was pressed to the targets of a form: add and remove hold include:ID or
// exclude:ID.
func edited(c *console.Call, name, text string) string {
	all := trimmed(text)
	short := strings.TrimSuffix(name, "Targets")
	sameID := func(id string) func(string) bool {
		return func(line string) bool { return targetFrom(line).ID == id }
	}
	for _, pressed := range c.R.Form["remove"] {
		if list, id, _ := strings.Cut(pressed, ":"); list == short {
			all = slices.DeleteFunc(all, sameID(id))
		}
	}
	for _, pressed := range c.R.Form["add"] {
		if list, id, _ := strings.Cut(pressed, ":"); list == short && id != "" && !slices.ContainsFunc(all, sameID(id)) {
			all = append(all, id)
		}
	}
	for i, line := range all {
		t := targetFrom(line)
		if mode := c.R.Form.Get("mode:" + t.ID); name == include && slices.Contains(modes, mode) {
			t.Mode = mode
			all[i] = t.Text()
		}
	}
	return strings.Join(all, "\n")
}

// known fills in what the preview says of targets.
func known(all []target, preview graphclient.Object) []target {
	for i := range all {
		for _, one := range preview.Objects("targets") {
			if n, ok := one["count"].(float64); ok && one.Text("id") == all[i].ID {
				all[i].Name, all[i].Count, all[i].IsMore = one.Text("displayName"), int(n), one["isMore"] == true
			}
		}
	}
	return all
}

// find looks for groups to add.
func find(c *console.Call, typed string) ([]graphclient.Object, error) {
	search := console.Search(typed, "displayName")
	if search == "" || !c.May("readGroup") {
		return nil, nil
	}
	page, err := c.Graph.Page(c.Context(), graphclient.Query{Search: search, Select: "id,displayName", Top: 8}, "groups")
	return page.Items, err
}
