package graph

import (
	"cmp"
	"slices"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

// logPage is the page size of logs, the usual and the largest.
const logPage = 1000

// newestFirst is the order of logs unless the caller asks for another.
var newestFirst = []filter.Order{{Property: &filter.Property{Name: "createdDateTime", Type: filter.TypeTime, Column: "at"}, Descending: true}}

const (
	logTime = filter.Ordering | filter.Eq | filter.Sort
	logText = filter.Eq | filter.StartsWith
)

// signInSchema is what sign-ins are filtered by.
// https://learn.microsoft.com/graph/api/resources/signin
var signInSchema = filter.Schema{
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "at", Ops: logTime},
	{Name: "id", Type: filter.TypeString, Column: "id", Ops: filter.Eq},
	{Name: "userId", Type: filter.TypeString, Column: "user_id", Ops: filter.Eq},
	{Name: "userPrincipalName", Type: filter.TypeString, Column: "user_principal_name", Ops: logText},
	{Name: "appId", Type: filter.TypeString, Column: "app_id", Ops: filter.Eq},
	{Name: "ipAddress", Type: filter.TypeString, Column: "ip_address", Ops: logText},
	{Name: "correlationId", Type: filter.TypeString, Column: "correlation_id", Ops: logText},
	{Name: "status/errorCode", Type: filter.TypeInt, Column: "error_code", Ops: filter.Equality},
	{Name: "deviceDetail/deviceId", Type: filter.TypeString, Column: audit.MarkDevice, Ops: filter.Eq},
	{Name: "postern_passId", Type: filter.TypeString, Column: audit.MarkPass, Ops: filter.Eq},
	{Name: "authenticationMethodsUsed", Column: audit.MarkMethod, Elements: filter.Schema{{Type: filter.TypeString, Column: audit.MarkMethod, Ops: filter.Eq}}},
	{Name: "signInEventTypes", Column: "event_type", Elements: filter.Schema{{Type: filter.TypeString, Column: "event_type", Ops: filter.Eq}}},
}

// auditSchema is what changes are filtered by.
// https://learn.microsoft.com/graph/api/resources/directoryaudit
var auditSchema = filter.Schema{
	{Name: "activityDateTime", Type: filter.TypeTime, Column: "at", Ops: logTime},
	{Name: "id", Type: filter.TypeString, Column: "id", Ops: filter.Eq},
	{Name: "activityDisplayName", Type: filter.TypeString, Column: "activity", Ops: logText},
	{Name: "category", Type: filter.TypeString, Column: "category", Ops: filter.Eq},
	{Name: "correlationId", Type: filter.TypeString, Column: "correlation_id", Ops: logText},
	{Name: "initiatedBy/user/id", Type: filter.TypeString, Column: "actor_user_id", Ops: filter.Eq},
	{Name: "targetResources", Column: "event_target", Elements: filter.Schema{
		{Name: "id", Type: filter.TypeString, Column: "target_id", Ops: filter.Eq},
	}},
	{Name: "postern_passId", Type: filter.TypeString, Column: audit.MarkPassChange, Ops: filter.Eq},
	{Name: "result", Type: filter.TypeString, Column: "result", Ops: filter.Eq},
	{Name: "initiatedBy/app/appId", Type: filter.TypeString, Column: "actor_app_id", Ops: filter.Eq},
}

// logProperties are what entries have, those of beta included.
var logProperties = map[audit.Kind][]string{
	audit.KindSignIn:    signInResource(&call{version: "beta"}, audit.Event{SignIn: &audit.SignIn{}}).Names(),
	audit.KindDirectory: auditResource(nil, audit.Event{Change: &audit.Change{}}).Names(),
}

// listSignIns serves GET /auditLogs/signIns.
func (a *API) listSignIns(c *call) error {
	return a.listEvents(c, audit.KindSignIn, "auditLogs/signIns", signInSchema, signInResource)
}

// listAudits serves GET /auditLogs/directoryAudits.
func (a *API) listAudits(c *call) error {
	return a.listEvents(c, audit.KindDirectory, "auditLogs/directoryAudits", auditSchema, auditResource)
}

func (a *API) listEvents(c *call, kind audit.Kind, set string, schema filter.Schema, show func(*call, audit.Event) odata.Entity) error {
	var w wish // logs need no ConsistencyLevel header, whatever is filtered and sorted by
	var err error
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{Properties: logProperties[kind], DefaultTop: logPage, MaxTop: logPage, Filter: true, OrderBy: true}); err != nil {
		return err
	}
	if _, err := w.bind(schema); err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	if len(w.order) == 0 {
		w.order = newestFirst
	}
	found, position, err := a.Store.Events(c.ctx(), c.tenant.ID, kind, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(set, w.options.Select), Value: []odata.Entity{}}
	shown := *c
	if w.options.Select != nil { // what is selected is shown, whatever the version
		shown.version = "beta"
	}
	for _, e := range found {
		page.Value = append(page.Value, show(&shown, e).Select(w.options.Select))
	}
	if page.NextLink, err = a.next(c, w, position); err != nil {
		return err
	}
	return odata.WritePage(c.w, page)
}

// getSignIn serves GET /auditLogs/signIns/{event}.
func (a *API) getSignIn(c *call) error {
	return a.getEvent(c, audit.KindSignIn, "auditLogs/signIns", signInResource)
}

// getAudit serves GET /auditLogs/directoryAudits/{event}.
func (a *API) getAudit(c *call) error {
	return a.getEvent(c, audit.KindDirectory, "auditLogs/directoryAudits", auditResource)
}

func (a *API) getEvent(c *call, kind audit.Kind, set string, show func(*call, audit.Event) odata.Entity) error {
	e, err := a.Store.Event(c.ctx(), c.tenant.ID, kind, c.r.PathValue("event"))
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(set, nil), show(c, e))
}

// riskState says whether somebody should look: nobody takes a risk away here but the person, who
// shows what rules ask for.
func riskState(in *audit.SignIn) string {
	if in.RiskLevel == "" || in.RiskLevel == string(access.RiskNone) {
		return string(access.RiskNone)
	}
	return "atRisk"
}

// signInResource is a sign-in as Graph shows it; beta adds how it was proved.
func signInResource(c *call, e audit.Event) odata.Entity {
	in := e.SignIn
	entity := odata.Entity{
		{Name: "id", Value: e.ID},
		{Name: "createdDateTime", Value: odata.Time(e.At)},
		{Name: "userDisplayName", Value: in.UserDisplayName},
		{Name: "userPrincipalName", Value: in.UserPrincipalName},
		{Name: "userId", Value: in.UserID},
		{Name: "appId", Value: in.AppID},
		{Name: "appDisplayName", Value: in.AppDisplayName},
		{Name: "ipAddress", Value: in.IPAddress},
		{Name: "clientAppUsed", Value: in.ClientAppUsed},
		{Name: "correlationId", Value: e.CorrelationID},
		{Name: "conditionalAccessStatus", Value: cmp.Or(in.ConditionalAccess, "notApplied")},
		{Name: "isInteractive", Value: in.Interactive},
		{Name: "riskDetail", Value: "none"},
		{Name: "riskLevelAggregated", Value: cmp.Or(in.RiskLevel, "none")},
		{Name: "riskLevelDuringSignIn", Value: cmp.Or(in.RiskLevel, "none")},
		{Name: "riskState", Value: riskState(in)},
		{Name: "riskEventTypes", Value: list(in.Risks)},
		{Name: "riskEventTypes_v2", Value: list(in.Risks)},
		{Name: "resourceDisplayName", Value: in.ResourceDisplayName},
		{Name: "resourceId", Value: in.ResourceID},
		{Name: "status", Value: odata.Entity{
			{Name: "errorCode", Value: in.ErrorCode},
			{Name: "failureReason", Value: in.FailureReason},
			{Name: "additionalDetails", Value: in.AdditionalDetails},
		}},
		{Name: "deviceDetail", Value: odata.Entity{
			{Name: "deviceId", Value: in.DeviceID},
			{Name: "displayName", Value: in.DeviceDisplayName},
			{Name: "operatingSystem", Value: in.OperatingSystem},
			{Name: "browser", Value: in.Browser},
			{Name: "isCompliant", Value: in.DeviceCompliant},
			{Name: "isManaged", Value: in.DeviceID != ""},
			{Name: "trustType", Value: in.DeviceTrustType},
		}},
		{Name: "location", Value: locationOf(in)},
		{Name: "appliedConditionalAccessPolicies", Value: appliedPolicies(in)},
	}
	if c.version != "beta" {
		return entity
	}
	details, used := []odata.Entity{}, []string{}
	for _, d := range in.Details {
		if !slices.Contains(used, d.Method) {
			used = append(used, d.Method)
		}
		details = append(details, odata.Entity{
			{Name: "authenticationStepDateTime", Value: odata.Time(d.At)},
			{Name: "authenticationMethod", Value: d.Method},
			{Name: "authenticationMethodDetail", Value: d.Detail},
			{Name: "succeeded", Value: d.Succeeded},
			{Name: "authenticationStepResultDetail", Value: d.ResultDetail},
			{Name: "authenticationStepRequirement", Value: d.Requirement},
		})
	}
	return append(entity, odata.Entity{
		{Name: "authenticationDetails", Value: details},
		{Name: "authenticationMethodsUsed", Value: used},
		{Name: "authenticationProcessingDetails", Value: []string{}},
		{Name: "authenticationContextClassReferences", Value: []string{}},
		{Name: "authenticationRequirement", Value: in.AuthenticationRequirement},
		{Name: "authenticationRequirementPolicies", Value: []string{}},
		{Name: "sessionLifetimePolicies", Value: []string{}},
		{Name: "networkLocationDetails", Value: []string{}},
		{Name: "appliedEventListeners", Value: []string{}},
		{Name: "homeTenantId", Value: c.tenant.ID},
		{Name: "resourceTenantId", Value: c.tenant.ID},
		{Name: "crossTenantAccessType", Value: "none"},
		{Name: "tokenIssuerType", Value: "AzureAD"},
		{Name: "flaggedForReview", Value: false},
		{Name: "isTenantRestricted", Value: false},
		{Name: "authenticationProtocol", Value: in.Protocol},
		{Name: "incomingTokenType", Value: in.IncomingTokenType},
		{Name: "signInEventTypes", Value: []string{in.EventType}},
		{Name: "servicePrincipalId", Value: in.ServicePrincipalID},
		{Name: "servicePrincipalName", Value: in.ServicePrincipalName},
		{Name: "sessionId", Value: in.SessionID},
		{Name: "uniqueTokenIdentifier", Value: in.UniqueTokenID},
		{Name: "userAgent", Value: in.UserAgent},
	}...)
}

// appliedPolicies are the policies of Conditional Access that had something to say, report-only
// ones included.
// https://learn.microsoft.com/graph/api/resources/appliedconditionalaccesspolicy
func appliedPolicies(in *audit.SignIn) []odata.Entity {
	all := []odata.Entity{}
	for _, p := range in.Policies {
		one := odata.Entity{
			{Name: "id", Value: p.ID},
			{Name: "displayName", Value: p.DisplayName},
			{Name: "enforcedGrantControls", Value: append([]string{}, p.Grant...)},
			{Name: "enforcedSessionControls", Value: append([]string{}, p.Session...)},
			{Name: "result", Value: p.Result},
		}
		if p.Note != "" {
			one = append(one, odata.Property{Name: "postern_note", Value: p.Note})
		}
		all = append(all, one)
	}
	return all
}

// locationOf is the location of a sign-in: the country, if a file of countries said one.
func locationOf(in *audit.SignIn) odata.Entity {
	country := odata.Property{Name: "countryOrRegion"}
	if in.Country != "" {
		country.Value = in.Country
	}
	return odata.Entity{
		{Name: "city", Value: nil},
		{Name: "state", Value: nil},
		country,
		{Name: "geoCoordinates", Value: odata.Entity{{Name: "altitude", Value: nil}, {Name: "latitude", Value: nil}, {Name: "longitude", Value: nil}}},
	}
}

// auditResource is a change as Graph shows it.
func auditResource(_ *call, e audit.Event) odata.Entity {
	ch := e.Change
	targets := []odata.Entity{}
	for _, t := range ch.Targets {
		modified := []odata.Entity{}
		for _, m := range t.Modified {
			modified = append(modified, odata.Entity{
				{Name: "displayName", Value: m.DisplayName}, {Name: "oldValue", Value: m.OldValue}, {Name: "newValue", Value: m.NewValue},
			})
		}
		targets = append(targets, odata.Entity{
			{Name: "id", Value: t.ID},
			{Name: "displayName", Value: t.DisplayName},
			{Name: "type", Value: t.Type},
			{Name: "userPrincipalName", Value: t.UserPrincipalName},
			{Name: "groupType", Value: groupTypes[t.Type]},
			{Name: "modifiedProperties", Value: modified},
		})
	}
	details := []odata.Entity{}
	for _, d := range ch.Details {
		details = append(details, odata.Entity{{Name: "key", Value: d.Key}, {Name: "value", Value: d.Value}})
	}
	return odata.Entity{
		{Name: "id", Value: e.ID},
		{Name: "category", Value: ch.Category},
		{Name: "correlationId", Value: e.CorrelationID},
		{Name: "result", Value: ch.Result},
		{Name: "resultReason", Value: ch.ResultReason},
		{Name: "activityDisplayName", Value: ch.Activity},
		{Name: "activityDateTime", Value: odata.Time(e.At)},
		{Name: "loggedByService", Value: ch.Service},
		{Name: "operationType", Value: ch.Operation},
		{Name: "initiatedBy", Value: actorResource(ch.By)},
		{Name: "targetResources", Value: targets},
		{Name: "additionalDetails", Value: details},
	}
}

// groupTypes are the groupType of targets: groups here are security groups.
var groupTypes = map[string]any{audit.TargetGroup: "azureAD"}

func actorResource(by audit.Actor) odata.Entity {
	user, app := odata.Property{Name: "user"}, odata.Property{Name: "app"}
	if u := by.User; u != nil {
		user.Value = odata.Entity{
			{Name: "id", Value: u.ID},
			{Name: "displayName", Value: u.DisplayName},
			{Name: "userPrincipalName", Value: u.UserPrincipalName},
			{Name: "ipAddress", Value: u.IPAddress},
		}
	}
	if a := by.App; a != nil {
		app.Value = odata.Entity{
			{Name: "appId", Value: a.AppID},
			{Name: "displayName", Value: a.DisplayName},
			{Name: "servicePrincipalId", Value: a.ServicePrincipalID},
			{Name: "servicePrincipalName", Value: a.ServicePrincipalName},
		}
	}
	return odata.Entity{user, app}
}
