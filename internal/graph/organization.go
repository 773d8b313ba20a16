package graph

import (
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

var organizationProperties = names(organizationResource(directory.Tenant{}))

// organizationResource is t as Graph shows it.
func organizationResource(t directory.Tenant) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(t.Revision)},
		{Name: "id", Value: t.ID},
		{Name: "deletedDateTime", Value: nil},
		{Name: "createdDateTime", Value: odata.Time(t.CreatedAt)},
		{Name: "displayName", Value: t.DisplayName},
		{Name: "technicalNotificationMails", Value: append([]string{}, t.TechnicalMails...)},
		{Name: "tenantType", Value: "AAD"},
		{Name: "verifiedDomains", Value: each(t.Domains, func(d directory.Domain) odata.Entity {
			return odata.Entity{
				{Name: "capabilities", Value: ""},
				{Name: "isDefault", Value: d.IsDefault},
				{Name: "isInitial", Value: d.IsInitial},
				{Name: "name", Value: d.Name},
				{Name: "type", Value: "Managed"},
			}
		})},
		{Name: "postern_timeZone", Value: t.TimeZone, OnSelect: true},
		{Name: "postern_helpdesk", Value: odata.Entity{
			{Name: "phone", Value: text(t.Helpdesk.Phone)},
			{Name: "hours", Value: text(t.Helpdesk.Hours)},
			{Name: "mail", Value: text(t.Helpdesk.Mail)},
		}, OnSelect: true},
	}
}

// listOrganization serves GET /organization: the caller's own tenant.
func (a *API) listOrganization(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: organizationProperties})
	if err != nil {
		return err
	}
	return odata.WritePage(c.w, odata.Page[odata.Entity]{
		Context: a.root(c).Collection("organization", o.Select), Value: []odata.Entity{organizationResource(c.tenant).Select(o.Select)},
	})
}

// ownTenant refuses every other id than that of the caller's tenant.
func (c *call) ownTenant() error {
	id, err := objectID(c, "id", directory.ErrObjectUnknown)
	if err == nil && id != string(c.tenant.ID) {
		return directory.ErrObjectUnknown
	}
	return err
}

// getOrganization serves GET /organization/{id}.
func (a *API) getOrganization(c *call) error {
	if err := c.ownTenant(); err != nil {
		return err
	}
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: organizationProperties})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("organization", o.Select), organizationResource(c.tenant).Select(o.Select))
}

// patchOrganization serves PATCH /organization/{id}.
func (a *API) patchOrganization(c *call) error {
	if err := c.ownTenant(); err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(c.tenant.Revision)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	old, t := c.tenant, c.tenant
	body.String("displayName", &t.DisplayName)
	body.Strings("technicalNotificationMails", &t.TechnicalMails)
	body.String("postern_timeZone", &t.TimeZone)
	part(body, "postern_helpdesk", &t.Helpdesk, func(o *odata.Object, h *directory.Helpdesk) {
		o.String("phone", &h.Phone)
		o.String("hours", &h.Hours)
		o.String("mail", &h.Mail)
	})
	body.NotKept("assignedPlans", "branding", "businessPhones", "city", "country", "countryLetterCode", "createdDateTime",
		"defaultUsageLocation", "deletedDateTime", "id", "marketingNotificationEmails", "mobileDeviceManagementAuthority",
		"onPremisesLastSyncDateTime", "onPremisesSyncEnabled", "partnerTenantType", "postalCode", "preferredLanguage", "privacyProfile",
		"provisionedPlans", "securityComplianceNotificationMails", "securityComplianceNotificationPhones", "state", "street",
		"tenantType", "verifiedDomains")
	if err := body.Done(); err != nil {
		return err
	}
	t.DisplayName = strings.TrimSpace(t.DisplayName)
	if err := t.Check(); err != nil {
		return err
	}
	e := a.tenantEvent(c, audit.SetCompanyInformation, audit.OperationUpdate, audit.Target{
		ID: string(t.ID), Type: audit.TargetDirectory, DisplayName: t.DisplayName,
		Modified: modified(organizationResource(old), organizationResource(t)),
	})
	if err := a.Store.UpdateTenant(c.ctx(), t, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) tenantEvent(c *call, activity, operation string, targets ...audit.Target) audit.Event {
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryDirectoryManagement, Service: audit.ServiceCoreDirectory,
		Operation: operation, Targets: targets,
	})
}
