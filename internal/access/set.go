package access

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/membership"
)

// A Set is what a tenant's rules come to, ready to be asked. It is immutable, and safe for
// concurrent use. Nil is the set without policies.
type Set struct {
	rules     []rule   // enabled and report-only, in the order of the log
	disabled  []Policy // for Explain
	people    index
	workloads index
	wanted    index // applications, user actions and contexts
	exempt    index // groups and users that a recovery exemption names
	places    []place
	filters   []membership.Filter
	countries Countries
	abroad    bool // some place is a country
}

// Countries finds the country of an address.
type Countries interface {
	// Country returns an ISO 3166-1 alpha-2 code, or nothing where it is not known.
	Country(netip.Addr) string
}

// A rule is a policy whose words were turned into what can be compared at once.
type rule struct {
	policy  *Policy
	enforce bool // else it only reports

	clients            mask // 0: all
	platforms, without mask // without: excluded
	everyPlatform      bool
	userRisk           mask // 0: all, as the masks below
	signInRisk         mask
	workloadRisk       mask
	flows              mask
	everywhere         bool
	inside, outside    bitset
	nowhere            bool // every location is excluded
	limited            bool // has a condition on locations
	filter             int  // of the set; -1 for none
	unlessFilter       bool
	all                bool // is for all applications
	forAction          bool

	grant    grant
	controls []string
	session  session
	sessions []string
}

// Compile turns rules into a set. It returns an error if a policy names a location or a
// strength that is not there, or has a word that is not known: what can't be understood must
// let nobody in. Countries may be nil if no location is a country.
func Compile(policies []Policy, locations []Location, strengths []Strength, countries Countries) (*Set, error) {
	s := &Set{countries: countries}
	sorted := slices.Clone(policies)
	sort.Slice(sorted, func(i, j int) bool {
		return cmp.Or(sorted[i].CreatedAt.Compare(sorted[j].CreatedAt), cmp.Compare(sorted[i].ID, sorted[j].ID)) < 0
	})
	s.disabled = slices.DeleteFunc(slices.Clone(sorted), func(p Policy) bool { return p.State != Disabled })
	sorted = slices.DeleteFunc(sorted, func(p Policy) bool { return p.State == Disabled })

	for i := range locations {
		l, err := newPlace(locations[i])
		if err != nil {
			return nil, err
		}
		s.places, s.abroad = append(s.places, l), s.abroad || len(l.countries) > 0 || l.unknown
	}
	words := known{set: s, strengths: map[string]*Strength{}, filters: map[string]int{}, places: map[string]int{}}
	for i := range s.places {
		words.places[s.places[i].id] = i
	}
	for _, all := range [][]Strength{BuiltIn(), strengths} {
		for i := range all {
			words.strengths[strings.ToLower(all[i].ID)] = &all[i]
		}
	}
	for _, x := range []*index{&s.people, &s.workloads, &s.wanted, &s.exempt} {
		x.words = (len(sorted) + 63) / 64
	}
	for i := range sorted {
		r, err := words.rule(&sorted[i])
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", sorted[i].ID, err)
		}
		s.rules = append(s.rules, r)
		s.find(i, &sorted[i])
	}
	return s, nil
}

// Len is how many policies are enforced or only report.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.rules)
}

// find makes policy i found by whom and what it is for.
func (s *Set) find(i int, p *Policy) {
	if w := p.Conditions.Workloads; w != nil {
		s.workloads.include(i, AllWorkloads, w.Include)
		s.workloads.exclude(i, AllWorkloads, w.Exclude)
	} else {
		u := p.Conditions.Users
		s.people.include(i, All, u.IncludeUsers, u.IncludeGroups, u.IncludeRoles, u.IncludeGuests.list())
		s.people.exclude(i, All, u.ExcludeUsers, u.ExcludeGroups, u.ExcludeRoles, u.ExcludeGuests.list())
	}
	a := p.Conditions.Applications
	s.wanted.include(i, All, portals(a.Include), a.UserActions, a.Contexts)
	s.wanted.exclude(i, All, portals(a.Exclude))
	if e := p.Exemption; e != nil {
		s.exempt.include(i, All, e.Users, e.Groups)
	}
}

// portals puts the applications that administrators use in the place of the word for them.
func portals(apps []string) []string {
	at := slices.Index(apps, Admin)
	if at < 0 {
		return apps
	}
	return append(slices.Delete(slices.Clone(apps), at, at+1), string(directory.ConsoleAppID), string(directory.CLIAppID))
}

// list is [Guests] if g has a kind of guest that there is.
func (g *GuestTypes) list() []string {
	if g == nil {
		return nil
	}
	for kind := range strings.SplitSeq(g.Types, ",") {
		if kind = strings.TrimSpace(kind); kind == "internalGuest" || kind == "b2bCollaborationGuest" {
			return []string{Guests}
		}
	}
	return nil
}

// list has the ways of f; none of them is no condition.
func (f *Flows) list() []string {
	if f == nil {
		return nil
	}
	all := strings.FieldsFunc(f.TransferMethods, func(r rune) bool { return r == ',' || r == ' ' })
	return slices.DeleteFunc(all, func(way string) bool { return way == "none" })
}

// known is what the words of policies can mean while a set is made.
type known struct {
	set       *Set
	strengths map[string]*Strength
	filters   map[string]int
	places    map[string]int
}

func (k known) rule(p *Policy) (rule, error) {
	c := p.Conditions
	r := rule{
		policy: p, enforce: p.State == Enabled, filter: -1, everyPlatform: true,
		all: slices.Contains(c.Applications.Include, All), forAction: len(c.Applications.UserActions) > 0,
	}
	if p.State != Enabled && p.State != ReportOnly {
		return rule{}, fmt.Errorf("unknown state %q", p.State)
	}
	var err error
	if !slices.Contains(c.ClientAppTypes, "all") {
		r.clients = maskOf(&err, clientTypes, c.ClientAppTypes)
	}
	if c.Platforms != nil {
		r.everyPlatform = slices.Contains(c.Platforms.Include, "all")
		r.platforms, r.without = maskOf(&err, platforms, c.Platforms.Include), maskOf(&err, platforms, c.Platforms.Exclude)
	}
	r.userRisk, r.signInRisk, r.workloadRisk = maskOf(&err, risks, c.UserRisk), maskOf(&err, risks, c.SignInRisk), maskOf(&err, risks, c.WorkloadRisk)
	r.flows = maskOf(&err, flows, c.Flows.list())
	if err != nil {
		return rule{}, err
	}
	if err := k.where(&r, c.Locations); err != nil {
		return rule{}, err
	}
	if err := k.filter(&r, c.Devices); err != nil {
		return rule{}, err
	}
	if r.grant, err = k.grant(p); err != nil {
		return rule{}, err
	}
	r.controls = r.grant.names()
	r.session, r.sessions, err = newSession(p.Session)
	return r, err
}

func (k known) where(r *rule, t *Targets) error {
	if t == nil {
		r.everywhere = true
		return nil
	}
	r.limited = true
	size := (len(k.set.places) + 63) / 64
	r.inside, r.outside = make(bitset, size), make(bitset, size)
	add := func(to bitset, everywhere *bool, ids []string) error {
		for _, id := range ids {
			switch at, ok := k.places[strings.ToLower(id)]; {
			case id == All:
				*everywhere = true
			case id == AllTrusted:
				for i := range k.set.places {
					if k.set.places[i].trusted {
						to.set(i)
					}
				}
			case !ok:
				return fmt.Errorf("there is no location %q", id)
			default:
				to.set(at)
			}
		}
		return nil
	}
	if err := add(r.inside, &r.everywhere, t.Include); err != nil {
		return err
	}
	return add(r.outside, &r.nowhere, t.Exclude)
}

// filter keeps each rule for devices once, so that it is asked once a request.
func (k known) filter(r *rule, d *Devices) error {
	if d == nil || d.Filter == nil {
		return nil
	}
	if d.Filter.Mode != "include" && d.Filter.Mode != "exclude" {
		return fmt.Errorf("unknown mode %q of a device filter", d.Filter.Mode)
	}
	r.unlessFilter = d.Filter.Mode == "exclude"
	at, ok := k.filters[d.Filter.Rule]
	if !ok {
		parsed, err := membership.ParseFilter(d.Filter.Rule)
		if err != nil {
			return err
		}
		at = len(k.set.filters)
		k.set.filters, k.filters[d.Filter.Rule] = append(k.set.filters, parsed), at
	}
	r.filter = at
	return nil
}

// grant is a [Grant] in a form that can be asked.
type grant struct {
	or                         bool
	block, mfa, comply, joined bool
	strength                   *Strength
	// opened is strength with passes, for whom the policy has a recovery exemption.
	opened *Strength
}

func (k known) grant(p *Policy) (grant, error) {
	if p.Grant == nil {
		return grant{}, nil
	}
	g := grant{or: p.Grant.Operator == "OR"}
	for _, c := range p.Grant.Controls {
		switch c {
		case Block:
			g.block = true
		case MFA:
			g.mfa = true
		case CompliantDevice:
			g.comply = true
		case DomainJoinedDevice:
			g.joined = true
		default:
			return grant{}, fmt.Errorf("unknown control %q", c)
		}
	}
	if p.Grant.Strength == nil {
		return g, nil
	}
	found, ok := k.strengths[strings.ToLower(p.Grant.Strength.ID)]
	if !ok {
		return grant{}, fmt.Errorf("there is no authentication strength %q", p.Grant.Strength.ID)
	}
	g.strength = found
	if p.Exemption != nil {
		g.opened = found.withPass()
	}
	return g, nil
}

func (g grant) names() []string {
	var out []string
	for _, c := range []struct {
		there bool
		name  Control
	}{{g.block, Block}, {g.mfa, MFA}, {g.comply, CompliantDevice}, {g.joined, DomainJoinedDevice}, {g.strength != nil, StrengthControl}} {
		if c.there {
			out = append(out, string(c.name))
		}
	}
	return out
}
