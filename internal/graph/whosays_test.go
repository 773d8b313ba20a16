package graph_test

import (
	"encoding/json"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery/sdjwt/sdjwttest"
)

// Who issues credentials says who somebody is, and so does whoever changes what they are compared with.
func TestNobodySaysByADetourWhoSomebodyIs(t *testing.T) {
	const methods, writes = "Policy.ReadWrite.AuthenticationMethod", "User.ReadWrite.All"
	w := newWorld(t, methods, "Domain.ReadWrite.All", writes)
	i := sdjwttest.Issuer(t, sdjwttest.NewKey(t))
	trust, err := json.Marshal(map[string]any{"credentialIssuers": []any{map[string]any{"issuer": i.ID, "types": i.Types, "jwks": i.Keys, "match": i.Match}}})
	check(t, err)
	const policy = "/v1.0/postern/recovery/policy"

	back := w.as(w.signIn(w.member("polly", directory.AuthenticationPolicyAdministrator), methods, "Domain.ReadWrite.All"))
	w.call(403, "PATCH", policy, string(trust))
	w.call(200, "PATCH", policy, `{"caseLifetimeInMinutes":600}`)
	back()

	writer := w.signIn(w.member("wendy", directory.DirectoryWriters), writes)
	boss := "/v1.0/users/" + string(w.admin.ID)
	back = w.as(writer)
	w.call(204, "PATCH", boss, `{"employeeId":"E-8"}`) // nobody is known by it yet
	back()
	w.call(200, "PATCH", policy, string(trust))
	back = w.as(writer)
	w.call(403, "PATCH", boss, `{"employeeId":"E-9"}`)
	w.call(204, "PATCH", boss, `{"department":"Sales"}`)
	back()
}
