package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
)

const methodPolicies = "/v1.0/postern/policies/methods/"

// member leads into objects.
func member(o map[string]any, path string) any {
	var v any = o
	for name := range strings.SplitSeq(path, "/") {
		inner, _ := v.(map[string]any)
		v = inner[name]
	}
	return v
}

// wants compares members of an answer, as fmt shows them.
func wants(t *testing.T, got map[string]any, want map[string]string) {
	t.Helper()
	for path, text := range want {
		if shown := fmt.Sprint(member(got, path)); shown != text {
			t.Errorf("%s is %s, want %s", path, shown, text)
		}
	}
}

func (w *world) pass(user string, life time.Duration, once bool) {
	w.t.Helper()
	now := time.Now().UTC().Truncate(time.Minute)
	check(w.t, w.db.PutPass(w.t.Context(), tap.Pass{
		Tenant: w.tenant.ID, User: directory.UserID(user), ID: uuid.NewString(), CreatedAt: now, Start: now, Lifetime: life, SingleUse: once,
		Hash: tap.Hash{Pepper: uuid.NewString(), Value: "x"}, Incarnation: w.db.Incarnation,
	}, audit.Event{Tenant: string(w.tenant.ID), ID: uuid.NewString(), At: now, CorrelationID: uuid.NewString(), Change: &audit.Change{Activity: "x"}}))
}

func (w *world) credential(user string) {
	w.t.Helper()
	now := time.Now().UTC()
	lookup := uuid.NewString()
	check(w.t, w.db.AddCredential(w.t.Context(), method.Credential{
		Tenant: w.tenant.ID, ID: uuid.NewString(), User: directory.UserID(user), Kind: "passkey", Lookup: lookup, CreatedAt: now, Data: []byte(`{}`),
	}, method.Addition{Most: 10, Event: audit.Event{
		Tenant: string(w.tenant.ID), ID: uuid.NewString(), At: now, CorrelationID: uuid.NewString(), Change: &audit.Change{Activity: "x"},
	}}))
}

func TestAPreviewOfThePolicyOfPassesSaysWhatChangesAndForWhom(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "User.ReadWrite.All", "Group.ReadWrite.All")
	ann, bob, eve := w.create("ann"), w.create("bob"), w.create("eve")
	glass := w.call(201, "POST", "/v1.0/groups", `{"displayName":"<b>break glass</b>","mailNickname":"glass","mailEnabled":false,"securityEnabled":true}`)["id"].(string)
	w.call(204, "POST", "/v1.0/groups/"+glass+"/members/$ref", ref(eve))
	at := configurations + "/TemporaryAccessPass"
	w.call(204, "PATCH", at, `{"state":"enabled"}`)
	w.pass(ann, 8*time.Hour, false)
	w.pass(bob, time.Hour, true)
	w.pass(eve, 8*time.Hour, true)

	same := w.call(200, "POST", methodPolicies+"temporaryaccesspass/preview", `{}`)
	wants(t, same, map[string]string{
		"changes": "[]", "problem": "<nil>", "inScope/now/count": "4", "inScope/then/count": "4", "passesEnd/count": "0", "passesStayLonger/count": "0", "surfacesLost": "[]",
		"@odata.etag": w.send("GET", at, "").Header().Get("ETag"),
	})
	p := w.call(200, "POST", methodPolicies+"TemporaryAccessPass/preview",
		`{"maximumLifetimeInMinutes":240,"isUsableOnce":true,"excludeTargets":[{"targetType":"group","id":"`+glass+`"}]}`)
	wants(t, p, map[string]string{
		"problem": "<nil>", "inScope/now/count": "4", "inScope/then/count": "3", "losing/count": "1", "losing/isMore": "false", "gaining/count": "0",
		"losingWhatTheyUse/count": "1", "leftWithoutAWayIn/count": "1", "passesStayLonger/count": "0", "passesEnd/count": "2",
	})
	names := map[any]bool{}
	for _, one := range p["changes"].([]any) {
		names[one.(map[string]any)["setting"]] = true
	}
	if len(names) != 3 || !names["maximumLifetimeInMinutes"] || !names["isUsableOnce"] || !names["excludeTargets"] {
		t.Errorf("the changes are %v", p["changes"])
	}
	target := p["targets"].([]any)[1].(map[string]any)
	wants(t, target, map[string]string{"id": glass, "displayName": "<b>break glass</b>", "count": "1", "isMore": "false"})
	shorter := w.call(200, "POST", methodPolicies+"TemporaryAccessPass/preview", `{"maximumLifetimeInMinutes":240}`)
	wants(t, shorter, map[string]string{"passesStayLonger/count": "2", "passesEnd/count": "0"})
	off := w.call(200, "POST", methodPolicies+"TemporaryAccessPass/preview", `{"state":"disabled"}`)
	wants(t, off, map[string]string{"passesEnd/count": "3", "inScope/then/count": "0", "surfacesLost": "[browser lockScreen console textConsole]"})
	broken := w.call(200, "POST", methodPolicies+"TemporaryAccessPass/preview", `{"maximumLifetimeInMinutes":240,"defaultLifetimeInMinutes":360}`)
	wants(t, broken, map[string]string{"problem/target": "defaultLifetimeInMinutes", "problem/code": "tapPolicyInvalid"})
	if n := len(broken["changes"].([]any)); n != 2 {
		t.Errorf("a change that is refused has %d differences, want 2", n)
	}
	w.refused(400, "POST", methodPolicies+"TemporaryAccessPass/preview", `{"maximumLifetimeInMinutes":"long"}`)
	w.refused(404, "POST", methodPolicies+"Pigeon/preview", `{}`)
	if now := w.call(200, "GET", at, ""); now["maximumLifetimeInMinutes"] != 480.0 || now["state"] != "enabled" {
		t.Errorf("the previews left %v", now)
	}
}

func TestAPreviewSaysWhoIsLeftWithoutAWayIn(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod", "User.ReadWrite.All", "Group.ReadWrite.All")
	ann, bob := w.create("ann"), w.create("bob")
	w.create("eve")
	w.credential(ann)
	w.credential(bob)
	w.pass(bob, time.Hour, true)
	off := w.call(200, "POST", methodPolicies+"Fido2/preview", `{"state":"disabled"}`)
	wants(t, off, map[string]string{"losing/count": "4", "losingWhatTheyUse/count": "2", "leftWithoutAWayIn/count": "1"})
	if some := off["leftWithoutAWayIn"].(map[string]any)["some"].([]any); len(some) != 1 || some[0].(map[string]any)["id"] != ann {
		t.Errorf("left are %v", some)
	}
	w.call(204, "PATCH", "/v1.0/postern/signInMethodsPolicy", `{"browserMethods":["fido2"],"breakGlassMethods":[]}`)
	wants(t, w.call(200, "POST", methodPolicies+"Fido2/preview", `{"state":"disabled"}`), map[string]string{"problem/code": "signInPolicyInvalid", "problem/target": "browser"})
}

func TestAPreviewNamesNobodyToWhoMayNotReadPeople(t *testing.T) {
	w := newWorld(t, "Policy.Read.AuthenticationMethod")
	p := w.call(200, "POST", methodPolicies+"Fido2/preview", `{"state":"disabled"}`)
	wants(t, p, map[string]string{"losing/count": "1", "losing/some": "[]"})
}

func TestTheHistoryOfAPolicyHasEachChangeAndCanPutItBack(t *testing.T) {
	w := newWorld(t, "Policy.ReadWrite.AuthenticationMethod")
	at, path := configurations+"/TemporaryAccessPass", methodPolicies+"TemporaryAccessPass/history"
	if none := w.call(200, "GET", path, "")["value"].([]any); len(none) != 0 {
		t.Errorf("nothing was changed, and the history is %v", none)
	}
	w.call(204, "PATCH", at, `{"state":"enabled","postern_hideIssuer":true}`)
	w.call(204, "PATCH", at, `{"postern_hideIssuer":false,"defaultLength":12}`)
	w.call(204, "PATCH", configurations+"/Fido2", `{"keyRestrictions":{"isEnforced":true}}`)
	w.insists = true // that passes go off again strands people
	w.call(204, "DELETE", at, "")
	var all []map[string]any
	for link := path + "?$top=2"; link != ""; {
		page := w.call(200, "GET", link, "")
		for _, one := range page["value"].([]any) {
			all = append(all, one.(map[string]any))
		}
		link, _ = page["@odata.nextLink"].(string)
	}
	if len(all) != 3 {
		t.Fatalf("%d changes, want 3", len(all))
	}
	wants(t, all[0], map[string]string{"activityDisplayName": audit.MethodsPolicyReset, "before/defaultLength": "12", "after/defaultLength": "8", "initiatedBy/app/displayName": "Script"})
	wants(t, all[1], map[string]string{"before/postern_hideIssuer": "true", "after/postern_hideIssuer": "false"})
	if n := len(all[1]["changes"].([]any)); n != 2 {
		t.Errorf("%d settings changed, want 2: %v", n, all[1]["changes"])
	}
	for name, change := range map[string]map[string]any{"the state before a change": all[1]["before"].(map[string]any), "before the first": all[2]["before"].(map[string]any)} {
		w.call(204, "PATCH", at, text(t, change))
		if p := w.call(200, "POST", methodPolicies+"TemporaryAccessPass/preview", text(t, change)); fmt.Sprint(p["changes"]) != "[]" {
			t.Errorf("%s is not put back: %v", name, p["changes"])
		}
	}
	key := w.call(200, "GET", methodPolicies+"fido2/history", "")["value"].([]any)
	if len(key) != 1 || fmt.Sprint(key[0].(map[string]any)["changes"]) != "[map[now:false setting:keyRestrictions/isEnforced then:true]]" {
		t.Errorf("the history of passkeys is %v", key)
	}
	w.refused(404, "GET", methodPolicies+"Sms/history", "")
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	check(t, err)
	return string(raw)
}
