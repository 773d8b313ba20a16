package graph

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// userSchema is what users are found by: what has an index. docs/graph.md lists it.
var userSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "userPrincipalName", Type: filter.TypeString, Column: "user_principal_name", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "displayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "givenName", Type: filter.TypeString, Column: "given_name", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "surname", Type: filter.TypeString, Column: "surname", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "mail", Type: filter.TypeString, Column: "mail", Ops: filter.Equality | filter.StartsWith | filter.Search | filter.Sort},
	{Name: "mailNickname", Type: filter.TypeString, Column: "mail_nickname", Ops: filter.Equality | filter.StartsWith},
	{Name: "employeeId", Type: filter.TypeString, Column: "employee_id", Ops: filter.Equality | filter.StartsWith | filter.Search},
	{Name: "department", Type: filter.TypeString, Column: "department", Ops: filter.Equality | filter.StartsWith},
	{Name: "jobTitle", Type: filter.TypeString, Column: "job_title", Ops: filter.Equality | filter.StartsWith},
	{Name: "userType", Type: filter.TypeString, Column: "user_type", Ops: filter.Equality},
	{Name: "accountEnabled", Type: filter.TypeBool, Column: "account_enabled", Ops: filter.Equality},
	{Name: "onPremisesSyncEnabled", Type: filter.TypeBool, Column: "on_premises_sync", Ops: filter.Equality},
	{Name: "employeeHireDate", Type: filter.TypeTime, Column: "employee_hire_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "created_at", Ops: filter.Equality | filter.Ordering | filter.Sort},
}

// basicProperties are what User.ReadBasic.All lets an application read.
var basicProperties = []string{"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"}

var userProperties = names(userResource(directory.User{}))

// leaveDate is told to fewer than the rest of a profile; for the others it is null, as in Graph.
const leaveDate = "employeeLeaveDateTime"

// userResource is u as the caller may see it who may see the rest of them.
func (c *call) userResource(u directory.User) odata.Entity {
	if directory.May(c.caller, directory.ReadLeaveDate, directory.Target{}) != nil {
		return userResource(u)
	}
	return wholeUser(u)
}

// wholeUser is u with the date that not everybody is told.
func wholeUser(u directory.User) odata.Entity {
	e := userResource(u)
	e[slices.IndexFunc(e, func(p odata.Property) bool { return p.Name == leaveDate })].Value = odata.Time(u.EmployeeLeaveDateTime)
	return e
}

// userResource is u as Graph shows it, without their leave date.
func userResource(u directory.User) odata.Entity {
	hidden := func(name string, value any) odata.Property {
		return odata.Property{Name: name, Value: value, OnSelect: true}
	}
	return odata.Entity{
		{Name: "id", Value: u.ID},
		{Name: "businessPhones", Value: list(u.BusinessPhones)},
		{Name: "displayName", Value: text(u.DisplayName)},
		{Name: "givenName", Value: text(u.GivenName)},
		{Name: "jobTitle", Value: text(u.JobTitle)},
		{Name: "mail", Value: text(u.Mail)},
		{Name: "mobilePhone", Value: text(u.MobilePhone)},
		{Name: "officeLocation", Value: text(u.OfficeLocation)},
		{Name: "preferredLanguage", Value: text(u.PreferredLanguage)},
		{Name: "surname", Value: text(u.Surname)},
		{Name: "userPrincipalName", Value: text(u.UserPrincipalName)},
		hidden("accountEnabled", u.AccountEnabled),
		hidden("ageGroup", text(u.AgeGroup)),
		hidden("city", text(u.City)),
		hidden("companyName", text(u.CompanyName)),
		hidden("country", text(u.Country)),
		hidden("createdDateTime", odata.Time(u.CreatedDateTime)),
		hidden("creationType", text(u.CreationType)),
		hidden("deletedDateTime", nil),
		hidden("department", text(u.Department)),
		hidden("employeeHireDate", odata.Time(u.EmployeeHireDate)),
		hidden("employeeId", text(u.EmployeeID)),
		hidden(leaveDate, nil),
		hidden("employeeOrgData", orgDataResource(u)),
		hidden("employeeType", text(u.EmployeeType)),
		hidden("externalUserState", text(u.ExternalUserState)),
		hidden("faxNumber", text(u.FaxNumber)),
		hidden("identities", append([]directory.Identity{}, u.Identities...)),
		hidden("mailNickname", text(u.MailNickname)),
		hidden("onPremisesDistinguishedName", text(u.OnPremisesDistinguishedName)),
		hidden("onPremisesDomainName", text(u.OnPremisesDomainName)),
		hidden("onPremisesImmutableId", text(u.OnPremisesImmutableID)),
		hidden("onPremisesLastSyncDateTime", odata.Time(u.OnPremisesLastSyncDateTime)),
		hidden("onPremisesSamAccountName", text(u.OnPremisesSamAccountName)),
		hidden("onPremisesSecurityIdentifier", text(u.OnPremisesSecurityIdentifier)),
		hidden("onPremisesSyncEnabled", u.OnPremisesSyncEnabled),
		hidden("onPremisesUserPrincipalName", text(u.OnPremisesUserPrincipalName)),
		hidden("otherMails", list(u.OtherMails)),
		hidden("passwordProfile", nil),
		hidden("postalCode", text(u.PostalCode)),
		hidden("signInSessionsValidFromDateTime", odata.Time(u.SessionsValidFrom)),
		hidden("state", text(u.State)),
		hidden("streetAddress", text(u.StreetAddress)),
		hidden("usageLocation", text(u.UsageLocation)),
		hidden("userType", text(u.UserType)),
		hidden("postern_externalId", text(u.ExternalID)),
		hidden("postern_source", text(string(u.Source))),
	}
}

// text is null when nothing is set.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list(s []string) []string { return append([]string{}, s...) } // never null

// readable returns what of users the caller may read: everything, or the basic properties.
func (c *call) readable() (properties []string, schema filter.Schema) {
	if directory.May(c.caller, directory.ReadUser, c.target) == nil {
		return userProperties, userSchema
	}
	for _, p := range userSchema {
		if slices.Contains(basicProperties, p.Name) {
			schema = append(schema, p)
		}
	}
	return basicProperties, schema
}

// only leaves the named properties of e.
func only(e odata.Entity, properties []string) odata.Entity {
	return slices.DeleteFunc(e, func(p odata.Property) bool { return !slices.Contains(properties, p.Name) })
}

// listUsers serves GET /users. https://learn.microsoft.com/graph/api/user-list
func (a *API) listUsers(c *call) error {
	properties, schema := c.readable()
	allow := odata.Allow{
		Properties: properties, DefaultTop: usualPage, MaxTop: largestPage,
		Filter: true, OrderBy: true, Search: true, Count: true,
	}
	if len(properties) == len(userProperties) {
		allow.Expand = map[string][]string{"manager": userProperties}
		allow.Properties = append(slices.Clone(properties), waysBack)
	}
	w, err := a.wish(c, allow, schema)
	if err != nil {
		return err
	}
	found, position, err := a.Store.Users(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	managers, err := a.managers(c, w.options, found)
	if err != nil {
		return err
	}
	var counted map[directory.UserID]any
	if slices.Contains(w.options.Select, waysBack) {
		if counted, err = a.waysBackOf(c, found); err != nil {
			return err
		}
	}
	count := func(match []filter.Bound) (int, error) { return a.Store.CountUsers(c.ctx(), c.tenant.ID, match) }
	return writeList(a, c, w, "users", found, position, count, func(u directory.User) odata.Entity {
		e := append(only(c.userResource(u), properties), managers[u.ID]...)
		return append(e, odata.Property{Name: waysBack, Value: counted[u.ID], OnSelect: true})
	})
}

// managers returns what $expand=manager adds to each of users.
func (a *API) managers(c *call, o odata.Options, users []directory.User) (map[directory.UserID]odata.Entity, error) {
	if len(o.Expand) == 0 {
		return nil, nil
	}
	all := map[directory.UserID]odata.Entity{}
	for _, u := range users {
		if u.Manager == "" {
			continue
		}
		m, err := a.object(c, directory.Ref{Kind: directory.KindUser, ID: string(u.Manager)})
		if errors.Is(err, directory.ErrUserUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		shown := m.Select(o.Expand[0].Select)
		all[u.ID] = odata.Entity{{Name: "manager", Value: shown}}
	}
	return all, nil
}

// countUsers serves GET /users/$count.
func (a *API) countUsers(c *call) error {
	_, schema := c.readable()
	w, err := a.counted(c, schema)
	if err != nil {
		return err
	}
	n, err := a.Store.CountUsers(c.ctx(), c.tenant.ID, w.match)
	if err != nil {
		return err
	}
	return odata.WriteCount(c.w, n)
}

// counted reads the query of a $count segment.
func (a *API) counted(c *call, schema filter.Schema) (wish, error) {
	var w wish
	var err error
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{Filter: true, Search: true}); err != nil {
		return w, err
	}
	w.options.Count = true
	if _, err := w.bind(schema); err != nil {
		return w, err
	}
	return w, w.options.CheckAdvanced(true)
}

// getUser serves GET /users/{id}. https://learn.microsoft.com/graph/api/user-get
func (a *API) getUser(c *call) error {
	odata.SetETag(c.w, odata.ETag(c.user.Version))
	properties, _ := c.readable()
	allow := odata.Allow{Properties: properties}
	if len(properties) == len(userProperties) {
		allow.Expand = map[string][]string{"manager": userProperties}
	}
	o, err := odata.ParseOptions(c.r, allow)
	if err != nil {
		return err
	}
	managers, err := a.managers(c, o, []directory.User{c.user})
	if err != nil {
		return err
	}
	e := append(only(c.userResource(c.user), properties).Select(o.Select), managers[c.user.ID]...)
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("users", o.Select), e)
}

// readUser reads what body says about u and returns the names of what it set.
func readUser(body *odata.Object, u *directory.User) []string {
	var set []string
	note := func(name string) {
		if body.Has(name) {
			set = append(set, name)
		}
	}
	for _, p := range []struct {
		name string
		to   *string
	}{
		{"userPrincipalName", &u.UserPrincipalName},
		{"displayName", &u.DisplayName},
		{"givenName", &u.GivenName},
		{"surname", &u.Surname},
		{"mailNickname", &u.MailNickname},
		{"mail", &u.Mail},
		{"userType", &u.UserType},
		{"ageGroup", &u.AgeGroup},
		{"city", &u.City},
		{"companyName", &u.CompanyName},
		{"country", &u.Country},
		{"department", &u.Department},
		{"employeeId", &u.EmployeeID},
		{"employeeType", &u.EmployeeType},
		{"faxNumber", &u.FaxNumber},
		{"jobTitle", &u.JobTitle},
		{"mobilePhone", &u.MobilePhone},
		{"officeLocation", &u.OfficeLocation},
		{"postalCode", &u.PostalCode},
		{"preferredLanguage", &u.PreferredLanguage},
		{"state", &u.State},
		{"streetAddress", &u.StreetAddress},
		{"usageLocation", &u.UsageLocation},
		{"onPremisesImmutableId", &u.OnPremisesImmutableID},
		{"postern_externalId", &u.ExternalID},
	} {
		body.String(p.name, p.to)
		note(p.name)
	}
	orgData(body, u)
	note("employeeOrgData")
	body.Strings("businessPhones", &u.BusinessPhones)
	body.Strings("otherMails", &u.OtherMails)
	body.Bool("accountEnabled", &u.AccountEnabled)
	body.Time("employeeHireDate", &u.EmployeeHireDate)
	body.Time(leaveDate, &u.EmployeeLeaveDateTime)
	for _, name := range []string{"businessPhones", "otherMails", "accountEnabled", "employeeHireDate", leaveDate} {
		note(name)
	}
	if body.Has("identities") {
		note("identities")
		u.Identities = nil
		for _, o := range body.Objects("identities") {
			var i directory.Identity
			o.String("signInType", &i.SignInType)
			o.String("issuer", &i.Issuer)
			o.String("issuerAssignedId", &i.IssuerAssignedID)
			u.Identities = append(u.Identities, i)
		}
	}
	body.NotKept(userNotKept...)
	return set
}

// userNotKept are properties of Graph's user that a caller cannot set here: some are not
// kept, the others are the server's own.
var userNotKept = []string{
	"aboutMe", "assignedLicenses", "assignedPlans", "authorizationInfo", "birthday", "consentProvidedForMinor", "createdDateTime",
	"creationType", "customSecurityAttributes", "deletedDateTime", "externalUserState", "postern_source",
	"externalUserStateChangeDateTime", "hireDate", "id", "imAddresses", "interests", "isManagementRestricted", "isResourceAccount",
	"lastPasswordChangeDateTime", "legalAgeGroupClassification", "licenseAssignmentStates", "mySite", "onPremisesDistinguishedName",
	"onPremisesDomainName", "onPremisesExtensionAttributes", "onPremisesLastSyncDateTime", "onPremisesProvisioningErrors",
	"onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "onPremisesUserPrincipalName",
	"passwordPolicies", "pastProjects", "preferredDataLocation", "preferredName", "provisionedPlans", "proxyAddresses",
	"responsibilities", "schools", "securityIdentifier", "showInAddressList", "signInActivity", "signInSessionsValidFromDateTime", "skills",
}

// createUser serves POST /users. Graph wants a passwordProfile; while passwords are off it is
// read and not kept, because people get in with passes. https://learn.microsoft.com/graph/api/user-post-users
func (a *API) createUser(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	u := directory.User{Tenant: c.tenant.ID, ID: directory.UserID(uuid.NewString()), UserType: "Member", CreatedDateTime: a.Now().UTC()}
	set := readUser(body, &u)
	change, err := a.readProfile(c, body, u, true)
	if err := errors.Join(body.Done(), err); err != nil {
		return err
	}
	if err := c.mayWriteLeaveDate(set); err != nil {
		return err
	}
	if !slices.Contains(set, "accountEnabled") {
		return directory.ErrUserInvalid.With("accountEnabled", "accountEnabled is missing.")
	}
	if err := u.Check(c.tenant); err != nil {
		return err
	}
	if err := a.Store.CreateUser(c.ctx(), u, a.userEvent(c, audit.AddUser, audit.OperationAdd, u, nil)); err != nil {
		return err
	}
	if change != nil {
		if _, err := a.Passwords.Set(c.ctx(), *change); err != nil {
			return err
		}
	}
	return odata.WriteCreated(c.w, a.root(c).Link("users", string(u.ID)), a.root(c).Entity("users", nil), userResource(u).Select(nil))
}

// proves reports whether a credential in a wallet shows who somebody is by one of these properties: who changes it could show
// a credential of their own.
func (a *API) proves(c *call, set []string) (bool, error) {
	policy, err := a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(policy.Credentials, func(i sdjwt.Issuer) bool {
		return slices.ContainsFunc(i.Match, func(m sdjwt.Match) bool { return slices.Contains(set, m.Attribute) })
	}), nil
}

// mayWriteLeaveDate refuses to set the leave date, also to what it is: who may not know it would find it out so.
func (c *call) mayWriteLeaveDate(set []string) error {
	if !slices.Contains(set, leaveDate) {
		return nil
	}
	return directory.May(c.caller, directory.WriteLeaveDate, c.target)
}

// leastParts reports whether a change is of nothing but what has a permission of its own: when somebody leaves, and their
// password. https://learn.microsoft.com/graph/api/user-update#permissions
func leastParts(set []string, password bool) bool {
	return len(set) == 0 && password || slices.Equal(set, []string{leaveDate})
}

// patchUser serves PATCH /users/{id}.
func (a *API) patchUser(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.user.Version)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	old, u := c.user, c.user
	set := readUser(body, &u)
	change, err := a.readProfile(c, body, u, false)
	if err := errors.Join(body.Done(), err); err != nil {
		return err
	}
	if err := c.mayWriteLeaveDate(set); err != nil {
		return err
	}
	if !leastParts(set, change != nil) {
		if err := directory.May(c.caller, directory.UpdateUser, c.target); err != nil {
			return err
		}
	}
	if change != nil && change.By.Self {
		return directory.ErrNotForYourself
	}
	changes := modified(wholeUser(old), wholeUser(u))
	sensitive := slices.ContainsFunc(set, func(name string) bool { return slices.Contains(directory.SensitiveProperties, name) }) ||
		c.target.Protected() && slices.ContainsFunc(changes, func(m audit.ModifiedProperty) bool {
			return slices.Contains(directory.TellingProperties, m.DisplayName)
		})
	if !sensitive {
		if sensitive, err = a.proves(c, set); err != nil {
			return err
		}
	}
	if sensitive {
		if err := directory.May(c.caller, directory.UpdateUserSensitive, c.target); err != nil {
			return err
		}
	}
	if change != nil {
		if err := maySetPassword(c); err != nil {
			return err
		}
	}
	if err := u.Check(c.tenant); err != nil {
		return err
	}
	activity := audit.UpdateUser
	switch {
	case old.AccountEnabled && !u.AccountEnabled:
		activity = audit.DisableAccount
	case !old.AccountEnabled && u.AccountEnabled:
		activity = audit.EnableAccount
	}
	e := a.userEvent(c, activity, audit.OperationUpdate, u, changes)
	if len(set) > 0 || change == nil {
		if err := a.Store.UpdateUser(c.ctx(), u, a.Now(), e); err != nil {
			return err
		}
	}
	if change != nil {
		if _, err := a.Passwords.Set(c.ctx(), *change); err != nil {
			return err
		}
	}
	odata.WriteNothing(c.w)
	return nil
}

// modified lists what differs between two states of an object.
func modified(before, after odata.Entity) []audit.ModifiedProperty {
	var all []audit.ModifiedProperty
	for i, p := range after {
		old, fresh := asJSON(before[i].Value), asJSON(p.Value)
		if old != fresh {
			all = append(all, audit.ModifiedProperty{DisplayName: p.Name, OldValue: old, NewValue: fresh})
		}
	}
	return all
}

func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(raw)
}

func (a *API) userEvent(c *call, activity, operation string, u directory.User, changes []audit.ModifiedProperty) audit.Event {
	target := userTarget(u)
	target.Modified = changes
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServiceCoreDirectory,
		Operation: operation, Targets: []audit.Target{target},
	})
}

// mostDecisions is how often something is decided again because it changed in that moment.
const mostDecisions = 5

// deleteUser serves DELETE /users/{id}: the user can be restored for 30 days. Who is deleted is who
// was read when it was decided that the caller may, also without If-Match: whoever got a role
// meanwhile is no longer theirs to delete. Somebody who changed otherwise is deleted all the same.
func (a *API) deleteUser(c *call) error {
	for try := 1; ; try++ {
		if err := odata.Match(c.r, odata.ETag(c.user.Version)); err != nil {
			return err
		}
		err := a.Store.DeleteUser(c.ctx(), c.user, a.Now(), a.userEvent(c, audit.DeleteUser, audit.OperationDelete, c.user, nil))
		if err == nil {
			odata.WriteNothing(c.w)
			return nil
		}
		if !errors.Is(err, directory.ErrChanged) || try == mostDecisions {
			return err
		}
		// By the id: somebody else may be called so by now.
		if c.user, err = a.Store.User(c.ctx(), c.tenant.ID, c.user.ID); err != nil {
			return err
		}
		target, err := a.Store.TargetOf(c.ctx(), c.tenant.ID, c.user.ID)
		if err != nil {
			return err
		}
		if err := directory.May(c.caller, directory.DeleteUser, target); err != nil {
			return err
		}
	}
}

// revokeSessions serves POST /users/{id}/revokeSignInSessions.
func (a *API) revokeSessions(c *call) error {
	at := a.Now()
	e := a.userEvent(c, audit.RevokeSessions, audit.OperationUpdate, c.user, []audit.ModifiedProperty{{
		DisplayName: "StsRefreshTokensValidFrom", NewValue: quoted(at.UTC().Format(time.RFC3339)),
	}})
	if err := a.Store.EndSessions(c.ctx(), c.tenant.ID, c.user.ID, "", at, e); err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Collection("Edm.Boolean", nil), odata.Entity{{Name: "value", Value: true}})
}
