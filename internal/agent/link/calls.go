package link

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern-id/postern/internal/attestation"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrVersion says that the server speaks another version of the protocol.
var ErrVersion = &fault.Error{
	Kind: fault.Unsupported, Code: "agentProtocolVersion",
	Text: "The server speaks another version of the device protocol.", Remedy: "Update the older one of the two.",
}

// Client returns an HTTP client that trusts the system's certificates and those in ca, which
// is PEM and may be empty.
func Client(ca []byte) (*http.Client, error) {
	if len(ca) == 0 {
		return graphclient.Trusting(nil), nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(ca) {
		return nil, ErrCA
	}
	return graphclient.Trusting(pool), nil
}

// ErrCA says that a CA to trust is no certificate.
var ErrCA = &fault.Error{
	Kind: fault.Invalid, Code: "agentCA",
	Text: "The CA to trust holds no certificate in PEM.", Remedy: "Take the server's tls/ca.pem.",
}

// Discover asks the server at base about the tenant that name, an id or a domain, stands for.
// It needs no key.
func Discover(ctx context.Context, client *http.Client, base, name string) (device.About, error) {
	var about device.About
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/device/v1/"+url.PathEscape(name), http.NoBody)
	if err != nil {
		return about, graphclient.ErrAddress
	}
	res, answer, err := graphclient.RoundTrip(client, r) //nolint:bodyclose // RoundTrip read and closed it
	if err != nil {
		return about, err
	}
	if res.StatusCode != http.StatusOK {
		return about, refusal(res, answer)
	}
	if json.Unmarshal(answer, &about) != nil || about.TenantID == "" {
		return about, graphclient.ErrAnswer.With("", "There is no server for devices at "+base+".")
	}
	if about.Version != device.Version {
		return about, ErrVersion
	}
	// Proofs name the server's own address (RFC 9449 section 4.3, check 9).
	if about.Issuer != base+"/"+about.TenantID+"/v2.0" {
		public := strings.TrimSuffix(about.Issuer, "/"+about.TenantID+"/v2.0")
		return about, graphclient.ErrAnswer.With("", fmt.Sprintf("The server at %s calls itself %s. Use that address.", base, public))
	}
	return about, nil
}

// Attestation asks for a challenge that only the TPM of e can open.
func (l *Link) Attestation(ctx context.Context, access graphclient.Secret, e attestation.Evidence) (device.AttestationAnswer, error) {
	var out device.AttestationAnswer
	err := l.call(ctx, request{method: http.MethodPost, path: "/attestation", access: access.Reveal()}, e, &out)
	return out, err
}

// Join asks for a place in the tenant. A second time it answers the same.
func (l *Link) Join(ctx context.Context, access graphclient.Secret, in device.JoinRequest) (device.JoinAnswer, error) {
	var out device.JoinAnswer
	err := l.call(ctx, request{method: http.MethodPost, path: "/join", access: access.Reveal()}, in, &out)
	return out, err
}

// Policy reads what holds on the device, with the settings of a person unless user is empty.
func (l *Link) Policy(ctx context.Context, user string) (device.PolicyAnswer, error) {
	var out device.PolicyAnswer
	r := request{method: http.MethodGet, path: "/policy"}
	if user != "" {
		r.query = url.Values{"user": {user}}
	}
	err := l.call(ctx, r, nil, &out)
	return out, err
}

// Renew asks for a new certificate.
func (l *Link) Renew(ctx context.Context) (device.RenewAnswer, error) {
	var out device.RenewAnswer
	err := l.call(ctx, request{method: http.MethodPost, path: "/renew"}, nil, &out)
	return out, err
}

// Leave has the server forget the device.
func (l *Link) Leave(ctx context.Context) error {
	return l.call(ctx, request{method: http.MethodPost, path: "/leave"}, nil, nil)
}

// Account reads a person by name, number or object id.
func (l *Link) Account(ctx context.Context, name string) (device.Account, error) {
	var out device.Account
	err := l.call(ctx, request{method: http.MethodGet, path: "/accounts/" + url.PathEscape(name)}, nil, &out)
	return out, err
}

// Group reads a group by number or object id.
func (l *Link) Group(ctx context.Context, name string) (device.AccountGroup, error) {
	var out device.AccountGroup
	err := l.call(ctx, request{method: http.MethodGet, path: "/groups/" + url.PathEscape(name)}, nil, &out)
	return out, err
}

// NewContainer asks for what a device PIN is made from.
func (l *Link) NewContainer(ctx context.Context, access graphclient.Secret) (device.ContainerAnswer, error) {
	var out device.ContainerAnswer
	err := l.call(ctx, request{method: http.MethodPost, path: "/containers", access: access.Reveal()}, nil, &out)
	return out, err
}

// RegisterKey has the server check and keep the key of a container.
func (l *Link) RegisterKey(ctx context.Context, access graphclient.Secret, container string, in device.KeyRequest) (device.KeyAnswer, error) {
	var out device.KeyAnswer
	r := request{method: http.MethodPut, path: "/containers/" + url.PathEscape(container) + "/key", access: access.Reveal()}
	err := l.call(ctx, r, in, &out)
	return out, err
}

// ResetPIN asks for one change of a forgotten PIN.
func (l *Link) ResetPIN(ctx context.Context, access graphclient.Secret, container string, in device.ResetRequest) (device.ResetAnswer, error) {
	var out device.ResetAnswer
	r := request{method: http.MethodPost, path: "/containers/" + url.PathEscape(container) + "/reset", access: access.Reveal()}
	err := l.call(ctx, r, in, &out)
	return out, err
}

// Trial asks for what the key on trial of a drill is made from.
func (l *Link) Trial(ctx context.Context, trial string) (device.ContainerAnswer, error) {
	var out device.ContainerAnswer
	err := l.call(ctx, request{method: http.MethodGet, path: "/trials/" + url.PathEscape(trial)}, nil, &out)
	return out, err
}

// EndTrial shows a key on trial, or says why there is none. It is sent once: the server takes one answer.
func (l *Link) EndTrial(ctx context.Context, trial string, in device.TrialRequest) (device.TrialAnswer, error) {
	var out device.TrialAnswer
	err := l.call(ctx, request{method: http.MethodPut, path: "/trials/" + url.PathEscape(trial), once: true}, in, &out)
	return out, err
}

// TryPIN has the server look at a PIN of a container without a TPM. It is sent once: it counts.
func (l *Link) TryPIN(ctx context.Context, container string, in device.TryRequest) (device.TryAnswer, error) {
	var out device.TryAnswer
	err := l.call(ctx, request{method: http.MethodPost, path: "/containers/" + url.PathEscape(container) + "/try", once: true}, in, &out)
	return out, err
}

// ReleasePIN asks for the recovery secret of a forgotten PIN of a container without a TPM.
func (l *Link) ReleasePIN(ctx context.Context, access graphclient.Secret, container string, in device.ReleaseRequest) (device.ReleaseAnswer, error) {
	var out device.ReleaseAnswer
	r := request{method: http.MethodPost, path: "/containers/" + url.PathEscape(container) + "/release", access: access.Reveal()}
	err := l.call(ctx, r, in, &out)
	return out, err
}

// Container asks whether the server knows a registered container of this device, and by which
// key.
func (l *Link) Container(ctx context.Context, container string) (device.KeyAnswer, error) {
	var out device.KeyAnswer
	err := l.call(ctx, request{method: http.MethodGet, path: "/containers/" + url.PathEscape(container)}, nil, &out)
	return out, err
}

// BeginRotation asks for what the key is made from that takes the place of a container's.
func (l *Link) BeginRotation(ctx context.Context, access graphclient.Secret, container string) (device.ContainerAnswer, error) {
	var out device.ContainerAnswer
	r := request{method: http.MethodPost, path: "/containers/" + url.PathEscape(container) + "/rotation", access: access.Reveal()}
	err := l.call(ctx, r, nil, &out)
	return out, err
}

// RotateKey has the server put a new key in the place of a container's.
func (l *Link) RotateKey(ctx context.Context, access graphclient.Secret, container string, in device.RotateRequest) (device.KeyAnswer, error) {
	var out device.KeyAnswer
	r := request{method: http.MethodPut, path: "/containers/" + url.PathEscape(container) + "/rotation", access: access.Reveal()}
	err := l.call(ctx, r, in, &out)
	return out, err
}

// RemoveContainer has the server forget a container.
func (l *Link) RemoveContainer(ctx context.Context, container string) error {
	return l.call(ctx, request{method: http.MethodDelete, path: "/containers/" + url.PathEscape(container)}, nil, nil)
}

// Form sends a form to one of the tenant's OAuth endpoints, such as token, and decodes the
// answer into out. It is sent once: a code is good for one use.
func (l *Link) Form(ctx context.Context, endpoint string, form url.Values, out any) error {
	r := request{
		method: http.MethodPost, path: "/" + url.PathEscape(l.Tenant) + "/oauth2/v2.0/" + endpoint,
		body: []byte(form.Encode()), kind: "application/x-www-form-urlencoded", once: true,
	}
	answer, err := l.proved(ctx, r)
	if err != nil {
		return err
	}
	if json.Unmarshal(answer, out) != nil {
		return graphclient.ErrAnswer.With("", "The answer of "+l.Base+" is not that of a sign-in server.")
	}
	return nil
}

// AADSTS returns Entra's number of the failure with which an OAuth endpoint refused, or 0.
func AADSTS(err error) int {
	if r, ok := errors.AsType[*Refused](err); ok {
		return r.Fault.AADSTS
	}
	return 0
}

// OAuthCode returns the code, such as invalid_grant, with which an OAuth endpoint refused;
// empty for any other error.
func OAuthCode(err error) string {
	if r, ok := errors.AsType[*Refused](err); ok && errors.Is(r.Fault, ErrRefused) {
		return r.Fault.Target
	}
	return ""
}

// Status tells the server how the device is.
func (l *Link) Status(ctx context.Context, in device.Status) error {
	return l.call(ctx, request{method: http.MethodPost, path: "/status"}, in, nil)
}

// Elevations tells the server of administrator rights that this device gave.
func (l *Link) Elevations(ctx context.Context, in device.Elevations) error {
	return l.call(ctx, request{method: http.MethodPost, path: "/elevations"}, in, nil)
}

// SignIn is one step of a sign-in without a browser. It is sent once: it spends passes.
func (l *Link) SignIn(ctx context.Context, in device.SignInRequest) (device.SignInAnswer, error) {
	var out device.SignInAnswer
	err := l.call(ctx, request{method: http.MethodPost, path: "/signin", once: true}, in, &out)
	return out, err
}
