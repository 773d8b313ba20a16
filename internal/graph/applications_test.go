package graph_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// manage are the permissions of an application that manages applications.
var manage = []string{
	"Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "User.ReadWrite.All",
}

func (w *world) register(body string) (id, appID string) {
	w.t.Helper()
	app := w.call(201, "POST", "/v1.0/applications", body)
	return app["id"].(string), app["appId"].(string)
}

// presence lets an application into the tenant.
func (w *world) presence(appID string) string {
	w.t.Helper()
	return w.call(201, "POST", "/v1.0/servicePrincipals", `{"appId":"`+appID+`"}`)["id"].(string)
}

// graphRole returns the id of the app role of Graph with the given value.
func graphRole(value string) string {
	for _, r := range directory.GraphAppRoles() {
		if r.Value == value {
			return r.ID
		}
	}
	return ""
}

func assignment(principal, resource, role string) string {
	return fmt.Sprintf(`{"principalId":%q,"resourceId":%q,"appRoleId":%q}`, principal, resource, role)
}

func list(answer map[string]any) []any { return answer["value"].([]any) }

func TestAnApplicationIsKeptAsItWasSent(t *testing.T) {
	w := newWorld(t, manage...)
	role, scope := uuid.NewString(), uuid.NewString()
	id, appID := w.register(`{
		"displayName":"Portal","description":"Shows things","signInAudience":"AzureADMyOrg","isFallbackPublicClient":null,"tags":["a"],
		"web":{"redirectUris":["https://portal.example/cb"],"logoutUrl":"https://portal.example/out","implicitGrantSettings":{"enableIdTokenIssuance":true}},
		"spa":{"redirectUris":["https://portal.example/spa"]},"publicClient":{"redirectUris":["http://localhost"]},
		"appRoles":[{"id":"` + role + `","value":"Admin","displayName":"Admin","description":"d","allowedMemberTypes":["User","Application"],"isEnabled":true}],
		"api":{"requestedAccessTokenVersion":2,"oauth2PermissionScopes":[{"id":"` + scope + `","value":"read","type":"User","isEnabled":true,"adminConsentDisplayName":"Read"}]},
		"requiredResourceAccess":[{"resourceAppId":"00000003-0000-0000-c000-000000000000","resourceAccess":[{"id":"e1fe6dd8-ba31-4d61-89e7-88639da4683d","type":"Scope"}]}],
		"postern_tokenSigningAlgorithm":"ES256"}`)
	w.call(204, "PATCH", "/v1.0/applications/"+id, `{"identifierUris":["api://`+appID+`"],"web":{"homePageUrl":"https://portal.example/"}}`)
	got := w.call(200, "GET", "/beta/applications(appId='"+appID+"')", "")
	web := got["web"].(map[string]any)
	if web["homePageUrl"] != "https://portal.example/" || web["logoutUrl"] != "https://portal.example/out" || len(web["redirectUris"].([]any)) != 1 {
		t.Errorf("a PATCH of one member of web changed others: %v", web)
	}
	for path, want := range map[string]string{"identifierUris": "[api://" + appID + "]", "tags": "[a]", "isFallbackPublicClient": "false"} {
		if text := fmt.Sprint(got[path]); text != want {
			t.Errorf("%s is %s, want %s", path, text, want)
		}
	}
	if _, shown := got["postern_tokenSigningAlgorithm"]; shown {
		t.Error("a property of our own is shown without $select")
	}
	own := w.call(200, "GET", "/v1.0/applications/"+id+"?$select=id,postern_tokenSigningAlgorithm", "")
	if own["postern_tokenSigningAlgorithm"] != "ES256" || len(own) != 3 {
		t.Errorf("$select gives %v", own)
	}
	sp := w.presence(appID)
	w.call(204, "PATCH", "/v1.0/applications/"+id, `{"displayName":"Gate"}`)
	p := w.call(200, "GET", "/v1.0/servicePrincipals(appId='"+appID+"')", "")
	if p["id"] != sp || p["displayName"] != "Gate" || len(p["appRoles"].([]any)) != 1 || len(p["oauth2PermissionScopes"].([]any)) != 1 {
		t.Errorf("the service principal does not follow its application: %v", p)
	}
	if found := list(w.call(200, "GET", "/v1.0/applications?$filter=startswith(displayName,'ga')&$count=true&$orderby=displayName", "")); len(found) != 1 {
		t.Errorf("%d applications start with ga, want 1", len(found))
	}
}

func TestWhatApplicationsRefuse(t *testing.T) {
	w := newWorld(t, manage...)
	id, appID := w.register(`{"displayName":"A"}`)
	w.call(204, "PATCH", "/v1.0/applications/"+id, `{"identifierUris":["https://contoso.example/api"]}`)
	sp := w.presence(appID)
	cli := w.call(200, "GET", "/v1.0/applications(appId='"+string(directory.CLIAppID)+"')", "")["id"].(string)
	for _, c := range []struct {
		name               string
		status             int
		method, path, body string
	}{
		{"no name", 400, "POST", "/v1.0/applications", `{}`},
		{"an unknown member", 400, "POST", "/v1.0/applications", `{"displayName":"B","colour":"red"}`},
		{"an unknown member inside", 400, "POST", "/v1.0/applications", `{"displayName":"B","web":{"uris":[]}}`},
		{"a property that is not kept", 400, "PATCH", "/v1.0/applications/" + id, `{"notes":"x"}`},
		{"a secret that somebody chose", 400, "POST", "/v1.0/applications/" + id + "/addPassword", `{"passwordCredential":{"secretText":"mine"}}`},
		{"a redirect to anywhere", 400, "PATCH", "/v1.0/applications/" + id, `{"web":{"redirectUris":["https://*.example/cb"]}}`},
		{"an identifier of others", 400, "PATCH", "/v1.0/applications/" + id, `{"identifierUris":["https://graph.microsoft.com"]}`},
		{"an identifier that is taken", 400, "POST", "/v1.0/applications", `{"displayName":"B","identifierUris":["https://CONTOSO.example/api"]}`},
		{"access tokens in the front channel", 400, "PATCH", "/v1.0/applications/" + id, `{"web":{"implicitGrantSettings":{"enableAccessTokenIssuance":true}}}`},
		{"a change of what is built in", 403, "PATCH", "/v1.0/applications/" + cli, `{"displayName":"Mine"}`},
		{"a secret for what is built in", 403, "POST", "/v1.0/applications/" + cli + "/addPassword", `{}`},
		{"deleting what is built in", 403, "DELETE", "/v1.0/applications/" + cli, ""},
		{"switching Graph off", 403, "PATCH", "/v1.0/servicePrincipals/" + string(w.graph), `{"accountEnabled":false}`},
		{"a second service principal", 400, "POST", "/v1.0/servicePrincipals", `{"appId":"` + appID + `"}`},
		{"a service principal of nothing", 404, "POST", "/v1.0/servicePrincipals", `{"appId":"` + uuid.NewString() + `"}`},
		{"a name that follows the application", 400, "PATCH", "/v1.0/servicePrincipals/" + sp, `{"displayName":"Other"}`},
		{"a filter without an index", 400, "GET", "/v1.0/applications?$filter=description%20eq%20'x'", ""},
		{"$search of what has no index", 400, "GET", "/v1.0/applications?$search=%22description:a%22", ""},
		{"an unknown id", 404, "GET", "/v1.0/applications/" + uuid.NewString(), ""},
		{"an id that is none", 404, "GET", "/v1.0/applications/x", ""},
		{"another key", 404, "GET", "/v1.0/applications(uniqueName='x')", ""},
		{"removing a secret that is not there", 404, "POST", "/v1.0/applications/" + id + "/removePassword", `{"keyId":"` + uuid.NewString() + `"}`},
	} {
		t.Run(c.name, func(t *testing.T) { w.t = t; w.call(c.status, c.method, c.path, c.body) })
	}
}

func TestASecretIsShownOnce(t *testing.T) {
	w := newWorld(t, manage...)
	id, _ := w.register(`{"displayName":"A"}`)
	s := w.call(200, "POST", "/v1.0/applications/"+id+"/addPassword", `{"passwordCredential":{"displayName":"night job"}}`)
	secret, _ := s["secretText"].(string)
	if len(secret) < 40 {
		t.Fatalf("the secret is %q", secret)
	}
	again := w.call(200, "GET", "/v1.0/applications/"+id, "")
	kept := again["passwordCredentials"].([]any)[0].(map[string]any)
	if kept["secretText"] != nil || kept["hint"] != secret[:3] || kept["displayName"] != "night job" {
		t.Errorf("afterwards it is %v", kept)
	}
	if strings.Contains(fmt.Sprint(w.events(t)), secret) {
		t.Error("the secret is in the log")
	}
	w.call(204, "POST", "/v1.0/applications/"+id+"/removePassword", `{"keyId":"`+s["keyId"].(string)+`"}`)
	for range directory.MaxSecrets {
		w.call(200, "POST", "/v1.0/applications/"+id+"/addPassword", "{}")
	}
	w.call(400, "POST", "/v1.0/applications/"+id+"/addPassword", "{}")
}

func TestACertificateStaysWhenItIsSentBackWithoutItsKey(t *testing.T) {
	w := newWorld(t, manage...)
	id, _ := w.register(`{"displayName":"A"}`)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	w.call(204, "PATCH", "/v1.0/applications/"+id, `{"keyCredentials":[{"type":"AsymmetricX509Cert","usage":"Verify","key":"`+base64.StdEncoding.EncodeToString(der)+`"}]}`)
	first := w.call(200, "GET", "/v1.0/applications/"+id, "")["keyCredentials"].([]any)[0].(map[string]any)
	if first["key"] != nil || first["customKeyIdentifier"] == nil {
		t.Errorf("the certificate is shown as %v", first)
	}
	w.call(204, "PATCH", "/v1.0/applications/"+id, fmt.Sprintf(`{"keyCredentials":[{"keyId":%q,"type":"AsymmetricX509Cert","usage":"Verify"}]}`, first["keyId"]))
	again := w.call(200, "GET", "/v1.0/applications/"+id, "")["keyCredentials"].([]any)[0].(map[string]any)
	if again["customKeyIdentifier"] != first["customKeyIdentifier"] || again["endDateTime"] != first["endDateTime"] {
		t.Errorf("%v became %v", first, again)
	}
	w.call(400, "PATCH", "/v1.0/applications/"+id, `{"keyCredentials":[{"keyId":"`+uuid.NewString()+`"}]}`)
}

func TestADeletedApplicationComesBackWithWhatItWasTrustedWith(t *testing.T) {
	w := newWorld(t, manage...)
	id, appID := w.register(`{"displayName":"A"}`)
	w.call(204, "PATCH", "/v1.0/applications/"+id, `{"identifierUris":["api://`+appID+`"]}`)
	sp, ann := w.presence(appID), w.create("ann")
	w.call(200, "POST", "/v1.0/applications/"+id+"/addPassword", "{}")
	w.call(201, "POST", "/v1.0/servicePrincipals/"+sp+"/appRoleAssignments", assignment(sp, string(w.graph), graphRole("User.Read.All")))
	w.call(201, "POST", "/v1.0/users/"+ann+"/appRoleAssignments", assignment(ann, sp, directory.NoAppRole))
	w.call(201, "POST", "/v1.0/oauth2PermissionGrants", `{"clientId":"`+sp+`","consentType":"AllPrincipals","resourceId":"`+string(w.graph)+`","scope":"User.Read openid"}`)
	w.call(204, "POST", "/v1.0/applications/"+id+"/owners/$ref", ref(ann))
	w.call(204, "DELETE", "/v1.0/applications/"+id, "")
	w.call(404, "GET", "/v1.0/applications/"+id, "")
	w.call(404, "GET", "/v1.0/servicePrincipals/"+sp, "")
	if found := list(w.call(200, "GET", "/v1.0/users/"+ann+"/appRoleAssignments", "")); len(found) != 0 {
		t.Errorf("ann has %d app roles of an application that is gone", len(found))
	}
	for _, kind := range []string{"application", "servicePrincipal"} {
		if found := list(w.call(200, "GET", "/v1.0/directory/deletedItems/microsoft.graph."+kind, "")); len(found) != 1 {
			t.Errorf("%d deleted objects of kind %s, want 1", len(found), kind)
		}
	}
	w.call(200, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", "")
	app := w.call(200, "GET", "/v1.0/applications/"+id, "")
	if len(app["passwordCredentials"].([]any)) != 1 || len(app["identifierUris"].([]any)) != 1 {
		t.Errorf("it came back as %v", app)
	}
	for _, path := range []string{
		"/v1.0/servicePrincipals/" + sp + "/appRoleAssignments", "/v1.0/servicePrincipals/" + sp + "/appRoleAssignedTo",
		"/v1.0/servicePrincipals/" + sp + "/oauth2PermissionGrants", "/v1.0/users/" + ann + "/appRoleAssignments",
		"/v1.0/applications/" + id + "/owners", "/v1.0/oauth2PermissionGrants?$filter=clientId%20eq%20'" + sp + "'",
	} {
		if found := list(w.call(200, "GET", path, "")); len(found) != 1 {
			t.Errorf("%s has %d entries, want 1", path, len(found))
		}
	}
	w.call(204, "DELETE", "/v1.0/applications/"+id, "")
	w.call(204, "DELETE", "/v1.0/directory/deletedItems/"+id, "")
	w.call(404, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", "")
	w.call(404, "POST", "/v1.0/directory/deletedItems/"+sp+"/restore", "")
}

func TestWhatGrantsRefuse(t *testing.T) {
	w := newWorld(t, manage...)
	id, appID := w.register(`{"displayName":"A"}`)
	sp, ann, graph := w.presence(appID), w.create("ann"), string(w.graph)
	w.call(201, "POST", "/v1.0/servicePrincipals/"+sp+"/appRoleAssignments", assignment(sp, graph, graphRole("User.Read.All")))
	g := w.call(201, "POST", "/v1.0/oauth2PermissionGrants", `{"clientId":"`+sp+`","consentType":"Principal","principalId":"`+ann+`","resourceId":"`+graph+`","scope":"User.Read"}`)
	grant := "/v1.0/oauth2PermissionGrants/" + g["id"].(string)
	w.call(204, "PATCH", grant, `{"scope":"User.Read openid openid"}`)
	if got := w.call(200, "GET", grant, "")["scope"]; got != "User.Read openid" {
		t.Errorf("the scope is %v", got)
	}
	for _, c := range []struct {
		name               string
		status             int
		method, path, body string
	}{
		{"a role twice", 400, "POST", "/v1.0/servicePrincipals/" + sp + "/appRoleAssignments", assignment(sp, graph, graphRole("User.Read.All"))},
		{"a role that is not there", 400, "POST", "/v1.0/servicePrincipals/" + sp + "/appRoleAssignments", assignment(sp, graph, uuid.NewString())},
		{"a role of applications for a person", 400, "POST", "/v1.0/users/" + ann + "/appRoleAssignments", assignment(ann, graph, graphRole("User.Read.All"))},
		{"a role for another than the path says", 400, "POST", "/v1.0/users/" + ann + "/appRoleAssignments", assignment(sp, graph, graphRole("AuditLog.Read.All"))},
		{"a role at another than the path says", 400, "POST", "/v1.0/servicePrincipals/" + sp + "/appRoleAssignedTo", assignment(sp, graph, graphRole("AuditLog.Read.All"))},
		{"an application instead of its service principal", 400, "POST", "/v1.0/servicePrincipals/" + sp + "/appRoleAssignedTo", assignment(id, sp, directory.NoAppRole)},
		{"a second grant for the same", 400, "POST", "/v1.0/oauth2PermissionGrants", `{"clientId":"` + sp + `","consentType":"Principal","principalId":"` + ann + `","resourceId":"` + graph + `","scope":"openid"}`},
		{"a scope that is not there", 400, "PATCH", grant, `{"scope":"Everything.All"}`},
		{"another client", 400, "PATCH", grant, `{"clientId":"` + graph + `"}`},
		{"everybody, and a person", 400, "POST", "/v1.0/oauth2PermissionGrants", `{"clientId":"` + sp + `","consentType":"AllPrincipals","principalId":"` + ann + `","resourceId":"` + graph + `","scope":"openid"}`},
		{"an unknown assignment", 404, "DELETE", "/v1.0/servicePrincipals/" + sp + "/appRoleAssignments/" + uuid.NewString(), ""},
		{"a filter that is not offered", 400, "GET", "/v1.0/oauth2PermissionGrants?$filter=scope%20eq%20'openid'", ""},
	} {
		t.Run(c.name, func(t *testing.T) { w.t = t; w.call(c.status, c.method, c.path, c.body) })
	}
	w.t = t
	w.call(204, "DELETE", grant, "")
	w.call(404, "GET", grant, "")
}

func TestListsOfApplicationsAreComplete(t *testing.T) {
	w := newWorld(t, manage...)
	ann := w.create("ann")
	for i := range 25 {
		_, appID := w.register(fmt.Sprintf(`{"displayName":"app %02d"}`, i))
		sp := w.presence(appID)
		w.call(201, "POST", "/v1.0/users/"+ann+"/appRoleAssignments", assignment(ann, sp, directory.NoAppRole))
	}
	for path, want := range map[string]int{
		"/v1.0/applications?$filter=startswith(displayName,'app')&$top=4":                25,
		"/v1.0/servicePrincipals?$orderby=displayName%20desc&$top=4":                     26 + len(directory.WellKnown(w.tenant).ServicePrincipals),
		"/v1.0/users/" + ann + "/appRoleAssignments?$top=4":                              25,
		"/v1.0/oauth2PermissionGrants?$top=3&$filter=consentType%20eq%20'AllPrincipals'": len(directory.WellKnown(w.tenant).Grants),
	} {
		seen, link := map[string]bool{}, path
		for link != "" {
			page := w.call(200, "GET", link, "")
			for _, one := range list(page) {
				seen[one.(map[string]any)["id"].(string)] = true
			}
			link, _ = page["@odata.nextLink"].(string)
		}
		if len(seen) != want {
			t.Errorf("%s yields %d, want %d", path, len(seen), want)
		}
	}
}

func TestAnApplicationSaysWhetherItIsPartOfPostern(t *testing.T) {
	w := newWorld(t, "Application.ReadWrite.All")
	own := w.call(201, "POST", "/v1.0/applications", `{"displayName":"Own"}`)
	for id, want := range map[string]bool{own["appId"].(string): false, string(directory.ConsoleAppID): true} {
		got := w.call(200, "GET", "/v1.0/applications(appId='"+id+"')?$select=id,postern_builtIn", "")
		if got["postern_builtIn"] != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	w.call(400, "PATCH", "/v1.0/applications/"+own["id"].(string), `{"postern_builtIn":true}`)
}
