package graph

import (
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/graph/odata"
)

const templateSet = accessSet + "templates"

var templateProperties = names(templateResource(access.Template{}))

// templateResource is t as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/conditionalaccesstemplate
func templateResource(t access.Template) odata.Entity {
	p := t.Policy
	return odata.Entity{
		{Name: "id", Value: t.ID},
		{Name: "name", Value: t.Name},
		{Name: "description", Value: t.Description},
		{Name: "scenarios", Value: t.Scenarios},
		{Name: "details", Value: odata.Entity{
			{Name: "conditions", Value: conditionsResource(p.Conditions)},
			{Name: "grantControls", Value: grantControlsResource(p.Grant, access.BuiltIn())},
			{Name: "sessionControls", Value: sessionControlsResource(p.Session)},
		}},
	}
}

// listTemplates serves GET /identity/conditionalAccess/templates.
func (a *API) listTemplates(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: templateProperties})
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(templateSet, o.Select)}
	for _, t := range access.Templates() {
		page.Value = append(page.Value, templateResource(t).Select(o.Select))
	}
	return odata.WritePage(c.w, page)
}

// getTemplate serves GET /identity/conditionalAccess/templates/{id}.
func (a *API) getTemplate(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: templateProperties})
	if err != nil {
		return err
	}
	id, err := ruleKey(c, access.ErrUnknownTemplate)
	if err != nil {
		return err
	}
	t, err := found(access.Templates(), strings.ToLower(id), func(t access.Template) string { return t.ID }, access.ErrUnknownTemplate)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(templateSet, o.Select), templateResource(t).Select(o.Select))
}
