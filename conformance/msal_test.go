package conformance

import (
	"context"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

var userScopes = []string{"User.Read"}

// newPublic returns MSAL for a program on a person's machine. Instance discovery would ask
// Microsoft whether the authority is one of theirs.
func newPublic(t *testing.T, clientID string) public.Client {
	t.Helper()
	client, err := public.New(clientID, public.WithAuthority(authority()), public.WithInstanceDiscovery(false))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newConfidential(t *testing.T, clientID string, credential confidential.Credential) confidential.Client {
	t.Helper()
	client, err := confidential.New(authority(), clientID, credential, confidential.WithInstanceDiscovery(false))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestMSALSignsInThroughALoopbackPort(t *testing.T) {
	t.Parallel()
	mira, b := newPerson(t), newBrowser(t)
	client := newPublic(t, developerCLI)
	result, err := client.AcquireTokenInteractive(t.Context(), userScopes, public.WithOpenURL(func(address string) error {
		if !strings.Contains(address, "response_mode=form_post") {
			t.Errorf("the library asks for %s", address)
		}
		go b.signIn(address, mira) // the library listens once this returns
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if want := mira.id + "." + tenant.ID; result.Account.HomeAccountID != want || result.Account.PreferredUsername != mira.name {
		t.Errorf("the account is %+v, want %s", result.Account, want)
	}
	isOwner(t, result.AccessToken, mira)

	silent, err := client.AcquireTokenSilent(t.Context(), userScopes, public.WithSilentAccount(result.Account))
	if err != nil || silent.AccessToken != result.AccessToken {
		t.Errorf("silently, another token or %v", err)
	}
	// A claims challenge goes past the cache, to the refresh token.
	challenged, err := client.AcquireTokenSilent(t.Context(), userScopes, public.WithSilentAccount(result.Account), public.WithClaims(`{"access_token":{"xms_cc":{"values":["CP1"]}}}`))
	if err != nil || challenged.AccessToken == result.AccessToken {
		t.Fatalf("after a challenge, the same token or %v", err)
	}
	isOwner(t, challenged.AccessToken, mira)

	mira.revoke(t)
	isDead(t, challenged.AccessToken)
	_, err = client.AcquireTokenSilent(t.Context(), userScopes, public.WithSilentAccount(result.Account), public.WithClaims(`{"access_token":{"xms_cc":{"values":["CP1"]}}}`))
	if err == nil || !strings.Contains(err.Error(), "AADSTS130507") {
		t.Errorf("without the pass, got %v", err)
	}
	logged(t, mira, 130507)
}

func TestMSALRedeemsACodeOnce(t *testing.T) {
	t.Parallel()
	mira, back := newPerson(t), newReceiver(t)
	app := newApplication(t, true, object{"web": object{"redirectUris": []string{back.url}}})
	secret, err := confidential.NewCredFromSecret(app.secret)
	if err != nil {
		t.Fatal(err)
	}
	client := newConfidential(t, app.id, secret)
	to, err := client.AuthCodeURL(t.Context(), app.id, back.url, userScopes)
	if err != nil {
		t.Fatal(err)
	}
	newBrowser(t).signIn(to, mira)
	code := (<-back.found).Get("code")
	result, err := client.AcquireTokenByAuthCode(t.Context(), code, back.url, userScopes)
	if err != nil {
		t.Fatal(err)
	}
	isOwner(t, result.AccessToken, mira)
	_, err = client.AcquireTokenByAuthCode(t.Context(), code, back.url, userScopes)
	if err == nil || !strings.Contains(err.Error(), "AADSTS54005") {
		t.Errorf("the second time, got %v", err)
	}
	isDead(t, result.AccessToken)
}

func TestMSALByCertificate(t *testing.T) {
	t.Parallel()
	app, good := newApplication(t, false, object{}), newCertificate(t)
	good.register(t, app)
	credential, err := confidential.NewCredFromCert([]*x509.Certificate{good.cert}, good.key)
	if err != nil {
		t.Fatal(err)
	}
	result, err := newConfidential(t, app.id, credential).AcquireTokenByCredential(t.Context(), []string{tenant.URL + "/.default"})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := call(t, result.AccessToken, http.MethodGet, "/users?$top=1", nil); status != http.StatusOK {
		t.Errorf("/users answers %d", status)
	}
}

func TestMSALByAnAssertionOfItsOwn(t *testing.T) {
	t.Parallel()
	app, good := newApplication(t, false, object{}), newCertificate(t)
	good.register(t, app)
	var assertion string
	credential := confidential.NewCredFromAssertionCallback(func(_ context.Context, o confidential.AssertionRequestOptions) (string, error) {
		if assertion == "" {
			assertion = good.sign(t, o.ClientID, o.TokenEndpoint)
		}
		return assertion, nil
	})
	scopes := []string{tenant.URL + "/.default"}
	if _, err := newConfidential(t, app.id, credential).AcquireTokenByCredential(t.Context(), scopes); err != nil {
		t.Fatal(err)
	}
	// A second client sends the same assertion again.
	if _, err := newConfidential(t, app.id, credential).AcquireTokenByCredential(t.Context(), scopes); err == nil || !strings.Contains(err.Error(), "AADSTS70002") {
		t.Errorf("an assertion is good twice: %v", err)
	}
}

func TestMSALPollsForADeviceCode(t *testing.T) {
	t.Parallel()
	mira, b := newPerson(t), newBrowser(t)
	client := newPublic(t, developerCLI)
	code, err := client.AcquireTokenByDeviceCode(t.Context(), userScopes)
	if err != nil {
		t.Fatal(err)
	}
	// The library polls much faster than it was told to, from the first moment on.
	type result struct {
		public.AuthResult
		err error
	}
	done := make(chan result, 1)
	go func() {
		got, err := code.AuthenticationResult(t.Context())
		done <- result{got, err}
	}()
	b.approve(code.Result.VerificationURL, code.Result.UserCode, mira)
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	isOwner(t, got.AccessToken, mira)
	fresh, err := client.AcquireTokenSilent(t.Context(), userScopes, public.WithSilentAccount(got.Account), public.WithClaims(`{"access_token":{"xms_cc":{"values":["CP1"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	isOwner(t, fresh.AccessToken, mira)
}
