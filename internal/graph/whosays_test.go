package graph_test

import (
	"encoding/json"
	"strings"
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
	back = w.as(w.signIn(w.member("pete", directory.AuthenticationPolicyAdministrator), methods, "Domain.ReadWrite.All"))
	told := w.call(200, "GET", policy+"/history", "")["value"].([]any)[0].(map[string]any)
	for version, want := range map[string]int{"before": 403, "after": 200} { // to put a policy back is to change it
		body, err := json.Marshal(told[version])
		check(t, err)
		w.call(want, "PATCH", policy, string(body))
	}
	back()
	back = w.as(writer)
	w.call(403, "PATCH", boss, `{"employeeId":"E-9"}`)
	w.call(204, "PATCH", boss, `{"department":"Sales"}`)
	back()
}

// An identity-proofing service says who somebody is by the secret of its webhook.
func TestNobodyComesByADetourToTheSecretThatProofsAreSignedWith(t *testing.T) {
	const methods, organization, log = "Policy.ReadWrite.AuthenticationMethod", "Organization.ReadWrite.All", "AuditLog.Read.All"
	w := newWorld(t, methods, organization, log)
	const all = "/v1.0/postern/webhooks"
	subscribe := func(events string) string {
		return `{"displayName":"Proofs","url":"https://proofs.example/in?key=theirs","events":[` + events + `]}`
	}
	speaker := all + "/" + w.call(201, "POST", all, subscribe(`"proof.asked"`))["id"].(string)
	back := w.as(w.signIn(w.member("gail", directory.GlobalAdministrator), organization, log))
	w.call(403, "POST", all, subscribe(`"proof.asked"`))
	w.call(403, "PATCH", speaker, `{"url":"https://fabrikam.example"}`)
	w.call(403, "POST", speaker+"/rotateSecret", `{}`)
	listener := all + "/" + w.call(201, "POST", all, subscribe(`"case.opened"`))["id"].(string) // whose secret she has now
	w.call(403, "PATCH", listener, `{"events":["proof.asked"]}`)
	w.call(200, "POST", listener+"/rotateSecret", `{}`)
	w.call(204, "PATCH", speaker, `{"events":["case.opened"]}`) // it is silent then, and she has a secret of it
	w.call(200, "POST", speaker+"/rotateSecret", `{}`)
	back()
	for _, one := range []string{listener, speaker} {
		w.call(400, "PATCH", one, `{"events":["case.opened","proof.asked"]}`)
	}
	speaker = all + "/" + w.call(201, "POST", all, subscribe(`"proof.asked"`))["id"].(string)
	w.call(204, "PATCH", speaker, `{"events":["case.opened","proof.asked"]}`)
	w.call(200, "POST", speaker+"/rotateSecret", `{}`)

	written, err := json.Marshal(w.events(t))
	check(t, err)
	if n := strings.Count(string(written), "https://proofs.example/in"); n < 3 || strings.Contains(string(written), "key=theirs") || strings.Contains(string(written), "whsec") {
		t.Errorf("the log names the address %d times, and has what follows it: %s", n, written)
	}
}

// Policies spare guests, nobody issues a pass to whom another organisation signs in, and a recovery is told to the address.
func TestNobodyMakesAnAdministratorAGuestOrTakesTheirMail(t *testing.T) {
	const writes = "User.ReadWrite.All"
	w := newWorld(t, writes)
	boss, member := "/v1.0/users/"+string(w.admin.ID), "/v1.0/users/"+w.create("mira")
	bodies := []string{
		`{"userType":"Guest"}`,
		`{"identities":[{"signInType":"federated","issuer":"fabrikam.example","issuerAssignedId":"admin"}]}`,
		`{"mail":"evil@fabrikam.example"}`,
		`{"department":"Sales","mail":null,"userType":"Guest"}`,
	}
	unchanged := `{"userType":"Member","mail":null,"identities":[],"department":"Sales"}`
	callers := map[string]string{"an application without a role": w.token}
	for name, role := range map[string]directory.RoleID{"Directory Writer": directory.DirectoryWriters, "User Administrator": directory.UserAdministrator} {
		callers[name] = w.signIn(w.member("caller"+string(role)[:4], role), writes)
	}
	for name, token := range callers {
		back := w.as(token)
		for _, body := range bodies {
			if got := w.status("PATCH", boss, body); got != 403 {
				t.Errorf("%s sends %s: %d", name, body, got)
			}
		}
		if got := w.status("PATCH", boss, unchanged); got != 204 { // as scripts do that write a person as they read them
			t.Errorf("%s changes a department and nothing else: %d", name, got)
		}
		for _, body := range bodies {
			if got := w.status("PATCH", member, body); got != 204 {
				t.Errorf("%s sends %s about somebody without a role: %d", name, body, got)
			}
			back()
			w.call(204, "PATCH", member, `{"userType":"Member","mail":"mira@contoso.example","identities":[]}`)
			back = w.as(token)
		}
		back()
	}
}
