package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func TestAPassStopsWithThePowerOfItsOwnerAndWithItsIssuer(t *testing.T) {
	d := newDesk(t)
	d.signInAs("issuer")
	issue := func(name string) (pass, path string) {
		t.Helper()
		path = "/v1.0/users/" + d.ids[name] + "/authentication/temporaryAccessPassMethods"
		status, v := d.api(http.MethodPost, path, d.tokens["issuer"], `{}`)
		if status != http.StatusCreated {
			t.Fatalf("issue for %s: %d %v", name, status, v)
		}
		return v["temporaryAccessPass"].(string), path
	}
	stopped := func(path, why string) {
		t.Helper()
		_, v := d.api(http.MethodGet, path+"?$select=isUsable,methodUsabilityReason,postern_stoppedBecause", d.appToken(), "")
		p := v["value"].([]any)[0].(map[string]any)
		want := "map[isUsable:false methodUsabilityReason:DisabledByPolicy postern_stoppedBecause:" + why + "]"
		if why == "" {
			want = "map[isUsable:true methodUsabilityReason:EnabledByPolicy postern_stoppedBecause:<nil>]"
		}
		if fmt.Sprint(p) != want {
			t.Errorf("Graph says %v, want %s", p, want)
		}
	}
	refused := func(name, pass, code string) {
		t.Helper()
		d.newBrowser()
		d.wantFault(name, d.signIn(d.authorize(nil).location, name+"@contoso.example", pass), code)
	}

	weak, path := issue("mate")
	stopped(path, "")
	role := d.create("/v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"`+string(directory.GlobalAdministrator)+`","principalId":"`+d.ids["mate"]+`","directoryScopeId":"/"}`)
	stopped(path, "ownerStronger")
	refused("mate", weak, "tapOwnerStronger")
	if status, v := d.api(http.MethodDelete, "/v1.0/roleManagement/directory/roleAssignments/"+role, d.appToken(), ""); status != http.StatusNoContent {
		t.Fatalf("take the role: %d %v", status, v)
	}
	stopped(path, "") // nothing was ended: what was refused for a role works without it
	d.newBrowser()
	d.code("mate@contoso.example", weak)

	orphan, path := issue("stranger")
	admin := d.tokenFor(adminName, d.created.Pass, "User.ReadWrite.All")
	if status, v := d.api(http.MethodPatch, "/v1.0/users/"+d.ids["issuer"], admin, `{"accountEnabled":false}`); status != http.StatusNoContent {
		t.Fatalf("switch the issuer off: %d %v", status, v)
	}
	stopped(path, "issuerGone")
	refused("stranger", orphan, "tapIssuerGone")

	_, signIns := d.api(http.MethodGet, "/beta/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+d.ids["stranger"]+"'"), d.appToken(), "")
	if text := fmt.Sprint(signIns); !strings.Contains(text, "130501") || !strings.Contains(text, "switched off or gone") {
		t.Errorf("the sign-in log: %s", text)
	}
}

func TestTheConsoleSaysWhyAPassIsStopped(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	kim := w.consoleAs("kim", directory.AuthenticationAdministrator)
	at, v := w.passForm(mira, url.Values{"check": {"callBack"}})
	where, _ := w.readOut(w.post(at, v))
	self, _, _ := strings.Cut(where, "?")

	w.newBrowser()
	admin := w.tokenFor(adminName, w.created.Pass, "User.ReadWrite.All")
	if status, v := w.api(http.MethodPatch, "/v1.0/users/"+kim, admin, `{"accountEnabled":false}`); status != http.StatusNoContent {
		t.Fatalf("switch the issuer off: %d %v", status, v)
	}
	w.newBrowser()
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	w.wantPage("the pass", w.get(self), http.StatusOK, `data-step="stopped"`, "switched off or deleted")
	w.wantPage("the person", w.get("/console/people/"+mira), http.StatusOK, ">Stopped<")
}
