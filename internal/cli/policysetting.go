package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// Intune's types of settings.
const (
	configuration = "#microsoft.graph.deviceManagementConfiguration"
	choiceSetting = configuration + "ChoiceSetting"
	listSetting   = configuration + "SimpleSettingCollection"
	simpleSetting = configuration + "SimpleSetting"
)

// settings is the catalog of the server.
type settings []graphclient.Object

func (e *env) catalog() (settings, error) {
	return collect(e.graph.SettingDefinitions(e.command.Context()), 0)
}

func settingURI(definition graphclient.Object) string {
	return definition.Text("baseUri") + strings.ReplaceAll(definition.Text("offsetUri"), "{0}", "{TenantId}")
}

// find returns the setting that name means: its URI or the end of it, or its id.
func (all settings) find(name string) (graphclient.Object, error) {
	wanted := "/" + strings.ToLower(strings.TrimPrefix(name, "./"))
	var found []graphclient.Object
	for _, d := range all {
		if strings.HasSuffix(strings.ToLower(settingURI(d)), wanted) || strings.EqualFold(d.Text("id"), name) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return nil, program.Usagef("There is no setting %q. `postern policy device settings` lists them.", name)
	case 1:
		return found[0], nil
	}
	return nil, program.Usagef("More than one setting ends in %q, such as %s and %s.", name, settingURI(found[0]), settingURI(found[1]))
}

// named returns the definition with an id, or an empty one.
func (all settings) named(id string) graphclient.Object {
	i := slices.IndexFunc(all, func(d graphclient.Object) bool { return d.Text("id") == id })
	if i < 0 {
		return graphclient.Object{}
	}
	return all[i]
}

// values reads arguments such as EnableWebSignIn=on; what has nothing after the sign is not
// set any more, which is nil.
func (all settings) values(args []string) (map[string]graphclient.Object, error) {
	out := map[string]graphclient.Object{}
	for _, one := range args {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, program.Usagef("Write %.60q as a setting with its value, such as EnableWebSignIn=on.", one)
		}
		d, err := all.find(name)
		if err != nil {
			return nil, err
		}
		id := d.Text("id")
		if _, twice := out[id]; twice {
			return nil, program.Usagef("The setting %.60q comes twice.", name)
		}
		out[id] = nil
		if value != "" {
			if out[id], err = instance(d, value); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// instance is a setting with a value, as Graph takes it.
func instance(d graphclient.Object, value string) (graphclient.Object, error) {
	kind := strings.TrimSuffix(d.Text("@odata.type"), "Definition")
	in := graphclient.Object{"@odata.type": kind + "Instance", "settingDefinitionId": d.Text("id")}
	switch kind {
	case choiceSetting:
		choice, err := choose(d, value)
		in["choiceSettingValue"] = choice
		return in, err
	case listSetting:
		items := []graphclient.Object{}
		for _, one := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' }) {
			items = append(items, textValue(strings.TrimSpace(one)))
		}
		in["simpleSettingCollectionValue"] = items
		return in, nil
	}
	in["simpleSettingValue"] = textValue(value)
	if d["valueDefinition"] != nil {
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, program.Usagef("%s is a whole number.", d.Text("displayName"))
		}
		in["simpleSettingValue"] = graphclient.Object{"@odata.type": configuration + "IntegerSettingValue", "value": n}
	}
	return in, nil
}

func textValue(text string) graphclient.Object {
	return graphclient.Object{"@odata.type": configuration + "StringSettingValue", "value": text}
}

// choose returns the option that value means, by its value or its name. A setting whose
// option has a child is a text: value is what the child holds.
func choose(d graphclient.Object, value string) (graphclient.Object, error) {
	var names []string
	for _, o := range d.Objects("options") {
		short := strings.TrimPrefix(o.Text("itemId"), d.Text("id")+"_")
		if on := o.Objects("dependedOnBy"); len(on) > 0 {
			return graphclient.Object{"value": o.Text("itemId"), "children": []graphclient.Object{{
				"@odata.type": simpleSetting + "Instance", "settingDefinitionId": on[0].Text("dependedOnBy"), "simpleSettingValue": textValue(value),
			}}}, nil
		}
		if strings.EqualFold(short, value) || strings.EqualFold(o.Text("displayName"), value) {
			return graphclient.Object{"value": o.Text("itemId"), "children": []graphclient.Object{}}, nil
		}
		names = append(names, short+" ("+o.Text("displayName")+")")
	}
	return nil, program.Usagef("%s is one of %s.", d.Text("displayName"), strings.Join(names, ", "))
}

// shown is the value of an instance in words.
func (all settings) shown(in graphclient.Object) string {
	d := all.named(in.Text("settingDefinitionId"))
	if items := in.Objects("simpleSettingCollectionValue"); len(items) > 0 {
		var texts []string
		for _, one := range items {
			texts = append(texts, one.Text("value"))
		}
		return strings.Join(texts, ", ")
	}
	chosen, _ := in["choiceSettingValue"].(map[string]any)
	if chosen == nil {
		return in.Text("simpleSettingValue/value")
	}
	if children := graphclient.Object(chosen).Objects("children"); len(children) > 0 {
		return children[0].Text("simpleSettingValue/value")
	}
	for _, o := range d.Objects("options") {
		if o.Text("itemId") == graphclient.Object(chosen).Text("value") {
			short := strings.TrimPrefix(o.Text("itemId"), d.Text("id")+"_")
			if _, err := strconv.Atoi(short); err != nil {
				return short
			}
			return short + " (" + o.Text("displayName") + ")"
		}
	}
	return graphclient.Object(chosen).Text("value")
}
