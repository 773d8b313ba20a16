package conformance

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// options are the setting that differs from those for Microsoft's cloud: where tokens come
// from. With it goes DisableInstanceDiscovery, without which the library asks Microsoft.
func options() azcore.ClientOptions {
	return azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: tenant.URL}}
}

// everything asks for all that an application may do at Graph, by the name that the Graph
// SDK uses.
var everything = policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}}

// certificate is one by which an application proves itself.
type certificate struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newCertificate(t *testing.T) certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "conformance"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{key, cert}
}

// register adds the certificate to an application and lets that read users.
func (c certificate) register(t *testing.T, app application) {
	t.Helper()
	graph(t, http.MethodPatch, "/applications/"+app.objectID, object{"keyCredentials": []object{{
		"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.StdEncoding.EncodeToString(c.cert.Raw),
	}}})
	resource := graph(t, http.MethodGet, "/servicePrincipals(appId='"+graphAppID+"')", nil)
	roles, _ := resource["appRoles"].([]any)
	for _, each := range roles {
		if role, _ := each.(map[string]any); role["value"] == "User.Read.All" {
			graph(t, http.MethodPost, "/servicePrincipals/"+app.principal+"/appRoleAssignments", object{
				"principalId": app.principal, "resourceId": resource.text("id"), "appRoleId": role["id"],
			})
			return
		}
	}
	t.Fatal("Graph offers no User.Read.All")
}

// fails checks that a credential was refused with an AADSTS code.
func fails(t *testing.T, err error, status, code int) {
	t.Helper()
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil || failed.RawResponse.StatusCode != status || !strings.Contains(err.Error(), fmt.Sprintf("AADSTS%d:", code)) {
		t.Errorf("got %v, want status %d and AADSTS%d", err, status, code)
	}
}

func TestAzidentityBySecret(t *testing.T) {
	t.Parallel()
	made := &azidentity.ClientSecretCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true}
	credential, err := azidentity.NewClientSecretCredential(tenant.ID, tenant.ClientID, tenant.ClientSecret, made)
	if err != nil {
		t.Fatal(err)
	}
	token, err := credential.GetToken(t.Context(), everything)
	if err != nil {
		t.Fatal(err)
	}
	claims := claimsOf(t, token.Token)
	if claims.text("appid") != tenant.ClientID || claims.text("idtyp") != "app" || claims.text("aud") != graphAppID {
		t.Errorf("the token says %v", claims)
	}
	if left := time.Until(token.ExpiresOn); left < 55*time.Minute || left > time.Hour {
		t.Errorf("it ends in %v", left)
	}
	if status, _ := call(t, token.Token, http.MethodGet, "/users?$top=1", nil); status != http.StatusOK {
		t.Errorf("/users answers %d", status)
	}

	wrong, err := azidentity.NewClientSecretCredential(tenant.ID, tenant.ClientID, "wrong", made)
	if err != nil {
		t.Fatal(err)
	}
	_, err = wrong.GetToken(t.Context(), everything)
	fails(t, err, http.StatusUnauthorized, 7000215)
}

func TestAzidentityAsksForLongLivedTokens(t *testing.T) {
	t.Parallel()
	credential, err := azidentity.NewClientSecretCredential(tenant.ID, tenant.ClientID, tenant.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	asked := everything
	asked.EnableCAE = true // sends the capability CP1 in the claims parameter
	if _, err := credential.GetToken(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
}

func TestAzidentityByCertificate(t *testing.T) {
	t.Parallel()
	app, good, other := newApplication(t, false, object{}), newCertificate(t), newCertificate(t)
	good.register(t, app)
	made := &azidentity.ClientCertificateCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true}
	by := func(c certificate) (azcore.AccessToken, error) {
		credential, err := azidentity.NewClientCertificateCredential(tenant.ID, app.id, []*x509.Certificate{c.cert}, crypto.PrivateKey(c.key), made)
		if err != nil {
			t.Fatal(err)
		}
		return credential.GetToken(t.Context(), everything)
	}
	token, err := by(good)
	if err != nil {
		t.Fatal(err)
	}
	claims := claimsOf(t, token.Token)
	roles, _ := claims["roles"].([]any)
	if claims.text("appidacr") != "2" || !slices.Contains(roles, any("User.Read.All")) {
		t.Errorf("the token says %v", claims)
	}
	_, err = by(other)
	fails(t, err, http.StatusUnauthorized, 700027)
}

// TestAzidentityThroughTheSystemsBrowser stands in for xdg-open, which the library starts.
func TestAzidentityThroughTheSystemsBrowser(t *testing.T) {
	mira, folder := newPerson(t), t.TempDir()
	pipe := filepath.Join(folder, "address")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nprintf %s \"$1\" >'" + pipe + "'\n"
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	credential, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: options(), DisableInstanceDiscovery: true, TenantID: tenant.ID,
	})
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		token azcore.AccessToken
		err   error
	}
	done := make(chan result, 1)
	go func() {
		token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/User.Read"}})
		done <- result{token, err}
	}()
	address, err := os.ReadFile(pipe)
	if err != nil {
		t.Fatal(err)
	}
	newBrowser(t).signIn(string(address), mira)
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	isOwner(t, got.token.Token, mira)
	if event := logged(t, mira, 0); event.text("appId") != developerCLI {
		t.Errorf("the log names %s", event.text("appId"))
	}
}

// TestAzidentityByDeviceCode names neither tenant nor client: the library takes
// organizations and developerCLI.
func TestAzidentityByDeviceCode(t *testing.T) {
	t.Parallel()
	mira, b := newPerson(t), newBrowser(t)
	credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options(), DisableInstanceDiscovery: true,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			b.approve(m.VerificationURL, m.UserCode, mira)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/User.Read"}})
	if err != nil {
		t.Fatal(err)
	}
	isOwner(t, token.Token, mira)
}

// sign makes a client assertion (RFC 7523) as a program does that keeps its key elsewhere.
func (c certificate) sign(t *testing.T, clientID, audience string) string {
	t.Helper()
	thumbprint := sha256.Sum256(c.cert.Raw)
	header := encode(t, object{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(thumbprint[:])})
	body := encode(t, object{
		"iss": clientID, "sub": clientID, "aud": audience, "jti": rand.Text(), "exp": time.Now().Add(5 * time.Minute).Unix(),
	})
	digest := sha256.Sum256([]byte(header + "." + body))
	signature, err := rsa.SignPSS(rand.Reader, c.key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		t.Fatal(err)
	}
	return header + "." + body + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encode(t *testing.T, o object) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
