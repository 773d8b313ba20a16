package graph

import (
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/graph/odata"
)

// configuration begins the names of Intune's types.
// https://learn.microsoft.com/graph/api/resources/intune-deviceconfigv2-devicemanagementconfigurationsettinginstance
const configuration = "#microsoft.graph.deviceManagementConfiguration"

// The kinds of setting instances. A setting that is one text inside a larger payload is a
// choice (off, on) whose child holds the text.
const (
	choiceInstance = configuration + "ChoiceSettingInstance"
	simpleInstance = configuration + "SimpleSettingInstance"
	listInstance   = configuration + "SimpleSettingCollectionInstance"
	groupInstance  = configuration + "GroupSettingCollectionInstance"
)

func instanceType(s devicepolicy.Setting) string {
	switch {
	case isChoice(s):
		return choiceInstance
	case s.Type == devicepolicy.List:
		return listInstance
	}
	return simpleInstance
}

func isChoice(s devicepolicy.Setting) bool {
	return s.Payload != "" || s.Type == devicepolicy.Choice || s.Type == devicepolicy.Bool
}

// optionID is the id of the option of s that v is: in Intune the id of the setting and the value.
func optionID(s devicepolicy.Setting, v devicepolicy.Value) string {
	value := s.Write(v)
	if s.Payload != "" {
		value = map[bool]string{true: "1", false: "0"}[value != ""]
	}
	return s.DefinitionID() + "_" + value
}

// childID is the id of the text inside the payload of s.
func childID(s devicepolicy.Setting) string {
	return s.DefinitionID() + "_" + strings.ToLower(s.Payload)
}

func stringValue(text string) odata.Entity {
	return odata.Entity{{Name: "@odata.type", Value: configuration + "StringSettingValue"}, {Name: "value", Value: text}}
}

// settingInstance is a setting with its value as Intune writes it.
func settingInstance(s devicepolicy.Setting, v devicepolicy.Value) odata.Entity {
	e := odata.Entity{{Name: "@odata.type", Value: instanceType(s)}, {Name: "settingDefinitionId", Value: s.DefinitionID()}}
	switch {
	case isChoice(s):
		children := []odata.Entity{}
		if text := s.Write(v); s.Payload != "" && text != "" {
			children = append(children, odata.Entity{
				{Name: "@odata.type", Value: simpleInstance},
				{Name: "settingDefinitionId", Value: childID(s)},
				{Name: "simpleSettingValue", Value: stringValue(text)},
			})
		}
		return append(e, odata.Property{Name: "choiceSettingValue", Value: odata.Entity{
			{Name: "value", Value: optionID(s, v)}, {Name: "children", Value: children},
		}})
	case s.Type == devicepolicy.List:
		all := []odata.Entity{}
		for _, one := range v.List() {
			all = append(all, stringValue(one))
		}
		return append(e, odata.Property{Name: "simpleSettingCollectionValue", Value: all})
	case s.Type == devicepolicy.Int:
		return append(e, odata.Property{Name: "simpleSettingValue", Value: odata.Entity{
			{Name: "@odata.type", Value: configuration + "IntegerSettingValue"}, {Name: "value", Value: v.Int()},
		}})
	}
	return append(e, odata.Property{Name: "simpleSettingValue", Value: stringValue(v.Text())})
}

// settingResources are the settings of p, in the order of the catalog.
func settingResources(p devicepolicy.Policy) []odata.Entity {
	all := []odata.Entity{}
	for _, s := range devicepolicy.Catalog() {
		if v, ok := p.Settings[s.URI]; ok {
			all = append(all, odata.Entity{
				{Name: "id", Value: fmt.Sprint(len(all))},
				{Name: "settingInstance", Value: settingInstance(s, v)},
			})
		}
	}
	return all
}

// listSettings serves GET /deviceManagement/configurationPolicies/{id}/settings.
func (a *API) listSettings(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	return odata.WritePage(c.w, odata.Page[odata.Entity]{
		Context: a.root(c).Collection(odata.Within(policySet, c.policy.ID, "settings"), nil), Value: settingResources(c.policy),
	})
}

// readSettings replaces the settings of p by those of the body, if it has some.
func readSettings(body *odata.Object, p *devicepolicy.Policy) error {
	if !body.Has("settings") {
		return nil
	}
	p.Settings = map[string]devicepolicy.Value{}
	var first error
	for i, one := range body.Objects("settings") {
		_ = one.Raw("id") // the place in the list
		instance := one.Object("settingInstance")
		if instance == nil {
			return odata.ErrMember.With(fmt.Sprintf("settings[%d].settingInstance", i), "A setting has a settingInstance.")
		}
		if err := readInstance(instance, p.Settings); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// readInstance reads one setting into settings. A group of settings is read as the settings in it.
func readInstance(o *odata.Object, settings map[string]devicepolicy.Value) error {
	var kind, id string
	o.String("@odata.type", &kind)
	o.String("settingDefinitionId", &id)
	o.NotKept("settingInstanceTemplateReference")
	if kind == groupInstance {
		return readGroupInstance(o, settings)
	}
	s, err := devicepolicy.FindDefinition(id)
	if err != nil {
		for _, value := range []string{"choiceSettingValue", "simpleSettingValue", "simpleSettingCollectionValue"} {
			_ = o.Raw(value) // that the setting is unknown is what is wrong
		}
		return err
	}
	if _, twice := settings[s.URI]; twice {
		return devicepolicy.ErrPolicyInvalid.With(id, s.Name+" is there twice.")
	}
	if want := instanceType(s); kind != want {
		return odata.ErrMember.With(id, s.Name+" is a "+want+".")
	}
	v, err := readValue(o, s)
	if err == nil {
		err = s.Check(v)
	}
	settings[s.URI] = v
	return err
}

func readGroupInstance(o *odata.Object, settings map[string]devicepolicy.Value) error {
	for _, group := range o.Objects("groupSettingCollectionValue") {
		group.NotKept("settingValueTemplateReference")
		for _, child := range group.Objects("children") {
			if err := readInstance(child, settings); err != nil {
				return err
			}
		}
	}
	return nil
}

func readValue(o *odata.Object, s devicepolicy.Setting) (devicepolicy.Value, error) {
	switch {
	case isChoice(s):
		return readChoice(o.Object("choiceSettingValue"), s)
	case s.Type == devicepolicy.List:
		items := []string{}
		for _, one := range o.Objects("simpleSettingCollectionValue") {
			items = append(items, simpleText(one))
		}
		return devicepolicy.ListValue(items...), nil
	}
	simple := o.Object("simpleSettingValue")
	switch {
	case simple == nil:
		return devicepolicy.Value{}, odata.ErrMember.With(s.DefinitionID(), s.Name+" has no simpleSettingValue.")
	case s.Type == devicepolicy.Int:
		var n int
		simple.NotKept("settingValueTemplateReference")
		simple.Int("value", &n)
		return devicepolicy.IntValue(int64(n)), nil
	}
	return devicepolicy.TextValue(simpleText(simple)), nil
}

func simpleText(o *odata.Object) (text string) {
	o.NotKept("settingValueTemplateReference")
	o.String("value", &text)
	return text
}

func readChoice(o *odata.Object, s devicepolicy.Setting) (devicepolicy.Value, error) {
	if o == nil {
		return devicepolicy.Value{}, odata.ErrMember.With(s.DefinitionID(), s.Name+" has no choiceSettingValue.")
	}
	var option string
	o.NotKept("settingValueTemplateReference")
	o.String("value", &option)
	children := o.Objects("children")
	value, ok := strings.CutPrefix(option, s.DefinitionID()+"_")
	if !ok {
		return devicepolicy.Value{}, odata.ErrMember.With(s.DefinitionID(), "An option of "+s.Name+" begins with "+s.DefinitionID()+"_.")
	}
	if s.Payload != "" {
		return readPayload(children, s, value)
	}
	if len(children) > 0 {
		return devicepolicy.Value{}, odata.ErrMember.With(s.DefinitionID(), s.Name+" has no children.")
	}
	return s.Read(value)
}

// readPayload reads the choice that stands around a text.
func readPayload(children []*odata.Object, s devicepolicy.Setting, value string) (devicepolicy.Value, error) {
	if value == "0" && len(children) == 0 {
		return s.Read("")
	}
	if value != "1" || len(children) != 1 {
		return devicepolicy.Value{}, odata.ErrMember.With(s.DefinitionID(), s.Name+" is _0, or _1 with one child, "+childID(s)+".")
	}
	var kind, id string
	children[0].String("@odata.type", &kind)
	children[0].String("settingDefinitionId", &id)
	children[0].NotKept("settingInstanceTemplateReference")
	simple := children[0].Object("simpleSettingValue")
	if kind != simpleInstance || id != childID(s) || simple == nil {
		return devicepolicy.Value{}, odata.ErrMember.With(s.DefinitionID(), "The child of "+s.Name+" is a "+simpleInstance+" of "+childID(s)+".")
	}
	return s.Read(simpleText(simple))
}
