package graph

import (
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/graph/odata"
)

const definitionSet = "deviceManagement/configurationSettings"

var settingDefinitionProperties = settingDefinitionNames()

// settingDefinitionNames are the properties of all kinds of definitions.
func settingDefinitionNames() []string {
	var whole odata.Entity
	for _, s := range devicepolicy.Catalog() {
		whole = append(whole, settingDefinition(s)...)
	}
	return names(whole)
}

// settingDefinition is a setting of the catalog as Intune shows it.
// https://learn.microsoft.com/graph/api/resources/intune-deviceconfigv2-devicemanagementconfigurationsettingdefinition
func settingDefinition(s devicepolicy.Setting) odata.Entity {
	base, offset := splitURI(s.URI)
	platforms := make([]string, len(s.Platforms))
	for i, p := range s.Platforms {
		platforms[i] = string(p)
	}
	e := odata.Entity{
		{Name: "@odata.type", Value: strings.Replace(instanceType(s), "Instance", "Definition", 1)},
		{Name: "id", Value: s.DefinitionID()},
		{Name: "name", Value: s.URI[strings.LastIndexByte(s.URI, '/')+1:]},
		{Name: "displayName", Value: s.Name},
		{Name: "description", Value: s.Description},
		{Name: "baseUri", Value: base},
		{Name: "offsetUri", Value: offset},
		{Name: "rootDefinitionId", Value: s.DefinitionID()},
		{Name: "accessTypes", Value: "add,delete,get,replace"},
		{Name: "settingUsage", Value: "configuration"},
		{Name: "visibility", Value: "settingsCatalog"},
		{Name: "occurrence", Value: odata.Entity{{Name: "minDeviceOccurrence", Value: 0}, {Name: "maxDeviceOccurrence", Value: 1}}},
		{Name: "applicability", Value: odata.Entity{
			{Name: "@odata.type", Value: configuration + "SettingApplicability"},
			{Name: "platform", Value: strings.Join(platforms, ",")},
			{Name: "technologies", Value: "mdm"},
			{Name: "deviceMode", Value: "none"},
		}},
		{Name: "postern_category", Value: s.Category, OnSelect: true},
		{Name: "postern_lockScreen", Value: s.LockScreen, OnSelect: true},
		{Name: "postern_user", Value: s.User, OnSelect: true},
	}
	return append(e, valuesOf(s)...)
}

// splitURI parts the node of a provider from what lies below it; {0} stands for the tenant.
func splitURI(uri string) (base, offset string) {
	parts := strings.Split(uri, "/") // ., Device, Vendor, MSFT, provider, …
	n := 5
	if parts[3] != "MSFT" {
		n = 4
	}
	return strings.Join(parts[:n], "/"), "/" + strings.ReplaceAll(strings.Join(parts[n:], "/"), "{TenantId}", "{0}")
}

// valuesOf is what s can be set to.
func valuesOf(s devicepolicy.Setting) odata.Entity {
	switch {
	case isChoice(s):
		return odata.Entity{
			{Name: "defaultOptionId", Value: optionID(s, s.Default)},
			{Name: "options", Value: options(s)},
		}
	case s.Type == devicepolicy.Int:
		return odata.Entity{
			{Name: "defaultValue", Value: odata.Entity{
				{Name: "@odata.type", Value: configuration + "IntegerSettingValue"}, {Name: "value", Value: s.Default.Int()},
			}},
			{Name: "valueDefinition", Value: odata.Entity{
				{Name: "@odata.type", Value: configuration + "IntegerSettingValueDefinition"},
				{Name: "minimumValue", Value: s.Min},
				{Name: "maximumValue", Value: s.Max},
			}},
		}
	case s.Type == devicepolicy.List:
		return odata.Entity{
			{Name: "defaultValue", Value: stringValue(s.Write(s.Default))},
			{Name: "maximumCount", Value: devicepolicy.MaxItems},
			{Name: "minimumCount", Value: 0},
		}
	}
	return odata.Entity{{Name: "defaultValue", Value: stringValue(s.Default.Text())}}
}

func options(s devicepolicy.Setting) []odata.Entity {
	switch {
	case s.Payload != "":
		on := option(s, "1", "Enabled")
		on[len(on)-1].Value = []odata.Entity{{{Name: "dependedOnBy", Value: childID(s)}, {Name: "required", Value: true}}}
		return []odata.Entity{option(s, "0", "Disabled"), on}
	case s.Type == devicepolicy.Bool:
		return []odata.Entity{option(s, "false", "No"), option(s, "true", "Yes")}
	}
	var all []odata.Entity
	for _, o := range s.Options {
		all = append(all, option(s, fmt.Sprint(o.Value), o.Name))
	}
	return all
}

func option(s devicepolicy.Setting, value, name string) odata.Entity {
	var v any = value
	kind := "StringSettingValue"
	if s.Type == devicepolicy.Choice {
		var n int
		_, _ = fmt.Sscan(value, &n) // it was a number before
		v, kind = n, "IntegerSettingValue"
	}
	return odata.Entity{
		{Name: "itemId", Value: s.DefinitionID() + "_" + value},
		{Name: "name", Value: name},
		{Name: "displayName", Value: name},
		{Name: "optionValue", Value: odata.Entity{{Name: "@odata.type", Value: configuration + kind}, {Name: "value", Value: v}}},
		{Name: "dependentOn", Value: []string{}},
		{Name: "dependedOnBy", Value: []odata.Entity{}},
	}
}

// listSettingDefinitions serves GET /deviceManagement/configurationSettings, on one page.
func (a *API) listSettingDefinitions(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: settingDefinitionProperties})
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(definitionSet, o.Select)}
	for _, s := range devicepolicy.Catalog() {
		page.Value = append(page.Value, settingDefinition(s).Select(o.Select))
	}
	return odata.WritePage(c.w, page)
}

// getSettingDefinition serves GET /deviceManagement/configurationSettings/{id}.
func (a *API) getSettingDefinition(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: settingDefinitionProperties})
	if err != nil {
		return err
	}
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	s, err := devicepolicy.FindDefinition(key.Value)
	if err != nil {
		return ErrPath
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(definitionSet, o.Select), settingDefinition(s).Select(o.Select))
}
