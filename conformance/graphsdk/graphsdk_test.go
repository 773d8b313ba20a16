// Package graphsdk runs Microsoft's full Graph SDK for Go against the built server, which
// scripts/conformance starts. It takes many minutes to compile, so that it is a module of
// its own and no part of make test.
package graphsdk

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msgraph "github.com/microsoftgraph/msgraph-sdk-go"
	msgraphcore "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// tenant is what `postern init` printed.
type tenant struct {
	ID           string `json:"tenantId"`
	Domain       string `json:"domain"`
	URL          string `json:"publicUrl"`
	ClientID     string `json:"clientId"` // an application with every Graph permission
	ClientSecret string `json:"clientSecret"`
}

// connect returns the SDK's client. Two settings differ from those for Microsoft's cloud:
// where tokens come from, and where Graph is. Valid hosts are names without a port.
func connect(t *testing.T) (*msgraph.GraphServiceClient, tenant) {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("POSTERN_CONFORMANCE"))
	if err != nil {
		t.Fatal("start the test by scripts/conformance, which starts the server: ", err)
	}
	var of tenant
	if err := json.Unmarshal(text, &of); err != nil {
		t.Fatal(err)
	}
	credential, err := azidentity.NewClientSecretCredential(of.ID, of.ClientID, of.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: of.URL}},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(of.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := msgraph.NewGraphServiceClientWithCredentialsAndHosts(credential, []string{"https://graph.microsoft.com/.default"}, []string{at.Hostname()})
	if err != nil {
		t.Fatal(err)
	}
	client.GetAdapter().SetBaseUrl(of.URL + "/v1.0")
	return client, of
}

func newUser(of tenant, nick string) models.Userable {
	user, password := models.NewUser(), models.NewPasswordProfile()
	password.SetPassword(new("not kept, but Graph wants one 7!"))
	user.SetAccountEnabled(new(true))
	user.SetDisplayName(new("Mira Okafor"))
	user.SetDepartment(new("SDK"))
	user.SetMailNickname(&nick)
	user.SetUserPrincipalName(new(nick + "@" + of.Domain))
	user.SetPasswordProfile(password)
	return user
}

func TestGraphSDKCreatesUsersAndTurnsPages(t *testing.T) {
	client, of := connect(t)
	var made, seen []string
	for _, nick := range []string{"sdk.one", "sdk.two", "sdk.three"} {
		user, err := client.Users().Post(t.Context(), newUser(of, nick), nil) // the body is compressed
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, *user.GetId())
	}
	page, err := client.Users().Get(t.Context(), &users.UsersRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.UsersRequestBuilderGetQueryParameters{
			Filter: new("department eq 'SDK'"), Top: new(int32(2)), Select: []string{"id", "displayName"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := msgraphcore.NewPageIterator[models.Userable](page, client.GetAdapter(), models.CreateUserCollectionResponseFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	if err := pages.Iterate(t.Context(), func(u models.Userable) bool {
		seen = append(seen, *u.GetId())
		return true
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(made)
	slices.Sort(seen)
	if !slices.Equal(made, seen) {
		t.Errorf("the pages have %v, want %v", seen, made)
	}
}

func TestGraphSDKIssuesAPass(t *testing.T) {
	client, of := connect(t)
	user, err := client.Users().Post(t.Context(), newUser(of, "sdk.pass"), nil)
	if err != nil {
		t.Fatal(err)
	}
	methods := client.Users().ByUserId(*user.GetUserPrincipalName()).Authentication()
	asked := models.NewTemporaryAccessPassAuthenticationMethod()
	asked.SetIsUsableOnce(new(true))
	asked.SetLifetimeInMinutes(new(int32(60)))
	pass, err := methods.TemporaryAccessPassMethods().Post(t.Context(), asked, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := pass.GetTemporaryAccessPass(); text == nil || *text == "" || !*pass.GetIsUsable() {
		t.Errorf("the pass is %v", text)
	}
	all, err := methods.Methods().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	found := all.GetValue()
	if len(found) != 1 {
		t.Fatalf("there are %d methods", len(found))
	}
	if _, ok := found[0].(models.TemporaryAccessPassAuthenticationMethodable); !ok {
		t.Errorf("the method is a %T", found[0])
	}
}

func TestGraphSDKReadsAndChangesThePolicy(t *testing.T) {
	client, _ := connect(t)
	policy := client.Policies().AuthenticationMethodsPolicy().AuthenticationMethodConfigurations().ByAuthenticationMethodConfigurationId("TemporaryAccessPass")
	change := models.NewTemporaryAccessPassAuthenticationMethodConfiguration()
	change.SetDefaultLength(new(int32(12)))
	if _, err := policy.Patch(t.Context(), change, nil); err != nil {
		t.Fatal(err)
	}
	now, err := policy.Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	typed, ok := now.(models.TemporaryAccessPassAuthenticationMethodConfigurationable)
	if !ok || *typed.GetDefaultLength() != 12 {
		t.Errorf("the policy is %T", now)
	}
}

func TestGraphSDKUnderstandsErrors(t *testing.T) {
	client, of := connect(t)
	_, err := client.Users().ByUserId("nobody@"+of.Domain).Get(t.Context(), nil)
	told, ok := errors.AsType[*odataerrors.ODataError](err)
	if !ok || *told.GetErrorEscaped().GetCode() != "Request_ResourceNotFound" || told.GetErrorEscaped().GetInnerError().GetRequestId() == nil {
		t.Errorf("got %v", err)
	}
}

func TestGraphSDKReadsEveryMethodsPolicyAndTheReports(t *testing.T) {
	client, of := connect(t)
	whole, err := client.Policies().AuthenticationMethodsPolicy().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, one := range whole.GetAuthenticationMethodConfigurations() {
		kinds[*one.GetOdataType()] = true
		switch *one.GetId() {
		case "Fido2":
			if _, ok := one.(models.Fido2AuthenticationMethodConfigurationable); !ok {
				t.Errorf("Fido2 is a %T", one)
			}
		case "MicrosoftAuthenticator":
			if _, ok := one.(models.MicrosoftAuthenticatorAuthenticationMethodConfigurationable); !ok {
				t.Errorf("MicrosoftAuthenticator is a %T", one)
			}
		}
	}
	if len(kinds) < 4 || whole.GetRegistrationEnforcement().GetAuthenticationMethodsRegistrationCampaign().GetState() == nil {
		t.Errorf("the policy has %v", kinds)
	}
	user, err := client.Users().Post(t.Context(), newUser(of, "sdk.report"), nil)
	if err != nil {
		t.Fatal(err)
	}
	reports := client.Reports().AuthenticationMethods()
	line, err := reports.UserRegistrationDetails().ByUserRegistrationDetailsId(*user.GetId()).Get(t.Context(), nil)
	if err != nil || *line.GetUserPrincipalName() != *user.GetUserPrincipalName() || *line.GetIsMfaCapable() || line.GetUserType() == nil {
		t.Errorf("the report says %v, %v", line, err)
	}
	counts, err := reports.UsersRegisteredByMethodWithIncludedUserTypesWithIncludedUserRoles(new("all"), new("all")).Get(t.Context(), nil)
	if err != nil || *counts.GetTotalUserCount() < 1 {
		t.Errorf("counted %v, %v", counts, err)
	}
	features, err := reports.UsersRegisteredByFeature().Get(t.Context(), nil)
	if err != nil || len(features.GetUserRegistrationFeatureCounts()) != 5 {
		t.Errorf("counted %v, %v", features, err)
	}
}
