package graph

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// listViews serves GET /postern/me/views: what the caller saved, by page and name.
func (a *API) listViews(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	all, err := a.Store.Views(c.ctx(), c.tenant.ID, c.caller.User)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/me/views", nil), Value: []odata.Entity{}}
	for _, v := range all {
		page.Value = append(page.Value, viewResource(v))
	}
	return odata.WritePage(c.w, page)
}

// createView serves POST /postern/me/views.
func (a *API) createView(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	v := directory.View{Tenant: c.tenant.ID, User: c.caller.User, ID: uuid.NewString(), CreatedAt: a.Now().UTC()}
	body.String("page", &v.Page)
	body.String("name", &v.Name)
	body.String("query", &v.Query)
	if err := body.Done(); err != nil {
		return err
	}
	if v, err = v.Check(); err != nil {
		return err
	}
	if err := a.Store.SaveView(c.ctx(), v, a.viewEvent(c, audit.SaveView, audit.OperationAdd, v.ID)); err != nil {
		return err
	}
	return odata.WriteEntity(c.w, http.StatusCreated, a.root(c).Entity("postern/me/views", nil), viewResource(v))
}

// deleteView serves DELETE /postern/me/views/{id}.
func (a *API) deleteView(c *call) error {
	id, err := objectID(c, "id", directory.ErrObjectUnknown)
	if err != nil {
		return err
	}
	if err := a.Store.RemoveView(c.ctx(), c.tenant.ID, c.caller.User, id, a.viewEvent(c, audit.RemoveView, audit.OperationDelete, id)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// viewEvent says that a view came or went; what it filters by, and its name, stay with the person.
func (a *API) viewEvent(c *call, activity, operation, id string) audit.Event {
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: operation,
		Targets: []audit.Target{{ID: string(c.caller.User), Type: audit.TargetUser}},
		Details: []audit.KeyValue{{Key: "viewId", Value: id}},
	})
}

func viewResource(v directory.View) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: v.ID},
		{Name: "page", Value: v.Page},
		{Name: "name", Value: v.Name},
		{Name: "query", Value: v.Query},
		{Name: "createdDateTime", Value: odata.Time(v.CreatedAt)},
	}
}
