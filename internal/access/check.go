package access

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/membership"
)

// Faults of rules that can't be saved.
var (
	ErrPolicy   = &fault.Error{Kind: fault.Invalid, Code: "accessPolicy", Text: "The Conditional Access policy can't be saved like this."}
	ErrStrength = &fault.Error{Kind: fault.Invalid, Code: "accessStrength", Text: "The authentication strength can't be saved like this."}
	ErrLocation = &fault.Error{Kind: fault.Invalid, Code: "accessLocation", Text: "The named location can't be saved like this."}
	// ErrNotOffered: what Postern could save and not enforce is not saved.
	ErrNotOffered = &fault.Error{
		Kind: fault.Unsupported, Code: "accessNotOffered", Text: "Postern can't enforce this control.",
		Remedy: "docs/conditional-access.md lists the controls that there are.",
	}
)

// Limits of rules, those of Entra where it has any.
const (
	MostPolicies  = 1000
	MostLocations = 200
	MostStrengths = 50 // custom ones
	mostNetworks  = 2000
	mostNames     = 1000 // ids in one list
	longestWords  = 256  // of names and reasons, in bytes
	// LongestExemption is how far ahead a recovery exemption may end: whoever needs one for longer says so again.
	LongestExemption = 30 * 24 * time.Hour
)

// Kind is what an id in a policy names.
type Kind string

// The kinds.
const (
	KindUser     Kind = "user"
	KindGroup    Kind = "group"
	KindRole     Kind = "role"
	KindApp      Kind = "application" // by app id
	KindWorkload Kind = "servicePrincipal"
	KindLocation Kind = "namedLocation"
	KindStrength Kind = "authenticationStrength"
	KindContext  Kind = "authenticationContext"
)

// Known is what Check needs to know beside the policy.
type Known struct {
	Now time.Time
	// Has reports whether there is such a thing.
	Has func(Kind, string) bool
}

// Check reports whether a policy may be saved. It refuses, with [ErrPolicy] or [ErrNotOffered],
// what could not be enforced, what could never apply, and what says one thing and does another.
func Check(p Policy, k Known) error {
	c := checker{known: k}
	if p.DisplayName == "" || len(p.DisplayName) > longestWords {
		c.wrong("displayName", fmt.Sprintf("A policy has a displayName of 1 to %d bytes.", longestWords))
	}
	if p.State != Enabled && p.State != Disabled && p.State != ReportOnly {
		c.wrong("state", "A policy's state is enabled, disabled or enabledForReportingButNotEnforced.")
	}
	c.people(p)
	c.applications(p.Conditions.Applications)
	c.conditions(p.Conditions)
	c.grant(p)
	c.session(p)
	c.exemption(p)
	if c.err == nil && slices.Contains(p.Conditions.Applications.UserActions, RegisterDevice) {
		c.join(p)
	}
	return c.err
}

// A checker keeps the first thing that is wrong.
type checker struct {
	known Known
	err   error
}

func (c *checker) wrong(target, text string) {
	if c.err == nil {
		c.err = ErrPolicy.With(target, text)
	}
}

// ids checks a list of ids of a kind, or words that stand for many; a word of alone has no company.
func (c *checker) ids(target string, kind Kind, list []string, alone, beside []string) {
	if len(list) > mostNames {
		c.wrong(target, fmt.Sprintf("%s has at most %d entries.", target, mostNames))
		return
	}
	for _, id := range list {
		switch {
		case slices.Contains(alone, id):
			if len(list) > 1 {
				c.wrong(target, fmt.Sprintf("%s stands alone in %s.", id, target))
			}
		case slices.Contains(beside, id):
		case !c.known.Has(kind, id):
			c.wrong(target, fmt.Sprintf("%s names %q, and there is no such %s.", target, id, kind))
		}
	}
}

func (c *checker) people(p Policy) {
	u, w := p.Conditions.Users, p.Conditions.Workloads
	many := []string{All, None}
	c.ids("conditions/users/includeUsers", KindUser, u.IncludeUsers, many, []string{Guests})
	c.ids("conditions/users/excludeUsers", KindUser, u.ExcludeUsers, nil, []string{Guests})
	c.ids("conditions/users/includeGroups", KindGroup, u.IncludeGroups, nil, nil)
	c.ids("conditions/users/excludeGroups", KindGroup, u.ExcludeGroups, nil, nil)
	c.ids("conditions/users/includeRoles", KindRole, u.IncludeRoles, nil, nil)
	c.ids("conditions/users/excludeRoles", KindRole, u.ExcludeRoles, nil, nil)
	c.guests("conditions/users/includeGuestsOrExternalUsers", u.IncludeGuests)
	c.guests("conditions/users/excludeGuestsOrExternalUsers", u.ExcludeGuests)
	included := len(u.IncludeUsers) + len(u.IncludeGroups) + len(u.IncludeRoles)
	if u.IncludeGuests != nil {
		included++
	}
	if w == nil {
		if included == 0 {
			c.wrong("conditions/users", "A policy includes people, groups, roles or guests, or says None.")
		}
		return
	}
	if included > 0 && !slices.Equal(u.IncludeUsers, []string{None}) {
		c.wrong("conditions/clientApplications", "A policy is for people or for service principals, not for both.")
	}
	if len(w.Include) == 0 {
		c.wrong("conditions/clientApplications/includeServicePrincipals", "A policy for service principals includes at least one.")
	}
	c.ids("conditions/clientApplications/includeServicePrincipals", KindWorkload, w.Include, []string{AllWorkloads, None}, nil)
	c.ids("conditions/clientApplications/excludeServicePrincipals", KindWorkload, w.Exclude, nil, nil)
}

var guestTypes = []string{
	"none", "internalGuest", "b2bCollaborationGuest", "b2bCollaborationMember", "b2bDirectConnectUser", "otherExternalUser", "serviceProvider",
}

func (c *checker) guests(target string, g *GuestTypes) {
	if g == nil {
		return
	}
	for kind := range strings.SplitSeq(g.Types, ",") {
		if !slices.Contains(guestTypes, strings.TrimSpace(kind)) {
			c.wrong(target, fmt.Sprintf("%q is no kind of guest.", kind))
		}
	}
}

func (c *checker) applications(a Applications) {
	kinds := 0
	for _, list := range [][]string{a.Include, a.UserActions, a.Contexts} {
		if len(list) > 0 {
			kinds++
		}
	}
	if kinds != 1 {
		c.wrong("conditions/applications", "A policy is for applications, for user actions, or for authentication contexts: one of the three.")
	}
	if len(a.Exclude) > 0 && len(a.Include) == 0 {
		c.wrong("conditions/applications/excludeApplications", "Only a policy for applications excludes applications.")
	}
	c.ids("conditions/applications/includeApplications", KindApp, a.Include, []string{All, None}, []string{Admin})
	c.ids("conditions/applications/excludeApplications", KindApp, a.Exclude, nil, []string{Admin})
	c.ids("conditions/applications/includeAuthenticationContextClassReferences", KindContext, a.Contexts, nil, nil)
	for _, action := range a.UserActions {
		if action != RegisterSecurityInfo && action != RegisterDevice {
			c.wrong("conditions/applications/includeUserActions", fmt.Sprintf("%q is no user action.", action))
		}
	}
	if len(a.UserActions) > 1 {
		c.wrong("conditions/applications/includeUserActions", "A policy is for one user action.")
	}
}

func (c *checker) conditions(p Conditions) {
	wordsOf(c, "conditions/clientAppTypes", clientTypes, p.ClientAppTypes, "all")
	wordsOf(c, "conditions/userRiskLevels", risks, p.UserRisk, "")
	wordsOf(c, "conditions/signInRiskLevels", risks, p.SignInRisk, "")
	wordsOf(c, "conditions/servicePrincipalRiskLevels", risks, p.WorkloadRisk, "")
	wordsOf(c, "conditions/authenticationFlows/transferMethods", flows, p.Flows.list(), "")
	if l := p.Locations; l != nil {
		if len(l.Include) == 0 {
			c.wrong("conditions/locations/includeLocations", "A condition on locations includes at least one.")
		}
		c.ids("conditions/locations/includeLocations", KindLocation, l.Include, []string{All}, []string{AllTrusted})
		c.ids("conditions/locations/excludeLocations", KindLocation, l.Exclude, nil, []string{AllTrusted})
	}
	if f := p.Platforms; f != nil {
		if len(f.Include) == 0 {
			c.wrong("conditions/platforms/includePlatforms", "A condition on platforms includes at least one.")
		}
		wordsOf(c, "conditions/platforms/includePlatforms", platforms, f.Include, "all")
		wordsOf(c, "conditions/platforms/excludePlatforms", platforms, f.Exclude, "")
	}
	if d := p.Devices; d != nil && d.Filter != nil {
		if d.Filter.Mode != "include" && d.Filter.Mode != "exclude" {
			c.wrong("conditions/devices/deviceFilter/mode", "A device filter's mode is include or exclude.")
		}
		if _, err := membership.ParseFilter(d.Filter.Rule); err != nil && c.err == nil {
			c.err = err
		}
	}
}

func wordsOf[T ~string](c *checker, target string, of, list []T, all T) {
	for _, word := range list {
		if !slices.Contains(of, word) && (all == "" || word != all) {
			c.wrong(target, fmt.Sprintf("%s has %q, which is none of its words.", target, word))
		}
	}
}

func (c *checker) grant(p Policy) {
	g := p.Grant
	if g == nil || len(g.Controls) == 0 && g.Strength == nil {
		if s := p.Session; s == nil || s.Frequency == nil && s.Persistent == nil && s.Continuous == nil {
			c.wrong("grantControls", "A policy has a grant control or a session control: this one would do nothing.")
		}
		return
	}
	for _, control := range g.Controls {
		switch control {
		case Block, MFA, CompliantDevice, DomainJoinedDevice:
		case "approvedApplication", "compliantApplication", "passwordChange":
			if c.err == nil {
				c.err = ErrNotOffered.With("grantControls/builtInControls", fmt.Sprintf("Postern can't enforce the control %s.", control))
			}
		default:
			c.wrong("grantControls/builtInControls", fmt.Sprintf("%q is no grant control.", control))
		}
	}
	controls := len(g.Controls)
	if g.Strength != nil {
		controls++
		if !c.known.Has(KindStrength, g.Strength.ID) {
			c.wrong("grantControls/authenticationStrength", fmt.Sprintf("There is no authentication strength %q.", g.Strength.ID))
		}
		if slices.Contains(g.Controls, MFA) {
			c.wrong("grantControls", "A policy asks for mfa or for an authentication strength, not for both.")
		}
	}
	if g.Operator != "AND" && g.Operator != "OR" {
		c.wrong("grantControls/operator", "The operator of grant controls is AND or OR.")
	}
	if controls > 1 && slices.Contains(g.Controls, Block) {
		c.wrong("grantControls/builtInControls", "Block stands alone.")
	}
	if p.Conditions.Workloads != nil && !slices.Equal(g.Controls, []Control{Block}) {
		c.wrong("grantControls/builtInControls", "Service principals can only be blocked: they prove nothing and have no device.")
	}
}

func (c *checker) session(p Policy) {
	s := p.Session
	if s == nil {
		return
	}
	if _, _, err := newSession(s); err != nil {
		c.wrong("sessionControls", "The session controls have "+err.Error()+".")
	}
	if p.Conditions.Workloads != nil {
		c.wrong("sessionControls", "Service principals have no session.")
	}
	if f := s.Frequency; f != nil && f.Enabled && f.Interval != "everyTime" && (f.Type == "hours" && f.Value > 23 || f.Value > 365) {
		c.wrong("sessionControls/signInFrequency/value", "A sign-in frequency is 1 to 23 hours, or 1 to 365 days.")
	}
	if f := s.Frequency; f != nil && !slices.Contains([]string{"", "primaryAndSecondaryAuthentication", "secondaryAuthentication"}, f.Authentication) {
		c.wrong("sessionControls/signInFrequency/authenticationType", fmt.Sprintf("%q is no type of authentication.", f.Authentication))
	}
	if b := s.Persistent; b != nil && b.Enabled && !slices.Contains(p.Conditions.Applications.Include, All) {
		c.wrong("sessionControls/persistentBrowser", "A browser stays signed in for all applications or for none: the policy has to be for All.")
	}
}

func (c *checker) exemption(p Policy) {
	e := p.Exemption
	if e == nil {
		return
	}
	if p.Conditions.Workloads != nil || len(e.Users)+len(e.Groups) == 0 {
		c.wrong("postern_recoveryExemption", "A recovery exemption names people or groups, in a policy for people.")
	}
	c.ids("postern_recoveryExemption/users", KindUser, e.Users, nil, nil)
	c.ids("postern_recoveryExemption/groups", KindGroup, e.Groups, nil, nil)
	if strings.TrimSpace(e.Reason) == "" || len(e.Reason) > longestWords {
		c.wrong("postern_recoveryExemption/reason", fmt.Sprintf("A recovery exemption has a reason of 1 to %d bytes.", longestWords))
	}
	if e.Until.IsZero() || e.Until.After(c.known.Now.Add(LongestExemption)) {
		c.wrong("postern_recoveryExemption/expirationDateTime", "A recovery exemption ends within 30 days.")
	}
}

// join refuses what can't be asked of a device that is about to be.
// https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-cloud-apps#user-actions
func (c *checker) join(p Policy) {
	if g := p.Grant; g != nil && (slices.Contains(g.Controls, CompliantDevice) || slices.Contains(g.Controls, DomainJoinedDevice)) {
		c.wrong("grantControls/builtInControls", "A device that is about to join can't be asked to be compliant or joined.")
	}
	if p.Conditions.Devices != nil {
		c.wrong("conditions/devices", "A device that is about to join can't be filtered.")
	}
}

// CheckStrength reports whether a custom strength may be saved; the error is [ErrStrength].
func CheckStrength(s Strength) error {
	switch {
	case s.DisplayName == "" || len(s.DisplayName) > longestWords:
		return ErrStrength.With("displayName", fmt.Sprintf("An authentication strength has a displayName of 1 to %d bytes.", longestWords))
	case len(s.Combinations) == 0:
		return ErrStrength.With("allowedCombinations", "An authentication strength allows at least one combination.")
	case len(s.AAGUIDs) > mostNames:
		return ErrStrength.With("allowedAAGUIDs", fmt.Sprintf("An authentication strength names at most %d models.", mostNames))
	}
	for _, c := range s.Combinations {
		if !slices.Contains(multifactor, c) && c&(c-1) != 0 {
			return ErrStrength.With("allowedCombinations", fmt.Sprintf("%q is no combination that there is.", c))
		}
	}
	for _, model := range s.AAGUIDs {
		if !guid.MatchString(model) {
			return ErrStrength.With("allowedAAGUIDs", fmt.Sprintf("%q is no AAGUID.", model))
		}
	}
	if len(s.AAGUIDs) > 0 && !slices.ContainsFunc(s.Combinations, func(c Modes) bool { return c.Has(FIDO2) }) {
		return ErrStrength.With("allowedAAGUIDs", "Models of passkeys are named where fido2 is allowed.")
	}
	return nil
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// CheckLocation reports whether a named location may be saved; the error is [ErrLocation].
// Countries says whether addresses can be looked up.
func CheckLocation(l Location, countries bool) error {
	abroad := len(l.Countries) > 0 || l.Unknown
	switch {
	case l.DisplayName == "" || len(l.DisplayName) > longestWords:
		return ErrLocation.With("displayName", fmt.Sprintf("A named location has a displayName of 1 to %d bytes.", longestWords))
	case abroad == (len(l.Networks) > 0):
		return ErrLocation.With("ipRanges", "A named location is networks, or countries.")
	case abroad && l.Trusted:
		return ErrLocation.With("isTrusted", "Networks can be trusted; a country can't.")
	case abroad && !countries:
		return ErrLocation.With("countriesAndRegions", "The server has no file that says which country an address is in.")
	case len(l.Networks) > mostNetworks:
		return ErrLocation.With("ipRanges", fmt.Sprintf("A named location has at most %d networks.", mostNetworks))
	}
	for _, text := range l.Networks {
		// Entra's shortest prefix: a location of half the net is a slip.
		if n, err := netip.ParsePrefix(text); err != nil || n.Addr().Zone() != "" || n.Bits() < 8 {
			return ErrLocation.With("ipRanges", fmt.Sprintf("%q is no network such as 203.0.113.0/24 or 2001:db8::/32, of 8 bits or more.", text))
		}
	}
	for _, c := range l.Countries {
		if !country.MatchString(c) {
			return ErrLocation.With("countriesAndRegions", fmt.Sprintf("%q is no country of two letters (ISO 3166-1).", c))
		}
	}
	return nil
}

var country = regexp.MustCompile(`^[A-Z]{2}$`)
