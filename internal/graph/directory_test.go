package graph_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/gate"
	"github.com/postern-id/postern/internal/graph"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/token"
)

const address = "https://id.example"

// world is a tenant behind the real handler and an SQLite store.
type world struct {
	dir     string
	t       *testing.T
	db      *store.DB
	keys    *token.Keys
	api     *graph.API
	insists bool // on what is refused once
	handler http.Handler
	token   string // of the caller
	robot   string // the service principal of the application that newWorld makes
	graph   directory.ServicePrincipalID
	admin   directory.User
	tenant  directory.Tenant
	records map[string][]string // what the DNS says
}

// LookupTXT is the DNS.
func (w *world) LookupTXT(_ context.Context, name string) ([]string, error) {
	return w.records[name], nil
}

// newWorld returns a tenant whose caller is an application with permissions.
func newWorld(t *testing.T, permissions ...string) *world {
	t.Helper()
	dir, now := t.TempDir(), time.Now().UTC()
	db, err := store.Open(t.Context(), store.Config{Dir: dir})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	master, err := keyring.CreateMaster(dir, rand.Reader)
	check(t, err)
	w := &world{t: t, db: db, dir: dir, tenant: directory.Tenant{
		ID: directory.TenantID(uuid.NewString()), DisplayName: "Contoso", CreatedAt: now, TimeZone: "UTC",
		Domains: []directory.Domain{{Name: "contoso.example", IsDefault: true, IsInitial: true, CreatedAt: now}},
	}}
	w.admin = person(w.tenant, "admin")
	app := directory.Application{
		Tenant: w.tenant.ID, ID: directory.ApplicationID(uuid.NewString()), AppID: directory.AppID(uuid.NewString()),
		DisplayName: "Script", SignInAudience: "AzureADMyOrg", CreatedDateTime: now,
	}
	principal := app.Presence(directory.ServicePrincipalID(uuid.NewString()))
	secret := directory.Secret{KeyID: uuid.NewString(), Hash: "hash", StartAt: now, EndAt: now.AddDate(1, 0, 0)}
	known := directory.WellKnown(w.tenant)
	w.robot, w.graph = string(principal.ID), known.ServicePrincipals[0].ID
	seed := store.Seed{
		Tenant: w.tenant, Users: []directory.User{w.admin}, Grants: known.Grants,
		Applications: append(known.Applications, app), Principals: append(known.ServicePrincipals, principal),
		Secrets: map[directory.ApplicationID]directory.Secret{app.ID: secret},
		Roles: []directory.RoleAssignment{{
			Tenant: w.tenant.ID, ID: uuid.NewString(), Role: directory.GlobalAdministrator, Scope: directory.RootScope,
			Principal: directory.Ref{Kind: directory.KindUser, ID: string(w.admin.ID)}, CreatedAt: now,
		}},
	}
	for _, role := range directory.GraphAppRoles() {
		if slices.Contains(permissions, role.Value) {
			seed.AppRoles = append(seed.AppRoles, directory.AppRoleAssignment{
				Tenant: w.tenant.ID, ID: uuid.NewString(), Resource: w.graph, AppRoleID: role.ID, CreatedDateTime: now,
				Principal: directory.Ref{Kind: directory.KindServicePrincipal, ID: w.robot},
			})
		}
	}
	for _, purpose := range keyring.Purposes {
		k, err := keyring.Generate(master, string(w.tenant.ID), purpose, now, now)
		check(t, err)
		seed.Keys = append(seed.Keys, k)
	}
	check(t, db.CreateTenant(t.Context(), seed))
	ring := &keyring.Ring{Store: db, Wrapper: master, Now: time.Now}
	w.keys = &token.Keys{Ring: ring, Now: time.Now}
	w.token = w.sign(token.Access{
		Object: w.robot, Subject: w.robot, AppID: app.AppID, IDType: "app", Roles: permissions, Credential: secret.KeyID,
	})
	w.api = &graph.API{
		Store: db, Registry: registry(db), Cases: &recovery.Service{Cases: db, People: db, Webhooks: db, Registry: registry(db), Now: time.Now, Rand: rand.Reader},
		Passwords: password.Passwords{Registry: registry(db), Rand: rand.Reader, Method: password.Method{
			Credentials: db, Policies: db, Groups: db, Keys: ring, Gate: gate.New(gate.Config{}),
		}},
		Tokens: w.keys, Secrets: ring, Resolver: w, PublicURL: address, Now: time.Now, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Incarnation: db.Incarnation,
	}
	w.handler = w.api.Handler()
	return w
}

// sign returns an access token for Graph with the claims of a.
func (w *world) sign(a token.Access) string {
	w.t.Helper()
	now := time.Now()
	a.Audience, a.Issuer, a.Tenant = string(directory.GraphAppID), address+"/"+string(w.tenant.ID)+"/v2.0", w.tenant.ID
	a.IssuedAt, a.NotBefore, a.Expires, a.Incarnation = now.Unix(), now.Unix(), now.Add(time.Hour).Unix(), w.db.Incarnation
	signed, err := w.keys.Sign(w.t.Context(), string(w.tenant.ID), keyring.RS256, token.TypeAccess, a)
	check(w.t, err)
	return signed
}

func person(t directory.Tenant, name string) directory.User {
	return directory.User{
		Tenant: t.ID, ID: directory.UserID(uuid.NewString()), AccountEnabled: true, UserPrincipalName: name + "@contoso.example",
		DisplayName: name, MailNickname: name, UserType: "Member", CreatedDateTime: time.Now().UTC(),
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call sends a request, wants a status, and returns the answer's members.
func (w *world) call(status int, method, path, body string) map[string]any {
	w.t.Helper()
	rec := w.send(method, path, body)
	if rec.Code != status {
		w.t.Fatalf("%s %s answers %d, want %d: %s", method, path, rec.Code, status, rec.Body)
	}
	out := map[string]any{}
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		check(w.t, json.Unmarshal(rec.Body.Bytes(), &out))
	}
	return out
}

// status sends a request and returns the status of the answer.
func (w *world) status(method, path, body string) int { return w.send(method, path, body).Code }

func (w *world) send(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, strings.TrimPrefix(path, address), strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("ConsistencyLevel", "eventual")
	if w.insists {
		r.Header.Set("Postern-Force", "true")
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func (w *world) create(name string) string {
	w.t.Helper()
	u := w.call(201, "POST", "/v1.0/users", fmt.Sprintf(`{"accountEnabled":true,"displayName":%[1]q,"mailNickname":%[1]q,
		"userPrincipalName":"%[1]s@contoso.example","passwordProfile":{"password":"not kept"}}`, name))
	return u["id"].(string)
}

func (w *world) group(name string, assignable bool) string {
	w.t.Helper()
	g := w.call(201, "POST", "/v1.0/groups", fmt.Sprintf(
		`{"displayName":%[1]q,"mailNickname":%[1]q,"mailEnabled":false,"securityEnabled":true,"isAssignableToRole":%[2]t}`, name, assignable))
	return g["id"].(string)
}

func ref(id string) string {
	return `{"@odata.id":"https://elsewhere.example/v1.0/directoryObjects/` + id + `"}`
}

var all = []string{"User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All", "User.RevokeSessions.All"}

func TestPagingIsCompleteWhileUsersAreAdded(t *testing.T) {
	w := newWorld(t, all...)
	for i := range 250 {
		w.create(fmt.Sprintf("p%03d", i))
	}
	for _, query := range []string{"$top=40", "$top=40&$orderby=displayName%20desc", "$top=40&$filter=startswith(displayName,'P')"} {
		seen, link, extra := map[string]bool{}, "/v1.0/users?"+query, 0
		for link != "" {
			page := w.call(200, "GET", link, "")
			for _, v := range page["value"].([]any) {
				name := v.(map[string]any)["displayName"].(string)
				if seen[name] {
					t.Fatalf("%s: %s comes twice", query, name)
				}
				seen[name] = true
			}
			link, _ = page["@odata.nextLink"].(string)
			w.create(fmt.Sprintf("x%d-%s", extra, uuid.NewString()[:8]))
			extra++
		}
		for i := range 250 {
			if name := fmt.Sprintf("p%03d", i); !seen[name] {
				t.Fatalf("%s: %s is missing", query, name)
			}
		}
	}
}

func TestADeletedUserComesBackWithWhatTiedThem(t *testing.T) {
	w := newWorld(t, all...)
	ann, bob, team := w.create("ann"), w.create("bob"), w.group("team", false)
	w.call(204, "PUT", "/v1.0/users/"+ann+"/manager/$ref", ref(bob))
	w.call(400, "PUT", "/v1.0/users/"+bob+"/manager/$ref", ref(ann))
	w.call(204, "POST", "/v1.0/groups/"+team+"/members/$ref", ref(ann))
	w.call(400, "POST", "/v1.0/groups/"+team+"/members/$ref", ref(ann))
	w.call(204, "DELETE", "/v1.0/users/"+ann, "")
	w.call(404, "GET", "/v1.0/users/"+ann, "")
	if list := w.call(200, "GET", "/v1.0/directory/deletedItems/microsoft.graph.user", "")["value"].([]any); len(list) != 1 {
		t.Errorf("%d deleted users, want 1", len(list))
	}
	w.call(200, "POST", "/v1.0/directory/deletedItems/"+ann+"/restore", "")
	if m := w.call(200, "GET", "/v1.0/users/ann@contoso.example/manager", ""); m["id"] != bob {
		t.Errorf("the manager is %v, want %s", m["id"], bob)
	}
	if list := w.call(200, "GET", "/v1.0/users/"+ann+"/memberOf", "")["value"].([]any); len(list) != 1 {
		t.Errorf("in %d groups, want 1", len(list))
	}
	w.call(204, "DELETE", "/v1.0/users/"+ann, "")
	w.call(204, "DELETE", "/v1.0/directory/deletedItems/"+ann, "")
	w.call(404, "POST", "/v1.0/directory/deletedItems/"+ann+"/restore", "")
}

func TestWhatUsersAndGroupsRefuse(t *testing.T) {
	w := newWorld(t, all...)
	ann, outer, inner := w.create("ann"), w.group("outer", false), w.group("inner", false)
	w.call(204, "POST", "/v1.0/groups/"+outer+"/members/$ref", ref(inner))
	w.call(204, "POST", "/v1.0/groups/"+inner+"/members/$ref", ref(ann))
	for _, c := range []struct {
		name               string
		status             int
		method, path, body string
	}{
		{"a cycle of groups", 400, "POST", "/v1.0/groups/" + inner + "/members/$ref", ref(outer)},
		{"a UPN that is taken", 400, "POST", "/v1.0/users", `{"accountEnabled":true,"displayName":"A","mailNickname":"a","userPrincipalName":"ANN@contoso.example"}`},
		{"a property that is not kept", 400, "PATCH", "/v1.0/users/" + ann, `{"aboutMe":"x"}`},
		{"an unknown member", 400, "PATCH", "/v1.0/users/" + ann, `{"nickname":"x"}`},
		{"a filter without an index", 400, "GET", "/v1.0/users?$filter=city%20eq%20'x'", ""},
		{"$skip", 400, "GET", "/v1.0/users?$skip=1", ""},
		{"a forged skiptoken", 400, "GET", "/v1.0/users?$skiptoken=abc", ""},
		{"an unknown path", 404, "GET", "/v1.0/users/" + ann + "/nothing", ""},
		{"a protected person, to an application without a role", 403, "DELETE", "/v1.0/users/" + string(w.admin.ID), ""},
		{"a role-assignable group, to an application without the permission", 403, "POST", "/v1.0/groups", `{"displayName":"r","mailNickname":"r","mailEnabled":false,"securityEnabled":true,"isAssignableToRole":true}`},
	} {
		t.Run(c.name, func(t *testing.T) { w.call(c.status, c.method, c.path, c.body) })
	}
	if list := w.call(200, "GET", "/v1.0/groups/"+outer+"/transitiveMembers", "")["value"].([]any); len(list) != 2 {
		t.Errorf("%d transitive members, want 2", len(list))
	}
	if list := w.call(200, "GET", `/v1.0/users?$search=%22displayName:an%22&$count=true`, "")["value"].([]any); len(list) != 1 {
		t.Errorf("the search finds %d, want 1", len(list))
	}
}

func TestTheLastAdministratorKeepsTheRole(t *testing.T) {
	w := newWorld(t, append(all, "RoleManagement.ReadWrite.Directory")...)
	const assignments = "/v1.0/roleManagement/directory/roleAssignments"
	first := w.call(200, "GET", assignments+"?$expand=principal", "")["value"].([]any)[0].(map[string]any)["id"].(string)
	w.call(403, "DELETE", assignments+"/"+first, "")
	ann := w.create("ann")
	body := `{"principalId":"` + ann + `","roleDefinitionId":"` + string(directory.GlobalAdministrator) + `","directoryScopeId":"/"}`
	w.call(201, "POST", assignments, body)
	w.call(400, "POST", assignments, body)
	if found := w.call(200, "GET", assignments+"?$filter=principalId%20eq%20'"+ann+"'", "")["value"].([]any); len(found) != 1 {
		t.Errorf("%d assignments, want 1", len(found))
	}
	w.call(204, "DELETE", assignments+"/"+first, "")
}

func TestARequestOfABatchIsAuthorisedLikeAnyOther(t *testing.T) {
	w := newWorld(t, "User.Read.All")
	out := w.call(200, "POST", "/v1.0/$batch", `{"requests":[
		{"id":"1","method":"GET","url":"/users/admin@contoso.example"},
		{"id":"2","method":"DELETE","url":"/users/admin@contoso.example"}]}`)
	for i, want := range []float64{200, 403} {
		if got := out["responses"].([]any)[i].(map[string]any)["status"]; got != want {
			t.Errorf("request %d answers %v, want %v", i+1, got, want)
		}
	}
}

func TestMembersThatACallerMayNotReadShowTheirIDAlone(t *testing.T) {
	w := newWorld(t, "Group.ReadWrite.All")
	team := w.group("team", false)
	w.call(204, "POST", "/v1.0/groups/"+team+"/members/$ref", ref(string(w.admin.ID)))
	m := w.call(200, "GET", "/v1.0/groups/"+team+"/members?$select=id,displayName,mobilePhone", "")["value"].([]any)[0].(map[string]any)
	if len(m) != 2 || m["id"] != string(w.admin.ID) {
		t.Errorf("got %v, want type and id", m)
	}
}
