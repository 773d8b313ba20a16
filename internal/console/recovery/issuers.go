package recovery

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// issuers is where the policy says whose credentials in a wallet count as a proof
// (docs/recovery.md, "A credential in a wallet").
const issuers = policy + "/issuers"

// trusts is the right that changing an issuer takes beside that to change the policy: it says who somebody is, as an
// identity provider does.
const trusts = "writeFederation"

// errKeys says that what was pasted is not what the field is for.
var errKeys = &fault.Error{
	Kind: fault.Invalid, Code: "consoleIssuerKeys",
	Text: "These are no keys or certificates.", Remedy: "Paste a JWK set, or certificates in PEM.",
}

// attributes are what a claim can be compared with; the first four tell people apart.
var attributes = []string{"employeeId", "userPrincipalName", "mail", "externalId", "givenName", "surname", "displayName"}

// An issuer is one of those whose credentials count, as it is typed.
type issuer struct {
	ID, Types, Keys, Roots string
	Claims                 map[string]string // by the attribute that each is compared with
}

// Holds names what its signatures are checked by: keys, roots or both.
func (i issuer) Holds() string {
	switch {
	case i.Keys == "":
		return "roots"
	case i.Roots == "":
		return "keys"
	}
	return "both"
}

func issuerOf(o graphclient.Object) issuer {
	i := issuer{ID: o.Text("issuer"), Types: strings.Join(texts(o, "types"), "\n"), Roots: strings.Join(texts(o, "roots"), "\n"), Claims: map[string]string{}}
	if o["jwks"] != nil {
		if text, err := json.MarshalIndent(o["jwks"], "", "  "); err == nil {
			i.Keys = string(text)
		}
	}
	for _, m := range o.Objects("match") {
		i.Claims[m.Text("attribute")] = m.Text("claim")
	}
	return i
}

// body is i as Graph takes it, or which property can't be read.
func (i issuer) body() (o graphclient.Object, wrong string) {
	o = graphclient.Object{"issuer": i.ID, "types": append([]string{}, strings.Fields(i.Types)...)}
	if i.Keys != "" {
		if !json.Valid([]byte(i.Keys)) {
			return nil, "jwks"
		}
		o["jwks"] = json.RawMessage(i.Keys)
	}
	roots, rest := []string{}, []byte(i.Roots)
	for len(strings.TrimSpace(string(rest))) > 0 {
		block, after := pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, "roots"
		}
		roots, rest = append(roots, string(pem.EncodeToMemory(block))), after
	}
	o["roots"] = roots
	match := []graphclient.Object{}
	for _, one := range attributes {
		if i.Claims[one] != "" {
			match = append(match, graphclient.Object{"claim": i.Claims[one], "attribute": one})
		}
	}
	o["match"] = match
	return o, ""
}

// withoutSecrets is i without what may be a private key: that is not sent back.
func (i issuer) withoutSecrets() issuer {
	if strings.Contains(i.Keys, `"d"`) || strings.Contains(i.Keys, `"k"`) || strings.Contains(i.Keys, "PRIVATE") {
		i.Keys = ""
	}
	if strings.Contains(i.Roots, "PRIVATE") {
		i.Roots = ""
	}
	return i
}

type issuersPage struct { // issuers.html
	console.Frame
	Issuers  []issuer
	MayWrite bool
}

// File implements console.Page.
func (issuersPage) File() string { return "issuers.html" }

// listIssuers serves GET /console/recovery/policy/issuers.
func listIssuers(c *console.Call) error {
	o, err := c.Graph.Get(c.Context(), policyAt...)
	if err != nil {
		return err
	}
	p := issuersPage{Frame: c.Frame("recovery"), MayWrite: mayTrust(c)}
	for _, one := range o.Objects("credentialIssuers") {
		p.Issuers = append(p.Issuers, issuerOf(one))
	}
	return c.Show(http.StatusOK, p)
}

func mayTrust(c *console.Call) bool { return c.May(writesPolicy) && c.May(trusts) }

type issuerPage struct { // issuer.html
	console.Frame
	Tag      string
	New      bool
	Issuer   issuer
	Theirs   *issuer // somebody was quicker: what is there now, if it is there still
	Quicker  bool
	Wrong    string // property at fault
	MayWrite bool
}

// File implements console.Page.
func (issuerPage) File() string { return "issuer.html" }

// Attributes are the rows of what is compared.
func (issuerPage) Attributes() []string { return attributes }

// place reads the policy and which of its issuers the address names; -1 is a new one.
func place(c *console.Call) (p issuerPage, all []graphclient.Object, n int, err error) {
	o, err := c.Graph.Get(c.Context(), policyAt...)
	if err != nil {
		return p, nil, 0, err
	}
	p = issuerPage{Frame: c.Frame("recovery"), Tag: o.Text(graphclient.ETag), MayWrite: mayTrust(c)}
	all = o.Objects("credentialIssuers")
	if c.R.PathValue("n") == "new" {
		p.New = true
		return p, all, -1, nil
	}
	if n, err = strconv.Atoi(c.R.PathValue("n")); err != nil || n < 0 {
		err = console.ErrNowhere
	}
	return p, all, n, err
}

// showIssuer serves GET /console/recovery/policy/issuers/{n}.
func showIssuer(c *console.Call) error {
	p, all, n, err := place(c)
	switch {
	case err != nil:
		return err
	case p.New && !p.MayWrite:
		return console.ErrNotYours
	case n >= len(all):
		return console.ErrNowhere
	case n >= 0:
		p.Issuer = issuerOf(all[n])
	}
	return c.Show(http.StatusOK, p)
}

// saveIssuer serves POST /console/recovery/policy/issuers/{n}: it puts what was typed in the place of the issuer, or takes
// that out, if nobody changed the policy meanwhile. Who was overtaken sees what is there now.
func saveIssuer(c *console.Call) error {
	p, all, n, err := place(c)
	if err != nil {
		return err
	}
	if !p.MayWrite {
		return console.ErrNotYours
	}
	typed := issuer{ID: c.Form("issuer"), Types: c.Form("types"), Keys: c.Form("jwks"), Roots: c.Form("roots"), Claims: map[string]string{}}
	for _, one := range attributes {
		typed.Claims[one] = c.Form("claim." + one)
	}
	p.Issuer = typed.withoutSecrets()
	if c.Form("etag") != p.Tag {
		if p.Quicker = true; n >= 0 && n < len(all) {
			now := issuerOf(all[n])
			p.Theirs = &now
		}
		return c.Show(http.StatusPreconditionFailed, p)
	}
	if n >= len(all) {
		return console.ErrNowhere
	}
	done := "issuers_saved"
	if c.Form("act") == "remove" && n >= 0 {
		all, done = slices.Delete(all, n, n+1), "issuers_removed"
	} else {
		body, wrong := typed.body()
		if wrong != "" {
			p.Wrong, p.Fault = wrong, console.Explain(errKeys)
			return c.Show(http.StatusBadRequest, p)
		}
		if n < 0 {
			all = append(all, body)
		} else {
			all[n] = body
		}
	}
	if _, err := c.Graph.Matching(p.Tag).Do(c.Context(), http.MethodPatch, graphclient.Object{"credentialIssuers": append([]graphclient.Object{}, all...)}, policyAt...); err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		if _, p.Wrong, _ = strings.Cut(p.Fault.Target, "/"); p.Wrong != "" {
			p.Fault.Message = c.Text("issuers_field_wrong")
		}
		return c.Show(statusOf(err), p)
	}
	return c.Go(issuers, done)
}
