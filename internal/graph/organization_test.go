package graph_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/store"
)

// events returns all changes of the tenant.
func (w *world) events(t *testing.T) []audit.Event {
	t.Helper()
	found, _, err := w.db.Events(context.Background(), w.tenant.ID, audit.KindDirectory, nil, nil, nil, 1000)
	check(t, err)
	return found
}

func TestTheOrganizationTakesItsName(t *testing.T) {
	w := newWorld(t, "Organization.ReadWrite.All")
	path := "/v1.0/organization/" + string(w.tenant.ID)
	w.call(204, "PATCH", path, `{"displayName":"Contoso Ltd","technicalNotificationMails":["it@contoso.example"],"postern_timeZone":"Europe/Berlin","postern_helpdesk":{"phone":"1234"}}`)
	if mails := w.call(200, "GET", path, "")["technicalNotificationMails"]; fmt.Sprint(mails) != "[it@contoso.example]" {
		t.Errorf("technical contacts: %v", mails)
	}
	w.call(204, "PATCH", path, `{"postern_helpdesk":{"hours":"9 to 5"}}`)
	got := list(w.call(200, "GET", "/v1.0/organization?$select=displayName,postern_timeZone,postern_helpdesk,verifiedDomains", ""))[0].(map[string]any)
	if got["displayName"] != "Contoso Ltd" || got["postern_timeZone"] != "Europe/Berlin" || fmt.Sprint(got["postern_helpdesk"]) != "map[hours:9 to 5 mail:<nil> phone:1234]" {
		t.Errorf("got %v", got)
	}
	for body, status := range map[string]int{
		`{"displayName":""}`: 400, `{"technicalNotificationMails":["IT <it@contoso.example>"]}`: 400, `{"postern_timeZone":"Mars/Base"}`: 400, `{"city":"Bonn"}`: 400, `{"x":1}`: 400,
	} {
		w.call(status, "PATCH", path, body)
	}
	w.call(404, "GET", "/v1.0/organization/"+uuid.NewString(), "")
}

func TestADomainIsVerifiedByTheDNS(t *testing.T) {
	w := newWorld(t, "Domain.ReadWrite.All", "User.ReadWrite.All")
	const domain = "/v1.0/domains/fabrikam.example"
	w.call(201, "POST", "/v1.0/domains", `{"id":"Fabrikam.example"}`)
	w.call(400, "POST", "/v1.0/domains", `{"id":"fabrikam.example"}`)
	w.call(400, "POST", "/v1.0/domains", `{"id":"not a domain"}`)
	user := `{"accountEnabled":true,"displayName":"F","mailNickname":"f","userPrincipalName":"f@fabrikam.example"}`
	w.call(400, "POST", "/v1.0/users", user)
	w.call(400, "POST", domain+"/verify", "")
	w.call(400, "PATCH", domain, `{"isDefault":true}`)
	record := list(w.call(200, "GET", domain+"/verificationDnsRecords", ""))[0].(map[string]any)
	w.records = map[string][]string{"fabrikam.example.": {"v=spf1 -all", record["text"].(string)}}
	w.call(200, "POST", domain+"/verify", "")
	if d := w.call(200, "GET", domain, ""); d["isVerified"] != true {
		t.Errorf("the domain is %v", d)
	}
	id := w.call(201, "POST", "/v1.0/users", user)["id"].(string)
	w.call(400, "DELETE", domain, "")
	w.call(204, "DELETE", "/v1.0/users/"+id, "")
	w.call(204, "PATCH", domain, `{"isDefault":true}`)
	w.call(400, "DELETE", domain, "")
	w.call(204, "PATCH", "/v1.0/domains/contoso.example", `{"isDefault":true}`)
	w.call(400, "DELETE", "/v1.0/domains/contoso.example", "")
	w.call(204, "DELETE", domain, "")
	w.call(404, "GET", domain, "")
	w.call(404, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", "")
}

func TestADomainWithoutDNSIsAGlobalAdministratorsDecision(t *testing.T) {
	w := newWorld(t, "Domain.ReadWrite.All")
	const domain = "/v1.0/domains/corp.internal"
	w.call(201, "POST", "/v1.0/domains", `{"id":"corp.internal"}`)
	w.call(403, "POST", domain+"/verify", `{"postern_withoutDns":true}`)
	app := w.token
	w.token = w.signIn(w.member("names", directory.DomainNameAdministrator), "Domain.ReadWrite.All")
	w.call(403, "POST", domain+"/verify", `{"postern_withoutDns":true}`)
	w.token = w.signIn(w.admin, "Domain.ReadWrite.All")
	w.call(200, "POST", domain+"/verify", `{"postern_withoutDns":true}`)

	check(t, w.db.CreateTenant(t.Context(), store.Seed{Tenant: directory.Tenant{
		ID: directory.TenantID(uuid.NewString()), DisplayName: "Other", CreatedAt: time.Now(), TimeZone: "UTC",
		Domains: []directory.Domain{{Name: "other.example", IsDefault: true, IsInitial: true}},
	}}))
	w.call(201, "POST", "/v1.0/domains", `{"id":"plant.internal"}`)
	w.call(403, "POST", "/v1.0/domains/plant.internal/verify", `{"postern_withoutDns":true}`)
	w.token = app
	w.call(400, "POST", "/v1.0/domains", `{"id":"other.example"}`)
}

func TestRolesAreGivenAndTakenByTheirClassicPaths(t *testing.T) {
	w := newWorld(t, "RoleManagement.ReadWrite.Directory", "User.ReadWrite.All")
	ann := w.create("ann")
	role := "/v1.0/directoryRoles(roleTemplateId='" + string(directory.HelpdeskAdministrator) + "')"
	if r := w.call(201, "POST", "/v1.0/directoryRoles", `{"roleTemplateId":"`+string(directory.HelpdeskAdministrator)+`"}`); r["displayName"] != "Helpdesk Administrator" {
		t.Errorf("activation answers %v", r)
	}
	w.call(204, "POST", role+"/members/$ref", ref(ann))
	w.call(400, "POST", role+"/members/$ref", ref(ann))
	if found := list(w.call(200, "GET", role+"/members", "")); len(found) != 1 || found[0].(map[string]any)["id"] != ann {
		t.Errorf("the members are %v", found)
	}
	w.call(204, "DELETE", role+"/members/"+ann+"/$ref", "")
	w.call(404, "DELETE", role+"/members/"+ann+"/$ref", "")
	w.call(403, "DELETE", "/v1.0/directoryRoles/"+string(directory.GlobalAdministrator)+"/members/"+string(w.admin.ID)+"/$ref", "")
	w.call(404, "GET", "/v1.0/directoryRoles/"+uuid.NewString(), "")
}

func TestOnlyWhatAPersonIsInIsConfirmed(t *testing.T) {
	w := newWorld(t, all...)
	ann, team, other := w.create("ann"), w.group("team", false), w.group("other", false)
	w.call(204, "POST", "/v1.0/groups/"+team+"/members/$ref", ref(ann))
	found := list(w.call(200, "POST", "/v1.0/users/"+ann+"/checkMemberGroups", `{"groupIds":["`+team+`","`+other+`"]}`))
	if len(found) != 1 || found[0] != team {
		t.Errorf("ann is in %v, want %s", found, team)
	}
	found = list(w.call(200, "POST", "/v1.0/users/"+string(w.admin.ID)+"/checkMemberObjects", `{"ids":["`+string(directory.GlobalAdministrator)+`"]}`))
	if len(found) != 1 {
		t.Errorf("the administrator holds %v", found)
	}
}

func TestNothingOfAnotherTenantIsReached(t *testing.T) {
	w := newWorld(t, append(manage, "Domain.ReadWrite.All")...)
	other := directory.Tenant{
		ID: directory.TenantID(uuid.NewString()), DisplayName: "Other", CreatedAt: time.Now(), TimeZone: "UTC",
		Domains: []directory.Domain{{Name: "other.example", IsDefault: true, IsInitial: true}},
	}
	known := directory.WellKnown(other)
	check(t, w.db.CreateTenant(t.Context(), store.Seed{
		Tenant: other, Applications: known.Applications, Principals: known.ServicePrincipals, Grants: known.Grants,
	}))
	app, sp, grant := string(known.Applications[0].ID), string(known.ServicePrincipals[0].ID), known.Grants[0].ID
	for _, path := range []string{
		"/applications/" + app, "/servicePrincipals/" + sp, "/servicePrincipals/" + sp + "/appRoleAssignedTo", "/oauth2PermissionGrants/" + grant,
		"/directoryObjects/" + app, "/domains/other.example", "/organization/" + string(other.ID),
	} {
		w.call(404, "GET", "/v1.0"+path, "")
	}
	w.call(404, "POST", "/v1.0/oauth2PermissionGrants", `{"clientId":"`+sp+`","consentType":"AllPrincipals","resourceId":"`+string(w.graph)+`","scope":"User.Read"}`)
	w.call(404, "POST", "/v1.0/servicePrincipals/"+w.robot+"/appRoleAssignments", assignment(w.robot, sp, graphRole("User.Read.All")))
	if found := list(w.call(200, "POST", "/v1.0/directoryObjects/getByIds", `{"ids":["`+app+`","`+sp+`","`+w.robot+`"]}`)); len(found) != 1 {
		t.Errorf("of three ids %d are found, want the tenant's own", len(found))
	}
}

func TestOfTwoTenantsThatWantADomainOneGetsIt(t *testing.T) {
	w := newWorld(t, "Domain.ReadWrite.All")
	w.call(201, "POST", "/v1.0/domains", `{"id":"both.example"}`)
	record := list(w.call(200, "GET", "/v1.0/domains/both.example/verificationDnsRecords", ""))[0].(map[string]any)
	w.records = map[string][]string{"both.example.": {record["text"].(string)}}
	check(t, w.db.CreateTenant(t.Context(), store.Seed{Tenant: directory.Tenant{
		ID: directory.TenantID(uuid.NewString()), DisplayName: "Both", CreatedAt: time.Now(), TimeZone: "UTC",
		Domains: []directory.Domain{{Name: "both.example", IsDefault: true, IsInitial: true}},
	}}))
	w.call(400, "POST", "/v1.0/domains/both.example/verify", "")
	if d := w.call(200, "GET", "/v1.0/domains/both.example", ""); d["isVerified"] != false {
		t.Errorf("both tenants have it: %v", d)
	}
}
