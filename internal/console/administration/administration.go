// Package administration is where a tenant is looked after: its name and helpdesk, its domains,
// how its sign-in pages look, and what an administrator wants to know of the server.
package administration

import (
	"embed"
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

const root = console.Root + "/administration"

// Actions that pages ask for, by their names in package directory.
const (
	readOrganization  = "readOrganization"
	writeOrganization = "writeOrganization"
	readBranding      = "readBranding"
	writeBranding     = "writeBranding"
	readDomains       = "readDomains"
	writeDomains      = "writeDomains"
	confirmDomain     = "confirmDomain"
	readServer        = "readServer"
	readAudits        = "readAudits"
)

// Section returns the pages of this package.
func Section() console.Section {
	return console.Section{Name: "administration", Files: files, Routes: append(mailWordsRoutes(), []console.Route{
		{Pattern: "GET " + root, Needs: []string{readOrganization}, Serve: overview},
		{Pattern: "GET " + root + "/tenant", Needs: []string{readOrganization}, Serve: showTenant},
		{Pattern: "POST " + root + "/tenant", Needs: []string{writeOrganization}, Serve: saveTenant},
		{Pattern: "GET " + root + "/domains", Needs: []string{readDomains}, Serve: listDomains},
		{Pattern: "POST " + root + "/domains", Needs: []string{writeDomains}, Serve: addDomain},
		{Pattern: "GET " + root + "/domains/{name}", Needs: []string{readDomains}, Serve: showDomain},
		{Pattern: "GET " + root + "/domains/{name}/federation", Needs: []string{readFederation}, Serve: showFederation},
		{Pattern: "POST " + root + "/domains/{name}/federation", Needs: []string{writeFederation}, Serve: changeFederation},
		{Pattern: "POST " + root + "/domains/{name}", Needs: []string{writeDomains}, Serve: changeDomain},
		{Pattern: "GET " + root + "/branding", Needs: []string{readBranding}, Serve: showBranding},
		{Pattern: "POST " + root + "/branding", Needs: []string{writeBranding}, Serve: saveBranding},
		{Pattern: "POST " + root + "/branding/{slot}", Needs: []string{writeBranding}, Serve: saveImage},
		{Pattern: "GET " + root + "/mail", Needs: []string{readServer, readAudits}, Serve: showMail},
		{Pattern: "POST " + root + "/mail", Needs: []string{writeOrganization}, Serve: testMail},
		{Pattern: "GET " + root + "/keys", Needs: []string{readServer}, Serve: showKeys},
		{Pattern: "GET " + root + "/backup", Needs: []string{readServer}, Serve: showBackup},
		{Pattern: "GET " + root + "/about", Needs: []string{readServer}, Serve: showAbout},
	}...)}
}

type overviewPage struct { // overview.html
	console.Frame
	Organization graphclient.Object
	Domains      int
	About        graphclient.Object // nil for those who may not look, or where Graph has none
}

// File implements console.Page.
func (overviewPage) File() string { return "overview.html" }

// organization returns the tenant with the settings that Graph shows when they are asked for.
func organization(c *console.Call) (graphclient.Object, error) {
	properties := "id,displayName,verifiedDomains"
	if !c.Foreign() {
		properties += ",createdDateTime,postern_timeZone,postern_helpdesk"
	}
	return c.Graph.Select(c.Context(), properties, "organization", c.Person.TenantID)
}

func about(c *console.Call) (graphclient.Object, error) {
	if c.Foreign() || !c.May(readServer) {
		return nil, nil
	}
	return c.Graph.Get(c.Context(), "postern", "about")
}

func overview(c *console.Call) error {
	p := overviewPage{Frame: c.Frame("administration")}
	var err error
	if p.Organization, err = organization(c); err != nil {
		return err
	}
	p.Domains = len(p.Organization.Objects("verifiedDomains"))
	if p.About, err = about(c); err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

// A change is a line of what a form would change. Words is the key of its name.
type change struct{ Words, Now, Then string }

// conflict is what a form shows when somebody else was quicker.
type conflict struct {
	Theirs []change // what is there now, and what was typed
}

// statusOf is the status of a page that shows a form again.
func statusOf(t *console.Trouble) int {
	if t.Status >= http.StatusBadRequest {
		return t.Status
	}
	return http.StatusBadRequest
}
