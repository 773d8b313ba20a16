package directory

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// presets are the sorts of application that can be made: each sets what follows from it.
var presets = []string{"web", "spa", "native", "service"}

// applicationForm makes or changes an application.
type applicationForm struct {
	console.Frame
	ID, ETag, Old string

	Preset            string // of a new one
	Presets           []string
	Name, Description string
	Redirects         string // of a new one
	Web, SPA, Native  string // one address a line
	LogoutURL         string
	HomePage          string
	Identifiers       string
	Public            bool
	Theirs            *applicationPage // what somebody else saved meanwhile
}

func (applicationForm) File() string { return "applicationform.html" }

func newApplication(c *console.Call) error {
	f := applicationForm{Frame: c.Frame("applications"), Presets: presets, Preset: c.Form("preset")}
	if !slices.Contains(presets, f.Preset) {
		f.Preset = presets[0]
	}
	return c.Show(http.StatusOK, f)
}

func createApplication(c *console.Call) error {
	f := applicationForm{
		Frame: c.Frame("applications"), Presets: presets, Preset: c.Form("preset"),
		Name: c.Form("displayName"), Description: c.Form("description"), Redirects: c.Form("redirects"),
	}
	made, err := c.Graph.CreateApplication(c.Context(), f.fresh())
	if err != nil {
		return again(c, &f.Frame, err, func() console.Page { return f })
	}
	id := made.Text("id")
	if _, err := c.Graph.CreateServicePrincipal(c.Context(), made.Text("appId")); err != nil {
		return c.Go(applications.href(id), "directory_application_made_off") // its page offers the rest
	}
	return c.Go(applications.href(id), "directory_application_made")
}

// fresh is what Graph is told of a new application.
func (f applicationForm) fresh() graphclient.Object {
	o := graphclient.Object{"displayName": f.Name, "description": nullable(f.Description)}
	uris := graphclient.Object{"redirectUris": lines(f.Redirects)}
	switch f.Preset {
	case "web":
		o["web"] = uris
	case "spa":
		o["spa"] = uris
	case "native":
		o["publicClient"], o["isFallbackPublicClient"] = uris, true
	}
	return o
}

func editApplication(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	var p applicationPage
	p.read(c, o)
	return c.Show(http.StatusOK, applicationForm{
		Frame: c.Frame("applications"), ID: p.ID, ETag: o.Text(graphclient.ETag), Old: p.Name, Name: p.Name, Description: p.Description,
		Web: strings.Join(p.Web, "\n"), SPA: strings.Join(p.SPA, "\n"), Native: strings.Join(p.Native, "\n"),
		LogoutURL: p.LogoutURL, HomePage: p.HomePage, Identifiers: strings.Join(p.Identifiers, "\n"), Public: p.Public,
	})
}

// editable reads the application that {id} names, and refuses who may not change it.
func editable(c *console.Call) (graphclient.Object, error) {
	o, err := openApplication(c)
	if err == nil && (is(o, "postern_builtIn") || !mayApplication(c, o, toEdit)) {
		err = console.ErrNotYours
	}
	return o, err
}

func updateApplication(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	f := applicationForm{
		Frame: c.Frame("applications"), ID: o.Text("id"), ETag: c.Form("etag"), Old: o.Text("displayName"),
		Name: c.Form("displayName"), Description: c.Form("description"), Web: c.Form("web"), SPA: c.Form("spa"), Native: c.Form("native"),
		LogoutURL: c.Form("logoutUrl"), HomePage: c.Form("homePageUrl"), Identifiers: c.Form("identifierUris"), Public: c.Form("public") == "true",
	}
	err = change(c, f.ETag, f.changed(), "applications", f.ID)
	if quicker(err) {
		f.Theirs, f.ETag = &applicationPage{}, o.Text(graphclient.ETag)
		f.Theirs.read(c, o)
	}
	if err != nil {
		return again(c, &f.Frame, err, func() console.Page { return f })
	}
	return c.Go(applications.href(f.ID), "directory_application_changed")
}

func (f applicationForm) changed() graphclient.Object {
	uris := func(text string) graphclient.Object { return graphclient.Object{"redirectUris": lines(text)} }
	web := uris(f.Web)
	web["logoutUrl"], web["homePageUrl"] = nullable(f.LogoutURL), nullable(f.HomePage)
	return graphclient.Object{
		"displayName": f.Name, "description": nullable(f.Description), "identifierUris": lines(f.Identifiers),
		"isFallbackPublicClient": f.Public, "web": web, "spa": uris(f.SPA), "publicClient": uris(f.Native),
	}
}

// switchApplication lets an application into the tenant, or turns it on or off there.
func switchApplication(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	href, on := applications.href(o.Text("id")), c.Form("on") == "true"
	principal, err := principalOf(c, o.Text("appId"))
	switch {
	case err != nil:
		return err
	case principal == nil:
		_, err = c.Graph.CreateServicePrincipal(c.Context(), o.Text("appId"))
	default:
		err = change(c, "", graphclient.Object{"accountEnabled": on}, "servicePrincipals", principal.Text("id"))
	}
	if err != nil {
		return err
	}
	return c.Go(href, map[bool]string{true: "directory_application_on", false: "directory_application_off"}[on])
}
