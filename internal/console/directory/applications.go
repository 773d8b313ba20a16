package directory

import (
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// applicationsPage lists applications.
type applicationsPage struct {
	console.Frame
	Q        string
	Items    []applicationRow
	NextHref string
	MayMake  bool
	Gone     *gone
}

type applicationRow struct {
	ID, AppID, Name string
	CreatedAt       time.Time
	Kinds           []string // of clients that it is: web, spa, native, service
	Ends            ending   // of what it signs in with
}

func (applicationsPage) File() string { return "applications.html" }

func listApplications(c *console.Call) error {
	page := applicationsPage{Frame: c.Frame("applications"), Q: c.Form("q"), MayMake: c.May("createApplication"), Gone: wasDeleted(c, applications)}
	q := graphclient.Query{OrderBy: "displayName"}
	if page.Q != "" {
		q.OrderBy, q.Search = "", console.Search(page.Q, "displayName")
	}
	if page.Q == "" || q.Search != "" {
		found, err := c.Page(q, "applications")
		if err != nil {
			return err
		}
		for _, o := range found.Items {
			row := applicationRow{ID: o.Text("id"), AppID: o.Text("appId"), Name: o.Text("displayName"), CreatedAt: timeOf(o, "createdDateTime"), Kinds: kindsOf(o)}
			row.Ends = endingOf(append(credentials(o, "passwordCredentials", c.Now()), credentials(o, "keyCredentials", c.Now())...))
			page.Items = append(page.Items, row)
		}
		page.NextHref = c.NextHref(found)
	}
	return c.Show(http.StatusOK, page)
}

// kindsOf says what sorts of client an application is, by where its codes may go.
func kindsOf(o graphclient.Object) []string {
	var kinds []string
	for _, k := range []struct{ name, part string }{{"web", "web"}, {"spa", "spa"}, {"native", "publicClient"}} {
		if len(texts(o, k.part, "redirectUris")) > 0 {
			kinds = append(kinds, k.name)
		}
	}
	if kinds == nil {
		return []string{"service"}
	}
	return kinds
}

// A credential is a secret or a certificate of an application.
type credential struct {
	ID, Name, Hint string
	Thumbprint     string
	EndsAt         time.Time
	State          ending
}

// ending says how near the end of a credential is.
type ending string

// The endings; the empty one is that of an application that has no credential.
const (
	far   ending = "far"
	soon  ending = "soon" // within soonAfter
	ended ending = "ended"
)

// soonAfter is when people are told that a credential ends.
const soonAfter = 30 * 24 * time.Hour

func credentials(app graphclient.Object, name string, now time.Time) []credential {
	var all []credential
	for _, o := range app.Objects(name) {
		one := credential{
			ID: o.Text("keyId"), Name: o.Text("displayName"), Hint: o.Text("hint"), Thumbprint: o.Text("customKeyIdentifier"),
			EndsAt: timeOf(o, "endDateTime"), State: far,
		}
		switch {
		case !now.Before(one.EndsAt):
			one.State = ended
		case one.EndsAt.Sub(now) < soonAfter:
			one.State = soon
		}
		all = append(all, one)
	}
	return all
}

// endingOf is the best of all: an application works as long as one credential does.
func endingOf(all []credential) ending {
	best := ending("")
	rank := map[ending]int{"": 0, ended: 1, soon: 2, far: 3}
	for _, one := range all {
		if rank[one.State] > rank[best] {
			best = one.State
		}
	}
	return best
}

// applicationPage shows one application.
type applicationPage struct {
	console.Frame
	ID, AppID, Name, Description string
	CreatedAt                    time.Time
	Kinds                        []string
	Audience                     string
	Web, SPA, Native             []string // where codes may go
	LogoutURL, HomePage          string
	Identifiers                  []string
	Public, BuiltIn, SAML        bool
	Secrets, Certificates        []credential
	Owners                       []thing

	Principal   string // the service principal; empty if there is none
	Enabled     bool
	MustAssign  bool
	Permissions []permission
	Personal    int // permissions that people gave for themselves

	MayEdit, MayGrant, MayGrants bool
}

func (applicationPage) File() string { return "application.html" }

// read fills in what the application says.
func (p *applicationPage) read(c *console.Call, o graphclient.Object) {
	p.ID, p.AppID, p.Name, p.Description = o.Text("id"), o.Text("appId"), o.Text("displayName"), o.Text("description")
	p.CreatedAt, p.Audience, p.Kinds = timeOf(o, "createdDateTime"), o.Text("signInAudience"), kindsOf(o)
	p.Web, p.SPA, p.Native = texts(o, "web", "redirectUris"), texts(o, "spa", "redirectUris"), texts(o, "publicClient", "redirectUris")
	p.LogoutURL, p.HomePage, p.Identifiers = o.Text("web/logoutUrl"), o.Text("web/homePageUrl"), texts(o, "identifierUris")
	p.Public, p.BuiltIn = is(o, "isFallbackPublicClient"), is(o, "postern_builtIn")
	p.Secrets, p.Certificates = credentials(o, "passwordCredentials", c.Now()), credentials(o, "keyCredentials", c.Now())
}

// openApplication reads the application that {id} names with what only Postern says of it.
func openApplication(c *console.Call) (graphclient.Object, error) {
	if c.Foreign() {
		return applications.open(c)
	}
	return c.Graph.Select(c.Context(), applicationProperties, "applications", c.R.PathValue("id"))
}

const applicationProperties = "id,appId,createdDateTime,displayName,description,identifierUris,isFallbackPublicClient,signInAudience," +
	"keyCredentials,passwordCredentials,publicClient,spa,web,requestSignatureVerification,postern_builtIn,postern_saml"

func showApplication(c *console.Call) error {
	o, err := openApplication(c)
	if err != nil {
		return err
	}
	page := applicationPage{Frame: c.Frame("applications")}
	page.read(c, o)
	page.SAML = !c.Foreign()
	page.MayEdit = !page.BuiltIn && mayApplication(c, o, toEdit)
	page.MayGrant, page.MayGrants = c.May("assignGraphRoles") || c.May("grantPermissions"), c.May("readGrants")
	owners, err := c.Graph.Page(c.Context(), graphclient.Query{Top: 20}, "applications", page.ID, "owners")
	if err != nil {
		return err
	}
	page.Owners = things(owners.Items)
	principal, err := principalOf(c, page.AppID)
	if err != nil || principal == nil {
		return showOr(c, page, err)
	}
	page.Principal, page.Enabled, page.MustAssign = principal.Text("id"), is(principal, "accountEnabled"), is(principal, "appRoleAssignmentRequired")
	if page.MayGrants {
		page.Permissions, page.Personal, err = permissionsOf(c, page.Principal)
	}
	return showOr(c, page, err)
}

func showOr(c *console.Call, page applicationPage, err error) error {
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, page)
}

// principalOf returns the service principal of an application by client id; nil if it has none.
func principalOf(c *console.Call, appID string) (graphclient.Object, error) {
	o, err := c.Graph.ServicePrincipal(c.Context(), appID)
	if refusedWith(err, http.StatusNotFound) {
		return nil, nil
	}
	return o, err
}

// lines are the lines of a text area that say something.
func lines(text string) []string {
	all := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}
