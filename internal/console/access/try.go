package access

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// proofs are the ways to sign in that can be assumed.
var proofs = []string{
	"password", "fido2", "windowsHelloForBusiness", "deviceBasedPush", "microsoftAuthenticatorPush", "softwareOath", "temporaryAccessPassOneTime",
	"temporaryAccessPassMultiUse",
}

type tryPage struct { // try.html
	console.Frame
	Whom, App, Address, Platform, Client string
	Proofs                               []string
	Asked                                bool
	Apps                                 []graphclient.Object
	Answers                              []verdict
}

// File implements console.Page.
func (tryPage) File() string { return "try.html" }

// Ways are the proofs that can be ticked.
func (tryPage) Ways() []string { return proofs }

// Has reports whether a proof is ticked.
func (p tryPage) Has(way string) bool { return slices.Contains(p.Proofs, way) }

// Platforms are the systems to choose from.
func (tryPage) Platforms() []string { return formPage{}.Platforms() }

// Clients are the kinds of client to choose from.
func (tryPage) Clients() []string { return formPage{}.Clients() }

// A verdict is what rules come to for the sign-in.
type verdict struct {
	graphclient.Object
	Under    string // today or reportOnly
	Policies []graphclient.Object
}

// tryRules serves GET /console/access/try: what would become of a sign-in. All that is asked is in
// the address, so that it can be sent to a colleague.
func tryRules(c *console.Call) error {
	q := c.R.URL.Query()
	p := tryPage{
		Frame: c.Frame("access"), Whom: strings.TrimSpace(q.Get("person")), App: q.Get("app"), Address: strings.TrimSpace(q.Get("address")),
		Platform: q.Get("platform"), Client: q.Get("client"), Proofs: q["proof"],
	}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{OrderBy: "displayName", Select: "id,appId,displayName", Top: 100}, "servicePrincipals")
	if err != nil {
		return err
	}
	p.Apps = found.Items
	if p.Asked = p.Whom != ""; p.Asked {
		if err := p.ask(c); err != nil {
			if p.Fault = console.Explain(err); p.Fault == nil {
				return err
			}
		}
	}
	return c.Show(http.StatusOK, p)
}

func (p *tryPage) ask(c *console.Call) error {
	user, err := c.Graph.User(c.Context(), p.Whom)
	if err != nil {
		return err
	}
	about := graphclient.Object{"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": []string{p.App}}
	if p.App == "registerSecurityInformation" || p.App == "registerOrJoinDevices" {
		about = graphclient.Object{"@odata.type": "#microsoft.graph.userActionContext", "userAction": p.App}
	}
	conditions := graphclient.Object{}
	for name, value := range map[string]string{"ipAddress": p.Address, "devicePlatform": p.Platform, "clientAppType": p.Client} {
		if value != "" {
			conditions[name] = value
		}
	}
	shown := []graphclient.Object{}
	for _, one := range p.Proofs {
		shown = append(shown, graphclient.Object{"method": one})
	}
	answer, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{
		"signInIdentity": graphclient.Object{"@odata.type": "#microsoft.graph.userSignIn", "userId": user.Text("id")}, "signInContext": about,
		"signInConditions": conditions, "proofs": shown,
	}, "postern", "access", "evaluate")
	if err != nil {
		return err
	}
	for _, under := range []string{"today", "reportOnly"} {
		o := inside(answer, under)
		p.Answers = append(p.Answers, verdict{o, under, o.Objects("policies")})
	}
	return nil
}

type impactPage struct { // impact.html
	console.Frame
	Days   string
	Policy graphclient.Object // whose impact it is; nil for all that only report
	Impact graphclient.Object
	counting
	Counts string               // where the page fetches the result; "" once it is there, and before
	Again  string               // where it is counted again, once it was
	At     time.Time            // when it was counted
	People []graphclient.Object // affected
}

// File implements console.Page.
func (impactPage) File() string { return "impact.html" }

// showImpact serves GET /console/access/impact: what a policy, or all that only report, would have
// done to the sign-ins of the last days, once somebody says how many. Counting takes seconds, so the page comes
// first and fetches the result; who leaves ends the counting. What was counted lately is there when somebody
// comes back, and is counted anew with again.
func showImpact(c *console.Call) error {
	q := c.R.URL.Query()
	p := impactPage{Frame: c.Frame("access"), Days: first(q.Get("days"), "7")}
	drafts := []graphclient.Object{}
	if id := q.Get("policy"); id != "" {
		var err error
		if p.Policy, err = c.Graph.AccessPolicy(c.Context(), id); err != nil {
			return err
		}
		drafts = append(drafts, graphclient.Object{"id": id})
	}
	kept := "only"
	if q.Has("days") {
		kept = "accept"
	}
	if q.Has("again") {
		kept = ""
	}
	if q.Has("days") && !q.Has("count") && number(p.Days) > 0 && number(p.Days) <= mostDays {
		q.Set("count", "1")
		p.Counts = root + "/impact?" + q.Encode()
		return c.Show(http.StatusOK, p)
	}
	var err error
	if p.Impact, err = impactOf(c, p.Days, drafts, kept); err != nil {
		if p.Failed.Fault = console.Explain(err); p.Failed.Fault == nil {
			return err
		}
	}
	if p.Impact != nil {
		p.People, p.Days = p.Impact.Objects("affected"), p.Impact.Text("days")
		p.At, _ = time.Parse(time.RFC3339, p.Impact.Text("countedDateTime")) // Graph's own form
		p.Again = root + "/impact?" + url.Values{"policy": q["policy"], "days": {p.Days}, "again": {"1"}}.Encode()
	}
	return c.Show(http.StatusOK, p)
}

// mostDays is how far an impact looks back.
const mostDays = 30

// counting is the part of a page that counts sign-ins, and what went wrong with that.
type counting struct {
	Failed struct {
		Fault     *console.Trouble
		ShortCode string
	}
}

// impactOf replays the sign-ins of the last days under drafts. One that was kept does where kept is
// accept; where it is only, there may be none.
func impactOf(c *console.Call, days string, drafts []graphclient.Object, kept string) (graphclient.Object, error) {
	return c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"days": number(days), "drafts": drafts, "kept": kept}, "postern", "access", "impact")
}
