package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/oauth"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/token"
)

// member adds a person who holds roles.
func (w *world) member(name string, roles ...directory.RoleID) directory.User {
	w.t.Helper()
	u := person(w.tenant, name)
	check(w.t, w.db.CreateUser(w.t.Context(), u, w.event()))
	for _, r := range roles {
		check(w.t, w.db.AssignRole(w.t.Context(), directory.RoleAssignment{
			Tenant: w.tenant.ID, ID: uuid.NewString(), Role: r, Scope: directory.RootScope, CreatedAt: time.Now(),
			Principal: directory.Ref{Kind: directory.KindUser, ID: string(u.ID)},
		}, w.event()))
	}
	return u
}

func (w *world) event() audit.Event {
	return audit.Event{Tenant: string(w.tenant.ID), ID: uuid.NewString(), At: time.Now(), Change: &audit.Change{
		Activity: audit.UpdateUser, Category: audit.CategoryUserManagement, Service: audit.ServiceCoreDirectory,
		Operation: audit.OperationUpdate, Result: audit.Success,
	}}
}

// signIn returns an access token with scopes that the Postern CLI has for u.
func (w *world) signIn(u directory.User, scopes ...string) string {
	w.t.Helper()
	now := time.Now()
	t := signin.Transaction{Tenant: w.tenant.ID, ID: uuid.NewString(), CreatedAt: now, ExpiresAt: now.Add(time.Minute), Home: w.tenant.ID, User: u.ID}
	check(w.t, w.db.CreateTransaction(w.t.Context(), t, "hash"))
	session, err := w.db.Complete(w.t.Context(), signin.Completion{
		Transaction: t, SecretHash: "hash", At: now, Event: w.event(),
		Session: signin.Session{Tenant: w.tenant.ID, ID: uuid.NewString(), User: u.ID, CreatedAt: now, ExpiresAt: now.Add(time.Hour)},
	})
	check(w.t, err)
	f := oauth.Family{
		Tenant: w.tenant.ID, ID: uuid.NewString(), User: u.ID, Session: session.ID, App: directory.CLIAppID,
		CreatedAt: now, ExpiresAt: now.Add(time.Hour), Scopes: strings.Join(scopes, " "),
	}
	code := oauth.Grant{Tenant: w.tenant.ID, ID: uuid.NewString(), Kind: oauth.KindCode, Family: f.ID, CreatedAt: now, ExpiresAt: now.Add(time.Minute)}
	check(w.t, w.db.Authorize(w.t.Context(), f, code, "hash", w.event()))
	return w.sign(token.Access{
		Object: string(u.ID), Subject: string(u.ID), AppID: directory.CLIAppID, IDType: "user", Family: f.ID, Scopes: strings.Join(scopes, " "),
	})
}

func everyScope() []string {
	var all []string
	for _, s := range directory.GraphScopes() {
		all = append(all, s.Value)
	}
	return all
}

// TestWhatAPersonMayIsScopeAndRole has a row for each request, and for each caller what it
// answers with every scope there is.
func TestWhatAPersonMayIsScopeAndRole(t *testing.T) {
	w := newWorld(t, append(manage, "Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory")...)
	target, lead := w.create("target"), string(w.member("lead", directory.GlobalAdministrator).ID)
	team, held := w.group("team", false), w.group("held", true)
	plain, appID := w.register(`{"displayName":"plain"}`)
	sp := w.presence(appID)
	strong, strongID := w.register(`{"displayName":"strong"}`)
	strongSP := w.presence(strongID)
	w.call(201, "POST", "/v1.0/servicePrincipals/"+strongSP+"/appRoleAssignments", assignment(strongSP, string(w.graph), graphRole("RoleManagement.ReadWrite.Directory")))
	organization := "/v1.0/organization/" + string(w.tenant.ID)

	callers := []struct {
		name string
		role []directory.RoleID
	}{
		{"GA", []directory.RoleID{directory.GlobalAdministrator}},
		{"GR", []directory.RoleID{directory.GlobalReader}},
		{"PRA", []directory.RoleID{directory.PrivilegedRoleAdministrator}},
		{"AuthA", []directory.RoleID{directory.AuthenticationAdministrator}},
		{"Help", []directory.RoleID{directory.HelpdeskAdministrator}},
		{"UA", []directory.RoleID{directory.UserAdministrator}},
		{"AppA", []directory.RoleID{directory.ApplicationAdministrator}},
		{"Dev", []directory.RoleID{directory.ApplicationDeveloper}},
		{"none", nil},
	}
	tokens := map[string]string{}
	for _, c := range callers {
		tokens[c.name] = w.signIn(w.member("caller-"+c.name, c.role...), everyScope()...)
	}
	for _, r := range []struct {
		name, method, path, body string
		may                      string // the callers who are let through
	}{
		{"reads people", "GET", "/v1.0/users/" + target, "", "GA GR PRA AuthA Help UA AppA Dev none"},
		{"renames somebody", "PATCH", "/v1.0/users/" + target, `{"jobTitle":"x"}`, "GA AuthA UA"},
		{"disables somebody", "PATCH", "/v1.0/users/" + target, `{"accountEnabled":true}`, "GA AuthA UA"},
		{"disables a Global Administrator", "PATCH", "/v1.0/users/" + lead, `{"accountEnabled":true}`, "GA"},
		{"ends sessions", "POST", "/v1.0/users/" + target + "/revokeSignInSessions", "", "GA AuthA Help UA"},
		{"ends those of a Global Administrator", "POST", "/v1.0/users/" + lead + "/revokeSignInSessions", "", "GA"},
		{"reads methods", "GET", "/v1.0/users/" + target + "/authentication/methods", "", "GA GR AuthA"},
		{"changes a group", "PATCH", "/v1.0/groups/" + team, `{"description":"x"}`, "GA UA"},
		{"changes a role-assignable group", "PATCH", "/v1.0/groups/" + held, `{"description":"x"}`, "GA PRA"},
		{"gives a role", "POST", "/v1.0/directoryRoles", `{"roleTemplateId":"` + string(directory.DirectoryReaders) + `"}`, "GA PRA"},
		{"reads applications", "GET", "/v1.0/applications/" + plain, "", "GA GR PRA AuthA Help UA AppA Dev none"},
		{"registers an application", "POST", "/v1.0/applications", `{"displayName":"mine"}`, "GA AppA Dev"},
		{"changes an application", "PATCH", "/v1.0/applications/" + plain, `{"description":"x"}`, "GA AppA"},
		{"adds a secret", "POST", "/v1.0/applications/" + plain + "/addPassword", `{}`, "GA AppA"},
		{"adds a secret to an application with power", "POST", "/v1.0/applications/" + strong + "/addPassword", `{}`, "GA"},
		{"changes where that one sends people", "PATCH", "/v1.0/applications/" + strong, `{"spa":{"redirectUris":["https://evil.example/"]}}`, "GA"},
		{"owns an application with power", "POST", "/v1.0/applications/" + strong + "/owners/$ref", ref("{self}"), "GA"},
		{"switches a service principal", "PATCH", "/v1.0/servicePrincipals/" + sp, `{"accountEnabled":true}`, "GA AppA"},
		{"lets somebody into an application", "POST", "/v1.0/servicePrincipals/" + sp + "/appRoleAssignedTo", assignment("{new}", sp, directory.NoAppRole), "GA PRA AppA"},
		{"grants a permission of Graph to an application", "POST", "/v1.0/servicePrincipals/{fresh}/appRoleAssignments", assignment("{fresh}", string(w.graph), graphRole("RoleManagement.ReadWrite.Directory")), "GA PRA"},
		{"consents for everybody", "POST", "/v1.0/oauth2PermissionGrants", `{"clientId":"{fresh}","consentType":"AllPrincipals","resourceId":"` + string(w.graph) + `","scope":"User.Read"}`, "GA PRA AppA"},
		{"changes the organisation", "PATCH", organization, `{"displayName":"Contoso"}`, "GA"},
		{"reads the organisation", "GET", organization, "", "GA GR PRA AuthA Help UA AppA Dev none"},
		{"adds a domain", "POST", "/v1.0/domains", `{"id":"{word}.example"}`, "GA"},
		{"reads the log", "GET", "/v1.0/auditLogs/directoryAudits?$top=1", "", "GA GR"},
	} {
		t.Run(r.name, func(t *testing.T) {
			w.t = t
			for _, c := range callers {
				body, path := r.body, r.path
				for what, make := range map[string]func() string{
					"{new}": func() string { return string(w.member("x" + uuid.NewString()[:8]).ID) },
					"{fresh}": func() string {
						defer w.as(w.token)()
						w.token = tokens["GA"]
						_, appID := w.register(`{"displayName":"fresh"}`)
						return w.presence(appID)
					},
					"{self}": func() string { return string(w.member("y" + uuid.NewString()[:8]).ID) },
					"{word}": func() string { return "d" + uuid.NewString()[:8] },
				} {
					if strings.Contains(body+path, what) {
						value := make()
						body, path = strings.ReplaceAll(body, what, value), strings.ReplaceAll(path, what, value)
					}
				}
				restore := w.as(tokens[c.name])
				status := w.status(r.method, path, body)
				restore()
				if may := strings.Contains(" "+r.may+" ", " "+c.name+" "); may && status >= 300 || !may && status != 403 {
					t.Errorf("%s gets %d, may: %v", c.name, status, may)
				}
			}
		})
	}
	w.t = t
	w.token = w.signIn(w.admin, "User.Read")
	w.call(200, "GET", "/v1.0/me", "")
	w.call(403, "PATCH", "/v1.0/users/"+target, `{"jobTitle":"x"}`)
	w.call(403, "POST", "/v1.0/applications/"+plain+"/addPassword", `{}`)
}

// as sets the caller and returns what sets it back.
func (w *world) as(token string) func() {
	before := w.token
	w.token = token
	return func() { w.token = before }
}

func TestADeveloperManagesWhatTheyRegistered(t *testing.T) {
	w := newWorld(t, append(manage, "RoleManagement.ReadWrite.Directory")...)
	others, _ := w.register(`{"displayName":"others"}`)
	robot := w.token
	w.token = w.signIn(w.member("dev", directory.ApplicationDeveloper), everyScope()...)
	id, appID := w.register(`{"displayName":"mine"}`)
	sp := w.presence(appID)
	w.call(200, "POST", "/v1.0/applications/"+id+"/addPassword", "{}")
	w.call(204, "PATCH", "/v1.0/servicePrincipals/"+sp, `{"appRoleAssignmentRequired":true}`)
	w.call(403, "POST", "/v1.0/applications/"+others+"/addPassword", "{}")
	w.call(403, "POST", "/v1.0/servicePrincipals/"+sp+"/appRoleAssignments", assignment(sp, string(w.graph), graphRole("User.Read.All")))

	restore := w.as(robot)
	w.call(201, "POST", "/v1.0/servicePrincipals/"+sp+"/appRoleAssignments", assignment(sp, string(w.graph), graphRole("RoleManagement.ReadWrite.Directory")))
	restore()
	w.call(403, "POST", "/v1.0/applications/"+id+"/addPassword", "{}")
}

func TestAnApplicationGainsNoPowerThroughAnother(t *testing.T) {
	w := newWorld(t, append(manage, "RoleManagement.ReadWrite.Directory")...)
	id, appID := w.register(`{"displayName":"strong"}`)
	sp := w.presence(appID)
	w.call(201, "POST", "/v1.0/servicePrincipals/"+sp+"/appRoleAssignments", assignment(sp, string(w.graph), graphRole("RoleManagement.ReadWrite.Directory")))
	w.call(200, "POST", "/v1.0/applications/"+id+"/addPassword", "{}") // whose powers the caller has itself
	w.call(201, "POST", "/v1.0/servicePrincipals/"+sp+"/appRoleAssignments", assignment(sp, string(w.graph), graphRole("Domain.ReadWrite.All")))
	for _, r := range []struct{ method, path, body string }{
		{"POST", "/addPassword", "{}"}, {"PATCH", "", `{"description":"x"}`}, {"POST", "/owners/$ref", ref(string(w.admin.ID))}, {"DELETE", "", ""},
	} {
		w.call(403, r.method, "/v1.0/applications/"+id+r.path, r.body)
	}
	restore := w.as(w.signIn(w.admin, everyScope()...))
	w.call(204, "DELETE", "/v1.0/applications/"+id, "")
	restore()
	w.call(403, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", "")
}

func TestWhatIsTakenAwayIsGoneAtOnce(t *testing.T) {
	for name, take := range map[string]struct {
		do     func(w *world) // with the administrator's token
		status int            // afterwards
	}{
		"the service principal is disabled": {func(w *world) {
			w.call(204, "PATCH", "/v1.0/servicePrincipals/"+w.robot, `{"accountEnabled":false}`)
		}, 401},
		"the service principal is deleted": {func(w *world) { w.call(204, "DELETE", "/v1.0/servicePrincipals/"+w.robot, "") }, 401},
		"the application is deleted":       {func(w *world) { w.call(204, "DELETE", "/v1.0/applications/"+w.robotApp(), "") }, 401},
		"the secret is removed": {func(w *world) {
			app := w.call(200, "GET", "/v1.0/applications/"+w.robotApp(), "")
			key := app["passwordCredentials"].([]any)[0].(map[string]any)["keyId"].(string)
			w.call(204, "POST", "/v1.0/applications/"+w.robotApp()+"/removePassword", `{"keyId":"`+key+`"}`)
		}, 401},
		"the permission is taken away": {func(w *world) {
			for _, r := range list(w.call(200, "GET", "/v1.0/servicePrincipals/"+w.robot+"/appRoleAssignments", "")) {
				w.call(204, "DELETE", "/v1.0/servicePrincipals/"+w.robot+"/appRoleAssignments/"+r.(map[string]any)["id"].(string), "")
			}
		}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "User.Read.All")
			w.call(200, "GET", "/v1.0/users", "")
			restore := w.as(w.signIn(w.admin, everyScope()...))
			take.do(w)
			restore()
			w.call(take.status, "GET", "/v1.0/users", "")
		})
	}
}

func TestAPersonsTokenLosesWhatTheApplicationLoses(t *testing.T) {
	w := newWorld(t, manage...)
	robot := w.token
	w.token = w.signIn(w.admin, "User.Read", "User.ReadWrite.All")
	person := w.token
	w.call(200, "GET", "/v1.0/users", "")
	w.token = robot
	sp := w.call(200, "GET", "/v1.0/servicePrincipals(appId='"+string(directory.CLIAppID)+"')", "")["id"].(string)
	grant := list(w.call(200, "GET", "/v1.0/servicePrincipals/"+sp+"/oauth2PermissionGrants", ""))[0].(map[string]any)["id"].(string)
	w.call(204, "PATCH", "/v1.0/oauth2PermissionGrants/"+grant, `{"scope":"User.Read"}`)
	w.token = person
	w.call(200, "GET", "/v1.0/me", "")
	w.call(403, "PATCH", "/v1.0/me", `{"jobTitle":"x"}`)
	w.token = robot
	w.call(403, "PATCH", "/v1.0/servicePrincipals/"+string(w.graph), `{"accountEnabled":false}`)
	w.call(204, "PATCH", "/v1.0/servicePrincipals/"+sp, `{"accountEnabled":false}`)
	w.token = person
	w.call(401, "GET", "/v1.0/me", "")
}

// robotApp is the object id of the caller that newWorld makes.
func (w *world) robotApp() string {
	w.t.Helper()
	p := w.call(200, "GET", "/v1.0/servicePrincipals/"+w.robot, "")
	return w.call(200, "GET", "/v1.0/applications(appId='"+p["appId"].(string)+"')", "")["id"].(string)
}
