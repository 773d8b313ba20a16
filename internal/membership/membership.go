// Package membership decides which devices are in a dynamic group: it reads the group's
// rule and holds it against a device. Grammar and names of properties follow Entra's dynamic
// membership rules (https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership);
// docs/graph.md lists what is offered. It is pure: the store keeps the members, and asks
// again whenever a device or a rule changes.
package membership

import (
	"fmt"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
)

// maxRule is how long a rule may be, in bytes, as in Entra.
const maxRule = 3072

// MostGroups is how many dynamic groups a tenant may have: each of them is looked at when a
// device changes.
const MostGroups = 500

// Faults of dynamic groups.
var (
	ErrRule = &fault.Error{Kind: fault.Invalid, Code: "groupRule", Text: "The membership rule can't be saved like this."}
	ErrMany = &fault.Error{
		Kind: fault.Invalid, Code: "dynamicGroupMany",
		Text: "The tenant has as many dynamic groups as one may have.", Remedy: "Delete one that is no longer used.",
	}
)

// A Rule says which devices are members.
type Rule struct{ bound filter.Bound }

// Parse reads a rule such as (device.deviceOSType -eq "Linux").
func Parse(text string) (Rule, error) {
	if text == "" {
		return Rule{}, ErrRule.With("membershipRule", "A dynamic group has a membershipRule.")
	}
	if len(text) > maxRule {
		return Rule{}, ErrRule.With("membershipRule", fmt.Sprintf("A membershipRule has at most %d characters.", maxRule))
	}
	e, err := filter.ParseRule(text, "device")
	if err != nil {
		return Rule{}, err
	}
	bound, err := filter.Check(e, schema)
	return Rule{bound}, err
}

// Has reports whether d is a member.
func (r Rule) Has(d directory.Device) bool {
	return filter.Eval(r.bound, func(column string) []filter.Value { return valueOf(d, column) })
}

// A Filter is the rule of a device filter of Conditional Access. It has what dynamic groups
// have, and isCompliant.
// https://learn.microsoft.com/entra/identity/conditional-access/concept-condition-filters-for-devices
type Filter struct{ bound filter.Bound }

// ParseFilter reads a rule such as device.isCompliant -eq True.
func ParseFilter(text string) (Filter, error) {
	if text == "" || len(text) > maxRule {
		return Filter{}, ErrRule.With("rule", fmt.Sprintf("A device filter has a rule of at most %d characters.", maxRule))
	}
	e, err := filter.ParseRule(text, "device")
	if err != nil {
		return Filter{}, err
	}
	bound, err := filter.Check(e, filterSchema)
	return Filter{bound}, err
}

// Seen is a device as filters see it, read once for all that are asked. Nil is a device that
// nobody knows: all its properties are null.
type Seen struct{ values [len(columns)]filter.Value }

// columns are those of filterSchema.
var columns = [...]string{
	"compliant", "enabled", "attested", "deviceID", "id", "name", "system", "release", "maker", "model", "trust", "ownership", "profile", "domain", "storage",
}

// See reads a device.
func See(d directory.Device, compliant bool) *Seen {
	s := &Seen{}
	s.values[0] = filter.Bool(compliant)
	for i, column := range columns[1:] {
		if held := valueOf(d, column); len(held) > 0 {
			s.values[i+1] = held[0]
		}
	}
	return s
}

// Has reports whether the device meets the rule. It allocates nothing for -eq, -ne,
// -in and -startsWith where texts are ASCII.
func (f Filter) Has(s *Seen) bool { return filter.Eval(f.bound, s.of) }

func (s *Seen) of(column string) []filter.Value {
	i := slices.Index(columns[:], column)
	if s == nil || i < 0 {
		return nil
	}
	return s.values[i : i+1]
}

var filterSchema = append(slices.Clone(schema), filter.Schema{{Name: "isCompliant", Type: filter.TypeBool, Column: "compliant", Ops: filter.Equality}}...)

const text = filter.Equality | filter.StartsWith | filter.Contains | filter.Matches

// schema has Entra's names of properties in rules, and Graph's where they differ.
var schema = slices.Concat(
	filter.Schema{{Name: "accountEnabled", Type: filter.TypeBool, Column: "enabled", Ops: filter.Equality}},
	of("deviceId", "deviceID"), of("objectId", "id"), of("id", "id"), of("displayName", "name"),
	of("deviceOSType", "system"), of("operatingSystem", "system"), of("deviceOSVersion", "release"), of("operatingSystemVersion", "release"),
	of("deviceManufacturer", "maker"), of("manufacturer", "maker"), of("deviceModel", "model"), of("model", "model"),
	of("deviceTrustType", "trust"), of("trustType", "trust"), of("deviceOwnership", "ownership"), of("profileType", "profile"),
	of("domainName", "domain"), of("postern_keyStorage", "storage"),
	filter.Schema{{Name: "postern_attested", Type: filter.TypeBool, Column: "attested", Ops: filter.Equality}},
)

func of(name, column string) filter.Schema {
	return filter.Schema{{Name: name, Type: filter.TypeString, Column: column, Ops: text}}
}

func valueOf(d directory.Device, column string) []filter.Value {
	switch column {
	case "enabled":
		return []filter.Value{filter.Bool(d.AccountEnabled)}
	case "attested":
		return []filter.Value{filter.Bool(d.Attested)}
	}
	held := textOf(d, column)
	if held == "" {
		return nil // null
	}
	return []filter.Value{filter.String(held)}
}

func textOf(d directory.Device, column string) string {
	switch column {
	case "deviceID":
		return d.DeviceID
	case "id":
		return string(d.ID)
	case "name":
		return d.DisplayName
	case "system":
		return d.OperatingSystem
	case "release":
		return d.OperatingSystemVersion
	case "maker":
		return d.Manufacturer
	case "model":
		return d.Model
	case "trust":
		return string(d.TrustType)
	case "ownership":
		return d.Ownership()
	case "profile":
		return directory.DeviceProfile
	case "domain":
		return d.DomainName
	case "storage":
		return d.KeyStorage
	}
	return ""
}
