package graph_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

func preview(user string) string { return "/v1.0/postern/users/" + user + "/passes/preview" }

// asked are the names and roles of whom an answer says to ask.
func asked(v map[string]any) (all []string) {
	for _, one := range v["whoMay"].([]any) {
		who := one.(map[string]any)
		all = append(all, fmt.Sprintf("%s (%s)", who["displayName"], who["role"]))
	}
	return all
}

func TestThePreviewSaysWhatWouldBeAndIssuesNothing(t *testing.T) {
	w := newWorld(t, append(manage, "UserAuthenticationMethod.ReadWrite.All", "Policy.ReadWrite.AuthenticationMethod")...)
	robot, mira := w.token, string(w.member("mira").ID)
	agent := w.member("agent", directory.AuthenticationAdministrator)
	w.member("dana", directory.PrivilegedAuthenticationAdministrator)
	w.member("policy", directory.AuthenticationPolicyAdministrator)
	gone := person(w.tenant, "gone")
	gone.AccountEnabled = false
	check(t, w.db.CreateUser(t.Context(), gone, w.event()))
	check(t, w.db.AssignRole(t.Context(), directory.RoleAssignment{
		Tenant: w.tenant.ID, ID: uuid.NewString(), Role: directory.AuthenticationPolicyAdministrator, Scope: directory.RootScope, CreatedAt: time.Now(),
		Principal: directory.Ref{Kind: directory.KindUser, ID: string(gone.ID)},
	}, w.event()))
	w.token = w.signIn(agent, everyScope()...)

	v := w.call(200, "POST", preview(mira), `{}`)
	if v["allowed"] != false || v["code"] != "tapPolicyOff" || v["remedy"] == "" || fmt.Sprint(asked(v)) != "[policy (Authentication Policy Administrator) admin (Global Administrator)]" {
		t.Errorf("while passes are off: %v", v)
	}
	w.token = robot
	w.call(204, "PATCH", "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass", `{"state":"enabled","postern_identityCheck":"required"}`)
	w.token = w.signIn(agent, everyScope()...)

	v = w.call(200, "POST", preview(mira), `{"postern_preset":"newDevice"}`)
	if v["allowed"] != false || v["code"] != "tapIdentityCheckMissing" || v["lifetimeInMinutes"] != 240.0 || v["identityCheck"] != "required" {
		t.Errorf("without a check: %v", v)
	}
	v = w.call(200, "POST", preview(mira), `{"postern_preset":"newDevice","postern_identityCheck":{"how":"callBack","note":"0113 496 0417"}}`)
	policy, _ := v["policy"].(map[string]any)
	if v["allowed"] != true || v["code"] != nil || v["isUsableOnce"] != false || v["entropyBits"] != 40.0 || policy["maximumLifetimeInMinutes"] != 480.0 || v["replaces"] != nil || len(v["presets"].([]any)) != 3 {
		t.Errorf("with one: %v", v)
	}
	start, _ := time.Parse(time.RFC3339Nano, v["startDateTime"].(string))
	if end, err := time.Parse(time.RFC3339Nano, v["endDateTime"].(string)); err != nil || end.Sub(start) != 4*time.Hour {
		t.Errorf("from %v to %v: %v", start, end, err)
	}
	for body, code := range map[string]string{
		`{"lifetimeInMinutes":481}`: "tapLifetime", `{"startDateTime":"2001-01-01T00:00:00Z"}`: "tapStart",
		`{"postern_reason":"a\nb"}`: "tapNote", `{"postern_identityCheck":{"how":"hunch"}}`: "tapIdentityCheck", `{"postern_preset":"party"}`: "tapPreset",
	} {
		if v := w.call(200, "POST", preview(mira), body); v["code"] != code || len(v["whoMay"].([]any)) != 0 {
			t.Errorf("%s: %v", body, v)
		}
	}
	w.call(400, "POST", preview(mira), `{"lifetime":60}`)
	if v := w.call(200, "GET", "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods", ""); len(v["value"].([]any)) != 0 {
		t.Errorf("there is a pass: %v", v)
	}
}

func TestThePreviewNamesAtMostFiveWhoMay(t *testing.T) {
	w := newWorld(t, append(manage, "Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory", "Policy.ReadWrite.AuthenticationMethod")...)
	w.call(204, "PATCH", "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass", `{"state":"enabled"}`)
	reader, plain := w.member("reader", directory.SecurityReader), w.member("plain")
	agent := w.member("agent", directory.AuthenticationAdministrator)
	// Dana holds the role through a group.
	team := w.group("team", true)
	w.call(204, "POST", "/v1.0/groups/"+team+"/members/$ref", ref(string(w.member("dana").ID)))
	check(t, w.db.AssignRole(t.Context(), directory.RoleAssignment{
		Tenant: w.tenant.ID, ID: uuid.NewString(), Role: directory.PrivilegedAuthenticationAdministrator, Scope: directory.RootScope, CreatedAt: time.Now(),
		Principal: directory.Ref{Kind: directory.KindGroup, ID: team},
	}, w.event()))

	w.token = w.signIn(agent, everyScope()...)
	v := w.call(200, "POST", preview(string(reader.ID)), `{}`)
	if v["code"] != "targetProtected" || v["replaces"] != nil || v["startDateTime"] != nil || fmt.Sprint(asked(v)) != "[dana (Privileged Authentication Administrator) admin (Global Administrator)]" {
		t.Errorf("a role that does not reach: %v", v)
	}
	if v := w.call(200, "POST", preview(string(agent.ID)), `{}`); v["code"] != "notForYourself" || len(asked(v)) != 2 {
		t.Errorf("for oneself: %v", v)
	}
	w.token = w.signIn(plain, everyScope()...)
	if v := w.call(200, "POST", preview(string(agent.ID)), `{}`); v["code"] != "notAllowed" {
		t.Errorf("without a role: %v", v)
	}
	w.call(404, "POST", preview(uuid.NewString()), `{}`)
	for i := range 7 {
		w.member(fmt.Sprintf("agent%d", i), directory.AuthenticationAdministrator)
	}
	if v := w.call(200, "POST", preview(string(w.member("sam").ID)), `{}`); len(asked(v)) != 5 {
		t.Errorf("of nine: %v", asked(v))
	}

	t.Run("who may see nobody learns nothing", func(t *testing.T) {
		w.token = w.signIn(plain, "User.Read")
		for _, id := range []string{string(reader.ID), uuid.NewString()} {
			w.call(403, "POST", preview(id), `{}`)
		}
	})
}

func TestAPreviewNamesAdministratorsOnlyToThoseWhoMayReadRoles(t *testing.T) {
	w := newWorld(t)
	mira, eve := string(w.member("mira").ID), w.member("eve")
	w.member("agent", directory.AuthenticationAdministrator)
	scopes := []string{"UserAuthenticationMethod.ReadWrite.All", "User.ReadBasic.All"}
	w.token = w.signIn(eve, scopes...)
	if v := w.call(200, "POST", preview(mira), `{}`); v["allowed"] != false || len(asked(v)) != 0 {
		t.Errorf("without: %v", v)
	}
	w.token = w.signIn(eve, append(scopes, "RoleManagement.Read.Directory")...)
	if v := w.call(200, "POST", preview(mira), `{}`); len(asked(v)) == 0 {
		t.Errorf("with: %v", v)
	}
}
