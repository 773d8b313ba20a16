package graph_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

// registry knows the kinds that the tests of this package use.
func registry(db *store.DB) *method.Registry {
	return &method.Registry{
		Store: db, Now: time.Now, Kinds: map[signin.MethodID]method.Kind{passkey.MethodID: {Name: passkey.Name}, authenticator.MethodID: {Name: "Authenticator app"}, totp.MethodID: {Name: "OATH software token"}, password.MethodID: {Name: "Password"}},
		Letters: func(context.Context, method.Change) ([]outbox.Item, error) { return nil, nil },
	}
}

// keyData is what is kept of a passkey whose model is known.
const keyData = `{"credentialId":"AQID","publicKey":"c2VhbGVkLXNlY3JldA==","rpId":"id.example","aaGuid":"2fc0579f-8113-47ea-b116-bb5a8db9202a"}`

// kinds are the sets of methods that the registry keeps, with the permission of each.
var kinds = []struct {
	set, odataType, permission string
	kind                       signin.MethodID
	data                       string
}{
	{"fido2Methods", "fido2AuthenticationMethod", "Passkey", passkey.MethodID, keyData},
	{"microsoftAuthenticatorMethods", "microsoftAuthenticatorAuthenticationMethod", "MicrosoftAuthApp", authenticator.MethodID, `{"key":"c2VhbGVkLXNlY3JldA=="}`},
	{"softwareOathMethods", "softwareOathAuthenticationMethod", "SoftwareOATH", totp.MethodID, `{"key":"sealed-secret"}`},
}

// give registers a method of a kind for somebody, as they do on their own pages.
func (w *world) give(user directory.UserID, kind signin.MethodID, data string) method.Credential {
	w.t.Helper()
	c := method.Credential{
		Tenant: w.tenant.ID, ID: uuid.NewString(), User: user, Kind: kind, CreatedAt: time.Now().UTC(), Name: "Mine", Data: []byte(data),
		Origin: method.Origin{Pass: uuid.NewString(), Proof: "accesspass", Address: "192.0.2.7", Browser: "Firefox, Linux"},
	}
	check(w.t, w.db.AddCredential(w.t.Context(), c, method.Addition{Most: 10, Event: w.event()}))
	return c
}

func methodsOf(user directory.UserID) string {
	return "/v1.0/users/" + string(user) + "/authentication/"
}

func TestEveryKindOfMethodIsShownWithoutSecretsAndRemoved(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.set, func(t *testing.T) {
			w := newWorld(t, "UserAuthMethod-"+k.permission+".ReadWrite.All", "UserAuthenticationMethod.Read.All")
			ann, ben := w.member("ann"), w.member("ben")
			own, other := w.give(ann.ID, k.kind, k.data), w.give(ben.ID, k.kind, k.data)
			path := methodsOf(ann.ID) + k.set
			all := list(w.call(200, "GET", path, ""))
			if len(all) != 1 {
				t.Fatalf("the list has %v", all)
			}
			one := all[0].(map[string]any)
			id, _ := one["id"].(string)
			if one["createdDateTime"] == nil || one["postern_registeredWith"] != nil {
				t.Errorf("the list shows %v", one)
			}
			shown := w.call(200, "GET", path+"/"+strings.ToUpper(id)+"?$select=id,postern_displayName,postern_registeredWith,postern_registeredUnderPass,postern_frozenDateTime", "")
			if shown["id"] != id || shown["postern_registeredWith"] != "accesspass" || shown["postern_registeredUnderPass"] != own.Origin.Pass ||
				shown["postern_frozenDateTime"] != nil || shown["createdDateTime"] != nil || shown["postern_displayName"] != "Mine" {
				t.Errorf("$select shows %v", shown)
			}
			mixed := list(w.call(200, "GET", methodsOf(ann.ID)+"methods", ""))
			if len(mixed) != 1 || mixed[0].(map[string]any)["@odata.type"] != "#microsoft.graph."+k.odataType {
				t.Errorf("all methods are %v", mixed)
			}
			w.call(200, "GET", methodsOf(ann.ID)+"methods/"+id, "")
			if rec := w.send("GET", path+"?$select=*", ""); strings.Contains(rec.Body.String(), "sealed-secret") {
				t.Error("a secret is shown")
			}
			if id == own.ID { // else everybody's has the same
				w.refused(404, "GET", path+"/"+other.ID, "")
				w.refused(404, "DELETE", path+"/"+other.ID, "")
			}
			for _, query := range []string{"?$select=key", "?$filter=id eq 'x'", "?$expand=device", "?$colour=red"} {
				w.refused(400, "GET", path+strings.ReplaceAll(query, " ", "%20"), "")
			}
			w.call(204, "DELETE", path+"/"+id, "")
			w.refused(404, "DELETE", path+"/"+id, "")
			w.refused(404, "GET", path+"/"+id, "")
			if left := list(w.call(200, "GET", methodsOf(ben.ID)+k.set, "")); len(left) != 1 {
				t.Errorf("somebody else's are %v", left)
			}
			removed := 0
			for _, e := range w.events(t) {
				if e.Change != nil && e.Change.Activity == audit.AdminDeletedSecurityInfo && e.Change.Targets[0].ID == string(ann.ID) {
					removed++
				}
			}
			if removed != 1 {
				t.Errorf("%d removals are in the log", removed)
			}
		})
	}
}

func TestMethodsOfAdministratorsAreRemovedByThoseWhoReachThem(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.set, func(t *testing.T) {
			w := newWorld(t, "UserAuthMethod-"+k.permission+".ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
			lead, plain := w.member("lead", directory.GlobalAdministrator), w.member("plain")
			ofLead, ofPlain := w.give(lead.ID, k.kind, k.data), w.give(plain.ID, k.kind, k.data)
			path := func(c method.Credential) string {
				id, _ := list(w.call(200, "GET", methodsOf(c.User)+k.set, ""))[0].(map[string]any)["id"].(string)
				return methodsOf(c.User) + k.set + "/" + id
			}
			leads, plains := path(ofLead), path(ofPlain)
			w.refused(403, "DELETE", leads, "") // an application without the privileged permission
			w.refused(403, "POST", "/v1.0/postern/users/"+string(lead.ID)+"/methods/"+ofLead.ID+"/freeze", "")
			for name, role := range map[string]directory.RoleID{
				"desk": directory.HelpdeskAdministrator, "authentication": directory.AuthenticationAdministrator, "reader": directory.GlobalReader,
				"users": directory.UserAdministrator,
			} {
				back := w.as(w.signIn(w.member(name, role), everyScope()...))
				w.refused(403, "DELETE", leads, "")
				w.refused(403, "POST", "/v1.0/postern/users/"+string(lead.ID)+"/methods/"+ofLead.ID+"/thaw", "")
				if role != directory.AuthenticationAdministrator {
					w.refused(403, "DELETE", plains, "")
				}
				back()
			}
			// Oneself, with scopes that are too small and with one that is not.
			for _, scope := range []string{"User.Read", "UserAuthenticationMethod.Read", "UserAuthMethod-" + k.permission + ".Read", "UserAuthMethod-TAP.ReadWrite"} {
				back := w.as(w.signIn(plain, scope))
				w.refused(403, "DELETE", strings.Replace(plains, "/users/"+string(plain.ID), "/me", 1), "")
				back()
			}
			back := w.as(w.signIn(plain, "UserAuthMethod-"+k.permission+".ReadWrite"))
			w.refused(403, "DELETE", leads, "")
			w.call(204, "DELETE", strings.Replace(plains, "/users/"+string(plain.ID), "/me", 1), "")
			back()
			defer w.as(w.signIn(w.member("privileged", directory.PrivilegedAuthenticationAdministrator), everyScope()...))()
			w.call(204, "DELETE", leads, "")
		})
	}
}

func TestAFrozenMethodIsThawedByAnAdministratorNeverByItsOwner(t *testing.T) {
	k := kinds[0]
	w := newWorld(t, "UserAuthenticationMethod.ReadWrite.All")
	ann, ben := w.member("ann"), w.member("ben")
	own := w.give(ann.ID, k.kind, k.data)
	base := "/v1.0/postern/users/" + string(ann.ID) + "/methods/" + own.ID
	w.call(204, "POST", base+"/freeze", "")
	shown := w.call(200, "GET", methodsOf(ann.ID)+k.set+"/"+own.ID+"?$select=postern_frozenDateTime", "")
	if shown["postern_frozenDateTime"] == nil {
		t.Errorf("frozen shows %v", shown)
	}
	back := w.as(w.signIn(ann, everyScope()...))
	w.refused(403, "POST", base+"/thaw", "")
	back()
	w.refused(404, "POST", "/v1.0/postern/users/"+string(ben.ID)+"/methods/"+own.ID+"/thaw", "")
	w.refused(400, "POST", base+"/thaw", `{"colour":"red"}`)
	w.refused(413, "POST", base+"/thaw", `{"x":"`+strings.Repeat("x", 2<<20)+`"}`)
	w.call(204, "POST", base+"/thaw", "{}")
	if shown := w.call(200, "GET", methodsOf(ann.ID)+k.set+"/"+own.ID+"?$select=postern_frozenDateTime", ""); shown["postern_frozenDateTime"] != nil {
		t.Errorf("thawed shows %v", shown)
	}
	w.refused(404, "POST", "/v1.0/postern/users/"+string(ann.ID)+"/methods/"+uuid.NewString()+"/freeze", "")
	w.refused(404, "POST", "/v1.0/postern/users/"+string(ann.ID)+"/methods/x/freeze", "")
}

func TestMethodsOfAnotherTenantAreNotThere(t *testing.T) {
	k := kinds[0]
	w := newWorld(t, "UserAuthenticationMethod.ReadWrite.All")
	ann := w.member("ann")
	foreign := w.give(ann.ID, k.kind, k.data)
	check(t, w.db.RemoveCredential(t.Context(), foreign, time.Now(), w.event()))
	foreign.Tenant = directory.TenantID(uuid.NewString()) // the same person's id, elsewhere
	if err := w.db.AddCredential(t.Context(), foreign, method.Addition{Most: 10, Event: w.event()}); err == nil {
		t.Fatal("a method was added for somebody who is not there")
	}
	w.refused(404, "GET", methodsOf(ann.ID)+k.set+"/"+foreign.ID, "")
	w.refused(404, "DELETE", methodsOf(ann.ID)+k.set+"/"+foreign.ID, "")
}

// TestAMethodThatCantBeReadHidesNoOther, is named, signs nobody in and is removed; its secret is told nobody.
func TestAMethodThatCantBeReadHidesNoOther(t *testing.T) {
	w := newWorld(t, "UserAuthenticationMethod.ReadWrite.All", "AuditLog.Read.All", "User.Read.All", "Policy.ReadWrite.AuthenticationMethod", "Device.ReadWrite.All")
	w.call(204, "PATCH", configurations+"/Fido2", `{"state":"enabled"}`)
	bad, good := w.member("bad"), w.member("good")
	broken, sound := w.give(bad.ID, passkey.MethodID, keyData), w.give(bad.ID, passkey.MethodID, keyData)
	w.give(good.ID, passkey.MethodID, keyData)
	device := w.device(directory.TrustJoined)
	w.pin(device, bad.ID)
	at, err := sql.Open("sqlite", filepath.Join(w.dir, "postern.db"))
	check(t, err)
	for _, statement := range []string{
		`UPDATE credential SET body = '{"name":471104711047110}' WHERE id = '` + broken.ID + `'`,
		`UPDATE pin_container SET body = '{"key":471104711047110}'`, `UPDATE device SET body = '{"displayName":471104711047110}'`,
	} {
		_, err := at.ExecContext(t.Context(), statement)
		check(t, err)
	}
	check(t, at.Close())

	keys := methodsOf(bad.ID) + "fido2Methods"
	named := map[any]any{}
	for _, one := range list(w.call(200, "GET", keys+"?$select=id,model,postern_isUnreadable", "")) {
		named[one.(map[string]any)["id"]] = one.(map[string]any)["postern_isUnreadable"]
	}
	if len(named) != 2 || named[broken.ID] != true || named[sound.ID] != false {
		t.Errorf("keys are %v", named)
	}
	marked := 0
	for _, one := range list(w.call(200, "GET", methodsOf(bad.ID)+"methods?$select=id,postern_isUnreadable", "")) {
		if one.(map[string]any)["postern_isUnreadable"] == true {
			marked++
		}
	}
	if marked != 2 {
		t.Errorf("%d of all methods are marked", marked)
	}
	devices := list(w.call(200, "GET", "/v1.0/devices?$select=id,accountEnabled,postern_isUnreadable", ""))
	if len(devices) != 1 || devices[0].(map[string]any)["postern_isUnreadable"] != true || devices[0].(map[string]any)["accountEnabled"] != false {
		t.Errorf("devices are %v", devices)
	}
	if owned := list(w.call(200, "GET", "/v1.0/users/"+string(w.admin.ID)+"/ownedDevices?$select=id,postern_isUnreadable", "")); len(owned) != 1 || owned[0].(map[string]any)["postern_isUnreadable"] != true {
		t.Errorf("owned devices are %v", owned)
	}
	report := "/v1.0/reports/authenticationMethods/userRegistrationDetails"
	for _, one := range list(w.call(200, "GET", report+"?$select=id,postern_isUnreadable,isPasswordlessCapable", "")) {
		line := one.(map[string]any)
		if line["postern_isUnreadable"] != (line["id"] == string(bad.ID)) || line["id"] == string(good.ID) && line["isPasswordlessCapable"] != true {
			t.Errorf("the report has %v", line)
		}
	}
	for _, one := range list(w.call(200, "GET", "/v1.0/users?$select=id,postern_waysBack", "")) {
		if line := one.(map[string]any); (line["postern_waysBack"] == nil) != (line["id"] == string(bad.ID)) {
			t.Errorf("ways back are %v", line)
		}
	}
	if rec := w.send("GET", methodsOf(bad.ID)+"methods", ""); strings.Contains(rec.Body.String(), "471104711047110") {
		t.Errorf("what can't be read is shown: %s", rec.Body)
	}

	w.call(204, "DELETE", keys+"/"+broken.ID, "")
	pins := methodsOf(bad.ID) + "windowsHelloForBusinessMethods"
	w.call(204, "DELETE", pins+"/"+list(w.call(200, "GET", pins, ""))[0].(map[string]any)["id"].(string), "")
	if left := list(w.call(200, "GET", methodsOf(bad.ID)+"methods", "")); len(left) != 1 || left[0].(map[string]any)["id"] != sound.ID {
		t.Errorf("left are %v", left)
	}
	w.call(204, "DELETE", "/v1.0/devices/"+string(device.ID), "")
	if left := list(w.call(200, "GET", "/v1.0/devices", "")); len(left) != 0 {
		t.Errorf("devices that are left: %v", left)
	}
}
