package graph

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// The policy of what people may sign in with where, which Graph lacks.
const (
	signInPolicyName = "signInMethodsPolicy"
	allMethods       = "all"
)

// signInMethods are the names of methods in that policy: those of Graph's authentication
// strengths where there is one.
var signInMethods = map[string]signin.MethodID{
	"temporaryAccessPass": "accesspass", "fido2": "passkey", "microsoftAuthenticator": "authenticator",
	"softwareOath": "otc", "password": "password", "windowsHelloForBusiness": "hello",
	"federated": federated.MethodID,
}

// surfaceProperties are the properties with the methods of each surface.
var surfaceProperties = []struct {
	name string
	at   signin.Surface
}{
	{"browserMethods", signin.SurfaceBrowser},
	{"lockScreenMethods", signin.SurfaceLockScreen},
	{"consoleMethods", signin.SurfaceConsole},
	{"textConsoleMethods", signin.SurfaceTextConsole},
}

func signInPolicyResource(p signin.Policy, r method.Revision) odata.Entity {
	e := odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(r.Version)},
		{Name: "id", Value: signin.PolicyID},
		{Name: "displayName", Value: "Sign-in Methods Policy"},
		{Name: "description", Value: "Says which methods people may sign in with where, and which of them no restriction takes away."},
		{Name: "lastModifiedDateTime", Value: odata.Time(r.ModifiedAt)},
	}
	for _, one := range surfaceProperties {
		names := []string{allMethods}
		if only, restricted := p.Surfaces[one.at]; restricted {
			names = methodNames(only)
		}
		e = append(e, odata.Property{Name: one.name, Value: names})
	}
	return append(e, odata.Property{Name: "breakGlassMethods", Value: methodNames(p.BreakGlass)})
}

func methodNames(ids []signin.MethodID) []string {
	names := []string{}
	for name, id := range signInMethods {
		if slices.Contains(ids, id) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// signInPolicy returns the tenant's policy, the default where it said nothing.
func (a *API) signInPolicy(c *call) (signin.Policy, method.Revision, error) {
	p := signin.DefaultPolicy()
	r, err := a.Store.MethodPolicy(c.ctx(), c.tenant.ID, signin.PolicyID, &p)
	return p, r, err
}

// getSignInPolicy serves GET /postern/signInMethodsPolicy.
func (a *API) getSignInPolicy(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: names(signInPolicyResource(signin.Policy{}, method.Revision{}))})
	if err != nil {
		return err
	}
	p, r, err := a.signInPolicy(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/"+signInPolicyName, o.Select), signInPolicyResource(p, r).Select(o.Select))
}

// patchSignInPolicy serves PATCH /postern/signInMethodsPolicy: what is not sent stays.
func (a *API) patchSignInPolicy(c *call) error {
	p, from, err := a.signInPolicy(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(from.Version)); err != nil {
		return err
	}
	before, err := json.Marshal(p)
	if err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	for _, readOnly := range []string{"id", "displayName", "description", "lastModifiedDateTime"} {
		_ = body.Raw(readOnly)
	}
	insists := forced(c, body)
	for _, one := range surfaceProperties {
		ids, all, err := readMethods(body, one.name)
		switch {
		case err != nil:
			return err
		case all:
			delete(p.Surfaces, one.at)
		case ids != nil:
			p.Surfaces[one.at] = ids
		}
	}
	glass, all, err := readMethods(body, "breakGlassMethods")
	switch {
	case err != nil:
		return err
	case all:
		return signin.ErrPolicy.With("breakGlassMethods", "Name the methods that break the glass one by one.")
	case glass != nil:
		p.BreakGlass = glass
	}
	if err := body.Done(); err != nil {
		return err
	}
	methods, err := a.allPolicies(c)
	if err != nil {
		return err
	}
	if err := p.Check(shownWith(methods)); err != nil {
		return err
	}
	if err := a.keepsWaysBack(c, insists, func(r *rulebook) error { r.surfaces = p; return nil }); err != nil {
		return err
	}
	after, err := json.Marshal(p)
	if err != nil {
		return err
	}
	e := a.event(c, audit.Change{
		Activity: audit.UpdatePolicy, Category: audit.CategoryPolicy, Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{
			ID: signin.PolicyID, Type: audit.TargetPolicy, DisplayName: "Sign-in Methods Policy",
			Modified: []audit.ModifiedProperty{{DisplayName: "Policy", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	from.ModifiedAt = a.Now()
	if err := a.Store.SaveMethodPolicy(c.ctx(), c.tenant.ID, signin.PolicyID, from, p, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// readMethods reads the methods of a property: nil when it was not sent, or all.
func readMethods(body *odata.Object, property string) (ids []signin.MethodID, all bool, err error) {
	if !body.Has(property) {
		return nil, false, nil
	}
	var names []string
	body.Strings(property, &names)
	if slices.Equal(names, []string{allMethods}) {
		return nil, true, nil
	}
	ids = []signin.MethodID{}
	for _, name := range names {
		id, known := signInMethods[name]
		if !known {
			return nil, false, signin.ErrPolicy.With(property, property+" holds names such as temporaryAccessPass, fido2, microsoftAuthenticator, softwareOath, password, federated and windowsHelloForBusiness, or only all.")
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, false, nil
}

// onlyTyped are the methods that a text console can ask for.
var onlyTyped = []signin.MethodID{tap.MethodID, totp.MethodID, password.MethodID}

// shownWith returns what a proof by a method shows at a surface under the policies of the
// methods. A pass is always one: a bootstrap pass works although the policy is off.
func shownWith(all []kept) func(at signin.Surface, id signin.MethodID) signin.Yield {
	return func(at signin.Surface, id signin.MethodID) signin.Yield {
		if at == signin.SurfaceTextConsole && !slices.Contains(onlyTyped, id) {
			return signin.Yield{}
		}
		if id == hello.MethodID && at == signin.SurfaceLockScreen {
			return hello.Container{}.Proof(time.Time{}).Yield()
		}
		if id == federated.MethodID { // of a domain, and what it shows is the upstream's to say
			return signin.Yield{Factors: signin.Knowledge}
		}
		for _, k := range all {
			if k.method == id && (k.policy.shared().Enabled() || id == tap.MethodID) {
				return k.yield
			}
		}
		return signin.Yield{}
	}
}

// leavesAWayIn refuses a change of a method's policy after which nobody could sign in at a
// surface that is restricted.
func (a *API) leavesAWayIn(c *call, changed kept) error {
	p, _, err := a.signInPolicy(c)
	if err != nil || len(p.Surfaces) == 0 {
		return err
	}
	all, err := a.allPolicies(c)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].id == changed.id {
			all[i] = changed
		}
	}
	return p.Check(shownWith(all))
}
