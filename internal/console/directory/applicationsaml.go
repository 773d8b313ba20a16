package directory

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// samlForm is applicationsaml.html: how an application signs people in by SAML 2.0.
type samlForm struct {
	console.Frame
	ID, ETag, Name, AppID string
	Metadata, Entity, At  string // what the application is given
	Launch                string

	On, Signed, OnlyThese bool
	Entities, Replies     string // one a line
	LogoutURL, LogoutSOAP string
	Format, Sign          string
	Claims                string // name = source, one a line
}

// File implements console.Page.
func (samlForm) File() string { return "applicationsaml.html" }

// Formats are the forms that a name id can have, and Signs what can be signed.
func (samlForm) Formats() []string { return []string{"emailAddress", "persistent", "transient"} }

// Signs implements the choice of what is signed.
func (samlForm) Signs() []string { return []string{"assertion", "response", "both"} }

// newSAMLForm has what the page says of an application beside the form.
func newSAMLForm(c *console.Call, o graphclient.Object) samlForm {
	base := c.Address() + "/" + c.Person.TenantID
	return samlForm{
		Frame: c.Frame("applications"), ID: o.Text("id"), ETag: o.Text(graphclient.ETag), Name: o.Text("displayName"), AppID: o.Text("appId"),
		Metadata: base + "/federationmetadata/2007-06/federationmetadata.xml", Entity: base + "/", At: base + "/saml2", Launch: base + "/saml2/launch/" + o.Text("appId"),
	}
}

// samlEditable reads the application that {id} names with its settings for SAML, and its presence in the tenant.
func samlEditable(c *console.Call) (app, principal graphclient.Object, err error) {
	if c.Foreign() {
		return nil, nil, console.ErrNowhere
	}
	if app, err = editable(c); err != nil {
		return nil, nil, err
	}
	principal, err = principalOf(c, app.Text("appId"))
	if err == nil && principal == nil {
		err = console.ErrNowhere
	}
	return app, principal, err
}

func editSAML(c *console.Call) error {
	o, principal, err := samlEditable(c)
	if err != nil {
		return err
	}
	f := newSAMLForm(c, o)
	f.On, f.Signed = principal.Text("preferredSingleSignOnMode") == "saml", o.Text("requestSignatureVerification/isSignedRequestRequired") == "true"
	f.Entities, f.Replies, f.LogoutURL = strings.Join(texts(o, "identifierUris"), "\n"), strings.Join(texts(o, "web", "redirectUris"), "\n"), o.Text("web/logoutUrl")
	settings, _ := o["postern_saml"].(map[string]any)
	s := graphclient.Object(settings)
	f.LogoutSOAP = s.Text("logoutSoapUrl")
	f.Format, f.Sign, f.OnlyThese = or(s.Text("nameIdFormat"), "emailAddress"), or(s.Text("sign"), "assertion"), is(s, "onlyTheseClaims")
	for _, one := range s.Objects("claims") {
		f.Claims += one.Text("name") + " = " + one.Text("source") + "\n"
	}
	return c.Show(http.StatusOK, f)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func updateSAML(c *console.Call) error {
	o, principal, err := samlEditable(c)
	if err != nil {
		return err
	}
	f := newSAMLForm(c, o)
	f.ETag, f.On, f.Signed, f.OnlyThese = c.Form("etag"), c.Form("on") == "true", c.Form("signed") == "true", c.Form("only") == "true"
	f.Entities, f.Replies, f.LogoutURL = c.Form("entities"), c.Form("replies"), c.Form("logoutUrl")
	f.LogoutSOAP = c.Form("logoutSoapUrl")
	f.Format, f.Sign, f.Claims = c.Form("format"), c.Form("sign"), c.Form("claims")
	if err = change(c, f.ETag, f.changed(), "applications", f.ID); quicker(err) {
		f.ETag = o.Text(graphclient.ETag)
	}
	if err == nil {
		mode := any(nil)
		if f.On {
			mode = "saml"
		}
		err = change(c, "", graphclient.Object{"preferredSingleSignOnMode": mode}, "servicePrincipals", principal.Text("id"))
	}
	if err != nil {
		return again(c, &f.Frame, err, func() console.Page { return f })
	}
	return c.Go(applications.href(f.ID)+"/saml", "directory_application_changed")
}

func (f samlForm) changed() graphclient.Object {
	claims := []graphclient.Object{}
	for _, line := range lines(f.Claims) {
		name, source, _ := strings.Cut(line, "=")
		claims = append(claims, graphclient.Object{"name": strings.TrimSpace(name), "source": strings.TrimSpace(source)})
	}
	return graphclient.Object{
		"identifierUris": lines(f.Entities), "web": graphclient.Object{"redirectUris": lines(f.Replies), "logoutUrl": nullable(f.LogoutURL)},
		"requestSignatureVerification": graphclient.Object{"isSignedRequestRequired": f.Signed},
		"postern_saml":                 graphclient.Object{"nameIdFormat": f.Format, "sign": f.Sign, "onlyTheseClaims": f.OnlyThese, "logoutSoapUrl": nullable(f.LogoutSOAP), "claims": claims},
	}
}
