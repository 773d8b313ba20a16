package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
)

// theKeys are somebody's passkeys, oldest first: the id of each, and whether it is frozen.
func (d *desk) theKeys(nick string) (ids []string, frozen []bool) {
	d.t.Helper()
	status, v := d.api(http.MethodGet, "/v1.0/users/"+d.ids[nick]+"/authentication/fido2Methods?$select=id,createdDateTime,postern_frozenDateTime", d.appToken(), "")
	if status != http.StatusOK {
		d.t.Fatalf("passkeys: %d %v", status, v)
	}
	for _, one := range v["value"].([]any) {
		m := one.(map[string]any)
		ids, frozen = append(ids, m["id"].(string)), append(frozen, m["postern_frozenDateTime"] != nil)
	}
	return ids, frozen
}

// addsBy signs in with a key, adds another, and returns it.
func (x trip) addsBy(key *passkeytest.Authenticator) *passkeytest.Authenticator {
	x.t.Helper()
	next := x.newKey()
	x.asKey("/security-info", key)
	x.clock.move(time.Second)
	x.addKey(next)
	x.clock.move(time.Second)
	return next
}

func TestAKeyIsOfARecoveryWhenTheKeyThatItWasAddedWithIsGone(t *testing.T) {
	for _, c := range []struct {
		name  string
		chain int // keys that are added by one another and go, but for the last
		goes  func(d *desk, x trip, id string, last *passkeytest.Authenticator)
	}{
		{"the impostor removes it", 2, func(d *desk, x trip, id string, last *passkeytest.Authenticator) {
			x.asKey("/security-info", last)
			if a := d.post("/security-info/remove", url.Values{"method": {id}, "confirmed": {"yes"}}); a.status != http.StatusSeeOther {
				d.t.Fatalf("remove: %d\n%s", a.status, told(a))
			}
		}},
		{"the helpdesk removes two of three", 3, func(d *desk, _ trip, id string, _ *passkeytest.Authenticator) {
			if status, v := d.api(http.MethodDelete, "/v1.0/users/"+d.ids["boss"]+"/authentication/fido2Methods/"+id, d.appToken(), ""); status != http.StatusNoContent {
				d.t.Fatalf("remove: %d %v", status, v)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			x := trip{world: d.world, clock: d.clock}
			first := d.fooled("boss")
			x.newBrowser()
			number := x.ask("lost@contoso.example")
			last := d.keys["boss"]
			for range c.chain - 1 {
				last = x.addsBy(last)
			}
			all, _ := d.theKeys("boss") // their own, then those of the impostor
			if len(all) != c.chain+1 {
				t.Fatalf("%d passkeys", len(all))
			}
			for _, id := range all[1:c.chain] {
				c.goes(d, x, id, last)
			}

			d.keys["boss"] = last
			d.signInAs("boss")
			if status, code, v := d.tries("boss", "/"+number+"/approve", `{"as":"manager","caseNumber":"`+number+`"}`); code != "caseApproverRecovered" {
				t.Errorf("approve minutes after the recovery: %d %v", status, v)
			}
			d.signInAs("agent")
			d.does("agent", first+"/dispute", `{"note":"boss called"}`)
			if ids, frozen := d.theKeys("boss"); len(ids) != 2 || frozen[0] || !frozen[1] {
				t.Errorf("after the dispute: %v, frozen %v; want the impostor's alone to be", ids, frozen)
			}
			d.signInAs("issuer")
			d.does("issuer", first+"/revert", `{}`)
			if ids, _ := d.theKeys("boss"); len(ids) != 1 || ids[0] != all[0] {
				t.Errorf("after the revert: %v, want their own, %s", ids, all[0])
			}
			x.newBrowser()
			if in := d.use(d.authorize(nil).location, last); in.status == http.StatusSeeOther || !strings.Contains(in.body, "data-error") {
				t.Errorf("the impostor signs in: %d %s", in.status, in.location)
			}
		})
	}
}
