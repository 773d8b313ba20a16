package graph_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

const registrations = "/v1.0/reports/authenticationMethods/userRegistrationDetails"

// lines returns the display names of all people whom a query finds, in their order, and how
// many pages that took.
func (w *world) lines(query url.Values) (found []string, pages int) {
	w.t.Helper()
	for link := registrations + "?" + query.Encode(); link != ""; pages++ {
		page := w.call(200, "GET", link, "")
		for _, one := range list(page) {
			name, _ := one.(map[string]any)["userDisplayName"].(string)
			found = append(found, name)
		}
		link, _ = page["@odata.nextLink"].(string)
	}
	return found, pages
}

func TestTheReportSaysWhoHasWhatAndMayUseIt(t *testing.T) {
	w := newWorld(t, "AuditLog.Read.All", "Policy.ReadWrite.AuthenticationMethod", "Group.ReadWrite.All", "User.ReadWrite.All")
	ann, ben := w.member("ann"), w.member("ben")
	w.give(ann.ID, totp.MethodID, `{"key":"sealed"}`)
	one := w.call(200, "GET", registrations+"/"+string(ann.ID), "")
	for name, want := range map[string]any{
		"id": string(ann.ID), "userPrincipalName": "ann@contoso.example", "userDisplayName": "ann", "userType": "member", "isAdmin": false,
		"isMfaRegistered": false, "isMfaCapable": false, "isPasswordlessCapable": false, "methodsRegistered": []any{"softwareOneTimePasscode"},
		"userPreferredMethodForSecondaryAuthentication": "none", "systemPreferredAuthenticationMethods": []any{},
		"isSsprRegistered": false, "isSsprEnabled": false, "isSsprCapable": false,
	} {
		if fmt.Sprint(one[name]) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", name, one[name], want)
		}
	}
	if one["lastUpdatedDateTime"] == nil || one["postern_isPhishingResistant"] != nil {
		t.Errorf("the line is %v", one)
	}
	// What may be used follows the policy at once.
	pilots := w.group("pilots", false)
	w.call(204, "PATCH", configurations+"/SoftwareOath", `{"state":"enabled","includeTargets":[{"id":"`+pilots+`"}]}`)
	preferred := func() any {
		return w.call(200, "GET", registrations+"/ann@contoso.example?$select=systemPreferredAuthenticationMethods", "")["systemPreferredAuthenticationMethods"]
	}
	if got := fmt.Sprint(preferred()); got != "[]" {
		t.Errorf("outside the policy's group the preferred method is %s", got)
	}
	w.call(204, "POST", "/v1.0/groups/"+pilots+"/members/$ref", ref(string(ann.ID)))
	if got := fmt.Sprint(preferred()); got != "[softwareOneTimePasscode]" {
		t.Errorf("in the policy's group the preferred method is %s", got)
	}
	w.call(204, "PATCH", "/v1.0/policies/authenticationMethodsPolicy", `{"systemCredentialPreferences":{"state":"enabled","includeTargets":[{"id":"`+pilots+`"}]}}`)
	for id, want := range map[string]bool{string(ann.ID): true, string(ben.ID): false} {
		if one := w.call(200, "GET", registrations+"/"+id, ""); one["isSystemPreferredAuthenticationMethodEnabled"] != want {
			t.Errorf("the strongest method first: %v", one)
		}
	}
	if admin := w.call(200, "GET", registrations+"/"+string(w.admin.ID), ""); admin["isAdmin"] != true {
		t.Errorf("the administrator is %v", admin)
	}
	w.refused(404, "GET", registrations+"/"+string(ben.ID)[:35]+"x", "")
	w.refused(400, "GET", registrations+"/"+string(ben.ID)+"?$select=password", "")
}

func TestCapableIsWhatPolicyLetsAPersonUse(t *testing.T) {
	const model, other = "2fc0579f-8113-47ea-b116-bb5a8db9202a", "00000000-0000-0000-0000-0000000000aa"
	restrict := func(kind, id string) string {
		return `{"state":"enabled","keyRestrictions":{"isEnforced":true,"enforcementType":"` + kind + `","aaGuids":["` + id + `"]}}`
	}
	for _, c := range []struct {
		name, policy, body     string
		kind                   signin.MethodID
		data                   string
		mfa, capable, onItsOwn bool
		methods                string
	}{
		{"a key", "Fido2", `{"state":"enabled"}`, passkey.MethodID, keyData, true, true, true, "fido2"},
		{"a key while keys are off", "Fido2", `{"state":"disabled"}`, passkey.MethodID, keyData, true, false, false, "fido2"},
		{"a key of a model that is allowed", "Fido2", restrict("allow", model), passkey.MethodID, keyData, true, true, true, "fido2"},
		{"a key of another model", "Fido2", restrict("allow", other), passkey.MethodID, keyData, true, false, false, "fido2"},
		{"a key of a model that is blocked", "Fido2", restrict("block", model), passkey.MethodID, keyData, true, false, false, "fido2"},
		{"a phone that knows its user", "MicrosoftAuthenticator", `{"state":"enabled"}`, authenticator.MethodID, `{"verifies":true}`, true, true, true, "microsoftAuthenticatorPasswordless microsoftAuthenticatorPush"},
		{"such a phone where it may only be a second factor", "MicrosoftAuthenticator", `{"state":"enabled","includeTargets":[{"id":"all_users","authenticationMode":"push"}]}`, authenticator.MethodID, `{"verifies":true}`, true, false, false, "microsoftAuthenticatorPasswordless microsoftAuthenticatorPush"},
		{"a phone that does not know its user", "MicrosoftAuthenticator", `{"state":"enabled"}`, authenticator.MethodID, `{}`, false, false, false, "microsoftAuthenticatorPush"},
		{"codes", "SoftwareOath", `{"state":"enabled"}`, totp.MethodID, `{}`, false, false, false, "softwareOneTimePasscode"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "AuditLog.Read.All", "Policy.ReadWrite.AuthenticationMethod")
			w.call(204, "PATCH", configurations+"/"+c.policy, c.body)
			ann := w.member("ann")
			own := w.give(ann.ID, c.kind, c.data)
			read := func() map[string]any { return w.call(200, "GET", registrations+"/"+string(ann.ID), "") }
			one := read()
			var names []string
			for _, n := range one["methodsRegistered"].([]any) {
				names = append(names, n.(string))
			}
			if one["isMfaRegistered"] != c.mfa || one["isMfaCapable"] != c.capable || one["isPasswordlessCapable"] != c.onItsOwn || strings.Join(names, " ") != c.methods {
				t.Errorf("the line is %v", one)
			}
			own.FrozenAt = time.Now()
			check(t, w.db.FreezeCredential(t.Context(), own, time.Now(), w.event()))
			if frozen := read(); frozen["isMfaRegistered"] != c.mfa || frozen["isMfaCapable"] != false || frozen["isPasswordlessCapable"] != false {
				t.Errorf("frozen: %v", frozen)
			}
		})
	}
}

func TestAForgottenPasswordIsReplacedByTwoOtherMethods(t *testing.T) {
	w := newWorld(t, "AuditLog.Read.All", "Policy.ReadWrite.AuthenticationMethod")
	ann := w.member("ann")
	for _, id := range []string{"SoftwareOath", "MicrosoftAuthenticator"} {
		w.call(204, "PATCH", configurations+"/"+id, `{"state":"enabled"}`)
	}
	want := func(enabled, registered, capable, mfa bool) {
		t.Helper()
		one := w.call(200, "GET", registrations+"/"+string(ann.ID), "")
		if one["isSsprEnabled"] != enabled || one["isSsprRegistered"] != registered || one["isSsprCapable"] != capable || one["isMfaCapable"] != mfa {
			t.Errorf("the line is %v", one)
		}
	}
	want(false, false, false, false)
	w.call(204, "PATCH", configurations+"/Password", `{"state":"enabled"}`)
	w.give(ann.ID, password.MethodID, `{}`)
	codes := w.give(ann.ID, totp.MethodID, `{}`)
	want(true, false, false, true) // a password does not stand in for itself
	w.give(ann.ID, authenticator.MethodID, `{}`)
	want(true, true, true, true)
	codes.FrozenAt = time.Now()
	check(t, w.db.FreezeCredential(t.Context(), codes, time.Now(), w.event()))
	want(true, true, false, true)
	w.call(204, "PATCH", configurations+"/Password", `{"postern_selfServiceReset":false}`)
	want(false, true, false, true)
}

func TestTheReportIsFilteredSortedAndPaged(t *testing.T) {
	w := newWorld(t, "AuditLog.Read.All")
	var all []string
	for i := range 25 {
		u := w.member(fmt.Sprintf("p%02d", i))
		all = append(all, u.DisplayName)
		if i%5 == 0 {
			w.give(u.ID, totp.MethodID, `{"key":"sealed"}`)
		}
	}
	fives := []string{"p00", "p05", "p10", "p15", "p20"}
	back := slices.Clone(fives)
	slices.Reverse(back)
	for _, c := range []struct {
		name  string
		query url.Values
		want  []string
		pages int
	}{
		{"everybody", url.Values{"$orderby": {"userDisplayName"}}, append([]string{"admin"}, all...), 1},
		{"pages of ten", url.Values{"$orderby": {"userPrincipalName"}, "$top": {"10"}}, append([]string{"admin"}, all...), 3},
		{"by method", url.Values{"$filter": {"methodsRegistered/any(x:x eq 'softwareOneTimePasscode')"}, "$orderby": {"userDisplayName"}}, fives, 1},
		{"by method, page by page", url.Values{"$filter": {"methodsRegistered/any(x:x eq 'softwareOneTimePasscode')"}, "$orderby": {"userDisplayName desc"}, "$top": {"2"}}, back, 3},
		{"by what the directory knows and what is worked out", url.Values{
			"$filter": {"startswith(userDisplayName,'P1') and methodsRegistered/any(x:x eq 'softwareOneTimePasscode')"}, "$orderby": {"userDisplayName"},
		}, []string{"p10", "p15"}, 1},
		{"either", url.Values{"$filter": {"isAdmin eq true or userPrincipalName eq 'P03@contoso.example'"}, "$orderby": {"userDisplayName"}}, []string{"admin", "p03"}, 1},
		{"not", url.Values{"$filter": {"not (userType eq 'guest') and isMfaCapable eq false and startswith(userPrincipalName,'p24')"}}, []string{"p24"}, 1},
		{"nobody", url.Values{"$filter": {"isMfaCapable eq true"}}, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			w.t = t
			if found, pages := w.lines(c.query); !slices.Equal(found, c.want) || pages != c.pages {
				t.Errorf("found %v on %d pages, want %v on %d", found, pages, c.want, c.pages)
			}
		})
	}
	for _, query := range []string{
		"$filter=colour%20eq%20'red'", "$filter=isAdmin%20gt%20true", "$filter=isAdmin%20eq%20'yes'", "$filter=(", "$orderby=isAdmin",
		"$orderby=methodsRegistered", "$skip=1", "$search=%22ann%22", "$expand=user", "$skiptoken=AAAA", "$top=1000", "$count=true",
	} {
		w.refused(400, "GET", registrations+"?"+query, "")
	}
}

// crowd adds people, many at a time so that they share commits.
func (w *world) crowd(n int) {
	w.t.Helper()
	var all sync.WaitGroup
	for part := range 50 {
		all.Go(func() {
			for i := part; i < n; i += 50 {
				if err := w.db.CreateUser(w.t.Context(), person(w.tenant, fmt.Sprintf("crowd%05d", i)), w.event()); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// TestAPageOfAFilteredReportLooksAtABoundedNumberOfPeople also when nobody is found.
func TestAPageOfAFilteredReportLooksAtABoundedNumberOfPeople(t *testing.T) {
	w := newWorld(t, "AuditLog.Read.All")
	w.crowd(1100)
	page := w.call(200, "GET", registrations+"?$filter=isMfaCapable%20eq%20true", "")
	if link, _ := page["@odata.nextLink"].(string); len(list(page)) != 0 || link == "" {
		t.Errorf("the page has %d lines and the link %v", len(list(page)), page["@odata.nextLink"])
	}
	if found, pages := w.lines(url.Values{"$filter": {"isMfaCapable eq true"}}); len(found) != 0 || pages != 2 {
		t.Errorf("%v on %d pages", found, pages)
	}
}

func TestPeopleAreCountedByMethodAndFeature(t *testing.T) {
	w := newWorld(t, "AuditLog.Read.All")
	lead := w.member("lead", directory.AuthenticationAdministrator)
	for _, name := range []string{"ann", "ben"} {
		w.give(w.member(name).ID, totp.MethodID, `{"key":"sealed"}`)
	}
	w.give(lead.ID, totp.MethodID, `{"key":"sealed"}`)
	w.give(lead.ID, totp.MethodID, `{"key":"sealed"}`) // counts once
	base := "/v1.0/reports/authenticationMethods/usersRegisteredBy"
	for call, want := range map[string]string{
		"Method":   "4 all all [softwareOneTimePasscode 3]",
		"Method()": "4 all all [softwareOneTimePasscode 3]",
		"Method(includedUserTypes='all',includedUserRoles='admin')":           "2 all admin [softwareOneTimePasscode 1]",
		"Method(includedUserTypes='member',includedUserRoles='user')":         "2 member user [softwareOneTimePasscode 2]",
		"Method(includedUserTypes='guest',includedUserRoles='all')":           "0 guest all []",
		"Method(includedUserRoles='privilegedAdmin',includedUserTypes='all')": "2 all privilegedAdmin [softwareOneTimePasscode 1]",
		"Feature": "4 all all [mfaCapable 0 passwordlessCapable 0 ssprCapable 0 ssprEnabled 0 ssprRegistered 0]",
		"Feature(includedUserTypes='all',includedUserRoles='all')": "4 all all [mfaCapable 0 passwordlessCapable 0 ssprCapable 0 ssprEnabled 0 ssprRegistered 0]",
	} {
		v := w.call(200, "GET", base+call, "")
		what, member := "Method", "authenticationMethod"
		if strings.HasPrefix(call, "Feature") {
			what, member = "Feature", "feature"
		}
		var counts []string
		for _, one := range v["userRegistration"+what+"Counts"].([]any) {
			line := one.(map[string]any)
			counts = append(counts, fmt.Sprint(line[member], " ", line["userCount"]))
		}
		if got := fmt.Sprint(v["totalUserCount"], " ", v["userTypes"], " ", v["userRoles"], " ", counts); got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
		if v["@odata.type"] != "#microsoft.graph.userRegistration"+what+"Summary" {
			t.Errorf("%s is a %v", call, v["@odata.type"])
		}
	}
	for _, call := range []string{"Method(includedUserTypes='robot')", "Method(colour='red')", "Method('all')", "Feature?$top=5"} {
		w.refused(400, "GET", base+call, "")
	}
}

func TestReportsNeedTheirPermissionAndRole(t *testing.T) {
	w := newWorld(t, "Directory.Read.All")
	paths := []string{registrations, registrations + "/admin@contoso.example", "/v1.0/reports/authenticationMethods/usersRegisteredByMethod", "/v1.0/reports/authenticationMethods/usersRegisteredByFeature()"}
	for _, path := range paths {
		w.refused(403, "GET", path, "")
	}
	for role, may := range map[directory.RoleID]bool{
		directory.ReportsReader: true, directory.SecurityReader: true, directory.GlobalReader: true,
		directory.HelpdeskAdministrator: false, directory.AuthenticationAdministrator: false,
	} {
		back := w.as(w.signIn(w.member("caller-"+string(role)[:8], role), everyScope()...))
		for _, path := range paths {
			if status := w.status("GET", path, ""); (status == 200) != may || status != 200 && status != 403 {
				t.Errorf("%s gets %d of %s", role, status, path)
			}
		}
		back()
	}
	defer w.as(w.signIn(w.admin, "User.Read", "UserAuthenticationMethod.Read"))()
	for _, path := range paths {
		w.refused(403, "GET", path, "")
	}
}
