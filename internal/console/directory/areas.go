package directory

import (
	"slices"
	"strings"
)

// An area is a part of what a role allows, so that sixty rights can be read.
type area struct {
	Name    string // key of its words: directory_area_{name}
	Actions []string
	Open    bool // all areas together are few enough to be read at once
}

// readable is how many rights are read at once.
const readable = 12

// areas are told by what is in the name of an action, the first that fits.
var areas = []struct {
	name  string
	parts []string
}{
	{"ways", []string{"Pass", "Hello", "Phone", "Codes", "Method", "Registrations", "Readiness"}},
	{"applications", []string{"Application", "Grants", "GraphRoles", "AppRoles", "Permissions"}},
	{"devices", []string{"Device", "JoinPolicy", "Prerequisites"}},
	{"records", []string{"SignIns", "Audits", "Reports", "Views", "History"}},
	{"people", []string{"User", "Memberships", "Manager", "Sessions"}},
	{"groups", []string{"Group", "Members", "Role"}},
	{"organisation", []string{""}},
}

// areasOf parts actions, whose order stays within each area.
func areasOf(actions []string) (all []area) {
	byName := map[string][]string{}
	for _, action := range actions {
		for _, one := range areas {
			if slices.ContainsFunc(one.parts, func(part string) bool { return strings.Contains(action, part) }) {
				byName[one.name] = append(byName[one.name], action)
				break
			}
		}
	}
	for _, one := range areas {
		if of := byName[one.name]; of != nil {
			all = append(all, area{one.name, of, len(actions) <= readable})
		}
	}
	return all
}

// AllowsIn and ReachesIn are Everywhere and Reached by areas.
func (r role) AllowsIn() []area  { return areasOf(r.Everywhere) }
func (r role) ReachesIn() []area { return areasOf(r.Reached) }
