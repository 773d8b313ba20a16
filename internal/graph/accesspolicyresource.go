package graph

import (
	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/graph/odata"
)

// accessPolicyResource is p as Graph shows it; a strength that is asked for is shown whole if
// it is among strengths.
// https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy
func accessPolicyResource(p access.Policy, strengths []access.Strength) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(p.Version)},
		{Name: "id", Value: p.ID},
		{Name: "templateId", Value: text(p.TemplateID)},
		{Name: "displayName", Value: p.DisplayName},
		{Name: "createdDateTime", Value: odata.Time(p.CreatedAt)},
		{Name: "modifiedDateTime", Value: odata.Time(p.ModifiedAt)},
		{Name: "state", Value: string(p.State)},
		{Name: "conditions", Value: conditionsResource(p.Conditions)},
		{Name: "grantControls", Value: grantControlsResource(p.Grant, strengths)},
		{Name: "sessionControls", Value: sessionControlsResource(p.Session)},
		{Name: "postern_recoveryExemption", Value: exemptionResource(p.Exemption), OnSelect: true},
	}
}

func conditionsResource(c access.Conditions) odata.Entity {
	return odata.Entity{
		{Name: "userRiskLevels", Value: append([]access.Risk{}, c.UserRisk...)},
		{Name: "signInRiskLevels", Value: append([]access.Risk{}, c.SignInRisk...)},
		{Name: "servicePrincipalRiskLevels", Value: append([]access.Risk{}, c.WorkloadRisk...)},
		{Name: "insiderRiskLevels", Value: nil},
		{Name: "clientAppTypes", Value: list(c.ClientAppTypes)},
		{Name: "platforms", Value: unlessNil(c.Platforms, func(p access.Platforms) any {
			return odata.Entity{{Name: "includePlatforms", Value: list(p.Include)}, {Name: "excludePlatforms", Value: list(p.Exclude)}}
		})},
		{Name: "locations", Value: unlessNil(c.Locations, func(t access.Targets) any {
			return odata.Entity{{Name: "includeLocations", Value: list(t.Include)}, {Name: "excludeLocations", Value: list(t.Exclude)}}
		})},
		{Name: "devices", Value: unlessNil(c.Devices, func(d access.Devices) any {
			return odata.Entity{{Name: "deviceFilter", Value: unlessNil(d.Filter, func(f access.DeviceFilter) any {
				return odata.Entity{{Name: "mode", Value: f.Mode}, {Name: "rule", Value: f.Rule}}
			})}}
		})},
		{Name: "clientApplications", Value: unlessNil(c.Workloads, func(w access.Workloads) any {
			return odata.Entity{{Name: "includeServicePrincipals", Value: list(w.Include)}, {Name: "excludeServicePrincipals", Value: list(w.Exclude)}}
		})},
		{Name: "authenticationFlows", Value: unlessNil(c.Flows, func(f access.Flows) any {
			return odata.Entity{{Name: "transferMethods", Value: f.TransferMethods}}
		})},
		{Name: "applications", Value: odata.Entity{
			{Name: "includeApplications", Value: list(c.Applications.Include)},
			{Name: "excludeApplications", Value: list(c.Applications.Exclude)},
			{Name: "includeUserActions", Value: list(c.Applications.UserActions)},
			{Name: "includeAuthenticationContextClassReferences", Value: list(c.Applications.Contexts)},
		}},
		{Name: "users", Value: odata.Entity{
			{Name: "includeUsers", Value: list(c.Users.IncludeUsers)},
			{Name: "excludeUsers", Value: list(c.Users.ExcludeUsers)},
			{Name: "includeGroups", Value: list(c.Users.IncludeGroups)},
			{Name: "excludeGroups", Value: list(c.Users.ExcludeGroups)},
			{Name: "includeRoles", Value: list(c.Users.IncludeRoles)},
			{Name: "excludeRoles", Value: list(c.Users.ExcludeRoles)},
			{Name: "includeGuestsOrExternalUsers", Value: guestsResource(c.Users.IncludeGuests)},
			{Name: "excludeGuestsOrExternalUsers", Value: guestsResource(c.Users.ExcludeGuests)},
		}},
	}
}

// unlessNil shows what is there, or null.
func unlessNil[T any](v *T, show func(T) any) any {
	if v == nil {
		return nil
	}
	return show(*v)
}

func guestsResource(g *access.GuestTypes) any {
	return unlessNil(g, func(g access.GuestTypes) any {
		return odata.Entity{
			{Name: "guestOrExternalUserTypes", Value: g.Types},
			{Name: "externalTenants", Value: odata.Entity{
				{Name: "@odata.type", Value: "#microsoft.graph.conditionalAccessAllExternalTenants"}, {Name: "membershipKind", Value: "all"},
			}},
		}
	})
}

func grantControlsResource(g *access.Grant, strengths []access.Strength) any {
	return unlessNil(g, func(g access.Grant) any {
		return odata.Entity{
			{Name: "operator", Value: g.Operator},
			{Name: "builtInControls", Value: append([]access.Control{}, g.Controls...)},
			{Name: "customAuthenticationFactors", Value: []string{}},
			{Name: "termsOfUse", Value: []string{}},
			{Name: "authenticationStrength", Value: unlessNil(g.Strength, func(r access.Reference) any {
				s, err := found(strengths, r.ID, strengthID, access.ErrUnknownStrength)
				if err != nil {
					return odata.Entity{{Name: "id", Value: r.ID}}
				}
				return strengthResource(s)[1:] // without its tag
			})},
		}
	})
}

func sessionControlsResource(s *access.SessionControls) any {
	return unlessNil(s, func(s access.SessionControls) any {
		return odata.Entity{
			{Name: "disableResilienceDefaults", Value: nil},
			{Name: "applicationEnforcedRestrictions", Value: nil},
			{Name: "cloudAppSecurity", Value: nil},
			{Name: "signInFrequency", Value: unlessNil(s.Frequency, func(f access.SignInFrequency) any {
				var value, unit any
				if f.Interval != "everyTime" {
					value, unit = f.Value, f.Type
				}
				return odata.Entity{
					{Name: "value", Value: value},
					{Name: "type", Value: unit},
					{Name: "authenticationType", Value: f.Authentication},
					{Name: "frequencyInterval", Value: f.Interval},
					{Name: "isEnabled", Value: f.Enabled},
				}
			})},
			{Name: "persistentBrowser", Value: unlessNil(s.Persistent, func(b access.PersistentBrowser) any {
				return odata.Entity{{Name: "mode", Value: b.Mode}, {Name: "isEnabled", Value: b.Enabled}}
			})},
			{Name: "continuousAccessEvaluation", Value: unlessNil(s.Continuous, func(e access.Continuous) any {
				return odata.Entity{{Name: "mode", Value: e.Mode}}
			})},
		}
	})
}

func exemptionResource(e *access.Exemption) any {
	return unlessNil(e, func(e access.Exemption) any {
		return odata.Entity{
			{Name: "users", Value: list(e.Users)},
			{Name: "groups", Value: list(e.Groups)},
			{Name: "expirationDateTime", Value: odata.Time(e.Until)},
			{Name: "reason", Value: e.Reason},
		}
	})
}
