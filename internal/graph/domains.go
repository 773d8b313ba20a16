package graph

import (
	"context"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
	"github.com/postern-id/postern/internal/graph/odata"
)

// lookUpWithin is how long the DNS may take to answer.
const lookUpWithin = 5 * time.Second

var domainProperties = names(domainResource(directory.Domain{}, false))

func domainResource(d directory.Domain, verified bool) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: d.Name},
		{Name: "authenticationType", Value: managed},
		{Name: "availabilityStatus", Value: nil},
		{Name: "isAdminManaged", Value: true},
		{Name: "isDefault", Value: d.IsDefault},
		{Name: "isInitial", Value: d.IsInitial},
		{Name: "isRoot", Value: true},
		{Name: "isVerified", Value: verified},
		{Name: "passwordNotificationWindowInDays", Value: nil},
		{Name: "passwordValidityPeriodInDays", Value: nil},
		{Name: "supportedServices", Value: []string{}},
	}
}

// What authenticationType says of a domain.
const (
	managed       = "Managed"
	federatedType = "Federated"
)

// asFederated says in e, a domain's, that it is federated, where it is.
func asFederated(e odata.Entity, all []federation.Configuration) odata.Entity {
	for _, c := range all {
		for i := range e {
			if e[0].Value == c.Domain && e[i].Name == "authenticationType" {
				e[i].Value = federatedType
			}
		}
	}
	return e
}

// listDomains serves GET /domains, on one page.
func (a *API) listDomains(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: domainProperties})
	if err != nil {
		return err
	}
	pending, err := a.Store.PendingDomains(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	away, err := a.Store.Federations(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("domains", o.Select), Value: []odata.Entity{}}
	for _, d := range c.tenant.Domains {
		page.Value = append(page.Value, asFederated(domainResource(d, true), away).Select(o.Select))
	}
	for _, d := range pending {
		page.Value = append(page.Value, domainResource(directory.Domain{Name: d.Name}, false).Select(o.Select))
	}
	return odata.WritePage(c.w, page)
}

// domain finds the domain that {id} names; proof is empty for a verified one.
func (a *API) domain(c *call) (d directory.Domain, proof string, err error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return d, "", err
	}
	name := strings.ToLower(key.Value)
	if i := slices.IndexFunc(c.tenant.Domains, func(d directory.Domain) bool { return d.Name == name }); i >= 0 {
		return c.tenant.Domains[i], "", nil
	}
	pending, err := a.Store.PendingDomains(c.ctx(), c.tenant.ID)
	if err != nil {
		return d, "", err
	}
	for _, p := range pending {
		if p.Name == name {
			return directory.Domain{Name: p.Name, CreatedAt: p.CreatedAt}, p.Record(), nil
		}
	}
	return d, "", directory.ErrDomainUnknown
}

// getDomain serves GET /domains/{id}.
func (a *API) getDomain(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: domainProperties})
	if err != nil {
		return err
	}
	d, proof, err := a.domain(c)
	if err != nil {
		return err
	}
	away, err := a.Store.Federations(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("domains", o.Select), asFederated(domainResource(d, proof == ""), away).Select(o.Select))
}

// createDomain serves POST /domains. Nobody signs in under the domain before it is verified.
// https://learn.microsoft.com/graph/api/domain-post-domains
func (a *API) createDomain(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var name string
	body.String("id", &name)
	body.NotKept(domainNotKept...)
	body.NotKept("isDefault")
	if err := body.Done(); err != nil {
		return err
	}
	d := directory.PendingDomain{CreatedAt: a.Now().UTC()}
	if d.Name, err = directory.ParseDomain(name); err != nil {
		return directory.ErrDomainInvalid.With("id", "")
	}
	proof := make([]byte, 16)
	if _, err := io.ReadFull(a.Rand, proof); err != nil {
		return err
	}
	d.Proof = hex.EncodeToString(proof)
	if err := a.Store.AddDomain(c.ctx(), c.tenant.ID, d, a.domainEvent(c, audit.AddUnverifiedDomain, audit.OperationAdd, d.Name)); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("domains", d.Name), a.root(c).Entity("domains", nil),
		domainResource(directory.Domain{Name: d.Name}, false))
}

var domainNotKept = []string{
	"authenticationType", "availabilityStatus", "isAdminManaged", "isInitial", "isRoot", "isVerified", "model", "state",
	"passwordNotificationWindowInDays", "passwordValidityPeriodInDays", "supportedServices",
}

// patchDomain serves PATCH /domains/{id}: isDefault can be set to true.
func (a *API) patchDomain(c *call) error {
	d, proof, err := a.domain(c)
	if err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	isDefault := d.IsDefault
	body.Bool("isDefault", &isDefault)
	body.NotKept(append([]string{"id"}, domainNotKept...)...)
	if err := body.Done(); err != nil {
		return err
	}
	switch {
	case proof != "" && isDefault:
		return directory.ErrDomainUnverified
	case d.IsDefault && !isDefault:
		return directory.ErrDomainInUse.With("isDefault", "One domain is the default.")
	case d.IsDefault == isDefault:
		odata.WriteNothing(c.w)
		return nil
	}
	if err := a.Store.MakeDefaultDomain(c.ctx(), c.tenant.ID, d.Name, a.domainEvent(c, audit.UpdateDomain, audit.OperationUpdate, d.Name)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteDomain serves DELETE /domains/{id}.
func (a *API) deleteDomain(c *call) error {
	d, proof, err := a.domain(c)
	if err != nil {
		return err
	}
	activity := audit.RemoveVerifiedDomain
	if proof != "" {
		activity = audit.RemoveUnverifiedDomain
	}
	if err := a.Store.RemoveDomain(c.ctx(), c.tenant.ID, d.Name, a.domainEvent(c, activity, audit.OperationDelete, d.Name)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// verificationRecords serves GET /domains/{id}/verificationDnsRecords.
func (a *API) verificationRecords(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	d, proof, err := a.domain(c)
	if err != nil {
		return err
	}
	records := []odata.Entity{}
	if proof != "" {
		records = append(records, odata.Entity{
			{Name: "@odata.type", Value: "#microsoft.graph.domainDnsTxtRecord"},
			{Name: "id", Value: d.Name},
			{Name: "isOptional", Value: false},
			{Name: "label", Value: d.Name},
			{Name: "recordType", Value: "Txt"},
			{Name: "supportedService", Value: "Email"}, // Graph's word where there is no service yet
			{Name: "text", Value: proof},
			{Name: "ttl", Value: 3600},
		})
	}
	return odata.WritePage(c.w, odata.Page[odata.Entity]{Context: a.root(c).Collection(odata.Within("domains", d.Name, "verificationDnsRecords"), nil), Value: records})
}

// verifyDomain serves POST /domains/{id}/verify. The DNS decides; where this server has one
// tenant, so that the domain can be nobody else's here, a Global Administrator may decide
// with postern_withoutDns instead: networks of one's own often have names that no DNS knows.
func (a *API) verifyDomain(c *call) error {
	d, proof, err := a.domain(c)
	if err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true})
	if err != nil {
		return err
	}
	without := false
	flag(body, "postern_withoutDns", &without)
	if err := body.Done(); err != nil {
		return err
	}
	if proof != "" {
		if err := a.prove(c, d.Name, proof, without); err != nil {
			return err
		}
		how := map[bool]string{false: "dnsTxt", true: "administrator"}[without]
		e := a.domainEvent(c, audit.VerifyDomain, audit.OperationUpdate, d.Name)
		e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: "verification", Value: how})
		d.CreatedAt = a.Now().UTC()
		if err := a.Store.VerifyDomain(c.ctx(), c.tenant.ID, d, e); err != nil {
			return err
		}
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("domains", nil), domainResource(d, true))
}

func (a *API) prove(c *call, name, record string, without bool) error {
	if without {
		if err := directory.May(c.caller, directory.ConfirmDomain, directory.Target{}); err != nil {
			return err
		}
		tenants, err := a.Store.Tenants(c.ctx())
		if err == nil && len(tenants) > 1 {
			return directory.ErrDomainNeedsDNS
		}
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx(), lookUpWithin)
	defer cancel()
	found, err := a.Resolver.LookupTXT(ctx, name+".") // the dot: no search list of this machine
	if err != nil || !slices.Contains(found, record) {
		return directory.ErrDomainUnproven // a DNS that does not answer proves nothing
	}
	return nil
}

func (a *API) domainEvent(c *call, activity, operation, name string) audit.Event {
	return a.tenantEvent(c, activity, operation, audit.Target{ID: name, Type: audit.TargetDirectory, DisplayName: name})
}
