package devices

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type policiesPage struct { // policies.html
	console.Frame
	Typed    string
	Policies []policyLine
	NextHref string
	Write    bool
}

// File implements console.Page.
func (policiesPage) File() string { return "policies.html" }

type policyLine struct {
	graphclient.Object
	Changed time.Time
	Targets []target
}

func listPolicies(c *console.Call) error {
	p := policiesPage{Frame: c.Frame("settings"), Typed: strings.TrimSpace(c.R.URL.Query().Get("q")), Write: c.May("writeDevicePolicy")}
	q := graphclient.Query{OrderBy: "name", Expand: "assignments", Top: pageSize, SkipToken: c.R.URL.Query().Get("after")}
	if p.Typed != "" {
		q.OrderBy, q.Filter = "", "startswith(name,"+graphclient.Quote(p.Typed)+")"
	}
	found, err := c.Graph.Page(c.Context(), q, "deviceManagement", "configurationPolicies")
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		p.Policies = append(p.Policies, policyLine{o, o.Time("lastModifiedDateTime"), targetsOf(o)})
	}
	p.NextHref = c.NextHref(found)
	return c.Show(http.StatusOK, p)
}

// A target is whom a policy is for, or with Exclude for whom it is not.
type target struct {
	Kind    string `json:"kind"`            // devices, people or group
	Group   string `json:"group,omitempty"` // object id
	Name    string `json:"name,omitempty"`  // of the group; empty when it could not be read
	Exclude bool   `json:"exclude,omitempty"`
}

// Graph's names of the targets.
const (
	everyDevice = "#microsoft.graph.allDevicesAssignmentTarget"
	everybody   = "#microsoft.graph.allLicensedUsersAssignmentTarget"
	oneGroup    = "#microsoft.graph.groupAssignmentTarget"
	notGroup    = "#microsoft.graph.exclusionGroupAssignmentTarget"
)

func targetsOf(policy graphclient.Object) []target {
	var all []target
	for _, a := range policy.Objects("assignments") {
		switch a.Text("target/@odata.type") {
		case everyDevice:
			all = append(all, target{Kind: "devices"})
		case everybody:
			all = append(all, target{Kind: "people"})
		case oneGroup:
			all = append(all, target{Kind: "group", Group: a.Text("target/groupId")})
		case notGroup:
			all = append(all, target{Kind: "group", Group: a.Text("target/groupId"), Exclude: true})
		}
	}
	return all
}

// graph is t as Graph takes it.
func (t target) graph() graphclient.Object {
	switch {
	case t.Kind == "devices":
		return graphclient.Object{"@odata.type": everyDevice}
	case t.Kind == "people":
		return graphclient.Object{"@odata.type": everybody}
	case t.Exclude:
		return graphclient.Object{"@odata.type": notGroup, "groupId": t.Group}
	}
	return graphclient.Object{"@odata.type": oneGroup, "groupId": t.Group}
}

func assignments(all []target) []graphclient.Object {
	out := []graphclient.Object{}
	for _, t := range all {
		out = append(out, graphclient.Object{"target": t.graph()})
	}
	return out
}

// named fills in the names of groups. A group that is gone, or that the person may not read,
// keeps its id.
func named(c *console.Call, all []target) error {
	for i, t := range all {
		if t.Kind != "group" || t.Name != "" {
			continue
		}
		g, err := c.Graph.Select(c.Context(), "id,displayName", "groups", t.Group)
		if refused, ok := errors.AsType[*graphclient.Error](err); ok && (refused.Status == http.StatusNotFound || refused.Status == http.StatusForbidden) {
			continue
		}
		if err != nil {
			return err
		}
		all[i].Name = g.Text("displayName")
	}
	return nil
}

type policyPage struct { // policy.html
	console.Frame
	Policy   graphclient.Object
	Settings []valued
	Targets  []target
	Warnings []warning
	Created  time.Time
	Changed  time.Time
	Write    bool
	Typed    string
}

// File implements console.Page.
func (policyPage) File() string { return "policy.html" }

// A valued setting is one with what a policy sets it to.
type valued struct {
	definition
	Value string // in words
}

type warning struct{ Setting, Text string }

func warningsOf(o graphclient.Object, book catalog) []warning {
	var all []warning
	for _, w := range o.Objects("postern_warnings") {
		all = append(all, warning{book[w.Text("settingDefinitionId")].Name, w.Text("message")})
	}
	return all
}

func policyOf(c *console.Call) (policyPage, error) {
	p := policyPage{Frame: c.Frame("settings"), Write: c.May("writeDevicePolicy")}
	id := c.R.PathValue("id")
	var err error
	if p.Policy, err = c.Graph.DevicePolicy(c.Context(), id); err != nil {
		return p, err
	}
	book, err := catalogOf(c)
	if err != nil {
		return p, err
	}
	warned, err := c.Graph.DevicePolicyWarnings(c.Context(), id)
	if err != nil {
		return p, err
	}
	p.Created, p.Changed = p.Policy.Time("createdDateTime"), p.Policy.Time("lastModifiedDateTime")
	p.Warnings, p.Targets = warningsOf(warned, book), targetsOf(p.Policy)
	written := writtenOf(p.Policy, book)
	for _, d := range book.ordered() {
		if value, ok := written[d.ID]; ok {
			p.Settings = append(p.Settings, valued{d, d.inWords(c, value)})
		}
	}
	return p, named(c, p.Targets)
}

// writtenOf are the settings of a policy as forms write them, by id.
func writtenOf(policy graphclient.Object, book catalog) map[string]string {
	all := map[string]string{}
	for _, s := range policy.Objects("settings") {
		instance, _ := s["settingInstance"].(map[string]any)
		o := graphclient.Object(instance)
		if d, ok := book[o.Text("settingDefinitionId")]; ok {
			all[d.ID] = d.Written(o)
		}
	}
	return all
}

func showPolicy(c *console.Call) error {
	p, err := policyOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

type deletePage struct { // delete.html
	policyPage
}

// File implements console.Page.
func (deletePage) File() string { return "delete.html" }

// askDeletePolicy says what deleting a policy means, before it happens.
func askDeletePolicy(c *console.Call) error {
	p, err := policyOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, deletePage{p})
}

func deletePolicy(c *console.Call) error {
	p, err := policyOf(c)
	if err != nil {
		return err
	}
	if p.Typed = c.Form("name"); !console.SameName(p.Typed, p.Policy.Text("name")) {
		err = ErrNameTyped
	} else {
		err = c.Graph.Matching(c.Form("etag")).DeleteDevicePolicy(c.Context(), p.Policy.Text("id"))
	}
	if err == nil {
		return c.Go(settings, "policy_deleted")
	}
	if p.Fault = console.Explain(err); p.Fault == nil {
		return err
	}
	return c.Show(http.StatusBadRequest, deletePage{p})
}
