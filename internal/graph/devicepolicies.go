package graph

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

// DevicePolicies keeps device policies. What is unknown is devicepolicy.ErrPolicyUnknown; a
// mutation and its event are stored together or not at all.
type DevicePolicies interface {
	// DevicePolicies returns all policies of the tenant, by id.
	DevicePolicies(ctx context.Context, tenant directory.TenantID) ([]devicepolicy.Policy, error)
	// ListDevicePolicies returns them page by page, as Users does.
	ListDevicePolicies(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]devicepolicy.Policy, []any, error)
	DevicePolicy(ctx context.Context, tenant directory.TenantID, id string) (devicepolicy.Policy, error)
	// CreateDevicePolicy stores p unless the tenant has most policies or more, which is
	// devicepolicy.ErrPolicyMany.
	CreateDevicePolicy(ctx context.Context, p devicepolicy.Policy, most int, e audit.Event) error
	// UpdateDevicePolicy stores p if its version is still the stored one, else
	// devicepolicy.ErrPolicyChanged.
	UpdateDevicePolicy(ctx context.Context, p devicepolicy.Policy, e audit.Event) error
	// DeleteDevicePolicy deletes p, whatever its version; where that is not 0 it has to be the stored
	// one, else devicepolicy.ErrPolicyChanged.
	DeleteDevicePolicy(ctx context.Context, p devicepolicy.Policy, e audit.Event) error

	// Device and DeviceByDeviceID return a device, or directory.ErrDeviceUnknown.
	Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error)
	DeviceByDeviceID(ctx context.Context, tenant directory.TenantID, deviceID string) (directory.Device, error)
}

const policySet = "deviceManagement/configurationPolicies"

var devicePolicySchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "name", Type: filter.TypeString, Column: "name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
}

var (
	devicePolicyProperties = names(devicePolicyResource(devicepolicy.Policy{}))
	devicePolicyExpand     = map[string][]string{"settings": {"id", "settingInstance"}, "assignments": {"id", "target"}}
	warnings               = "postern_warnings"
)

// devicePolicyResource is p as Intune shows it.
// https://learn.microsoft.com/graph/api/resources/intune-deviceconfigv2-devicemanagementconfigurationpolicy
func devicePolicyResource(p devicepolicy.Policy) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(p.Version)},
		{Name: "id", Value: p.ID},
		{Name: "name", Value: p.Name},
		{Name: "description", Value: p.Description},
		{Name: "platforms", Value: first(p.Platforms, "none")},
		{Name: "technologies", Value: "mdm"},
		{Name: "createdDateTime", Value: odata.Time(p.CreatedAt)},
		{Name: "lastModifiedDateTime", Value: odata.Time(p.ModifiedAt)},
		{Name: "settingCount", Value: len(p.Settings)},
		{Name: "creationSource", Value: nil},
		{Name: "roleScopeTagIds", Value: list(p.Tags)},
		{Name: "isAssigned", Value: len(p.Assignments) > 0},
		{Name: "templateReference", Value: odata.Entity{
			{Name: "templateId", Value: ""},
			{Name: "templateFamily", Value: "none"},
			{Name: "templateDisplayName", Value: nil},
			{Name: "templateDisplayVersion", Value: nil},
		}},
		{Name: warnings, Value: nil, OnSelect: true},
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// devicePolicy finds the policy that {id} names.
func devicePolicy(a *API, c *call) (directory.Target, error) {
	id, err := objectID(c, "id", devicepolicy.ErrPolicyUnknown)
	if err != nil {
		return directory.Target{}, err
	}
	c.policy, err = a.Store.DevicePolicy(c.ctx(), c.tenant.ID, id)
	return directory.Target{}, err
}

// listDevicePolicies serves GET /deviceManagement/configurationPolicies; warnings, which are
// about all policies, are told of one policy at a time.
func (a *API) listDevicePolicies(c *call) error {
	w, err := a.wish(c, odata.Allow{
		Properties: devicePolicyProperties[:len(devicePolicyProperties)-1], Expand: devicePolicyExpand, DefaultTop: usualPage, MaxTop: largestPage, Filter: true, OrderBy: true,
	}, devicePolicySchema)
	if err != nil {
		return err
	}
	found, position, err := a.Store.ListDevicePolicies(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	shown := make([]odata.Entity, len(found))
	for i, p := range found {
		if shown[i], err = a.showPolicy(c, p, w.options); err != nil {
			return err
		}
	}
	if w.options.Select != nil {
		for _, x := range w.options.Expand {
			w.options.Select = append(w.options.Select, x.Name)
		}
	}
	return writeList(a, c, w, policySet, shown, position, nil, func(e odata.Entity) odata.Entity { return e })
}

// showPolicy is p with what $select and $expand ask for.
func (a *API) showPolicy(c *call, p devicepolicy.Policy, o odata.Options) (odata.Entity, error) {
	e := devicePolicyResource(p)
	if o.Select != nil && o.Selects(warnings) {
		found, err := a.warnings(c, p)
		if err != nil {
			return nil, err
		}
		e[len(e)-1].Value = found
	}
	e = e.Select(o.Select)
	for _, x := range o.Expand {
		relation := map[string]func(devicepolicy.Policy) []odata.Entity{"settings": settingResources, "assignments": assignmentsOf}[x.Name]
		all := []odata.Entity{}
		for _, one := range relation(p) {
			all = append(all, one.Select(x.Select))
		}
		e = append(e, odata.Property{Name: x.Name + "@odata.context", Value: string(a.root(c)) + "/$metadata#" + odata.Within(policySet, p.ID, x.Name)},
			odata.Property{Name: x.Name, Value: all})
	}
	return e, nil
}

// getDevicePolicy serves GET /deviceManagement/configurationPolicies/{id}.
func (a *API) getDevicePolicy(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: devicePolicyProperties, Expand: devicePolicyExpand})
	if err != nil {
		return err
	}
	e, err := a.showPolicy(c, c.policy, o)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(policySet, o.Select), e)
}

// readDevicePolicy reads what the body says about p; settings are replaced as a whole.
func readDevicePolicy(c *call, p *devicepolicy.Policy) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	body.NotKept("assignments")
	check, settingsErr := readPolicyMembers(body, p)
	if err := body.Done(); err != nil {
		return err
	}
	if settingsErr != nil {
		return settingsErr
	}
	return check()
}

// readPolicyMembers reads what body says about p but for its assignments. A wrong setting is
// told once body is known to be whole, and check is asked last.
func readPolicyMembers(body *odata.Object, p *devicepolicy.Policy) (check func() error, wrong error) {
	body.String("name", &p.Name)
	body.String("description", &p.Description)
	body.Strings("roleScopeTagIds", &p.Tags)
	technologies := "mdm"
	body.String("platforms", &p.Platforms)
	body.String("technologies", &technologies)
	if t := body.Object("templateReference"); t != nil {
		for _, name := range []string{"templateFamily", "templateDisplayName", "templateDisplayVersion"} {
			_ = t.Raw(name) // what a policy without a template says of it
		}
		if string(t.Raw("templateId")) != `""` {
			t.NotKept("templateId")
		}
	}
	body.NotKept("id", "createdDateTime", "lastModifiedDateTime", "settingCount", "creationSource", "isAssigned", "priorityMetaData")
	wrong = readSettings(body, p)
	return func() error {
		p.Name = strings.TrimSpace(p.Name)
		return checkPlatforms(p.Platforms, technologies)
	}, wrong
}

// checkPlatforms refuses policies for what no agent runs on.
func checkPlatforms(platforms, technologies string) error {
	for one := range strings.SplitSeq(platforms, ",") {
		switch strings.TrimSpace(one) {
		case "", "none", string(devicepolicy.Linux), string(devicepolicy.Windows):
		default:
			return odata.ErrMember.With("platforms", "platforms is none, linux, windows10 or linux,windows10.")
		}
	}
	if technologies != "mdm" {
		return odata.ErrMember.With("technologies", "technologies is mdm.")
	}
	return nil
}

// createDevicePolicy serves POST /deviceManagement/configurationPolicies.
// https://learn.microsoft.com/graph/api/intune-deviceconfigv2-devicemanagementconfigurationpolicy-create
func (a *API) createDevicePolicy(c *call) error {
	var p devicepolicy.Policy
	if err := readDevicePolicy(c, &p); err != nil {
		return err
	}
	p, err := a.addPolicy(c, p)
	if err != nil {
		return err
	}
	found, err := a.warnings(c, p)
	if err != nil {
		return err
	}
	e := append(devicePolicyResource(p).Select(nil), odata.Property{Name: warnings, Value: found})
	return odata.WriteCreated(c.w, a.root(c).Link("deviceManagement", "configurationPolicies", p.ID), a.root(c).Entity(policySet, nil), e)
}

// addPolicy stores a policy that is new.
func (a *API) addPolicy(c *call, p devicepolicy.Policy) (devicepolicy.Policy, error) {
	id, err := uuid.NewRandomFromReader(a.Rand)
	if err != nil {
		return p, err
	}
	p.Tenant, p.ID, p.CreatedAt = c.tenant.ID, id.String(), a.Now().UTC()
	p.ModifiedAt, p.Version = p.CreatedAt, 1
	if err := p.Check(); err != nil {
		return p, err
	}
	e := a.policyEvent(c, audit.AddPolicy, audit.OperationAdd, devicepolicy.Policy{}, p)
	return p, a.Store.CreateDevicePolicy(c.ctx(), p, devicepolicy.MaxPolicies, e)
}

// patchDevicePolicy serves PATCH /deviceManagement/configurationPolicies/{id}: members that
// are not sent keep their value.
func (a *API) patchDevicePolicy(c *call) error {
	p := c.policy
	if err := readDevicePolicy(c, &p); err != nil {
		return err
	}
	return a.savePolicyOfDevices(c, p, audit.OperationUpdate)
}

// putDevicePolicy serves PUT /deviceManagement/configurationPolicies/{id}: all but the
// assignments is replaced.
func (a *API) putDevicePolicy(c *call) error {
	old := c.policy
	p := devicepolicy.Policy{Tenant: old.Tenant, ID: old.ID, Assignments: old.Assignments, CreatedAt: old.CreatedAt, Version: old.Version}
	if err := readDevicePolicy(c, &p); err != nil {
		return err
	}
	return a.savePolicyOfDevices(c, p, audit.OperationUpdate)
}

func (a *API) savePolicyOfDevices(c *call, p devicepolicy.Policy, operation string) error {
	if err := a.updatePolicy(c, p, operation); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) updatePolicy(c *call, p devicepolicy.Policy, operation string) error {
	if err := odata.Match(c.r, odata.ETag(c.policy.Version)); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	p.ModifiedAt = a.Now().UTC()
	return a.Store.UpdateDevicePolicy(c.ctx(), p, a.policyEvent(c, audit.UpdatePolicy, operation, c.policy, p))
}

// deleteDevicePolicy serves DELETE /deviceManagement/configurationPolicies/{id}.
func (a *API) deleteDevicePolicy(c *call) error {
	if err := odata.Match(c.r, odata.ETag(c.policy.Version)); err != nil {
		return err
	}
	p := c.policy
	if c.r.Header.Get("If-Match") == "" {
		p.Version = 0
	}
	e := a.policyEvent(c, audit.DeletePolicy, audit.OperationDelete, p, devicepolicy.Policy{})
	if err := a.Store.DeleteDevicePolicy(c.ctx(), p, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// policyEvent records what became of a policy, setting by setting.
func (a *API) policyEvent(c *call, activity, operation string, old, p devicepolicy.Policy) audit.Event {
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryPolicy, Service: audit.ServiceCoreDirectory, Operation: operation,
		Targets: []audit.Target{{
			ID: first(p.ID, old.ID), Type: audit.TargetPolicy, DisplayName: first(p.Name, old.Name),
			Modified: modified(policyFacts(old), policyFacts(p)),
		}},
	})
}

func policyFacts(p devicepolicy.Policy) odata.Entity {
	e := odata.Entity{
		{Name: "name", Value: text(p.Name)},
		{Name: "description", Value: text(p.Description)},
		{Name: "roleScopeTagIds", Value: list(p.Tags)},
		{Name: "platforms", Value: text(p.Platforms)},
		{Name: "assignments", Value: append([]devicepolicy.Assignment{}, p.Assignments...)},
	}
	for _, s := range devicepolicy.Catalog() {
		e = append(e, odata.Property{Name: s.URI, Value: p.Settings[s.URI]})
	}
	return e
}
