package graph

import (
	"errors"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/graph/odata"
)

// previewDevicePolicy serves POST /postern/devicePolicies/preview?of=…: what would be stored,
// what of it would change and what is unlikely to be meant, without storing anything. The body
// is a configuration policy or a custom profile, with assignments if they are to be others; with
// ?of= it changes that policy as PATCH does.
func (a *API) previewDevicePolicy(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	var old devicepolicy.Policy
	if of := c.r.URL.Query().Get("of"); of != "" {
		var err error
		if old, err = a.Store.DevicePolicy(c.ctx(), c.tenant.ID, of); err != nil {
			return err
		}
	}
	p := old
	if err := readPreview(c, &p); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	if err := a.groupsExist(c, p); err != nil {
		return err
	}
	if p.CreatedAt.IsZero() {
		p.Tenant, p.CreatedAt = c.tenant.ID, a.Now().UTC()
	}
	found, err := a.warnings(c, p)
	if err != nil {
		return err
	}
	return odata.WriteJSON(c.w, 200, odata.Entity{
		{Name: "@odata.context", Value: a.root(c).Collection("postern/devicePolicies/preview", nil)},
		{Name: "id", Value: text(old.ID)},
		{Name: "name", Value: p.Name},
		{Name: "description", Value: p.Description},
		{Name: "platforms", Value: first(p.Platforms, "none")},
		{Name: "roleScopeTagIds", Value: list(p.Tags)},
		{Name: "settings", Value: settingResources(p)},
		{Name: "assignments", Value: assignmentsOf(p)},
		{Name: "changes", Value: settingChanges(old, p)},
		{Name: warnings, Value: found},
	})
}

// readPreview reads a policy in either form into p.
func readPreview(c *call, p *devicepolicy.Policy) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	kind := ""
	body.String("@odata.type", &kind)
	var wrong error
	check := func() error { return nil }
	if kind == customProfile {
		wrong = readProfileMembers(body, string(c.tenant.ID), p)
	} else {
		check, wrong = readPolicyMembers(body, p)
	}
	if body.Has("assignments") {
		wrong = errors.Join(wrong, readAssignments(body, p))
	}
	return errors.Join(body.Done(), wrong, check())
}

// settingChanges are the settings in which p differs from old; null is not set.
func settingChanges(old, p devicepolicy.Policy) []odata.Entity {
	all := []odata.Entity{}
	for _, s := range devicepolicy.Catalog() {
		now, then := old.Settings[s.URI], p.Settings[s.URI]
		if now.IsSet() == then.IsSet() && (!now.IsSet() || now.Equal(then)) {
			continue
		}
		all = append(all, odata.Entity{
			{Name: "settingDefinitionId", Value: s.DefinitionID()},
			{Name: "displayName", Value: s.Name},
			{Name: "now", Value: valueOrNull(now)},
			{Name: "then", Value: valueOrNull(then)},
		})
	}
	return all
}

func valueOrNull(v devicepolicy.Value) any {
	if !v.IsSet() {
		return nil
	}
	return v
}
