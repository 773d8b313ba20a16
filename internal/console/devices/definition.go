package devices

import (
	"cmp"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// Kinds of settings, as a form asks for them.
const (
	choice  = "choice"
	number  = "number"
	text    = "text"
	list    = "list"
	payload = "payload" // a choice of off, and on with one text
)

// A definition is one setting of the catalog.
type definition struct {
	ID, Name, Description, Category, URI string
	Kind                                 string
	Options                              []option // of a choice
	Min, Max                             string   // of a number
	Most                                 string   // items of a list
	Default                              string   // as it is written into a form
	Platforms                            []string
	LockScreen, User                     bool

	child string // of a payload: the id of its text
}

// Parts are the URI where a line may break.
func (d definition) Parts() []string { return strings.SplitAfter(d.URI, "/") }

// An option is one value of a choice, by what follows the setting's id in its own.
type option struct{ Value, Name string }

// A catalog is all settings by id.
type catalog map[string]definition

// catalogOf reads the catalog. What no form can ask for is left out.
func catalogOf(c *console.Call) (catalog, error) {
	all := catalog{}
	for o, err := range c.Graph.OwnSettingDefinitions(c.Context()) {
		if err != nil {
			return nil, err
		}
		if d, ok := definitionOf(o); ok {
			all[d.ID] = d
		}
	}
	return all, nil
}

// ordered are the settings by category and name.
func (all catalog) ordered() []definition {
	var out []definition
	for _, d := range all {
		out = append(out, d)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) < 0
	})
	return out
}

func definitionOf(o graphclient.Object) (definition, bool) {
	d := definition{
		ID: o.Text("id"), Name: o.Text("displayName"), Description: o.Text("description"), Category: o.Text("postern_category"),
		URI:        strings.ReplaceAll(o.Text("baseUri")+o.Text("offsetUri"), "{0}", "{TenantId}"),
		LockScreen: o.Text("postern_lockScreen") == "true", User: o.Text("postern_user") == "true",
		Platforms: strings.Split(o.Text("applicability/platform"), ","),
	}
	switch kind := o.Text("@odata.type"); {
	case strings.HasSuffix(kind, "ConfigurationChoiceSettingDefinition"):
		d.Kind = choice
		for _, one := range o.Objects("options") {
			d.Options = append(d.Options, option{strings.TrimPrefix(one.Text("itemId"), d.ID+"_"), one.Text("displayName")})
			for _, child := range one.Objects("dependedOnBy") {
				d.Kind, d.child = payload, child.Text("dependedOnBy")
			}
		}
		d.Default = strings.TrimPrefix(o.Text("defaultOptionId"), d.ID+"_")
		if d.Kind == payload {
			d.Default = ""
		}
	case strings.HasSuffix(kind, "ConfigurationSimpleSettingCollectionDefinition"):
		d.Kind, d.Most = list, o.Text("maximumCount")
		d.Default = strings.ReplaceAll(o.Text("defaultValue/value"), ";", "\n")
	case strings.HasSuffix(kind, "ConfigurationSimpleSettingDefinition"):
		d.Kind, d.Default = text, o.Text("defaultValue/value")
		if strings.HasSuffix(o.Text("valueDefinition/@odata.type"), "IntegerSettingValueDefinition") {
			d.Kind, d.Min, d.Max = number, o.Text("valueDefinition/minimumValue"), o.Text("valueDefinition/maximumValue")
		}
	default:
		return d, false
	}
	return d, d.ID != ""
}

// configuration begins the names of Graph's types.
const configuration = "#microsoft.graph.deviceManagementConfiguration"

// Instance is the setting with a value that was written into a form, as Graph takes it. A number
// that is none stays as it was written, for Graph to say what is wrong.
func (d definition) Instance(value string) graphclient.Object {
	o := graphclient.Object{"settingDefinitionId": d.ID}
	simple := func(text string) graphclient.Object {
		return graphclient.Object{"@odata.type": configuration + "StringSettingValue", "value": text}
	}
	switch d.Kind {
	case choice:
		o["@odata.type"] = configuration + "ChoiceSettingInstance"
		o["choiceSettingValue"] = graphclient.Object{"value": d.ID + "_" + value, "children": []any{}}
	case payload:
		o["@odata.type"] = configuration + "ChoiceSettingInstance"
		on := graphclient.Object{"value": d.ID + "_0", "children": []any{}}
		if value != "" {
			on["value"] = d.ID + "_1"
			on["children"] = []graphclient.Object{{
				"@odata.type": configuration + "SimpleSettingInstance", "settingDefinitionId": d.child, "simpleSettingValue": simple(value),
			}}
		}
		o["choiceSettingValue"] = on
	case list:
		o["@odata.type"] = configuration + "SimpleSettingCollectionInstance"
		items := []graphclient.Object{}
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line != "" {
				items = append(items, simple(line))
			}
		}
		o["simpleSettingCollectionValue"] = items
	case number:
		o["@odata.type"] = configuration + "SimpleSettingInstance"
		var v any = value
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			v = n
		}
		o["simpleSettingValue"] = graphclient.Object{"@odata.type": configuration + "IntegerSettingValue", "value": v}
	default:
		o["@odata.type"] = configuration + "SimpleSettingInstance"
		o["simpleSettingValue"] = simple(value)
	}
	return graphclient.Object{"settingInstance": o}
}

// Written is the value of an instance of the setting, as it is written into a form.
func (d definition) Written(instance graphclient.Object) string {
	switch d.Kind {
	case choice:
		return strings.TrimPrefix(instance.Text("choiceSettingValue/value"), d.ID+"_")
	case payload:
		value, _ := instance["choiceSettingValue"].(map[string]any)
		for _, child := range graphclient.Object(value).Objects("children") {
			return child.Text("simpleSettingValue/value")
		}
		return ""
	case list:
		var lines []string
		for _, one := range instance.Objects("simpleSettingCollectionValue") {
			lines = append(lines, one.Text("value"))
		}
		return strings.Join(lines, "\n")
	}
	return instance.Text("simpleSettingValue/value")
}

// Say is a value of a preview or of what holds, in words.
func (d definition) Say(c *console.Call, value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []any:
		items := make([]string, len(v))
		for i, one := range v {
			items[i] = fmt.Sprint(one)
		}
		return d.inWords(c, strings.Join(items, "\n"))
	case float64:
		return d.inWords(c, strconv.FormatFloat(v, 'f', -1, 64))
	default:
		return d.inWords(c, fmt.Sprint(v))
	}
}

// inWords is a written value as people read it: the name of an option, or the text itself.
func (d definition) inWords(c *console.Call, written string) string {
	for _, o := range d.Options {
		if d.Kind == choice && o.Value == written {
			return o.Name
		}
	}
	if written == "" {
		return c.Text("devices_empty")
	}
	return strings.ReplaceAll(written, "\n", ", ")
}
