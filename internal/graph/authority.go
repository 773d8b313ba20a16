package graph

import (
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/provision"
)

// getSyncBehavior serves GET /users/{id}/onPremisesSyncBehavior: whether the account is managed
// here or by its source. https://learn.microsoft.com/graph/api/onpremisessyncbehavior-get
func (a *API) getSyncBehavior(c *call) error {
	odata.SetETag(c.w, odata.ETag(c.user.Version))
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: []string{"id", "isCloudManaged"}})
	if err != nil {
		return err
	}
	e := odata.Entity{{Name: "id", Value: c.user.ID}, {Name: "isCloudManaged", Value: c.user.ManagedHere()}}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("users/onPremisesSyncBehavior", o.Select), e.Select(o.Select))
}

// patchSyncBehavior serves PATCH /users/{id}/onPremisesSyncBehavior: true takes the account over
// from its source, which can't change it any more; false lets a source claim it again.
func (a *API) patchSyncBehavior(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.user.Version)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	here := c.user.ManagedHere()
	body.Bool("isCloudManaged", &here)
	if err := body.Done(); err != nil {
		return err
	}
	old, u := c.user, c.user.Managed(here)
	if changes := provision.Modified(old, u); len(changes) > 0 {
		e := a.userEvent(c, audit.UpdateUser, audit.OperationUpdate, u, changes)
		if err := a.Store.UpdateUser(c.ctx(), u, a.Now(), e); err != nil {
			return err
		}
	}
	odata.WriteNothing(c.w)
	return nil
}

// orgData reads Graph's employeeOrgData into u.
func orgData(body *odata.Object, u *directory.User) {
	if body.IsNull("employeeOrgData") {
		u.CostCenter, u.Division = "", ""
	} else if o := body.Object("employeeOrgData"); o != nil {
		o.String("costCenter", &u.CostCenter)
		o.String("division", &u.Division)
	}
}

func orgDataResource(u directory.User) any {
	if u.CostCenter == "" && u.Division == "" {
		return nil
	}
	return odata.Entity{{Name: "costCenter", Value: text(u.CostCenter)}, {Name: "division", Value: text(u.Division)}}
}
