package graphsdk

import (
	"errors"
	"slices"
	"testing"

	msgraph "github.com/microsoftgraph/msgraph-sdk-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
)

// place makes a named location.
func place(t *testing.T, client *msgraph.GraphServiceClient) models.NamedLocationable {
	t.Helper()
	office, network := models.NewIpNamedLocation(), models.NewIPv4CidrRange()
	network.SetCidrAddress(new("203.0.113.0/24"))
	office.SetOdataType(new("#microsoft.graph.ipNamedLocation")) // Graph wants it; the SDK does not set it
	office.SetDisplayName(new("SDK office"))
	office.SetIsTrusted(new(true))
	office.SetIpRanges([]models.IpRangeable{network})
	made, err := client.Identity().ConditionalAccess().NamedLocations().Post(t.Context(), office, nil)
	if err != nil {
		t.Fatal(err)
	}
	if typed, ok := made.(models.IpNamedLocationable); !ok || len(typed.GetIpRanges()) != 1 {
		t.Errorf("the place is a %T", made)
	}
	return made
}

// strength makes an authentication strength of keys and passes.
func strength(t *testing.T, client *msgraph.GraphServiceClient) models.AuthenticationStrengthPolicyable {
	t.Helper()
	keys := models.NewAuthenticationStrengthPolicy()
	keys.SetDisplayName(new("SDK keys"))
	keys.SetAllowedCombinations([]models.AuthenticationMethodModes{models.FIDO2_AUTHENTICATIONMETHODMODES, models.TEMPORARYACCESSPASSONETIME_AUTHENTICATIONMETHODMODES})
	made, err := client.Policies().AuthenticationStrengthPolicies().Post(t.Context(), keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.GetAllowedCombinations()) != 2 || *made.GetPolicyType() != models.CUSTOM_AUTHENTICATIONSTRENGTHPOLICYTYPE {
		t.Errorf("the strength has %v", made.GetAllowedCombinations())
	}
	return made
}

func TestGraphSDKMakesARuleOfConditionalAccess(t *testing.T) {
	client, _ := connect(t)
	office, keys := place(t, client), strength(t, client)
	root := client.Identity().ConditionalAccess()

	conditions, people, apps, places := models.NewConditionalAccessConditionSet(), models.NewConditionalAccessUsers(), models.NewConditionalAccessApplications(), models.NewConditionalAccessLocations()
	people.SetIncludeUsers([]string{"All"})
	apps.SetIncludeApplications([]string{"All"})
	places.SetIncludeLocations([]string{"All"})
	places.SetExcludeLocations([]string{*office.GetId()})
	conditions.SetUsers(people)
	conditions.SetApplications(apps)
	conditions.SetLocations(places)
	conditions.SetClientAppTypes([]models.ConditionalAccessClientApp{models.ALL_CONDITIONALACCESSCLIENTAPP})
	grant, named := models.NewConditionalAccessGrantControls(), models.NewAuthenticationStrengthPolicy()
	named.SetId(keys.GetId())
	grant.SetOperator(new("OR"))
	grant.SetAuthenticationStrength(named)
	often, session := models.NewSignInFrequencySessionControl(), models.NewConditionalAccessSessionControls()
	often.SetIsEnabled(new(true))
	often.SetValue(new(int32(4)))
	often.SetTypeEscaped(new(models.HOURS_SIGNINFREQUENCYTYPE))
	session.SetSignInFrequency(often)
	rule := models.NewConditionalAccessPolicy()
	rule.SetDisplayName(new("SDK away from the office"))
	rule.SetState(new(models.ENABLEDFORREPORTINGBUTNOTENFORCED_CONDITIONALACCESSPOLICYSTATE))
	rule.SetConditions(conditions)
	rule.SetGrantControls(grant)
	rule.SetSessionControls(session)
	made, err := root.Policies().Post(t.Context(), rule, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := root.Policies().ByConditionalAccessPolicyId(*made.GetId())
	read, err := one.Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *read.GetGrantControls().GetAuthenticationStrength().GetDisplayName() != "SDK keys" || *read.GetSessionControls().GetSignInFrequency().GetValue() != 4 ||
		!slices.Equal(read.GetConditions().GetLocations().GetExcludeLocations(), []string{*office.GetId()}) {
		t.Errorf("the rule was read as another")
	}
	change := models.NewConditionalAccessPolicy()
	change.SetState(new(models.DISABLED_CONDITIONALACCESSPOLICYSTATE))
	if _, err := one.Patch(t.Context(), change, nil); err != nil {
		t.Fatal(err)
	}
	if read, err = one.Get(t.Context(), nil); err != nil || *read.GetState() != models.DISABLED_CONDITIONALACCESSPOLICYSTATE {
		t.Errorf("changed: %v, %v", read.GetState(), err)
	}
	where := root.NamedLocations().ByNamedLocationId(*office.GetId())
	if told, ok := errors.AsType[*odataerrors.ODataError](where.Delete(t.Context(), nil)); !ok || told.ResponseStatusCode != 409 {
		t.Errorf("a place that a rule names: %v", told)
	}
	if err := errors.Join(one.Delete(t.Context(), nil), where.Delete(t.Context(), nil),
		client.Policies().AuthenticationStrengthPolicies().ByAuthenticationStrengthPolicyId(*keys.GetId()).Delete(t.Context(), nil)); err != nil {
		t.Error(err)
	}
}

func TestGraphSDKReadsWhatConditionalAccessComesWith(t *testing.T) {
	client, _ := connect(t)
	root := client.Identity().ConditionalAccess()
	templates, err := root.Templates().Get(t.Context(), nil)
	if err != nil || len(templates.GetValue()) == 0 || templates.GetValue()[0].GetDetails().GetConditions() == nil {
		t.Errorf("templates: %v, %v", templates, err)
	}
	strengths, err := root.AuthenticationStrength().Policies().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, one := range strengths.GetValue() {
		ids[*one.GetId()] = true
	}
	for _, builtIn := range []string{"00000000-0000-0000-0000-000000000002", "00000000-0000-0000-0000-000000000003", "00000000-0000-0000-0000-000000000004"} {
		if !ids[builtIn] {
			t.Errorf("no strength %s", builtIn)
		}
	}
	if contexts, err := root.AuthenticationContextClassReferences().Get(t.Context(), nil); err != nil {
		t.Errorf("contexts: %v, %v", contexts, err)
	}
}

func TestGraphSDKReadsFederations(t *testing.T) {
	client, of := connect(t)
	domain, err := client.Domains().ByDomainId(of.Domain).Get(t.Context(), nil)
	if err != nil || *domain.GetAuthenticationType() != "Managed" {
		t.Fatalf("the domain: %v, %v", domain, err)
	}
	all, err := client.Domains().ByDomainId(of.Domain).FederationConfiguration().Get(t.Context(), nil)
	if err != nil || len(all.GetValue()) != 0 {
		t.Errorf("federations: %v, %v", all, err)
	}
	// An application may not federate a domain by its permission alone where no role stands behind it.
	c := models.NewInternalDomainFederation()
	c.SetDisplayName(new("Upstream"))
	c.SetIssuerUri(new("https://id.example/metadata"))
	c.SetPassiveSignInUri(new("http://id.example/sso")) // not https
	c.SetPreferredAuthenticationProtocol(new(models.SAML_AUTHENTICATIONPROTOCOL))
	_, err = client.Domains().ByDomainId(of.Domain).FederationConfiguration().Post(t.Context(), c, nil)
	if _, ok := errors.AsType[*odataerrors.ODataError](err); !ok {
		t.Errorf("refused as %v", err)
	}
}
