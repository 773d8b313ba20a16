package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// The ids that Intune gives to everybody in the ids of assignments.
const (
	everyUserID   = "acacacac-9df4-4c7d-9d50-4ef0226f57a9"
	everyDeviceID = "adadadad-808e-44e2-905a-0b7873a8a531"
)

// Targets of assignments.
// https://learn.microsoft.com/graph/api/resources/intune-shared-deviceandappmanagementassignmenttarget
const (
	targetDevices = "#microsoft.graph.allDevicesAssignmentTarget"
	targetUsers   = "#microsoft.graph.allLicensedUsersAssignmentTarget"
	targetGroup   = "#microsoft.graph.groupAssignmentTarget"
	targetExclude = "#microsoft.graph.exclusionGroupAssignmentTarget"
)

// assignmentsOf are the assignments of p.
func assignmentsOf(p devicepolicy.Policy) []odata.Entity {
	all := []odata.Entity{}
	for _, one := range p.Assignments {
		kind, whom := targetDevices, everyDeviceID
		switch {
		case one.Target == devicepolicy.AllUsers:
			kind, whom = targetUsers, everyUserID
		case one.Target == devicepolicy.Group && one.Exclude:
			kind, whom = targetExclude, string(one.Group)
		case one.Target == devicepolicy.Group:
			kind, whom = targetGroup, string(one.Group)
		}
		target := odata.Entity{
			{Name: "@odata.type", Value: kind},
			{Name: "deviceAndAppManagementAssignmentFilterId", Value: nil},
			{Name: "deviceAndAppManagementAssignmentFilterType", Value: "none"},
		}
		if one.Group != "" {
			target = append(target, odata.Property{Name: "groupId", Value: one.Group})
		}
		all = append(all, odata.Entity{
			{Name: "id", Value: p.ID + "_" + whom},
			{Name: "source", Value: "direct"},
			{Name: "sourceId", Value: p.ID},
			{Name: "target", Value: target},
		})
	}
	return all
}

// listPolicyAssignments serves GET /deviceManagement/configurationPolicies/{id}/assignments.
func (a *API) listPolicyAssignments(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	return odata.WritePage(c.w, odata.Page[odata.Entity]{
		Context: a.root(c).Collection(odata.Within(policySet, c.policy.ID, "assignments"), nil), Value: assignmentsOf(c.policy),
	})
}

// assignDevicePolicy serves POST /deviceManagement/configurationPolicies/{id}/assign, which
// replaces the whole list.
// https://learn.microsoft.com/graph/api/intune-deviceconfigv2-devicemanagementconfigurationpolicy-assign
func (a *API) assignDevicePolicy(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	p := c.policy
	if !body.Has("assignments") {
		return odata.ErrMember.With("assignments", "The list of assignments is missing.")
	}
	wrong := readAssignments(body, &p)
	if err := errors.Join(body.Done(), wrong); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	if err := a.groupsExist(c, p); err != nil {
		return err
	}
	if err := a.updatePolicy(c, p, audit.OperationAssign); err != nil {
		return err
	}
	found, err := a.warnings(c, p)
	if err != nil {
		return err
	}
	return odata.WriteJSON(c.w, 200, odata.Entity{
		{Name: "@odata.context", Value: a.root(c).Collection("Collection(microsoft.graph.deviceManagementConfigurationPolicyAssignment)", nil)},
		{Name: "value", Value: assignmentsOf(p)},
		{Name: warnings, Value: found},
	})
}

// readAssignments replaces the assignments of p by those of the body.
func readAssignments(body *odata.Object, p *devicepolicy.Policy) (wrong error) {
	p.Assignments = []devicepolicy.Assignment{}
	for i, one := range body.Objects("assignments") {
		for _, name := range []string{"id", "source", "sourceId"} {
			_ = one.Raw(name) // follow from the target
		}
		t, err := readTarget(one.Object("target"), fmt.Sprintf("assignments[%d].target", i))
		if err != nil && wrong == nil {
			wrong = err
		}
		p.Assignments = append(p.Assignments, t)
	}
	return wrong
}

// readTarget reads whom an assignment is for. There are no assignment filters here.
func readTarget(o *odata.Object, at string) (devicepolicy.Assignment, error) {
	var a devicepolicy.Assignment
	if o == nil {
		return a, odata.ErrMember.With(at, "An assignment has a target.")
	}
	var kind, group string
	filterType := "none"
	o.String("@odata.type", &kind)
	o.String("groupId", &group)
	o.String("deviceAndAppManagementAssignmentFilterType", &filterType)
	o.NotKept("deviceAndAppManagementAssignmentFilterId", "collectionId")
	a.Group = directory.GroupID(strings.ToLower(group))
	switch kind {
	case targetDevices:
		a.Target = devicepolicy.AllDevices
	case targetUsers:
		a.Target = devicepolicy.AllUsers
	case targetGroup:
		a.Target = devicepolicy.Group
	case targetExclude:
		a.Target, a.Exclude = devicepolicy.Group, true
	default:
		return a, odata.ErrMember.With(at, "A target is one of "+strings.Join([]string{targetDevices, targetUsers, targetGroup, targetExclude}, ", ")+".")
	}
	if filterType != "none" && filterType != "" {
		return a, odata.ErrNotKept.With(at, "Assignment filters are not kept here.")
	}
	return a, nil
}

// groupsExist refuses an assignment to a group that is not there.
func (a *API) groupsExist(c *call, p devicepolicy.Policy) error {
	for _, one := range p.Assignments {
		if one.Target != devicepolicy.Group {
			continue
		}
		_, err := a.Store.Group(c.ctx(), c.tenant.ID, one.Group)
		if errors.Is(err, directory.ErrGroupUnknown) {
			return devicepolicy.ErrPolicyInvalid.With("assignments", "There is no group "+string(one.Group)+".")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// warnings says what is unlikely to be meant with p.
func (a *API) warnings(c *call, p devicepolicy.Policy) ([]odata.Entity, error) {
	var failed error
	found := p.Warnings(func(g directory.GroupID) bool {
		people, err := a.holdsPeopleOnly(c, g)
		failed = errors.Join(failed, err)
		return !people
	})
	others, err := a.Store.DevicePolicies(c.ctx(), c.tenant.ID)
	if err != nil {
		return nil, err
	}
	all := []odata.Entity{}
	for _, w := range slices.Concat(found, p.Rivals(others), p.Clashes(others)) {
		s, err := devicepolicy.Find(w.Setting, "")
		if err != nil {
			return nil, err
		}
		all = append(all, odata.Entity{
			{Name: "settingDefinitionId", Value: s.DefinitionID()},
			{Name: "message", Value: w.Text},
		})
	}
	return all, failed
}

// holdsPeopleOnly reports whether a group has people in it and no device; an empty one may
// be meant for either.
func (a *API) holdsPeopleOnly(c *call, g directory.GroupID) (bool, error) {
	for _, kind := range []directory.ObjectKind{directory.KindDevice, directory.KindUser} {
		found, _, err := a.Store.Linked(c.ctx(), c.tenant.ID, string(g), "transitiveMember", kind, nil, "", 1)
		if err != nil || len(found) > 0 {
			return kind == directory.KindUser && err == nil, err
		}
	}
	return false, nil
}
