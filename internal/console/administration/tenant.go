package administration

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type tenantPage struct { // tenant.html
	console.Frame
	Typed map[string]string
	Tag   string
	ID    string
	Since string
	Writes,
	Foreign bool
	Conflict *conflict
}

// File implements console.Page.
func (tenantPage) File() string { return "tenant.html" }

// tenantFields are the fields of the form, with where the organization has them.
var tenantFields = []struct{ name, property string }{
	{"displayName", "displayName"},
	{"contacts", "technicalNotificationMails"},
	{"timeZone", "postern_timeZone"},
	{"phone", "postern_helpdesk/phone"},
	{"hours", "postern_helpdesk/hours"},
	{"mail", "postern_helpdesk/mail"},
}

func tenantValues(o graphclient.Object) map[string]string {
	values := map[string]string{}
	for _, f := range tenantFields {
		values[f.name] = o.Text(f.property)
	}
	return values
}

func newTenantPage(c *console.Call, o graphclient.Object) tenantPage {
	return tenantPage{
		Frame: c.Frame("administration"), Typed: tenantValues(o), Tag: o.Text(graphclient.ETag), ID: o.Text("id"),
		Writes: c.May(writeOrganization), Foreign: c.Foreign(),
	}
}

func showTenant(c *console.Call) error {
	o, err := organization(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, newTenantPage(c, o))
}

func saveTenant(c *console.Call) error {
	typed := map[string]string{}
	for _, f := range tenantFields {
		typed[f.name] = c.Form(f.name)
	}
	text := func(name string) any {
		if typed[name] == "" {
			return nil
		}
		return typed[name]
	}
	in := graphclient.Object{"displayName": typed["displayName"], "technicalNotificationMails": addresses(typed["contacts"])}
	if !c.Foreign() {
		in["postern_timeZone"] = typed["timeZone"]
		in["postern_helpdesk"] = graphclient.Object{"phone": text("phone"), "hours": text("hours"), "mail": text("mail")}
	}
	_, err := c.Graph.Matching(c.Form("tag")).Do(c.Context(), http.MethodPatch, in, "organization", c.Person.TenantID)
	if err == nil {
		return c.Go(root+"/tenant", "tenant_saved")
	}
	trouble := console.Explain(err)
	if trouble == nil {
		return err
	}
	o, readErr := organization(c)
	if readErr != nil {
		return readErr
	}
	p := newTenantPage(c, o)
	if trouble.Status == http.StatusPreconditionFailed {
		p.Conflict = &conflict{}
		for _, f := range tenantFields {
			if now := o.Text(f.property); now != typed[f.name] {
				p.Conflict.Theirs = append(p.Conflict.Theirs, change{"administration_" + f.name, now, typed[f.name]})
			}
		}
	} else {
		p.Tag = c.Form("tag")
	}
	p.Typed, p.Fault = typed, trouble
	return c.Show(statusOf(trouble), p)
}

// addresses are those in a text, with commas or spaces between them.
func addresses(typed string) []string {
	return append([]string{}, strings.FieldsFunc(typed, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })...)
}
