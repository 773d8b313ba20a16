package graph

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/graph/odata"
)

const (
	customProfile = "#microsoft.graph.windows10CustomConfiguration"
	profileSet    = "deviceManagement/deviceConfigurations"
)

// profileResource is p as a custom profile: the same settings as OMA-URIs.
// https://learn.microsoft.com/graph/api/resources/intune-deviceconfig-windows10customconfiguration
func profileResource(p devicepolicy.Policy) odata.Entity {
	settings := []odata.Entity{}
	for _, s := range devicepolicy.Catalog() {
		if v, ok := p.Settings[s.URI]; ok {
			settings = append(settings, omaResource(s, s.ToOMA(v, string(p.Tenant))))
		}
	}
	return odata.Entity{
		{Name: "@odata.type", Value: customProfile},
		{Name: "id", Value: p.ID},
		{Name: "createdDateTime", Value: odata.Time(p.CreatedAt)},
		{Name: "lastModifiedDateTime", Value: odata.Time(p.ModifiedAt)},
		{Name: "displayName", Value: p.Name},
		{Name: "description", Value: p.Description},
		{Name: "roleScopeTagIds", Value: list(p.Tags)},
		{Name: "version", Value: max(p.Version, 1)},
		{Name: "omaSettings", Value: settings},
	}
}

func omaResource(s devicepolicy.Setting, o devicepolicy.OMASetting) odata.Entity {
	kind, value := "String", any(o.Value)
	switch o.Format {
	case "int":
		n, _ := strconv.ParseInt(o.Value, 10, 64) // it was a number before
		kind, value = "Integer", n
	case "bool":
		kind, value = "Boolean", o.Value == "true"
	}
	return odata.Entity{
		{Name: "@odata.type", Value: "#microsoft.graph.omaSetting" + kind},
		{Name: "displayName", Value: s.Name},
		{Name: "description", Value: s.Description},
		{Name: "omaUri", Value: o.URI},
		{Name: "isEncrypted", Value: false},
		{Name: "value", Value: value},
	}
}

// getCustomProfile serves GET /deviceManagement/deviceConfigurations/{id}: any device policy
// as a custom profile.
func (a *API) getCustomProfile(c *call) error {
	e := profileResource(c.policy)
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: e.Names()})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(profileSet, o.Select), e.Select(o.Select))
}

// createCustomProfile serves POST /deviceManagement/deviceConfigurations: a custom profile
// becomes a device policy like any other, with the same id on both paths.
// https://learn.microsoft.com/graph/api/intune-deviceconfig-windows10customconfiguration-create
func (a *API) createCustomProfile(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var kind string
	var p devicepolicy.Policy
	body.String("@odata.type", &kind)
	wrong := readProfileMembers(body, string(c.tenant.ID), &p)
	if err := body.Done(); err != nil {
		return err
	}
	if kind != customProfile {
		return odata.ErrMember.With("@odata.type", "The type is "+customProfile+"; other profiles are not there.")
	}
	if wrong != nil {
		return wrong
	}
	if p, err = a.addPolicy(c, p); err != nil {
		return err
	}
	found, err := a.warnings(c, p)
	if err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("deviceManagement", "deviceConfigurations", p.ID), a.root(c).Entity(profileSet, nil),
		append(profileResource(p), odata.Property{Name: warnings, Value: found}))
}

// readProfileMembers reads what a custom profile says into p, but for its type.
func readProfileMembers(body *odata.Object, tenant string, p *devicepolicy.Policy) (wrong error) {
	p.Settings = map[string]devicepolicy.Value{}
	body.String("displayName", &p.Name)
	body.String("description", &p.Description)
	body.Strings("roleScopeTagIds", &p.Tags)
	body.NotKept("id", "createdDateTime", "lastModifiedDateTime", "version", "supportsScopeTags", "deviceManagementApplicabilityRuleOsEdition",
		"deviceManagementApplicabilityRuleOsVersion", "deviceManagementApplicabilityRuleDeviceMode")
	for i, one := range body.Objects("omaSettings") {
		if err := readOMA(one, fmt.Sprintf("omaSettings[%d]", i), tenant, p.Settings); err != nil && wrong == nil {
			wrong = err
		}
	}
	p.Name = strings.TrimSpace(p.Name)
	return wrong
}

// readOMA reads one setting of a custom profile into settings.
func readOMA(o *odata.Object, at, tenant string, settings map[string]devicepolicy.Value) error {
	var kind, displayName, description string
	var encrypted bool
	in := devicepolicy.OMASetting{Format: "chr"}
	o.String("@odata.type", &kind)
	o.String("displayName", &displayName) // the catalog has the names
	o.String("description", &description)
	o.String("omaUri", &in.URI)
	if o.Bool("isEncrypted", &encrypted); encrypted {
		return odata.ErrNotKept.With(at+".isEncrypted", "Encrypted values are not kept here.")
	}
	o.NotKept("secretReferenceValueId", "isReadOnly")
	switch strings.TrimPrefix(kind, "#microsoft.graph.omaSetting") {
	case "Integer":
		var n int
		o.Int("value", &n)
		in.Format, in.Value = "int", strconv.Itoa(n)
	case "Boolean":
		var b bool
		o.Bool("value", &b)
		in.Format, in.Value = "bool", strconv.FormatBool(b)
	case "String":
		o.String("value", &in.Value)
	case "StringXml":
		var fileName, raw string
		o.String("fileName", &fileName)
		o.String("value", &raw)
		xml, err := base64.StdEncoding.DecodeString(raw)
		if err != nil {
			return odata.ErrMember.With(at+".value", at+".value must be Base64.")
		}
		in.Value = string(xml)
	default:
		return odata.ErrMember.With(at, "An OMA-URI setting is an omaSettingInteger, omaSettingBoolean, omaSettingString or omaSettingStringXml.")
	}
	s, v, err := devicepolicy.FromOMA(in, tenant)
	if err != nil {
		return err
	}
	if _, twice := settings[s.URI]; twice {
		return devicepolicy.ErrPolicyInvalid.With(at, s.Name+" is there twice.")
	}
	settings[s.URI] = v
	return nil
}
