package graph

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

const microsecond = time.Microsecond // what the store keeps

// readAccessPolicy reads what the body says about p, and whether the caller insists.
func readAccessPolicy(c *call, p *access.Policy) (force bool, err error) {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return false, err
	}
	force = forced(c, body)
	readPolicyOfAccess(body, p)
	return force, body.Done()
}

// readPolicyOfAccess reads a conditionalAccessPolicy. What can't be written is read over, so
// that what was read can be sent back.
func readPolicyOfAccess(body *odata.Object, p *access.Policy) {
	for _, readOnly := range []string{"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "description"} {
		_ = body.Raw(readOnly)
	}
	body.String("templateId", &p.TemplateID)
	body.String("displayName", &p.DisplayName)
	p.DisplayName = strings.TrimSpace(p.DisplayName)
	state := string(p.State)
	body.String("state", &state)
	p.State = access.State(state)
	part(body, "conditions", &p.Conditions, readConditions)
	optional(body, "grantControls", &p.Grant, readGrant)
	optional(body, "sessionControls", &p.Session, readSessionControls)
	optional(body, "postern_recoveryExemption", &p.Exemption, readExemption)
}

// optional reads an object that may be missing; null is none.
func optional[T any](body *odata.Object, name string, into **T, read func(*odata.Object, *T)) {
	if body.IsNull(name) {
		*into = nil
	}
	o := body.Object(name)
	if o == nil {
		return
	}
	one := new(T)
	if *into != nil {
		*one = **into
	}
	read(o, one)
	*into = one
}

// noneOf refuses members of Graph's that have a value and are not enforced here: a rule that is
// kept and does nothing would be worse than none. Empty lists and false are as good as nothing.
func noneOf(o *odata.Object, names ...string) {
	for _, name := range names {
		switch string(o.Raw(name)) {
		case "[]", "false", `""`:
		default:
			o.NotKept(name)
		}
	}
}

func readConditions(o *odata.Object, c *access.Conditions) {
	o.Strings("clientAppTypes", &c.ClientAppTypes)
	part(o, "users", &c.Users, readAccessUsers)
	optional(o, "clientApplications", &c.Workloads, func(o *odata.Object, w *access.Workloads) {
		ids(o, "includeServicePrincipals", &w.Include)
		ids(o, "excludeServicePrincipals", &w.Exclude)
		noneOf(o, "servicePrincipalFilter", "includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals", "agentIdServicePrincipalFilter")
	})
	part(o, "applications", &c.Applications, func(o *odata.Object, a *access.Applications) {
		ids(o, "includeApplications", &a.Include)
		ids(o, "excludeApplications", &a.Exclude)
		o.Strings("includeUserActions", &a.UserActions)
		o.Strings("includeAuthenticationContextClassReferences", &a.Contexts)
		noneOf(o, "applicationFilter", "networkAccess", "globalSecureAccess")
	})
	optional(o, "locations", &c.Locations, func(o *odata.Object, t *access.Targets) {
		ids(o, "includeLocations", &t.Include)
		ids(o, "excludeLocations", &t.Exclude)
	})
	optional(o, "platforms", &c.Platforms, func(o *odata.Object, p *access.Platforms) {
		o.Strings("includePlatforms", &p.Include)
		o.Strings("excludePlatforms", &p.Exclude)
	})
	optional(o, "devices", &c.Devices, func(o *odata.Object, d *access.Devices) {
		noneOf(o, "includeDevices", "excludeDevices", "includeDeviceStates", "excludeDeviceStates")
		optional(o, "deviceFilter", &d.Filter, func(o *odata.Object, f *access.DeviceFilter) {
			o.String("mode", &f.Mode)
			o.String("rule", &f.Rule)
		})
	})
	risks(o, "userRiskLevels", &c.UserRisk)
	risks(o, "signInRiskLevels", &c.SignInRisk)
	optional(o, "authenticationFlows", &c.Flows, func(o *odata.Object, f *access.Flows) { o.String("transferMethods", &f.TransferMethods) })
	risks(o, "servicePrincipalRiskLevels", &c.WorkloadRisk)
	noneOf(o, "insiderRiskLevels", "agentIdRiskLevels", "times", "deviceStates", "clients")
}

func readAccessUsers(o *odata.Object, u *access.Users) {
	ids(o, "includeUsers", &u.IncludeUsers)
	ids(o, "excludeUsers", &u.ExcludeUsers)
	ids(o, "includeGroups", &u.IncludeGroups)
	ids(o, "excludeGroups", &u.ExcludeGroups)
	ids(o, "includeRoles", &u.IncludeRoles)
	ids(o, "excludeRoles", &u.ExcludeRoles)
	optional(o, "includeGuestsOrExternalUsers", &u.IncludeGuests, readGuests)
	optional(o, "excludeGuestsOrExternalUsers", &u.ExcludeGuests, readGuests)
}

func readGuests(o *odata.Object, g *access.GuestTypes) {
	o.String("guestOrExternalUserTypes", &g.Types)
	if tenants := o.Object("externalTenants"); tenants != nil { // all of them is what is here
		var kind string
		tenants.String("membershipKind", &kind)
		if kind != "" && kind != "all" {
			o.NotKept("externalTenants")
		}
	}
}

// ids reads ids, which are kept in lower case, and words that stand for many, which stay.
func ids(o *odata.Object, name string, into *[]string) {
	o.Strings(name, into)
	for i, one := range *into {
		if directory.IsID(one) {
			(*into)[i] = strings.ToLower(one)
		}
	}
}

func risks(o *odata.Object, name string, into *[]access.Risk) {
	if o.Has(name) {
		var all []string
		o.Strings(name, &all)
		*into = idsOf[access.Risk](all)
	}
}

func readGrant(o *odata.Object, g *access.Grant) {
	o.String("operator", &g.Operator)
	if o.Has("builtInControls") {
		var all []string
		o.Strings("builtInControls", &all)
		g.Controls = make([]access.Control, len(all))
		for i, one := range all {
			g.Controls[i] = access.Control(one)
		}
	}
	noneOf(o, "customAuthenticationFactors", "termsOfUse")
	readStrengthReference(o, g)
}

// readStrengthReference reads which strength is asked for: by its id, with whatever else Graph
// shows of it, or as a link.
func readStrengthReference(o *odata.Object, g *access.Grant) {
	if o.IsNull("authenticationStrength") {
		g.Strength = nil
	}
	const bind = "authenticationStrength@odata.bind"
	if o.Has(bind) {
		var link string
		o.String(bind, &link)
		id := strings.Trim(link[strings.LastIndexByte(link, '/')+1:], "'()")
		if at := strings.LastIndex(id, "('"); at >= 0 {
			id = id[at+2:]
		}
		g.Strength = &access.Reference{ID: strings.ToLower(id)}
	}
	raw := o.Raw("authenticationStrength")
	if raw == nil || o.IsNull("authenticationStrength") {
		return
	}
	var s struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &s) != nil || s.ID == "" {
		var wrong string
		o.Object("authenticationStrength").String("id", &wrong)
	}
	g.Strength = &access.Reference{ID: strings.ToLower(s.ID)}
}

func readSessionControls(o *odata.Object, s *access.SessionControls) {
	optional(o, "signInFrequency", &s.Frequency, func(o *odata.Object, f *access.SignInFrequency) {
		if !o.IsNull("value") {
			o.Int("value", &f.Value)
		}
		o.String("type", &f.Type)
		o.String("frequencyInterval", &f.Interval)
		o.String("authenticationType", &f.Authentication)
		f.Enabled = true
		o.Bool("isEnabled", &f.Enabled)
		if f.Interval == "" {
			f.Interval = "timeBased"
		}
		if f.Authentication == "" {
			f.Authentication = "primaryAndSecondaryAuthentication"
		}
	})
	optional(o, "persistentBrowser", &s.Persistent, func(o *odata.Object, b *access.PersistentBrowser) {
		o.String("mode", &b.Mode)
		b.Enabled = true
		o.Bool("isEnabled", &b.Enabled)
	})
	optional(o, "continuousAccessEvaluation", &s.Continuous, func(o *odata.Object, e *access.Continuous) { o.String("mode", &e.Mode) })
	noneOf(o, "applicationEnforcedRestrictions", "cloudAppSecurity", "disableResilienceDefaults", "secureSignInSession", "globalSecureAccessFilteringProfile")
}

func readExemption(o *odata.Object, e *access.Exemption) {
	ids(o, "users", &e.Users)
	ids(o, "groups", &e.Groups)
	o.Time("expirationDateTime", &e.Until)
	o.String("reason", &e.Reason)
}
