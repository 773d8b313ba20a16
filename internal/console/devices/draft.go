package devices

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A draft is a policy between the steps of its form. The form carries it; nothing is stored until
// it is saved, and Graph checks all of it then.
type draft struct {
	ID          string            `json:"id,omitempty"` // empty for a new policy
	ETag        string            `json:"etag,omitempty"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Tags        string            `json:"tags"` // as typed: separated by commas
	Platforms   string            `json:"platforms,omitempty"`
	Settings    map[string]string `json:"settings"` // by id, as written into a form
	Targets     []target          `json:"targets"`
	// Was is the policy as it was when the form was opened, to tell what somebody else changed since.
	Was *draft `json:"was,omitempty"`
}

func readDraft(text string) draft {
	d := draft{}
	_ = json.Unmarshal([]byte(text), &d) // a form that somebody made up begins anew
	if d.Settings == nil {
		d.Settings = map[string]string{}
	}
	return d
}

// Written is d as the form carries it.
func (d draft) Written() (string, error) {
	raw, err := json.Marshal(d)
	return string(raw), err
}

// draftOf is a stored policy as a draft.
func draftOf(policy graphclient.Object, book catalog) draft {
	d := draft{
		ID: policy.Text("id"), ETag: policy.Text(graphclient.ETag), Name: policy.Text("name"), Description: policy.Text("description"),
		Tags: policy.Text("roleScopeTagIds"), Platforms: policy.Text("platforms"), Settings: writtenOf(policy, book), Targets: targetsOf(policy),
	}
	was := d
	d.Was = &was
	return d
}

// tags are the tags that were typed.
func (d draft) tags() []string {
	all := []string{}
	for one := range strings.SplitSeq(d.Tags, ",") {
		if one = strings.TrimSpace(one); one != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// policy is d as Graph takes it, without assignments.
func (d draft) policy(book catalog) graphclient.Object {
	o := graphclient.Object{"name": d.Name, "description": d.Description, "roleScopeTagIds": d.tags(), "technologies": "mdm"}
	if d.Platforms != "" {
		o["platforms"] = d.Platforms
	}
	all := []graphclient.Object{}
	for _, f := range d.fields(book) {
		all = append(all, f.Instance(f.Value))
	}
	o["settings"] = all
	return o
}

// A field is a setting of a draft with its value.
type field struct {
	definition
	Value string
	Wrong bool
}

// fields are the settings of d, as forms and reviews list them.
func (d draft) fields(book catalog) []field {
	var all []field
	for _, def := range book.ordered() {
		if value, ok := d.Settings[def.ID]; ok {
			all = append(all, field{definition: def, Value: value})
		}
	}
	return all
}

// take reads what the step of the form that was shown asked for.
func (d *draft) take(c *console.Call, step string, book catalog) {
	switch step {
	case "basics":
		d.Name, d.Description, d.Tags = c.Form("name"), lines(c.Form("description")), c.Form("tags")
	case "settings":
		for id := range d.Settings {
			if _, sent := c.R.Form["set_"+id]; sent || book[id].Kind == choice {
				d.Settings[id] = lines(c.Form("set_" + id))
			}
		}
	case "assignments":
		for _, kind := range []string{"devices", "people"} {
			d.drop(target{Kind: kind})
			if c.Form("to_"+kind) != "" {
				d.Targets = append([]target{{Kind: kind}}, d.Targets...)
			}
		}
	}
}

// lines is a text of several lines as browsers send it, with plain ends of lines.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// drop removes whom t names.
func (d *draft) drop(t target) {
	d.Targets = slices.DeleteFunc(d.Targets, func(one target) bool { return one.Kind == t.Kind && one.Group == t.Group })
}

// Has reports whether d is for all devices or for all people.
func (d draft) Has(kind string) bool {
	return slices.ContainsFunc(d.Targets, func(t target) bool { return t.Kind == kind })
}

// Groups are the groups among the targets.
func (d draft) Groups() []target {
	return slices.DeleteFunc(slices.Clone(d.Targets), func(t target) bool { return t.Kind != "group" })
}

// sameJSON reports whether Graph would be sent the same.
func sameJSON(a, b graphclient.Object) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
