package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/postern-id/postern/internal/places/placestest"
	"github.com/postern-id/postern/internal/server"
)

func TestDraftsAreTriedOnRealSignInsAndPlaces(t *testing.T) {
	countries, err := server.OpenPlaces(placestest.File(t, map[string]string{"127.0.0.0/8": "FR", "192.0.2.0/24": "DE"}))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *server.Options) { o.Places = countries })
	ada := w.createUser("ada")
	ask := func(path, body string) map[string]any {
		t.Helper()
		status, v := w.api(http.MethodPost, path, w.appToken(), body)
		if status >= 300 {
			t.Fatalf("%s: %d %v", path, status, v)
		}
		return v
	}
	pass := ask("/v1.0/users/"+ada+"/authentication/temporaryAccessPassMethods", `{"isUsableOnce":false}`)["temporaryAccessPass"].(string)
	w.code("ada@contoso.example", pass)

	france := ask("/v1.0/identity/conditionalAccess/namedLocations", `{"@odata.type":"#microsoft.graph.countryNamedLocation","displayName":"France","countriesAndRegions":["FR"]}`)["id"].(string)
	draft := func(conditions, grant string) string {
		return `{"displayName":"Draft","conditions":{"users":{"includeUsers":["` + ada + `"]},"applications":{"includeApplications":["All"]}` + conditions + `},"grantControls":` + grant + `}`
	}
	closed := draft(`,"locations":{"includeLocations":["`+france+`"]}`, `{"operator":"OR","builtInControls":["block"]}`)
	for address, want := range map[string]string{"127.0.0.1": "blocked", "192.0.2.1": "granted"} {
		said := ask("/v1.0/postern/access/evaluate", fmt.Sprintf(`{"signInIdentity":{"userId":%q},"signInContext":{"includeApplications":[%q]},
			"signInConditions":{"ipAddress":%q},"proofs":[{"method":"temporaryAccessPassMultiUse"}],"drafts":[%s]}`, ada, w.created.ClientID, address, closed))
		if got := said["drafts"].(map[string]any)["result"]; got != want {
			t.Errorf("from %s: %v, want %s", address, got, want)
		}
	}

	count := func(v any) string {
		one := v.(map[string]any)
		return fmt.Sprint(one["signIns"], " of ", one["people"])
	}
	said := ask("/v1.0/postern/access/impact", `{"drafts":[`+closed+`]}`)
	if count(said["blocked"]) != "1 of 1" || said["complete"] != true || said["signInsNotUnderstood"] != 0.0 {
		t.Errorf("a block in France: %v", said)
	}
	said = ask("/v1.0/postern/access/impact", `{"drafts":[`+draft("", `{"operator":"OR","authenticationStrength":{"id":"00000000-0000-0000-0000-000000000004"}}`)+`]}`)
	if count(said["askedForMore"]) != "1 of 1" || said["lockedOutPeople"] != 1.0 {
		t.Errorf("phishing-resistant methods only: %v", said)
	}
	for kept, want := range map[string]int{"accept": http.StatusOK, "only": http.StatusOK, "old": http.StatusBadRequest} {
		if status, v := w.api(http.MethodPost, "/v1.0/postern/access/impact", w.appToken(), `{"drafts":[`+closed+`],"kept":"`+kept+`"}`); status != want {
			t.Errorf("kept %s: %d %v", kept, status, v)
		}
	}
	said = ask("/v1.0/postern/access/impact", `{"drafts":[`+draft("", `{"operator":"OR","builtInControls":["mfa"]}`)+`]}`)
	if count(said["askedForMore"]) != "0 of 0" || count(said["blocked"]) != "0 of 0" {
		t.Errorf("a pass is two factors: %v", said)
	}
}
