package graph

import (
	"net/netip"
	"strings"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
)

const (
	locationSet = accessSet + "namedLocations"

	ipLocation      = "#microsoft.graph.ipNamedLocation"
	countryLocation = "#microsoft.graph.countryNamedLocation"
	byAddress       = "clientIpAddress" // the only countryLookupMethod that is known here
)

var locationSchema = filter.Schema{
	{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
	{Name: "displayName", Type: filter.TypeString, Column: "displayName", Ops: filter.Equality | filter.StartsWith | filter.Contains | filter.Sort},
	{Name: "isTrusted", Type: filter.TypeBool, Column: "isTrusted", Ops: filter.Equality},
	{Name: "createdDateTime", Type: filter.TypeTime, Column: "createdDateTime", Ops: filter.Ordering | filter.Equality | filter.Sort},
	{Name: "modifiedDateTime", Type: filter.TypeTime, Column: "modifiedDateTime", Ops: filter.Ordering | filter.Equality | filter.Sort},
}

// locationProperties are those of both kinds.
var locationProperties = append(names(locationResource(access.Location{Networks: []string{"::/0"}})),
	"countriesAndRegions", "countryLookupMethod", "includeUnknownCountriesAndRegions")

// locationResource is l as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/namedlocation
func locationResource(l access.Location) odata.Entity {
	kind := countryLocation
	if len(l.Networks) > 0 {
		kind = ipLocation
	}
	e := odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(l.Version)},
		{Name: "@odata.type", Value: kind},
		{Name: "id", Value: l.ID},
		{Name: "displayName", Value: l.DisplayName},
		{Name: "createdDateTime", Value: odata.Time(l.CreatedAt)},
		{Name: "modifiedDateTime", Value: odata.Time(l.ModifiedAt)},
	}
	if kind == ipLocation {
		ranges := make([]odata.Entity, len(l.Networks))
		for i, n := range l.Networks {
			ranges[i] = odata.Entity{{Name: "@odata.type", Value: rangeType(n)}, {Name: "cidrAddress", Value: n}}
		}
		return append(e, odata.Property{Name: "isTrusted", Value: l.Trusted}, odata.Property{Name: "postern_isExit", Value: l.Exit, OnSelect: true}, odata.Property{Name: "ipRanges", Value: ranges})
	}
	return append(e,
		odata.Property{Name: "countriesAndRegions", Value: list(l.Countries)},
		odata.Property{Name: "countryLookupMethod", Value: byAddress},
		odata.Property{Name: "includeUnknownCountriesAndRegions", Value: l.Unknown})
}

func rangeType(network string) string {
	if p, err := netip.ParsePrefix(network); err == nil && p.Addr().Is6() {
		return "#microsoft.graph.iPv6CidrRange"
	}
	return "#microsoft.graph.iPv4CidrRange"
}

// readLocation reads what the body says about l. Its kind is said when it is made, and stays.
func (a *API) readLocation(c *call, l *access.Location) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	forced(c, body)
	for _, readOnly := range []string{"id", "createdDateTime", "modifiedDateTime", "deletedDateTime"} {
		_ = body.Raw(readOnly)
	}
	kind := countryLocation
	if len(l.Networks) > 0 {
		kind = ipLocation
	}
	fixed := l.ID != ""
	said := ""
	body.String("@odata.type", &said)
	if said != "" && !strings.HasPrefix(said, "#") {
		said = "#" + said
	}
	if fixed && said != "" && said != kind || !fixed && said != ipLocation && said != countryLocation {
		return odata.ErrMember.With("@odata.type", "@odata.type is "+ipLocation+" or "+countryLocation+", and stays what it was.")
	}
	if !fixed {
		kind = said
	}
	body.String("displayName", &l.DisplayName)
	l.DisplayName = strings.TrimSpace(l.DisplayName)
	if kind == ipLocation {
		readNetworks(body, l)
	} else {
		readCountries(body, l)
	}
	if err := body.Done(); err != nil {
		return err
	}
	return access.CheckLocation(*l, a.Countries != nil)
}

func readNetworks(body *odata.Object, l *access.Location) {
	body.Bool("isTrusted", &l.Trusted)
	body.Bool("postern_isExit", &l.Exit)
	if !body.Has("ipRanges") {
		return
	}
	l.Networks = []string{}
	for _, r := range body.Objects("ipRanges") {
		var network string
		_ = r.Raw("@odata.type")
		r.String("cidrAddress", &network)
		if p, err := netip.ParsePrefix(network); err == nil {
			network = p.Masked().String()
		}
		l.Networks = append(l.Networks, network)
	}
}

func readCountries(body *odata.Object, l *access.Location) {
	body.Strings("countriesAndRegions", &l.Countries)
	for i, one := range l.Countries {
		l.Countries[i] = strings.ToUpper(one)
	}
	body.Bool("includeUnknownCountriesAndRegions", &l.Unknown)
	method := byAddress
	body.String("countryLookupMethod", &method)
	if method != byAddress {
		body.NotKept("countryLookupMethod")
	}
}

// listLocations serves GET /identity/conditionalAccess/namedLocations.
func (a *API) listLocations(c *call) error {
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(there.Locations))
	for i, l := range there.Locations {
		all[i] = locationResource(l)
	}
	return a.writeHeld(c, locationSet, locationSchema, byCreation, all, locationProperties)
}

func locationID(l access.Location) string { return l.ID }

// getLocation serves GET /identity/conditionalAccess/namedLocations/{id}.
func (a *API) getLocation(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: locationProperties})
	if err != nil {
		return err
	}
	l, err := a.location(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(locationSet, o.Select), locationResource(l).Select(o.Select))
}

func (a *API) location(c *call) (access.Location, error) {
	id, err := ruleKey(c, access.ErrUnknownLocation)
	if err != nil {
		return access.Location{}, err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return access.Location{}, err
	}
	return found(there.Locations, id, locationID, access.ErrUnknownLocation)
}

// createLocation serves POST /identity/conditionalAccess/namedLocations.
// https://learn.microsoft.com/graph/api/conditionalaccessroot-post-namedlocations
func (a *API) createLocation(c *call) error {
	var l access.Location
	if err := a.readLocation(c, &l); err != nil {
		return err
	}
	var err error
	if l.ID, err = a.newID(); err != nil {
		return err
	}
	l.CreatedAt, l.Version = a.Now().UTC().Truncate(microsecond), 1
	l.ModifiedAt = l.CreatedAt
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		if len(there.Locations) >= access.MostLocations {
			return access.Change{}, access.ErrTooMany
		}
		return access.Change{Location: &l, Event: a.locationEvent(c, audit.AddNamedLocation, audit.OperationAdd, nil, &l)}, nil
	}); err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("identity", "conditionalAccess", "namedLocations", l.ID), a.root(c).Entity(locationSet, nil), locationResource(l).Select(nil))
}

// patchLocation serves PATCH /identity/conditionalAccess/namedLocations/{id}.
func (a *API) patchLocation(c *call) error {
	old, err := a.location(c)
	if err != nil {
		return err
	}
	l := old
	if err := a.readLocation(c, &l); err != nil {
		return err
	}
	l.ModifiedAt = a.Now().UTC().Truncate(microsecond)
	guard, err := a.guard(c, c.force)
	if err != nil {
		return err
	}
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		now, err := found(there.Locations, l.ID, locationID, access.ErrUnknownLocation)
		if err != nil {
			return access.Change{}, err
		}
		if now.Version != old.Version {
			return access.Change{}, odata.ErrMatch
		}
		if err := odata.Match(c.r, odata.ETag(now.Version)); err != nil {
			return access.Change{}, err
		}
		done := access.Change{Location: &l, Event: a.locationEvent(c, audit.UpdateNamedLocation, audit.OperationUpdate, &old, &l)}
		return done, guard(there, done)
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteLocation serves DELETE /identity/conditionalAccess/namedLocations/{id}.
func (a *API) deleteLocation(c *call) error {
	id, err := ruleKey(c, access.ErrUnknownLocation)
	if err != nil {
		return err
	}
	if err := a.changeRule(c, func(there access.Rules) (access.Change, error) {
		l, err := found(there.Locations, id, locationID, access.ErrUnknownLocation)
		if err != nil {
			return access.Change{}, err
		}
		if err := inUse(there, l.ID); err != nil {
			return access.Change{}, err
		}
		e := a.locationEvent(c, audit.DeleteNamedLocation, audit.OperationDelete, &l, nil)
		return access.Change{Location: &l, Remove: true, Event: e}, odata.Match(c.r, odata.ETag(l.Version))
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) locationEvent(c *call, activity, operation string, old, fresh *access.Location) audit.Event {
	e := audit.Change{Activity: activity, Operation: operation, Service: audit.ServiceConditionalAccess, Category: audit.CategoryPolicy}
	return ruleEvent(a, c, e, old, fresh, func(l access.Location) recorded { return recorded{l.ID, l.DisplayName, locationResource(l)} })
}
