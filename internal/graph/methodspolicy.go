package graph

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// A methodPolicy is the policy of one method as this package shows and takes it: a pointer to
// a struct in which what the store keeps is embedded, so that both have the same JSON.
type methodPolicy interface {
	// Check reports the first rule that the whole breaks.
	Check() error
	// shared is who may use the method.
	shared() *method.Targets
	// own are the properties that only this method has.
	own() odata.Entity
	// read takes those of them that PATCH changes; what is not sent stays as it is.
	read(body *odata.Object)
}

// A methodConfiguration is one of Graph's authenticationMethodConfigurations. To add a method's,
// write a file like passpolicy.go and its line below: all else (routes, targets, reset,
// events, versions, the list) is done here for every one.
type methodConfiguration struct {
	id    string // Graph's, which is also the policy's id in the store
	kind  string // of @odata.type, without what all have in common
	fresh func() methodPolicy
	modes bool // targets have an authenticationMode
	// method is signin's name of it, and yield the most that a proof by it shows.
	method signin.MethodID
	yield  signin.Yield
}

var methodConfigurations = []methodConfiguration{
	{id: passkey.PolicyID, kind: "fido2", fresh: freshPasskeyPolicy, method: passkey.MethodID, yield: passkey.Method{}.Yield()},
	{id: passConfigurationID, kind: "temporaryAccessPass", fresh: freshPassPolicy, method: tap.MethodID, yield: tap.Method{}.Yield()},
	{id: authenticator.PolicyID, kind: "microsoftAuthenticator", fresh: freshPhonePolicy, modes: true, method: authenticator.MethodID, yield: authenticator.Method{}.Yield()},
	{id: totp.PolicyID, kind: "softwareOath", fresh: freshCodePolicy, method: totp.MethodID, yield: totp.Method{}.Yield()},
	{id: password.PolicyID, kind: "password", fresh: freshPasswordPolicy, method: password.MethodID, yield: password.Method{}.Yield()},
}

// absent are the methods that Graph knows and Postern has not. They are not listed: what is
// not there can be neither on nor off.
var absent = []string{"Sms", "Voice", "Email", "X509Certificate", "HardwareOath", "QRCodePin", "VerifiableCredentials"}

// Faults of configurations.
var (
	ErrConfigurationUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "methodUnknown",
		Text: "There is no such authentication method.", Remedy: "The list of authenticationMethodConfigurations has those that are there.",
	}
	ErrConfigurationAbsent = &fault.Error{
		Kind: fault.Unsupported, Code: "methodAbsent",
		Text: "Postern does not have this method, so nobody can sign in with it.", Remedy: "Leave it out, or enable another method instead.",
	}
)

// A kept policy is one as it was read from the store.
type kept struct {
	methodConfiguration
	policy   methodPolicy
	revision method.Revision
}

func (a *API) policyOf(c *call, one methodConfiguration) (kept, error) {
	k := kept{methodConfiguration: one, policy: one.fresh()}
	var err error
	k.revision, err = a.Store.MethodPolicy(c.ctx(), c.tenant.ID, one.id, k.policy)
	return k, err
}

// tag is what If-Match is compared with.
func (k kept) tag() string { return odata.ETag(k.revision.Version) }

// resource is k as Graph shows it; the type comes first among its properties.
func (k kept) resource() odata.Entity {
	t := k.policy.shared()
	e := odata.Entity{
		{Name: odata.TagName, Value: k.tag()},
		{Name: "@odata.type", Value: "#microsoft.graph." + k.kind + "AuthenticationMethodConfiguration"},
		{Name: "id", Value: k.id},
		{Name: "state", Value: t.State},
	}
	return append(append(e, k.policy.own()...),
		odata.Property{Name: "includeTargets", Value: k.targetResources(t.Include, true)},
		odata.Property{Name: "excludeTargets", Value: k.targetResources(t.Exclude, false)},
	)
}

func (k kept) targetResources(targets []method.Target, included bool) []odata.Entity {
	all := []odata.Entity{}
	for _, t := range targets {
		e := odata.Entity{{Name: "id", Value: t.ID}, {Name: "targetType", Value: t.TargetType}}
		if included {
			e = append(e, odata.Property{Name: "isRegistrationRequired", Value: t.IsRegistrationRequired})
		}
		if included && k.modes {
			e = append(e, odata.Property{Name: "authenticationMode", Value: t.AuthenticationMode})
		}
		all = append(all, e)
	}
	return all
}

func (a *API) allPolicies(c *call) ([]kept, error) {
	var all []kept
	for _, one := range methodConfigurations {
		k, err := a.policyOf(c, one)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// listConfigurations serves GET …/authenticationMethodConfigurations.
func (a *API) listConfigurations(c *call) error {
	all, err := a.allPolicies(c)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{
		Context: a.root(c).Collection("policies/authenticationMethodsPolicy/authenticationMethodConfigurations", nil),
	}
	for _, k := range all {
		page.Value = append(page.Value, k.resource().Select(nil))
	}
	return odata.WritePage(c.w, page)
}

// getConfiguration serves GET …/authenticationMethodConfigurations/{method}.
func (a *API) getConfiguration(c *call) error {
	k, err := a.namedPolicy(c)
	if err != nil {
		return err
	}
	resource := k.resource()
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: resource.Names()})
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("authenticationMethodConfigurations", options.Select), resource.Select(options.Select))
}

// namedPolicy returns the policy that the path names, in any case.
func (a *API) namedPolicy(c *call) (kept, error) {
	key, err := odata.ParseKey(c.r.PathValue("method"))
	if err != nil {
		return kept{}, err
	}
	for _, one := range methodConfigurations {
		if strings.EqualFold(key.Value, one.id) {
			return a.policyOf(c, one)
		}
	}
	for _, id := range absent {
		if strings.EqualFold(key.Value, id) && c.r.Method == "PATCH" {
			return kept{}, ErrConfigurationAbsent
		}
	}
	return kept{}, ErrConfigurationUnknown
}

// patchConfiguration serves PATCH …/authenticationMethodConfigurations/{method}. Members
// that are not sent keep their value; the whole is checked before anything is saved.
// https://learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethodconfiguration-update
func (a *API) patchConfiguration(c *call) error {
	k, err := a.namedPolicy(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, k.tag()); err != nil {
		return err
	}
	before, err := json.Marshal(k.policy)
	if err != nil {
		return err
	}
	known := k.refs()
	if err := k.readBody(c); err != nil {
		return err
	}
	if err := a.checkPolicy(c, k, known); err != nil {
		return err
	}
	if err := a.keepsWaysBack(c, c.force || !k.mayTake(before), withMethod(k)); err != nil {
		return err
	}
	return a.savePolicy(c, k, before, audit.MethodsPolicyUpdate)
}

// refs are the groups that the policy names.
func (k kept) refs() []directory.Ref {
	t := k.policy.shared()
	return slices.Concat(refsOf(t.Include), refsOf(t.Exclude))
}

// readBody takes what is sent of the policy.
func (k kept) readBody(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	_ = body.Raw("id") // SDKs send back what they read
	_ = forced(c, body)
	k.read(body)
	return body.Done()
}

// read takes what body says of the policy.
func (k kept) read(body *odata.Object) {
	t := k.policy.shared()
	body.String("state", &t.State)
	k.policy.read(body)
	t.Include = k.targets(body, "includeTargets", t.Include)
	t.Exclude = k.targets(body, "excludeTargets", t.Exclude)
}

// checkPolicy reports the first rule that the policy breaks; known are the groups that it named
// before it was changed.
func (a *API) checkPolicy(c *call, k kept, known []directory.Ref) error {
	if err := k.policy.Check(); err != nil {
		return err
	}
	if err := a.newTargets(c, known, k.refs()); err != nil {
		return err
	}
	return a.leavesAWayIn(c, k)
}

func (k kept) targets(body *odata.Object, name string, old []method.Target) []method.Target {
	if !body.Has(name) {
		return old
	}
	all := []method.Target{}
	for _, one := range body.Objects(name) {
		t := method.Target{TargetType: "group"}
		one.String("targetType", &t.TargetType)
		one.String("id", &t.ID)
		t.ID = lowerID(t.ID)
		one.Bool("isRegistrationRequired", &t.IsRegistrationRequired)
		if k.modes {
			one.String("authenticationMode", &t.AuthenticationMode)
		}
		all = append(all, t)
	}
	return all
}

// resetConfiguration serves DELETE …/authenticationMethodConfigurations/{method}: the
// policy goes back to what a new tenant has.
func (a *API) resetConfiguration(c *call) error {
	k, err := a.namedPolicy(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, k.tag()); err != nil {
		return err
	}
	before, err := json.Marshal(k.policy)
	if err != nil {
		return err
	}
	k.policy = k.fresh()
	if err := a.leavesAWayIn(c, k); err != nil {
		return err
	}
	c.force = strings.EqualFold(c.r.Header.Get(forceHeader), "true")
	if err := a.keepsWaysBack(c, c.force, withMethod(k)); err != nil {
		return err
	}
	return a.savePolicy(c, k, before, audit.MethodsPolicyReset)
}

func (a *API) savePolicy(c *call, k kept, before []byte, activity string) error {
	after, err := json.Marshal(k.policy)
	if err != nil {
		return err
	}
	var details []audit.KeyValue
	if c.force {
		details = []audit.KeyValue{{Key: "postern_force", Value: "true"}}
	}
	e := a.event(c, audit.Change{
		Details:  details,
		Activity: activity, Category: audit.CategoryApplicationManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{
			ID: k.id, Type: audit.TargetPolicy, DisplayName: k.id,
			Modified: []audit.ModifiedProperty{{DisplayName: "Policy", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	k.revision.ModifiedAt = a.Now()
	if err := a.Store.SaveMethodPolicy(c.ctx(), c.tenant.ID, k.id, k.revision, k.policy, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}
