package graph

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/signin"
)

// Names of methods in reports, beside those of the sets in the registry.
const (
	reportedPIN  = "windowsHelloForBusiness"
	reportedPass = "temporaryAccessPass"
)

// lookedAt is how many people a page of a filtered report looks at, at most: its cost does not
// grow with the tenant. A page may have fewer lines than $top, or none, and a next link.
const lookedAt = 1000

// policies are all methods' policies, by their ids, and who is asked for the strongest first.
type policies struct {
	of        map[string]methodPolicy
	strongest method.Preferred
}

func (a *API) policies(c *call) (policies, error) {
	all := policies{of: map[string]methodPolicy{}, strongest: method.DefaultPreferred()}
	kept, err := a.allPolicies(c)
	if err != nil {
		return all, err
	}
	for _, k := range kept {
		all.of[k.id] = k.policy
	}
	_, err = a.Store.MethodPolicy(c.ctx(), c.tenant.ID, method.PreferredID, &all.strongest)
	return all, err
}

// A registered person is one line of userRegistrationDetails.
type registered struct {
	directory.User
	method.Registration
	method.Standing
	names     []string // of the methods, as reports call them
	preferred []string // the strongest that may be used
	reset     standingOfReset
	strongest bool   // they are asked for the strongest first
	second    string // what they last used beside a first factor
}

// register works out what a person's methods amount to.
func (p policies) register(u directory.User, r method.Registration) registered {
	out := registered{User: u, Registration: r, names: []string{}, preferred: []string{}}
	var all []method.Holding
	kinds := map[signin.MethodID]method.Holding{} // the one that shows most now of each
	var best signin.Yield
	add := func(h method.Holding, names ...string) {
		all = append(all, h)
		out.names = append(out.names, names...)
		if !h.Now.None() && (len(out.preferred) == 0 || stronger(h.Now, best)) {
			best, out.preferred = h.Now, names[:1]
		}
	}
	for _, s := range credentialSets {
		for _, one := range r.Credentials {
			if one.Kind == s.kind && !one.Unreadable {
				h := p.holding(s, one, r.Groups)
				add(h, s.names(one)...)
				if known, ok := kinds[s.kind]; !ok || known.Now.None() {
					kinds[s.kind] = h
				}
			}
		}
	}
	if r.PIN {
		shown := hello.Container{}.Proof(time.Time{}).Yield()
		add(method.Holding{Most: shown, Now: shown}, reportedPIN)
	}
	if r.Pass {
		out.names = append(out.names, reportedPass)
	}
	slices.Sort(out.names)
	out.names = slices.Compact(out.names)
	out.reset, out.strongest = p.resetOf(kinds, r.Groups), p.strongest.For(r.Groups)
	out.Standing, out.second = method.StandingOf(all), secondOf(r.Credentials)
	return out
}

// holding is what one registered method of somebody in groups amounts to.
func (p policies) holding(s credentialSet, one method.Credential, groups map[directory.GroupID]bool) method.Holding {
	if one.Unreadable {
		return method.Holding{}
	}
	h := method.Holding{Most: s.yield(one, nil, nil)}
	if policy := p.of[s.policy]; !one.Frozen() && policy != nil && policy.shared().InScope(groups) {
		h.Now = s.yield(one, policy, groups)
	}
	return h
}

// standingOfReset says whether somebody could set a password that they forgot, which takes
// two other methods ([password.MayReset]).
type standingOfReset struct{ enabled, registered, capable bool }

func (p policies) resetOf(all map[signin.MethodID]method.Holding, groups map[directory.GroupID]bool) standingOfReset {
	policy, ok := p.of[password.PolicyID].(*passwordPolicy)
	var there, usable int
	for kind, h := range all {
		if kind == password.MethodID {
			continue
		}
		there++
		if !h.Now.None() {
			usable++
		}
	}
	enabled := ok && policy.SelfServiceReset && policy.InScope(groups)
	return standingOfReset{enabled: enabled, registered: there >= 2, capable: enabled && usable >= 2}
}

func stronger(a, b signin.Yield) bool {
	if a.PhishingResistant != b.PhishingResistant {
		return a.PhishingResistant
	}
	return a.Factors.Multi() && !b.Factors.Multi()
}

// secondOf says in Graph's words what was last used of what can be a second factor.
func secondOf(all []method.Credential) string {
	var last method.Credential
	word := "none"
	for _, c := range all {
		for _, s := range credentialSets {
			if s.kind == c.Kind && s.second != "" && c.UsedAt.After(last.UsedAt) {
				last, word = c, s.second
			}
		}
	}
	return word
}

// registrationsOf returns a line for each of users, in their order.
func (a *API) registrationsOf(c *call, p policies, users []directory.User) ([]registered, error) {
	var lines []registered
	for chunk := range slices.Chunk(users, method.MostAtOnce) {
		ids := make([]directory.UserID, len(chunk))
		for i, u := range chunk {
			ids[i] = u.ID
		}
		found, err := a.Store.RegistrationsOf(c.ctx(), c.tenant.ID, ids, a.Now())
		if err != nil {
			return nil, err
		}
		for _, u := range chunk {
			lines = append(lines, p.register(u, found[u.ID]))
		}
	}
	return lines, nil
}

// What lines are found by: first what the directory has an index for, then what is worked out.
var (
	peopleSchema = filter.Schema{
		{Name: "id", Type: filter.TypeGUID, Column: "id", Ops: filter.Equality},
		{Name: "userPrincipalName", Type: filter.TypeString, Column: "user_principal_name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "userDisplayName", Type: filter.TypeString, Column: "display_name", Ops: filter.Equality | filter.StartsWith | filter.Sort},
		{Name: "userType", Type: filter.TypeString, Column: "user_type", Ops: filter.Equality},
	}
	lineSchema = append(slices.Clone(peopleSchema), workedOut(
		"isAdmin", "isMfaCapable", "isMfaRegistered", "isPasswordlessCapable", "isSsprCapable", "isSsprEnabled", "isSsprRegistered",
		"isSystemPreferredAuthenticationMethodEnabled", "postern_isPhishingResistant",
	)...)
)

func workedOut(flags ...string) filter.Schema {
	text := filter.Schema{{Type: filter.TypeString, Ops: filter.Equality}}
	all := filter.Schema{
		{Name: "methodsRegistered", Elements: text, Column: "methodsRegistered"},
		{Name: "systemPreferredAuthenticationMethods", Elements: text, Column: "systemPreferredAuthenticationMethods"},
		{Name: "userPreferredMethodForSecondaryAuthentication", Type: filter.TypeString, Ops: filter.Equality, Column: "userPreferredMethodForSecondaryAuthentication"},
	}
	for _, name := range flags {
		all = append(all, filter.Property{Name: name, Type: filter.TypeBool, Ops: filter.Equality, Column: name})
	}
	return all
}

// split divides a filter into what the directory finds by itself and what is looked at line by line.
func split(text string) (people, lines []filter.Bound, err error) {
	if text == "" {
		return nil, nil, nil
	}
	e, err := filter.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	terms, ok := e.(filter.And)
	if !ok {
		terms = filter.And{e}
	}
	for _, term := range terms {
		if b, err := filter.Check(term, peopleSchema); err == nil {
			people = append(people, b)
			continue
		}
		b, err := filter.Check(term, lineSchema)
		if err != nil {
			return nil, nil, unsupported(err)
		}
		lines = append(lines, b)
	}
	return people, lines, nil
}

// object is a line as filters see it.
func (l registered) object() filter.Object {
	values := map[string]any{}
	for _, p := range l.resource(time.Time{}) {
		values[p.Name] = p.Value
	}
	values["user_principal_name"], values["display_name"], values["user_type"] = l.UserPrincipalName, l.DisplayName, l.UserType
	return func(column string) []filter.Value {
		switch v := values[column].(type) {
		case bool:
			return []filter.Value{filter.Bool(v)}
		case string:
			return []filter.Value{filter.String(v)}
		case directory.UserID:
			return []filter.Value{filter.GUID(v)}
		case []string:
			var all []filter.Value
			for _, one := range v {
				all = append(all, filter.String(one))
			}
			return all
		}
		return nil
	}
}

// resource is a line as Graph shows it.
// https://learn.microsoft.com/graph/api/resources/userregistrationdetails
func (l registered) resource(at time.Time) odata.Entity {
	return odata.Entity{
		{Name: "id", Value: l.ID},
		{Name: "userPrincipalName", Value: l.UserPrincipalName},
		{Name: "userDisplayName", Value: l.DisplayName},
		{Name: "userType", Value: strings.ToLower(l.UserType)},
		{Name: "isAdmin", Value: len(l.Roles) > 0},
		{Name: "isSsprRegistered", Value: l.reset.registered},
		{Name: "isSsprEnabled", Value: l.reset.enabled},
		{Name: "isSsprCapable", Value: l.reset.capable},
		{Name: "isMfaRegistered", Value: l.MFARegistered},
		{Name: "isMfaCapable", Value: l.MFACapable},
		{Name: "isPasswordlessCapable", Value: l.PasswordlessCapable},
		{Name: unreadable, Value: l.Unreadable(), OnSelect: true},
		{Name: "methodsRegistered", Value: l.names},
		{Name: "isSystemPreferredAuthenticationMethodEnabled", Value: l.strongest},
		{Name: "systemPreferredAuthenticationMethods", Value: l.preferred},
		{Name: "userPreferredMethodForSecondaryAuthentication", Value: l.second},
		{Name: "lastUpdatedDateTime", Value: odata.Time(at)},
		{Name: "postern_isPhishingResistant", Value: l.PhishingResistant, OnSelect: true},
	}
}

// listRegistrations serves GET /reports/authenticationMethods/userRegistrationDetails.
// https://learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails
func (a *API) listRegistrations(c *call) error {
	w, lines, err := a.wishForLines(c)
	if err != nil {
		return err
	}
	rules, err := a.policies(c)
	if err != nil {
		return err
	}
	var found []registered
	position := w.after
	for looked, more := 0, true; more; {
		if len(lines) > 0 && looked >= lookedAt {
			return a.writeLines(c, w, found, position)
		}
		limit := method.MostAtOnce
		if len(lines) == 0 {
			limit = min(limit, w.options.Top-len(found))
		}
		var users []directory.User
		var positions [][]any
		if users, positions, more, err = a.Store.UsersAt(c.ctx(), c.tenant.ID, w.match, w.order, position, limit); err != nil {
			return err
		}
		all, err := a.registrationsOf(c, rules, users)
		if err != nil {
			return err
		}
		for i, l := range all {
			looked++
			position = positions[i]
			if slices.ContainsFunc(lines, func(b filter.Bound) bool { return !filter.Eval(b, l.object()) }) {
				continue
			}
			if found = append(found, l); len(found) == w.options.Top && (more || i < len(all)-1) {
				return a.writeLines(c, w, found, position)
			}
		}
	}
	return a.writeLines(c, w, found, nil)
}

// wishForLines reads the query; the bounds that it returns are for the lines themselves.
func (a *API) wishForLines(c *call) (w wish, lines []filter.Bound, err error) {
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{
		Properties: names(registered{}.resource(time.Time{})), DefaultTop: usualPage, MaxTop: largestPage, Filter: true, OrderBy: true,
	}); err != nil {
		return w, nil, err
	}
	text := w.options.Filter
	w.options.Filter = ""
	if _, err = w.bind(peopleSchema); err != nil {
		return w, nil, err
	}
	w.options.Filter = text
	if w.match, lines, err = split(text); err != nil {
		return w, nil, err
	}
	err = a.openCursor(c, &w)
	return w, lines, err
}

func (a *API) writeLines(c *call, w wish, found []registered, position []any) error {
	now := a.Now()
	return writeList(a, c, w, "reports/authenticationMethods/userRegistrationDetails", found, position, nil,
		func(l registered) odata.Entity { return l.resource(now) })
}

// getRegistration serves GET /reports/authenticationMethods/userRegistrationDetails/{id}.
func (a *API) getRegistration(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: names(registered{}.resource(time.Time{}))})
	if err != nil {
		return err
	}
	rules, err := a.policies(c)
	if err != nil {
		return err
	}
	lines, err := a.registrationsOf(c, rules, []directory.User{c.user})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("reports/authenticationMethods/userRegistrationDetails", options.Select),
		lines[0].resource(a.Now()).Select(options.Select))
}
