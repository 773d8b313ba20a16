package graph

import (
	"errors"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

const kindRole directory.ObjectKind = "directoryRole"

// objectProperties are what a list of mixed objects may be asked for.
var objectProperties = names(slices.Concat(userResource(directory.User{}), groupResource(directory.Group{}), roleResource(directory.Role{}),
	principalResource(directory.ServicePrincipal{}), applicationResource(directory.Application{}, nil), deviceResource(directory.Device{})))

// names lists the properties of e, each once.
func names(e odata.Entity) []string {
	var all []string
	for _, p := range e {
		if !strings.Contains(p.Name, "@") && !slices.Contains(all, p.Name) {
			all = append(all, p.Name)
		}
	}
	return all
}

// typed puts the type of an object of a mixed list in front.
func typed(kind directory.ObjectKind, e odata.Entity) odata.Entity {
	return append(odata.Entity{{Name: "@odata.type", Value: "#microsoft.graph." + string(kind)}}, e...)
}

// objects reads what refs name; what has gone meanwhile is left out.
func (a *API) objects(c *call, refs []directory.Ref) ([]odata.Entity, error) {
	all := []odata.Entity{}
	for _, ref := range refs {
		e, err := a.object(c, ref)
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// listed is the error of one of many in a list: what can't be read is shown as such there.
func listed(err error) error {
	if errors.Is(err, directory.ErrUnreadable) {
		return nil
	}
	return err
}

// object returns what ref names, with its type: of an object that the caller may not read
// only the id, as Graph does.
func (a *API) object(c *call, ref directory.Ref) (odata.Entity, error) {
	if ref.Kind == kindRole {
		role, err := directory.FindRole(directory.RoleID(ref.ID))
		return typed(kindRole, roleResource(role)), err
	}
	thing, err := a.Store.Object(c.ctx(), c.tenant.ID, ref)
	if err := listed(err); err != nil {
		return nil, err
	}
	if denied := a.mayRead(c, ref); denied != nil {
		return typed(ref.Kind, odata.Entity{{Name: "id", Value: ref.ID}}), nil //nolint:nilerr // what may not be read shows its type and id only
	}
	if u, ok := thing.(directory.User); ok {
		return typed(ref.Kind, c.userResource(u)), nil
	}
	return typed(ref.Kind, resourceOf(thing)), nil
}

func resourceOf(thing any) odata.Entity {
	switch t := thing.(type) {
	case directory.User:
		return userResource(t)
	case directory.Group:
		return groupResource(t)
	case directory.ServicePrincipal:
		return principalResource(t)
	case directory.Application:
		return applicationResource(t, nil)
	case directory.Device:
		return deviceResource(t)
	}
	return odata.Entity{}
}

// readAction is what reading an object of a kind needs.
func readAction(kind directory.ObjectKind) directory.Action {
	switch kind {
	case directory.KindUser:
		return directory.ReadUser
	case directory.KindGroup:
		return directory.ReadGroup
	case directory.KindDevice:
		return directory.ReadDevices
	}
	return directory.ReadApplications
}

// getObject serves GET /directoryObjects/{id}.
func (a *API) getObject(c *call) error {
	id, err := objectID(c, "id", directory.ErrObjectUnknown)
	if err != nil {
		return err
	}
	ref, err := a.Store.Find(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return errors.Join(directory.May(c.caller, directory.ReadGroup, directory.Target{}), err)
	}
	if err := a.mayRead(c, ref); err != nil {
		return err
	}
	e, err := a.object(c, ref)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("directoryObjects", nil), e.Select(nil))
}

func (a *API) mayRead(c *call, ref directory.Ref) error {
	target := directory.Target{}
	if ref.Kind == directory.KindUser {
		target.User = directory.UserID(ref.ID)
	}
	return directory.May(c.caller, readAction(ref.Kind), target)
}

// getByIDs serves POST /directoryObjects/getByIds. Ids that nobody has, and those of
// objects that the caller may not read, are left out.
func (a *API) getByIDs(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var ids, types []string
	body.Strings("ids", &ids)
	body.Strings("types", &types)
	if err := body.Done(); err != nil {
		return err
	}
	if len(ids) > 1000 {
		return odata.ErrMember.With("ids", "At most 1000 ids fit in one request.")
	}
	all := []odata.Entity{}
	for _, id := range ids {
		ref, err := a.Store.Find(c.ctx(), c.tenant.ID, strings.ToLower(id))
		if errors.Is(err, directory.ErrObjectUnknown) || err == nil && a.mayRead(c, ref) != nil {
			continue
		}
		if err != nil {
			return err
		}
		if len(types) > 0 && !slices.Contains(types, string(ref.Kind)) && !slices.Contains(types, "directoryObject") {
			continue
		}
		found, err := a.objects(c, []directory.Ref{ref})
		if err != nil {
			return err
		}
		for _, e := range found {
			all = append(all, e.Select(nil))
		}
	}
	return odata.WritePage(c.w, odata.Page[odata.Entity]{Context: a.root(c).Collection("directoryObjects", nil), Value: all})
}

// readRef reads the body of a $ref request: of the address only its last segment counts.
func (a *API) readRef(c *call) (directory.Ref, error) {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return directory.Ref{}, err
	}
	var address string
	body.String("@odata.id", &address)
	if err := body.Done(); err != nil {
		return directory.Ref{}, err
	}
	return a.refOf(c, "@odata.id", address)
}

func (a *API) refOf(c *call, member, address string) (directory.Ref, error) {
	id := address[strings.LastIndexByte(address, '/')+1:]
	if _, inner, ok := strings.Cut(id, "('"); ok {
		id = strings.TrimSuffix(inner, "')")
	}
	if !directory.IsID(id) {
		return directory.Ref{}, odata.ErrMember.With(member, member+" must end in the id of an object.")
	}
	return a.Store.Find(c.ctx(), c.tenant.ID, strings.ToLower(id))
}

// objectTarget is ref in an audit event.
func (a *API) objectTarget(c *call, ref directory.Ref) audit.Target {
	thing, err := a.Store.Object(c.ctx(), c.tenant.ID, ref)
	if err != nil {
		return audit.Target{ID: ref.ID, Type: audit.TargetOther}
	}
	switch t := thing.(type) {
	case directory.User:
		return userTarget(t)
	case directory.Group:
		return groupTarget(t)
	case directory.ServicePrincipal:
		return principalTarget(t)
	case directory.Application:
		return applicationTarget(t)
	case directory.Device:
		return deviceTarget(t)
	}
	return audit.Target{ID: ref.ID, Type: audit.TargetOther}
}
