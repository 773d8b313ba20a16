package administration

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

const (
	readFederation  = "readFederation"
	writeFederation = "writeFederation"

	oidc, saml = "oidc", "saml" // protocols
)

type federationPage struct { // federation.html
	console.Frame
	Domain   string
	ID, Tag  string // of what is there; empty while the domain is not federated
	Protocol string
	Fields   []federationField
	MFA      string
	PassFirst,
	CreateUsers bool
	Redirect, Entity string
	Update           string // how reading the metadata last went; empty when nothing came of it yet
	UpdateAt         time.Time
	Writes           bool
	Remove           bool // asks before it is removed
}

// File implements console.Page.
func (federationPage) File() string { return "federation.html" }

// SignedOut is where an OpenID provider sends people back to whom it signed out.
func (p federationPage) SignedOut() string {
	return strings.TrimSuffix(p.Redirect, p.Domain) + "signedout"
}

// Host is what lock screens have to let through, where it is known.
func (p federationPage) Host() string {
	at := "issuerUri"
	if p.Protocol == saml {
		at = "passiveSignInUri"
	}
	for _, f := range p.Fields {
		if u, err := url.Parse(f.Value); err == nil && f.property == at && p.ID != "" {
			return u.Hostname()
		}
	}
	return ""
}

// Behaviors are the answers to who does multifactor authentication.
func (federationPage) Behaviors() []string {
	return []string{"acceptIfMfaDoneByFederatedIdp", "enforceMfaByFederatedIdp", "rejectMfaByFederatedIdp"}
}

// A federationField is one that is typed. Its name is Graph's without postern_.
type federationField struct {
	Name, Value            string
	property               string
	Required, Long, Secret bool
}

func federationFields(protocol string, has bool) []federationField {
	all := []federationField{
		{Name: "displayName", property: "displayName", Required: true},
		{Name: "issuerUri", property: "issuerUri", Required: true},
	}
	if protocol == saml {
		return append(all,
			federationField{Name: "passiveSignInUri", property: "passiveSignInUri", Required: true},
			federationField{Name: "signingCertificate", property: "signingCertificate", Required: true, Long: true},
			federationField{Name: "metadataExchangeUri", property: "metadataExchangeUri"},
			federationField{Name: "signOutUri", property: "signOutUri"},
		)
	}
	return append(all,
		federationField{Name: "clientId", property: "postern_clientId", Required: true},
		federationField{Name: "clientSecret", property: "postern_clientSecret", Secret: true, Required: !has},
	)
}

const federationSelect = "id,displayName,issuerUri,passiveSignInUri,signingCertificate,metadataExchangeUri,signOutUri,federatedIdpMfaBehavior,signingCertificateUpdateStatus," +
	"postern_protocol,postern_clientId,postern_passBeforeFederation,postern_createUsers,postern_redirectUri,postern_entityId"

func federationOf(c *console.Call) (federationPage, error) {
	p := federationPage{
		Frame: c.Frame("administration"), Domain: c.R.PathValue("name"), Writes: c.May(writeFederation), Protocol: c.R.FormValue("protocol"),
		MFA: "acceptIfMfaDoneByFederatedIdp", PassFirst: true,
	}
	if c.Foreign() {
		return p, console.ErrNowhere
	}
	found, err := c.Graph.Page(c.Context(), graphclient.Query{Select: federationSelect}, "domains", p.Domain, "federationConfiguration")
	if err != nil {
		return p, err
	}
	if len(found.Items) == 0 {
		return p.empty(c), nil
	}
	is := found.Items[0]
	p.ID, p.Tag, p.Protocol, p.MFA = is.Text("id"), is.Text(graphclient.ETag), is.Text("postern_protocol"), is.Text("federatedIdpMfaBehavior")
	p.PassFirst, p.CreateUsers = is["postern_passBeforeFederation"] == true, is["postern_createUsers"] == true
	p.Redirect, p.Entity, p.Remove = is.Text("postern_redirectUri"), is.Text("postern_entityId"), c.R.FormValue("remove") != ""
	p.Update, p.UpdateAt = is.Text("signingCertificateUpdateStatus/certificateUpdateResult"), is.Time("signingCertificateUpdateStatus/lastRunDateTime")
	p.Fields = federationFields(p.Protocol, true)
	for i, f := range p.Fields {
		if !f.Secret {
			p.Fields[i].Value = is.Text(f.property)
		}
	}
	return p, nil
}

// empty is the form for a domain that is not federated.
func (p federationPage) empty(c *console.Call) federationPage {
	if p.Protocol != saml {
		p.Protocol = oidc
	}
	base := c.Address() + "/" + c.Person.TenantID + "/federation/"
	p.Redirect, p.Entity = base+"oidc/"+p.Domain, base+"saml/metadata"
	p.Fields = federationFields(p.Protocol, false)
	return p
}

func showFederation(c *console.Call) error {
	p, err := federationOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

// changeFederation does what the pressed button says.
func changeFederation(c *console.Call) error {
	p, err := federationOf(c)
	if err != nil {
		return err
	}
	done, then := "federation_saved", root+"/domains/"+p.Domain+"/federation"
	switch c.Form("do") {
	case "remove":
		done, then = "federation_removed", root+"/domains/"+p.Domain
		_, err = c.Graph.Do(c.Context(), http.MethodDelete, nil, "domains", p.Domain, "federationConfiguration", p.ID)
	case "save":
		body := p.typed(c)
		if p.ID == "" {
			body["postern_protocol"] = p.Protocol
			_, err = c.Graph.Do(c.Context(), http.MethodPost, body, "domains", p.Domain, "federationConfiguration")
		} else {
			_, err = c.Graph.Matching(c.Form("tag")).Do(c.Context(), http.MethodPatch, body, "domains", p.Domain, "federationConfiguration", p.ID)
		}
	default:
		return console.ErrNowhere
	}
	if err == nil {
		return c.Go(then, done)
	}
	trouble := console.Explain(err)
	if trouble == nil {
		return err
	}
	p.Remove, p.Fault = false, trouble
	return c.Show(statusOf(trouble), p)
}

// typed reads the form into p, and returns what is sent. A secret that is left empty stays.
func (p *federationPage) typed(c *console.Call) graphclient.Object {
	p.MFA, p.PassFirst, p.CreateUsers = c.Form("mfa"), c.Form("passFirst") != "", c.Form("createUsers") != ""
	body := graphclient.Object{"federatedIdpMfaBehavior": p.MFA, "postern_passBeforeFederation": p.PassFirst, "postern_createUsers": p.CreateUsers}
	for i, f := range p.Fields {
		value := c.Form(f.Name)
		switch {
		case f.Secret && value == "":
			continue
		case f.Secret:
		case value == "":
			body[f.property] = nil
			p.Fields[i].Value = ""
			continue
		default:
			p.Fields[i].Value = value
		}
		body[f.property] = value
	}
	return body
}
