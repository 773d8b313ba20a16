package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent/accounts"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/agent/machine"
	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/agent/policy"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/attestation"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// Join is what a device joins with. Server, UPN and SignIn are required.
type Join struct {
	Server      string
	UPN         string          // who joins it; the domain names the tenant
	Type        device.JoinType // empty is joined
	DisplayName string          // empty is the host's name
	Domain      string          // directory domain of a hybrid-joined device
	// SignIn signs the person in, by one of the ways in this package.
	SignIn SignIn
	// Tell says what happens, one sentence at a time; nil tells nobody.
	Tell func(string)
}

// SignIn is a way to sign in who joins; what of it may be gone on with is kept in the CutOff.
type SignIn func(context.Context, *link.Link, device.About, *CutOff) (websignin.Person, error)

// Faults of joining.
var (
	ErrUPN = &fault.Error{
		Kind: fault.Invalid, Code: "joinName",
		Text: "A name to join with looks like mira@contoso.example.", Remedy: "Write it with --upn.",
	}
	ErrPerson = &fault.Error{
		Kind: fault.Unauthorized, Code: "joinPerson",
		Text: "Somebody else signed in than the person who is to join this device.", Remedy: "Sign in as the person named with --upn.",
	}
	ErrCertificate = &fault.Error{
		Kind: fault.Unavailable, Code: "joinCertificate",
		Text: "The server's certificate for this device is not one for its key.", Remedy: "Try again; if it stays so, tell the helpdesk.",
	}
)

// Join joins the device. Cut off at any point and done again, it goes on with the same key,
// and the server answers with the same device.
func (a *Agent) Join(ctx context.Context, j Join) error {
	a.work.Lock()
	defer a.work.Unlock()
	if j.Tell == nil {
		j.Tell = func(string) {}
	}
	if j.Type == "" {
		j.Type = device.Joined
	}
	j.Server = server(j.Server)
	_, domain, ok := strings.Cut(j.UPN, "@")
	if !ok || domain == "" {
		return ErrUPN
	}
	former, err := identity.Load(a.files)
	if err == nil && former.State == identity.Joined && former.Server != j.Server {
		return ErrJoined.With("", "This device has joined "+former.Tenant.DisplayName+" at "+former.Server+" already.")
	}
	client, err := a.options.client(a.options.CA)
	if err != nil {
		return err
	}
	about, err := link.Discover(ctx, client, j.Server, domain)
	if err != nil {
		return err
	}
	a.release() // the TPM may take one user at a time
	defer a.load()
	chip, err := openTPM(a.options.TPM, "")
	if err != nil {
		return err
	}
	if chip != nil {
		defer func() { _ = chip.Close() }() // what it made is in its own keeping
	} else {
		j.Tell("This device has no TPM, or does without: its key is in a file.")
	}
	i, err := a.begin(former, chip, j, about)
	if err != nil {
		return err
	}
	key, err := i.Signer(chip)
	if err != nil {
		return err
	}
	l := &link.Link{Base: j.Server, Tenant: about.TenantID, HTTP: client, Key: key, Now: a.options.Now, Patience: a.options.Patience}
	kept := &CutOff{a.files, a.options.Now}
	p, err := j.SignIn(ctx, l, about, kept)
	if err != nil {
		return err
	}
	if !strings.EqualFold(p.UPN, j.UPN) {
		return ErrPerson
	}
	if err := a.enter(ctx, j, i, chip, l, p); err != nil {
		return err
	}
	_ = kept.drop() // else it ends by itself
	return nil
}

// release closes the device, so that another one can take its place.
func (a *Agent) release() {
	a.mu.Lock()
	d := a.device
	a.device = nil
	a.mu.Unlock()
	if d != nil {
		d.close()
	}
}

// begin returns the identity that joins: the former one where its key still works, with a
// fresh key else. It is on the disk before the server hears of it.
func (a *Agent) begin(former identity.Identity, chip *tpm.TPM, j Join, about device.About) (identity.Identity, error) {
	if former.Server == j.Server && former.Tenant.TenantID == about.TenantID && works(former, chip) {
		return former, nil
	}
	i := identity.Identity{State: identity.Joining, Server: j.Server, CA: a.options.CA, Tenant: about}
	if err := i.NewKey(chip); err != nil {
		return i, err
	}
	return i, identity.Save(a.files, i)
}

// works reports whether the key of i signs, here and now.
func works(i identity.Identity, chip *tpm.TPM) bool {
	if i.Storage == "" || i.Storage == device.Software && chip != nil {
		return false
	}
	key, err := i.Signer(chip)
	if err != nil {
		return false
	}
	_, err = device.SignJWT(key, map[string]any{}, map[string]any{})
	return err == nil
}

// enter asks the server for a place and keeps what it answers. The identity is written last,
// so that a device which is joined has all that it needs.
func (a *Agent) enter(ctx context.Context, j Join, i identity.Identity, chip *tpm.TPM, l *link.Link, p websignin.Person) error {
	in := device.JoinRequest{JoinType: j.Type, DisplayName: j.DisplayName, Domain: j.Domain, Storage: i.Storage}
	here := machine.Read()
	if in.DisplayName == "" {
		in.DisplayName = here.Name
	}
	in.OperatingSystem, in.OperatingSystemVersion = here.System, here.Release
	in.Manufacturer, in.Model = here.Maker, here.Model
	if chip != nil {
		j.Tell("Asking the TPM to vouch for the device's key.")
		var err error
		if in.Attestation, err = attest(ctx, i, chip, l, p.Access); err != nil {
			return err
		}
	}
	out, err := l.Join(ctx, p.Access, in)
	if err != nil {
		return err
	}
	if err := certifies(out.Certificate, i, chip); err != nil {
		return err
	}
	i.JoinType, i.DeviceID, i.ObjectID, i.DisplayName = j.Type, out.DeviceID, out.ObjectID, in.DisplayName
	i.Tenant, i.Certificate, i.RenewAt, i.Attested = out.Tenant, out.Certificate, out.RenewAt, out.Attested
	if out.Approval == string(directory.Pending) {
		j.Tell(directory.ErrDevicePending.Error())
		i.Ended = directory.ErrDevicePending.Code
	} else {
		i.Ended = ""
	}
	i.PolicyKeys, i.JoinedAt, i.CA = out.PolicyKeys, a.options.Now(), a.options.CA
	if err := a.keep(i, chip, out); err != nil {
		return err
	}
	i.State = identity.Joined
	return identity.Save(a.files, i)
}

// attest has the TPM say that the device's key lives in it.
func attest(ctx context.Context, i identity.Identity, chip *tpm.TPM, l *link.Link, access graphclient.Secret) (*device.Attestation, error) {
	e, err := chip.Endorsement()
	if err != nil {
		return nil, err
	}
	evidence := attestation.Evidence{
		EndorsementPublic: e.Public, EndorsementCertificate: e.Certificate, AttestationPublic: i.Attestation.Public,
	}
	challenge, err := l.Attestation(ctx, access, evidence)
	if err != nil {
		return nil, err
	}
	secret, err := chip.Activate(i.Attestation, challenge.Blob, challenge.Secret)
	if err != nil {
		return nil, err
	}
	about := sha256.Sum256([]byte(challenge.Token))
	info, signature, err := chip.CertifyKey(i.Attestation, i.Key, about[:])
	if err != nil {
		return nil, err
	}
	return &device.Attestation{
		Evidence: evidence, Token: challenge.Token, Secret: secret,
		Key: attestation.Statement{Public: i.Key.Public, CertifyInfo: info, Signature: signature},
	}, nil
}

// certifies reports whether chain is for the key of i.
func certifies(chain []string, i identity.Identity, chip *tpm.TPM) error {
	key, err := i.Signer(chip)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		return ErrCertificate
	}
	block, _ := pem.Decode([]byte(chain[0]))
	if block == nil {
		return ErrCertificate
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return ErrCertificate
	}
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok || !public.Equal(leaf.PublicKey) {
		return ErrCertificate
	}
	return nil
}

// keep writes the policy, the accounts and the time of the join.
func (a *Agent) keep(i identity.Identity, chip *tpm.TPM, out device.JoinAnswer) error {
	d := &Device{options: a.options, files: a.files, chip: chip, identity: i}
	var err error
	if d.Policy, err = policy.Open(a.files, d.want(), i.PolicyKeys); err != nil && !errors.Is(err, policy.ErrNone) && !errors.Is(err, policy.ErrUntrusted) {
		return err
	}
	if _, err := d.Policy.Take(device.PolicyAnswer{Policy: out.Policy, PolicyKeys: out.PolicyKeys}, ""); err != nil {
		return err
	}
	pins, err := a.Names()
	if err != nil {
		return err
	}
	if d.Accounts, err = accounts.Open(a.files, pins); err != nil {
		return err
	}
	for _, one := range out.Accounts {
		_, err := d.Accounts.Put(one)
		if errors.Is(err, names.ErrPinned) { // the device joins; who has no name on it says so at their sign-in
			a.options.Log.Warn("account refused", "account", one.ID, "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return d.note(d.Policy.SignedAt())
}

// WithPass signs in with a name and a pass, without a browser. One that was cut off, here or in
// a process before, goes on when the same pass is typed again within ten minutes.
func WithPass(name string, pass graphclient.Secret) SignIn {
	return func(ctx context.Context, l *link.Link, about device.About, kept *CutOff) (websignin.Person, error) {
		if r := kept.take(name, pass, l, about); r != nil {
			p, err := patiently(ctx, l, r, name, pass)
			if websignin.Wrong(err) {
				err = errors.Join(err, kept.drop())
			}
			if !websignin.Gone(err) {
				return p, err
			}
		}
		r, err := websignin.Start(ctx, l, about, "http://localhost", websignin.Hint{Name: name}, "")
		if err != nil {
			return websignin.Person{}, err
		}
		r.Keep = func(k websignin.Kept) error { return kept.keep(name, pass, about, k) }
		p, err := patiently(ctx, l, r, name, pass)
		if websignin.Wrong(err) {
			err = errors.Join(err, kept.drop())
		}
		return p, err
	}
}

// patiently types the pass until it is known what came of it.
func patiently(ctx context.Context, l *link.Link, r *websignin.Request, name string, pass graphclient.Secret) (websignin.Person, error) {
	for end := time.Now().Add(l.Patience); ; {
		p, err := r.Pass(ctx, name, pass)
		if !websignin.Lost(err) || !r.Typed() || ctx.Err() != nil || time.Now().After(end) {
			return p, err
		}
	}
}

// WithCode signs in on another device; show tells where, and with which code, and is called
// again once there is a number.
func WithCode(show func(*websignin.Code)) SignIn {
	return func(ctx context.Context, l *link.Link, about device.About, _ *CutOff) (websignin.Person, error) {
		c, err := websignin.StartCode(ctx, l, about)
		if err != nil {
			return websignin.Person{}, err
		}
		c.OnNumber = func() { show(c) }
		show(c)
		return c.Wait(ctx)
	}
}

// WithBrowser signs in with the browser of this machine, which comes back to an address of
// its own; show opens it at a URL.
func WithBrowser(name string, show func(url string)) SignIn {
	return func(ctx context.Context, l *link.Link, about device.About, _ *CutOff) (websignin.Person, error) {
		ctx, cancel := context.WithTimeout(ctx, browserTime)
		defer cancel()
		return websignin.Browser(ctx, l, about, name, show)
	}
}

// browserTime is the patience with a person at the browser.
const browserTime = 15 * time.Minute
