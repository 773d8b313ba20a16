package recovery

import (
	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// at leads to the cases of Graph.
func at(names ...string) []string {
	return append([]string{"postern", "recovery", "cases"}, names...)
}

// read returns the case that the address names.
func read(c *console.Call) (kase, error) {
	o, err := c.Graph.Get(c.Context(), at(c.R.PathValue("id"))...)
	if err != nil {
		return kase{}, err
	}
	return caseOf(o), nil
}

func caseOf(o graphclient.Object) kase {
	k := kase{
		ID: o.Text("id"), Number: o.Text("number"), Tag: o.Text(graphclient.ETag), State: o.Text("state"),
		Who:    who{o.Text("userId"), o.Text("userDisplayName"), o.Text("userPrincipalName")},
		Opened: o.Time("createdDateTime"), Closed: o.Time("closedDateTime"), Until: o.Time("expirationDateTime"),
		OpenedAs: o.Text("openedAs"), OpenedBy: o.Text("openedBy/displayName"), OpenerID: o.Text("openedBy/userId"),
		Channel: o.Text("channel"), Note: o.Text("note"), Ticket: o.Text("ticket"), Lost: texts(o, "lost"), Device: o.Text("deviceId"),
		Used: o.Time("usedDateTime"), Outcome: o.Text("outcome"), Why: o.Text("why"),
		Class: o.Text("targetClass"), Level: o.Text("assuranceLevel"), Hands: texts(o, "handOver"), Shut: texts(o, "handOverWithoutMethod"), Missing: number(o, "missingApprovals"), ReadyAt: o.Time("readyDateTime"),
	}
	for _, p := range o.Objects("proofs") {
		k.Proofs = append(k.Proofs, proof{
			Kind: p.Text("kind"), Level: p.Text("level"), By: p.Text("by/displayName"), ByID: p.Text("by/userId"),
			Contact: p.Text("contact"), Note: p.Text("note"), At: p.Time("createdDateTime"),
			Numbered: p["hasCaseNumber"] == true,
		})
	}
	for _, a := range o.Objects("approvals") {
		k.Approvals = append(k.Approvals, approval{
			By: a.Text("by/displayName"), ByID: a.Text("by/userId"), Part: a.Text("as"), Note: a.Text("note"), At: a.Time("createdDateTime"),
			Numbered: a["hasCaseNumber"] == true,
		})
	}
	if p := part(o, "pass"); p != nil {
		k.Pass = &pass{ID: p.Text("id"), By: p.Text("issuedBy/displayName"), ByID: p.Text("issuedBy/userId"), Purpose: p.Text("postern_purpose"), At: p.Time("createdDateTime"), Ends: p.Time("endDateTime"), Once: p["isUsableOnce"] == true, Hand: p.Text("postern_handOver")}
	}
	for _, r := range o.Objects("registered") {
		k.Registered = append(k.Registered, registered{r.Text("id"), r.Text("kind"), r.Time("createdDateTime")})
	}
	for _, one := range o.Objects("contactChanges") {
		k.Changes = append(k.Changes, renewed{one.Text("property"), one.Time("changedDateTime"), one["counts"] == false})
	}
	if d := part(o, "dispute"); d != nil {
		k.Disputed = &dispute{By: d.Text("by/displayName"), Note: d.Text("note"), At: d.Time("createdDateTime")}
	}
	if g := part(o, "grant"); g != nil {
		k.Grant = &grant{
			Level: g.Text("level"), Minutes: number(g, "maximumLifetimeInMinutes"), Approvals: number(g, "approvals"), CoolDown: number(g, "coolDownInMinutes"),
			Once: g["isUsableOnce"] == true, Purposes: texts(g, "purposes"),
		}
	}
	return k
}
