package directory_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

func TestPermissions(t *testing.T) {
	value := regexp.MustCompile(`^[A-Za-z-]+(\.[A-Za-z]+)+$`)
	seen := map[string]bool{}
	once := func(key string) bool { was := seen[key]; seen[key] = true; return !was }
	for _, p := range directory.Permissions {
		if !value.MatchString(p.Value) || !once(p.Value) {
			t.Errorf("%q is no permission, or is there twice", p.Value)
		}
		if p.DisplayName == "" || !strings.HasSuffix(p.Description, ".") {
			t.Errorf("%s has no name, or its description is no sentence", p.Value)
		}
		if p.ApplicationID == "" && p.DelegatedID == "" || p.UserConsent && p.DelegatedID == "" {
			t.Errorf("%s is not offered in the form that it needs", p.Value)
		}
		for _, id := range []string{p.ApplicationID, p.DelegatedID} {
			if id != "" && (!directory.IsID(id) || id != strings.ToLower(id) || !once(id)) {
				t.Errorf("%s: %q is no lower-case UUID of its own", p.Value, id)
			}
		}
		if strings.HasSuffix(p.Value, ".All") && p.Value != directory.PrivilegedMethods && p.ApplicationID == "" {
			t.Errorf("%s is for everything but not for applications", p.Value)
		}
	}
	for _, value := range []string{"openid", "profile", "email", "offline_access"} {
		if seen[value] {
			t.Errorf("%s is OpenID Connect's", value)
		}
	}
}

func TestPermissionIDsOfGraph(t *testing.T) {
	want := map[string][2]string{ // application, delegated; published by Microsoft Graph
		"User.Read":                                   {"", "e1fe6dd8-ba31-4d61-89e7-88639da4683d"},
		"User-LifeCycleInfo.Read.All":                 {"8556a004-db57-4d7a-8b82-97a13428e96f", "ed8d2a04-0374-41f1-aefe-da8ac87ccc87"},
		"User-LifeCycleInfo.ReadWrite.All":            {"925f1248-0f97-47b9-8ec8-538c54e01325", "7ee7473e-bd4b-4c9f-987c-bd58481f5fa2"},
		"User-OnPremisesSyncBehavior.ReadWrite.All":   {"a94a502d-0281-4d15-8cd2-682ac9362c4c", "7ff9afdd-0cdb-439d-a61c-fea3e9339e89"},
		"User.Read.All":                               {"df021288-bdef-4463-88db-98f22de89214", "a154be20-db9c-4678-8ab7-66f6cc099a59"},
		"Directory.Read.All":                          {"7ab1d382-f21e-4acd-a863-ba3e13f7da61", "06da0dbc-49e2-44d2-8312-53f166ab848a"},
		"UserAuthenticationMethod.ReadWrite.All":      {"50483e42-d915-4231-9639-7fdb7fd190e5", "b7887744-6746-4312-813d-72daeaee7e2d"},
		"DeviceManagementConfiguration.Read.All":      {"dc377aa6-52d8-4e23-b271-2a7ae04cedf3", "f1493658-876a-4c87-8fa7-edb559b3476a"},
		"DeviceManagementConfiguration.ReadWrite.All": {"9241abd9-d0e6-425a-bd4f-47ba86e767a4", "0883f392-0a7a-443d-8c76-16a6d39c7b63"},
		// Not published where we could read it: UUID version 5 of the value, see docs/roles.md.
		"UserAuthMethod-TAP.ReadWrite.All": {"627169a8-8c15-451c-861a-5b80e383de5c", derived("delegated/UserAuthMethod-TAP.ReadWrite.All")},
		"UserAuthMethod-TAP.ReadWrite":     {"", derived("delegated/UserAuthMethod-TAP.ReadWrite")},
		"UserAuthMethod-TAP.Read.All":      {derived("application/UserAuthMethod-TAP.Read.All"), derived("delegated/UserAuthMethod-TAP.Read.All")},
		directory.PrivilegedMethods:        {derived("application/" + directory.PrivilegedMethods), ""},
	}
	for _, p := range directory.Permissions {
		if ids, ok := want[p.Value]; ok && ids != [2]string{p.ApplicationID, p.DelegatedID} {
			t.Errorf("%s has the ids %q and %q, want %q", p.Value, p.ApplicationID, p.DelegatedID, ids)
		}
		delete(want, p.Value)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

func derived(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/postern-id/postern/permissions/"+name)).String()
}

func TestGraphOffersEveryPermissionInItsForm(t *testing.T) {
	roles, scopes := map[string]string{}, map[string]string{}
	for _, r := range directory.GraphAppRoles() {
		if !r.IsEnabled || len(r.AllowedMemberTypes) != 1 || r.AllowedMemberTypes[0] != "Application" {
			t.Errorf("app role %s is not for applications", r.Value)
		}
		roles[r.Value] = r.ID
	}
	for _, s := range directory.GraphScopes() {
		if consent := s.Type == "User"; consent != (s.UserConsentDisplayName != "") || !s.IsEnabled {
			t.Errorf("scope %s: type and texts differ, or it is disabled", s.Value)
		}
		scopes[s.Value] = s.ID
	}
	for _, p := range directory.Permissions {
		if roles[p.Value] != p.ApplicationID || scopes[p.Value] != p.DelegatedID {
			t.Errorf("%s has the ids %q and %q", p.Value, roles[p.Value], scopes[p.Value])
		}
	}
}

func TestPowersAreWhatChangesMoreThanApplications(t *testing.T) {
	var ids []string
	for _, p := range directory.Permissions {
		ids = append(ids, p.ApplicationID)
	}
	powers := directory.Powers(ids)
	for value, want := range map[string]bool{
		"RoleManagement.ReadWrite.Directory": true, "AppRoleAssignment.ReadWrite.All": true, "User.RevokeSessions.All": true,
		directory.PrivilegedMethods: true, "Application.ReadWrite.All": false, "User.Read.All": false, "AuditLog.Read.All": false, "User.Read": false,
	} {
		if slices.Contains(powers, value) != want {
			t.Errorf("%s is a power: %v, want %v", value, !want, want)
		}
	}
	if got := directory.Powers([]string{directory.NoAppRole, ""}); got != nil {
		t.Errorf("no permission is the power %v", got)
	}
}
