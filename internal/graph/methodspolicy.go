package graph

import (
	"encoding/json"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/tap"
)

const (
	passConfigurationType = "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration"
	passConfigurationID   = "TemporaryAccessPass"
)

// ErrConfigurationUnknown says that there is no such method.
var ErrConfigurationUnknown = &fault.Error{
	Kind: fault.NotFound, Code: "methodUnknown",
	Text: "There is no such authentication method.", Remedy: "TemporaryAccessPass is there.",
}

// getMethodsPolicy serves GET /policies/authenticationMethodsPolicy.
// https://learn.microsoft.com/graph/api/authenticationmethodspolicy-get
func (a *API) getMethodsPolicy(c *call) error {
	p, err := a.Store.PassPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Collection("authenticationMethodsPolicy", nil), odata.Entity{
		{Name: "id", Value: "authenticationMethodsPolicy"},
		{Name: "displayName", Value: "Authentication Methods Policy"},
		{Name: "description", Value: "The methods that people of this tenant may use to sign in, and for whom."},
		{Name: "lastModifiedDateTime", Value: odata.Time(p.ModifiedAt)},
		{Name: "policyVersion", Value: "1.5"},
		{Name: "policyMigrationState", Value: "migrationComplete"},
		{Name: "authenticationMethodConfigurations", Value: []odata.Entity{passConfiguration(p).Select(nil)}},
	})
}

// listConfigurations serves GET …/authenticationMethodConfigurations.
func (a *API) listConfigurations(c *call) error {
	p, err := a.Store.PassPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	return odata.WritePage(c.w, odata.Page[odata.Entity]{
		Context: a.root(c).Collection("policies/authenticationMethodsPolicy/authenticationMethodConfigurations", nil),
		Value:   []odata.Entity{passConfiguration(p).Select(nil)},
	})
}

// getConfiguration serves GET …/authenticationMethodConfigurations/{method}.
func (a *API) getConfiguration(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: passConfiguration(tap.Policy{}).Names()})
	if err != nil {
		return err
	}
	p, err := a.passPolicy(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("authenticationMethodConfigurations", options.Select), passConfiguration(p).Select(options.Select))
}

// passPolicy returns the policy of passes if the path names it, in any case.
func (a *API) passPolicy(c *call) (tap.Policy, error) {
	key, err := odata.ParseKey(c.r.PathValue("method"))
	if err != nil {
		return tap.Policy{}, err
	}
	if !strings.EqualFold(key.Value, passConfigurationID) {
		return tap.Policy{}, ErrConfigurationUnknown
	}
	return a.Store.PassPolicy(c.ctx(), c.tenant.ID)
}

// patchConfiguration serves PATCH …/authenticationMethodConfigurations/{method}. Members
// that are not sent keep their value; the whole is checked before anything is saved.
// https://learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethodconfiguration-update
func (a *API) patchConfiguration(c *call) error {
	old, err := a.passPolicy(c)
	if err != nil {
		return err
	}
	p := old
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	for _, readOnly := range []string{"id", "includeTargets@odata.context"} {
		_ = body.Raw(readOnly)
	}
	body.String("state", &p.State)
	body.Int("defaultLifetimeInMinutes", &p.DefaultLifetime)
	body.Int("minimumLifetimeInMinutes", &p.MinimumLifetime)
	body.Int("maximumLifetimeInMinutes", &p.MaximumLifetime)
	body.Int("defaultLength", &p.DefaultLength)
	body.Bool("isUsableOnce", &p.UsableOnce)
	body.Bool("postern_hideIssuer", &p.HideIssuer)
	body.Bool("postern_notifyPerson", &p.NotifyPerson)
	body.Int("postern_registrationWindowInMinutes", &p.RegistrationWindow)
	p.Include = targets(body, "includeTargets", p.Include)
	p.Exclude = targets(body, "excludeTargets", p.Exclude)
	if err := body.Done(); err != nil {
		return err
	}
	return a.savePolicy(c, old, p, audit.MethodsPolicyUpdate)
}

func targets(body *odata.Object, name string, old []tap.Target) []tap.Target {
	if !body.Has(name) {
		return old
	}
	all := []tap.Target{}
	for _, one := range body.Objects(name) {
		t := tap.Target{TargetType: "group"}
		one.String("targetType", &t.TargetType)
		one.String("id", &t.ID)
		one.Bool("isRegistrationRequired", &t.IsRegistrationRequired)
		all = append(all, t)
	}
	return all
}

// resetConfiguration serves DELETE …/authenticationMethodConfigurations/{method}: the
// policy goes back to what a new tenant has.
func (a *API) resetConfiguration(c *call) error {
	old, err := a.passPolicy(c)
	if err != nil {
		return err
	}
	p := tap.DefaultPolicy()
	p.Version = old.Version
	return a.savePolicy(c, old, p, audit.MethodsPolicyReset)
}

func (a *API) savePolicy(c *call, old, p tap.Policy, activity string) error {
	if err := p.Check(); err != nil {
		return err
	}
	p.ModifiedAt = a.Now()
	before, err := json.Marshal(old)
	if err != nil {
		return err
	}
	after, err := json.Marshal(p)
	if err != nil {
		return err
	}
	e := a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryApplicationManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{
			ID: passConfigurationID, Type: audit.TargetPolicy, DisplayName: passConfigurationID,
			Modified: []audit.ModifiedProperty{{DisplayName: "Policy", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	if err := a.Store.SavePassPolicy(c.ctx(), c.tenant.ID, p, e); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// passConfiguration is the policy as Graph shows it, and on $select what Postern adds: its own
// settings, and how long guessing takes.
func passConfiguration(p tap.Policy) odata.Entity {
	guess := tap.Guessing(p.DefaultLength)
	return odata.Entity{
		{Name: "@odata.type", Value: passConfigurationType},
		{Name: "id", Value: passConfigurationID},
		{Name: "state", Value: p.State},
		{Name: "defaultLifetimeInMinutes", Value: p.DefaultLifetime},
		{Name: "minimumLifetimeInMinutes", Value: p.MinimumLifetime},
		{Name: "maximumLifetimeInMinutes", Value: p.MaximumLifetime},
		{Name: "defaultLength", Value: p.DefaultLength},
		{Name: "isUsableOnce", Value: p.UsableOnce},
		{Name: "includeTargets", Value: targetResources(p.Include, true)},
		{Name: "excludeTargets", Value: targetResources(p.Exclude, false)},
		{Name: "postern_hideIssuer", Value: p.HideIssuer, OnSelect: true},
		{Name: "postern_notifyPerson", Value: p.NotifyPerson, OnSelect: true},
		{Name: "postern_registrationWindowInMinutes", Value: p.RegistrationWindow, OnSelect: true},
		{Name: "postern_entropyBits", Value: guess.Bits, OnSelect: true},
		{Name: "postern_guessesPerDay", Value: guess.PerDay, OnSelect: true},
		{Name: "postern_yearsToGuess", Value: guess.Years, OnSelect: true},
	}
}

func targetResources(targets []tap.Target, registration bool) []odata.Entity {
	all := []odata.Entity{}
	for _, t := range targets {
		e := odata.Entity{{Name: "id", Value: t.ID}, {Name: "targetType", Value: t.TargetType}}
		if registration {
			e = append(e, odata.Property{Name: "isRegistrationRequired", Value: t.IsRegistrationRequired})
		}
		all = append(all, e)
	}
	return all
}
