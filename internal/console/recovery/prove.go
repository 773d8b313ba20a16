package recovery

import (
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A way is how an agent can find out who asks.
type way struct {
	ID     string // of the form: kind, or kind:contact
	Kind   string
	Level  string // that it gives
	Helps  bool   // that is more than there is already
	Number []string
	// Since is when the number was put on file; zero where nothing says that it ever changed.
	Since   time.Time
	Fresh   bool // too short a time ago to count
	Chosen  bool
	Contact string
}

// waysOf are the ways that policy counts, with the numbers of the person that are on file.
func waysOf(o, user graphclient.Object, chosen string) []way {
	worth, changes := part(o, "proofLevels"), map[string]graphclient.Object{}
	for _, one := range o.Objects("contactChanges") {
		changes[one.Text("property")] = one
	}
	var all []way
	add := func(w way) {
		w.Level = worth.Text(w.Kind)
		w.Helps, w.Chosen = rank(w.Level) > rank(o.Text("assuranceLevel")), w.ID == chosen
		if rank(w.Level) > 0 {
			all = append(all, w)
		}
	}
	for _, contact := range []string{"mobilePhone", "businessPhones"} {
		numbers := texts(user, contact)
		if one := user.Text(contact); len(numbers) == 0 && one != "" && contact == "mobilePhone" {
			numbers = []string{one}
		}
		if len(numbers) > 0 {
			changed := changes[contact]
			add(way{ID: "callBack:" + contact, Kind: "callBack", Contact: contact, Number: numbers, Since: changed.Time("changedDateTime"), Fresh: changed["counts"] == false})
		}
	}
	add(way{ID: "video", Kind: "video"})
	add(way{ID: "inPerson", Kind: "inPerson"})
	return all
}

// levels are how sure one can be, the least first.
var levels = []string{"none", "low", "medium", "high"}

func rank(level string) int {
	for i, one := range levels {
		if one == level {
			return i
		}
	}
	return 0
}

// prove serves POST /console/recovery/cases/{id}/proof.
func prove(c *console.Call) error {
	kind, contact, _ := strings.Cut(c.Form("way"), ":")
	body := graphclient.Object{"kind": kind}
	if contact != "" {
		body["contact"] = contact
	}
	return do(c, "prove", noted(c, body), "recovery_proven")
}

// approve serves POST /console/recovery/cases/{id}/approve.
func approve(c *console.Call) error {
	return do(c, "approve", noted(c, graphclient.Object{"as": "approver"}), "recovery_approved")
}

// noted is body with what was typed beside the answer: a note, and the number that who asks reads out.
func noted(c *console.Call, body graphclient.Object) graphclient.Object {
	if theirs := c.Form("theirs"); theirs != "" {
		body["caseNumber"] = theirs
	}
	if note := c.Form("note"); note != "" {
		body["note"] = note
	}
	return body
}

// do takes a step of the case that the form was about, if nobody was quicker.
func do(c *console.Call, step string, body graphclient.Object, done string) error {
	id := c.R.PathValue("id")
	if _, err := c.Graph.Matching(c.Form("etag")).Do(c.Context(), http.MethodPost, body, at(id, step)...); err != nil {
		return showAgain(c, statusOf(err), err)
	}
	return c.Go(hrefOf(id), done)
}

// statusOf is what a page answers that says what went wrong.
func statusOf(err error) int {
	if t := console.Explain(err); t != nil {
		return max(t.Status, http.StatusBadRequest)
	}
	return http.StatusBadGateway
}
