package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// scimDo sends a request of SCIM and returns the answer with its body as JSON.
func (w *world) scim(method, path, token, body string, headers ...string) (answer, map[string]any) {
	w.t.Helper()
	r := w.request(method, "/scim/v2"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a := w.do(r)
	var v map[string]any
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &v); err != nil {
			w.t.Fatalf("%s %s: %v\n%s", method, path, err, a.body)
		}
	}
	return a, v
}

// scimOK is scim, and fails the test unless the status is the expected one.
func (w *world) scimOK(status int, method, path, token, body string, headers ...string) map[string]any {
	w.t.Helper()
	a, v := w.scim(method, path, token, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s: %d instead of %d\n%s", method, path, a.status, status, a.body)
	}
	return v
}

func scimPerson(name, externalID string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"userName":"%s@contoso.example","externalId":%q,"active":true,"displayName":"Display %s","title":"Nurse",
		"name":{"givenName":"Given","familyName":"Family"},"emails":[{"value":"%s@contoso.example","type":"work","primary":true}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"4711","department":"Ward 3","costCenter":"CC1"}}`, name, externalID, name, name)
}

func TestAPersonnelSystemKeepsPeopleUpToDateBySCIM(t *testing.T) {
	w := newWorld(t)
	token := w.appToken()
	made := w.scimOK(http.StatusCreated, "POST", "/Users", token, scimPerson("ida", "hr-1"))
	id := made["id"].(string)
	if made["externalId"] != "hr-1" || made["meta"].(map[string]any)["version"] == "" {
		t.Errorf("created %v", made)
	}
	again, said := w.scim("POST", "/Users", token, scimPerson("ida2", "hr-1"))
	if again.status != http.StatusConflict || said["scimType"] != "uniqueness" {
		t.Errorf("a second one with this externalId: %d %v", again.status, said)
	}
	found := w.scimOK(http.StatusOK, "GET", "/Users?filter="+url.QueryEscape(`userName eq "IDA@contoso.example"`), token, "")
	if found["totalResults"] != float64(1) {
		t.Errorf("found %v", found)
	}
	patched := w.scimOK(http.StatusOK, "PATCH", "/Users/"+id, token, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
		"Operations":[{"op":"Replace","path":"active","value":"False"},{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+49 30 1"}]}`)
	if patched["active"] != false || patched["phoneNumbers"] == nil {
		t.Errorf("patched %v", patched)
	}
	group := w.scimOK(http.StatusCreated, "POST", "/Groups", token, fmt.Sprintf(
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Nurses","externalId":"g1","members":[{"value":%q}]}`, id))
	if len(group["members"].([]any)) != 1 {
		t.Errorf("group %v", group)
	}
	w.scimOK(http.StatusNoContent, "DELETE", "/Users/"+id, token, "")
	w.scimOK(http.StatusNotFound, "GET", "/Users/"+id, token, "")
}

const patchOp = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`

// scimApp adds an application that may write people and groups, and returns its token.
func (w *world) scimApp(name string) string {
	w.t.Helper()
	id := w.create("/v1.0/applications", fmt.Sprintf(`{"displayName":%q}`, name))
	_, app := w.api("GET", "/v1.0/applications/"+id, w.appToken(), "")
	principal := w.create("/v1.0/servicePrincipals", fmt.Sprintf(`{"appId":%q}`, app["appId"]))
	_, graphs := w.api("GET", "/v1.0/servicePrincipals?$filter="+url.QueryEscape("appId eq '00000003-0000-0000-c000-000000000000'"), w.appToken(), "")
	resource := graphs["value"].([]any)[0].(map[string]any)
	for _, role := range resource["appRoles"].([]any) {
		r := role.(map[string]any)
		if r["value"] == "User.ReadWrite.All" || r["value"] == "Group.ReadWrite.All" {
			w.create("/v1.0/servicePrincipals/"+principal+"/appRoleAssignments",
				fmt.Sprintf(`{"principalId":%q,"resourceId":%q,"appRoleId":%q}`, principal, resource["id"], r["id"]))
		}
	}
	status, secret := w.api("POST", "/v1.0/applications/"+id+"/addPassword", w.appToken(), `{"passwordCredential":{"displayName":"scim"}}`)
	if status != http.StatusOK {
		w.t.Fatalf("addPassword: %d %v", status, secret)
	}
	status, v := w.token(url.Values{
		"grant_type": {"client_credentials"}, "client_id": {app["appId"].(string)}, "client_secret": {secret["secretText"].(string)},
		"scope": {"https://graph.microsoft.com/.default"},
	})
	if status != http.StatusOK {
		w.t.Fatalf("token: %d %v", status, v)
	}
	return v["access_token"].(string)
}

func TestEntrasProvisioningIsUnderstood(t *testing.T) {
	w := newWorld(t)
	token := w.scimApp("Entra")
	boss := w.scimOK(201, "POST", "/Users", token, scimPerson("boss", "hr-boss"))["id"].(string)
	id := w.scimOK(201, "POST", "/Users", token, scimPerson("ida", "hr-1"))["id"].(string)
	// https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
	for name, c := range map[string]struct {
		operations string
		want       func(map[string]any) any
		is         any
	}{
		"a value without a path":    {`{"op":"Replace","value":{"displayName":"Ida B","name.familyName":"Berg"}}`, leading("name", "familyName"), "Berg"},
		"False in quotes":           {`{"op":"Replace","path":"active","value":"False"}`, leading("active"), false},
		"True in quotes":            {`{"op":"Add","path":"active","value":"True"}`, leading("active"), true},
		"a mail that is there":      {`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ida.b@contoso.example"}`, leading("emails", 0, "value"), "ida.b@contoso.example"},
		"a number that is not":      {`{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+49 1"}`, leading("phoneNumbers", 0, "type"), "mobile"},
		"an attribute by its URN":   {`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Ward 4"}`, leading(enterpriseURN, "department"), "Ward 4"},
		"a manager as plain text":   {`{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"` + boss + `"}`, leading(enterpriseURN, "manager", "value"), boss},
		"a value within a list":     {`{"op":"Replace","path":"title","value":[{"$ref":null,"value":"Doctor"}]}`, leading("title"), "Doctor"},
		"an address":                {`{"op":"Add","path":"addresses[type eq \"work\"].locality","value":"Rome"}`, leading("addresses", 0, "locality"), "Rome"},
		"a name with its parts":     {`{"op":"replace","path":"name.givenName","value":"Ida"},{"op":"replace","value":{"name":{"familyName":"Borg"}}}`, leading("name", "formatted"), "Ida Borg"},
		"an extension as an object": {`{"op":"add","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"division":"North"}}}`, leading(enterpriseURN, "division"), "North"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.scimOK(200, "PATCH", "/Users/"+id, token, `{`+patchOp+`,"Operations":[`+c.operations+`]}`)
			if v := c.want(got); v != c.is {
				t.Errorf("%v instead of %v in %v", v, c.is, got)
			}
		})
	}
	for filter, n := range map[string]float64{
		`userName eq "ida@contoso.example"`: 1, `externalId eq "hr-1"`: 1, `externalId eq "HR-1"`: 0, `emails[type eq "work"].value eq "ida.b@contoso.example"`: 1,
		`id eq "` + id + `" and manager eq "` + boss + `"`: 1, `not (active eq true) or title sw "doc"`: 1, `id eq "nobody"`: 0,
	} {
		if got := w.scimOK(200, "GET", "/Users?filter="+url.QueryEscape(filter), token, ""); got["totalResults"] != n {
			t.Errorf("%s: %v", filter, got["totalResults"])
		}
	}
	group := w.scimOK(201, "POST", "/Groups", token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Ward","externalId":"g"}`)["id"].(string)
	members := func(operations string, want int) {
		t.Helper()
		w.scimOK(204, "PATCH", "/Groups/"+group, token, `{`+patchOp+`,"Operations":[`+operations+`]}`)
		got := w.scimOK(200, "GET", "/Groups/"+group, token, "")
		if list, _ := got["members"].([]any); len(list) != want {
			t.Errorf("%s left %v", operations, got["members"])
		}
	}
	members(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"`+id+`"},{"value":"`+boss+`"}]}`, 2)
	members(`{"op":"Add","path":"members","value":[{"value":"`+id+`"}]}`, 2)
	found := w.scimOK(200, "GET", "/Groups?excludedAttributes=members&filter="+url.QueryEscape(`id eq "`+group+`" and members eq "`+id+`"`), token, "")
	if found["totalResults"] != 1.0 || found["Resources"].([]any)[0].(map[string]any)["members"] != nil {
		t.Errorf("a group by its member: %v", found)
	}
	members(`{"op":"Remove","path":"members","value":[{"value":"`+id+`"}]}`, 1)
	members(`{"op":"remove","path":"members[value eq \"`+boss+`\"]"}`, 0)
	members(`{"op":"Replace","path":"members","value":[{"value":"`+id+`"}]},{"op":"replace","value":{"displayName":"Ward 9"}}`, 1)
	members(`{"op":"remove","path":"members"}`, 0)
}

const enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// leading returns what leads to a value in JSON.
func leading(path ...any) func(map[string]any) any {
	return func(v map[string]any) any {
		var x any = v
		for _, step := range path {
			switch s := step.(type) {
			case string:
				o, _ := x.(map[string]any)
				x = o[s]
			case int:
				list, _ := x.([]any)
				if s >= len(list) {
					return nil
				}
				x = list[s]
			}
		}
		return x
	}
}

func TestSCIMChangesNobodyBeyondTheCallersReach(t *testing.T) {
	w := newWorld(t)
	token := w.scimApp("Personnel")
	admin := w.scimOK(200, "GET", "/Users?filter="+url.QueryEscape(`userName eq "admin@contoso.example"`), token, "")
	id := admin["Resources"].([]any)[0].(map[string]any)["id"].(string)
	roleGroup := w.create("/v1.0/groups", `{"displayName":"Admins","mailNickname":"admins","securityEnabled":true,"mailEnabled":false,"isAssignableToRole":true}`)
	ordinary := w.scimOK(201, "POST", "/Users", token, scimPerson("ida", "hr-1"))["id"].(string)
	for name, c := range map[string]struct{ method, path, body string }{
		"renaming an administrator":   {"PATCH", "/Users/" + id, `{` + patchOp + `,"Operations":[{"op":"replace","path":"displayName","value":"X"}]}`},
		"disabling one":               {"PATCH", "/Users/" + id, `{` + patchOp + `,"Operations":[{"op":"replace","path":"active","value":false}]}`},
		"claiming one":                {"PATCH", "/Users/" + id, `{` + patchOp + `,"Operations":[{"op":"add","path":"externalId","value":"x"}]}`},
		"replacing one":               {"PUT", "/Users/" + id, scimPerson("admin", "x")},
		"deleting one":                {"DELETE", "/Users/" + id, ""},
		"joining a group with roles":  {"PATCH", "/Groups/" + roleGroup, `{` + patchOp + `,"Operations":[{"op":"add","path":"members","value":[{"value":"` + ordinary + `"}]}]}`},
		"renaming a group with roles": {"PATCH", "/Groups/" + roleGroup, `{` + patchOp + `,"Operations":[{"op":"replace","path":"displayName","value":"X"}]}`},
		"deleting a group with roles": {"DELETE", "/Groups/" + roleGroup, ""},
	} {
		if a, v := w.scim(c.method, c.path, token, c.body); a.status != 403 {
			t.Errorf("%s: %d %v", name, a.status, v)
		}
	}
	for name, c := range map[string]struct {
		method, path, body, scimType string
		status                       int
	}{
		"no such person":                       {"PATCH", "/Users/00000000-0000-4000-8000-000000000000", `{}`, "", 404},
		"a name twice":                         {"POST", "/Users", `{"userName":"a","USERNAME":"b"}`, "invalidSyntax", 400},
		"too deep":                             {"POST", "/Users", strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), "tooMany", 400},
		"an unknown attribute":                 {"POST", "/Users", strings.Replace(scimPerson("x", "x"), `"title"`, `"isAdmin"`, 1), "invalidPath", 400},
		"a foreign domain":                     {"POST", "/Users", strings.ReplaceAll(scimPerson("x", "x"), "contoso.example", "evil.example"), "invalidValue", 400},
		"a read-only attribute":                {"PATCH", "/Users/" + ordinary, `{` + patchOp + `,"Operations":[{"op":"replace","path":"id","value":"x"}]}`, "mutability", 400},
		"nothing meets the filter":             {"PATCH", "/Users/" + ordinary, `{` + patchOp + `,"Operations":[{"op":"replace","path":"emails[type eq \"other\"].value","value":"x"}]}`, "noTarget", 400},
		"a remove without path":                {"PATCH", "/Users/" + ordinary, `{` + patchOp + `,"Operations":[{"op":"remove"}]}`, "noTarget", 400},
		"a path that is none":                  {"PATCH", "/Users/" + ordinary, `{` + patchOp + `,"Operations":[{"op":"add","path":"emails[","value":1}]}`, "invalidPath", 400},
		"a person with an answer that is none": {"POST", "/Users?attributes=nosuch", scimPerson("never", "never"), "invalidPath", 400},
		"a group with one":                     {"POST", "/Groups?attributes=nosuch", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Never"}`, "invalidPath", 400},
		"a patch with one":                     {"PATCH", "/Users/" + ordinary + "?attributes=nosuch", `{` + patchOp + `,"Operations":[{"op":"add","path":"title","value":"X"}]}`, "invalidPath", 400},
		"half of a patch":                      {"PATCH", "/Users/" + ordinary, `{` + patchOp + `,"Operations":[{"op":"add","path":"title","value":"X"},{"op":"add","path":"active","value":"maybe"}]}`, "invalidValue", 400},
		"a manager in no form":                 {"PATCH", "/Users/" + ordinary, `{` + patchOp + `,"Operations":[{"op":"add","path":"` + enterpriseURN + `:manager","value":"x\u0000"}]}`, "invalidValue", 400},
		"themselves as manager":                {"PATCH", "/Users/" + ordinary, `{` + patchOp + `,"Operations":[{"op":"add","path":"` + enterpriseURN + `:manager","value":"` + ordinary + `"}]}`, "invalidValue", 400},
		"a filter without index":               {"GET", "/Users?filter=" + url.QueryEscape(`displayName co "x"`), "", "invalidFilter", 400},
		"a filter that is none":                {"GET", "/Users?filter=" + url.QueryEscape(`displayName eq`), "", "invalidFilter", 400},
		"a zero in a filter":                   {"GET", "/Users?filter=" + url.QueryEscape(`userName eq "a\u0000"`), "", "invalidFilter", 400},
		"a cursor of one's own":                {"GET", "/Users?cursor=W3RydWUsMV0", "", "invalidCursor", 400},
		"a page far away":                      {"GET", "/Users?startIndex=1000000", "", "tooMany", 400},
		"Me":                                   {"GET", "/Me", "", "", 501},
		"Bulk":                                 {"POST", "/Bulk", `{}`, "", 501},
		"nothing":                              {"GET", "/Devices", "", "", 404},
	} {
		a, v := w.scim(c.method, c.path, token, c.body)
		if got, _ := v["scimType"].(string); a.status != c.status || got != c.scimType {
			t.Errorf("%s: %d %v", name, a.status, v)
		}
	}
	if got := w.scimOK(200, "GET", "/Users/"+ordinary, token, ""); got["title"] != "Nurse" {
		t.Errorf("a patch that failed changed %v", got)
	}
	for _, list := range []string{"/Users?filter=" + url.QueryEscape(`externalId eq "never"`), "/Groups?filter=" + url.QueryEscape(`displayName eq "Never"`)} {
		if got := w.scimOK(200, "GET", list, token, ""); got["totalResults"] != 0.0 {
			t.Errorf("a request that was refused left %v", got)
		}
	}
	if a, v := w.scim("GET", "/Users", "nonsense", ""); a.status != 401 || v["status"] != "401" {
		t.Errorf("without a token: %d %v", a.status, v)
	}
}

func TestAnAccountIsTakenOverFromItsSource(t *testing.T) {
	w := newWorld(t)
	personnel, other := w.scimApp("Personnel"), w.scimApp("Other")
	id := w.scimOK(201, "POST", "/Users", personnel, scimPerson("ida", "hr-1"))["id"].(string)
	rename := func(token, name string) int {
		a, _ := w.scim("PATCH", "/Users/"+id, token, `{`+patchOp+`,"Operations":[{"op":"replace","path":"displayName","value":"`+name+`"}]}`)
		return a.status
	}
	behavior := "/v1.0/users/" + id + "/onPremisesSyncBehavior"
	if got := rename(other, "A"); got != 403 {
		t.Errorf("another application changed the account: %d", got)
	}
	if got := rename(personnel, "B"); got != 200 {
		t.Errorf("its source: %d", got)
	}
	_, u := w.api("GET", "/v1.0/users/"+id+"?$select=postern_source,postern_externalId,employeeOrgData", w.appToken(), "")
	if source, _ := u["postern_source"].(string); !strings.HasPrefix(source, "scim:") || u["postern_externalId"] != "hr-1" || u["employeeOrgData"] == nil {
		t.Errorf("Graph shows %v", u)
	}
	for _, here := range []string{"true", "false"} {
		if status, v := w.api("PATCH", behavior, other, `{"isCloudManaged":`+here+`}`); status != 403 {
			t.Errorf("an application without a role says isCloudManaged %s: %d %v", here, status, v)
		}
	}
	if got := rename(other, "A"); got != 403 {
		t.Errorf("another application took the account: %d", got)
	}
	if got := rename(personnel, "B2"); got != 200 {
		t.Errorf("its source, after that: %d", got)
	}
	w.change("PATCH", behavior, `{"isCloudManaged":true}`) // by the permission for this
	if got := rename(personnel, "C"); got != 403 {
		t.Errorf("the former source changed the account: %d", got)
	}
	w.change("PATCH", "/v1.0/users/"+id, `{"displayName":"Here"}`)
	w.change("PATCH", behavior, `{"isCloudManaged":false}`)
	if got := rename(other, "D"); got != 200 {
		t.Errorf("a source that claims it: %d", got)
	}
	if _, b := w.api("GET", behavior, w.appToken(), ""); b["isCloudManaged"] != false {
		t.Errorf("behavior %v", b)
	}
}

func TestOfManyWhoWriteByScimAtOnceNoneIsLost(t *testing.T) {
	w := newWorld(t)
	token := w.appToken()
	const n = 6
	made, patched := make([]int, n), make([]int, n)
	race := func(do func(i int)) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { do(i) })
		}
		all.Wait()
	}
	race(func(i int) {
		a, _ := w.scim("POST", "/Users", token, scimPerson(fmt.Sprintf("ida%d", i), "hr-1"))
		made[i] = a.status
	})
	winners := 0
	for _, s := range made {
		switch s {
		case 201:
			winners++
		case 409:
		default:
			t.Errorf("a create answered %d", s)
		}
	}
	if winners != 1 {
		t.Fatalf("%d of %d creates of one externalId won", winners, n)
	}
	found := w.scimOK(200, "GET", "/Users?filter="+url.QueryEscape(`externalId eq "hr-1"`), token, "")
	id := leading("Resources", 0, "id")(found).(string)
	race(func(i int) {
		a, _ := w.scim("PATCH", "/Users/"+id, token, fmt.Sprintf(`{`+patchOp+`,"Operations":[{"op":"add","path":"phoneNumbers","value":[{"type":"work","value":"+%d"}]}]}`, i))
		patched[i] = a.status
	})
	got := w.scimOK(200, "GET", "/Users/"+id, token, "")
	if list, _ := got["phoneNumbers"].([]any); len(list) != n {
		t.Errorf("of %d patches (%v) %v are left", n, patched, got["phoneNumbers"])
	}
	tag := leading("meta", "version")(got).(string)
	title := func(tag string) int {
		a, _ := w.scim("PATCH", "/Users/"+id, token, `{`+patchOp+`,"Operations":[{"op":"replace","path":"title","value":"`+tag[3:4]+`x"}]}`, "If-Match", tag)
		return a.status
	}
	if a, b := title(tag), title(tag); a != 200 || b != 412 {
		t.Errorf("two changes of one version: %d and %d", a, b)
	}
}

func TestPagesOfScimHoldEverybodyOnce(t *testing.T) {
	w := newWorld(t)
	token := w.appToken()
	for i := range 12 {
		w.scimOK(201, "POST", "/Users", token, scimPerson(fmt.Sprintf("p%02d", i), fmt.Sprintf("hr-%d", i)))
	}
	all := func(query string, step func(page map[string]any, seen int) string) map[string]bool {
		t.Helper()
		seen, next := map[string]bool{}, step(nil, 0)
		for range 20 {
			page := w.scimOK(200, "GET", "/Users?count=5&"+query+next, token, "")
			list := page["Resources"].([]any)
			for _, u := range list {
				id := u.(map[string]any)["id"].(string)
				if seen[id] {
					t.Errorf("%s shows %s twice", query, id)
				}
				seen[id] = true
			}
			if next = step(page, len(seen)); next == "" {
				return seen
			}
		}
		t.Fatal("there is no end")
		return nil
	}
	byIndex := func(page map[string]any, seen int) string {
		if page != nil && (len(page["Resources"].([]any)) == 0 || float64(seen) >= page["totalResults"].(float64)) {
			return ""
		}
		return fmt.Sprintf("&startIndex=%d", seen+1)
	}
	byCursor := func(page map[string]any, _ int) string {
		if page == nil {
			return "&cursor="
		}
		if next, ok := page["nextCursor"].(string); ok {
			return "&cursor=" + next
		}
		return ""
	}
	for _, query := range []string{"", "sortBy=userName&sortOrder=descending", "sortBy=meta.created", "sortBy=emails"} {
		a, b := all(query, byIndex), all(query, byCursor)
		if len(a) != 13 || len(b) != 13 {
			t.Errorf("%s: %d by number and %d by cursor, of 13", query, len(a), len(b))
		}
	}
	if got := w.scimOK(200, "GET", "/Users?count=3&startIndex=8&sortBy=userName", token, ""); len(got["Resources"].([]any)) != 3 {
		t.Errorf("a page out of order: %v", got)
	}
}
