package tpm

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/postern-id/postern/internal/pinkey"
)

// NewPINKey makes the key of a container with the auth value that its PIN becomes, and has
// the attestation key certify its birth for the server's challenge.
func (t *TPM) NewPINKey(policy pinkey.Policy, auth []byte, attestation Key, challenge []byte) (Key, pinkey.Creation, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, born, err := t.create(pinkey.Template(policy), auth)
	if err != nil {
		return Key{}, pinkey.Creation{}, err
	}
	info, signature, err := t.certifyCreation(attestation, k, born, challenge)
	return k, pinkey.Creation{Public: k.Public, CertifyInfo: info, Signature: signature}, err
}

// ChangePIN gives k a new auth value by the old one and returns it newly wrapped; whoever
// keeps the former wrapping can still use the former PIN with it, so it is destroyed.
func (t *TPM) ChangePIN(k Key, policy pinkey.Policy, former, auth []byte) (Key, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, err := t.load(k)
	if err != nil {
		return Key{}, err
	}
	defer t.flush(key.Handle)
	session := tpm2.Policy(tpm2.TPMAlgSHA256, 16, func(conn transport.TPM, handle tpm2.TPMISHPolicy, _ tpm2.TPM2BNonce) error {
		return run(
			do(tpm2.PolicyAuthValue{PolicySession: handle}.Execute(conn)),
			do(tpm2.PolicyCommandCode{PolicySession: handle, Code: tpm2.TPMCCObjectChangeAuth}.Execute(conn)),
			do(tpm2.PolicyOr{PolicySession: handle, PHashList: policy.Branches()}.Execute(conn)),
		)
	}, tpm2.Auth(former))
	return t.changeAuth(k, key, session, auth)
}

// do drops the answer of a command that has only an error.
func do[R any](_ *R, err error) error { return err }

func run(errs ...error) error { return errors.Join(errs...) }

func (t *TPM) changeAuth(k Key, key tpm2.NamedHandle, session tpm2.Session, auth []byte) (Key, error) {
	// The new auth value travels in a session of its own: in the policy session the TPM would
	// take the former one, which is not known here, into the key of the encryption.
	changed, err := tpm2.ObjectChangeAuth{
		ObjectHandle: tpm2.AuthHandle{Handle: key.Handle, Name: key.Name, Auth: session},
		ParentHandle: t.srk,
		NewAuth:      tpm2.TPM2BAuth{Buffer: auth},
	}.Execute(t.conn, t.encrypted(false))
	if err != nil {
		return Key{}, fmt.Errorf("change a PIN: %w", told(err))
	}
	return Key{Public: k.Public, Private: changed.OutPrivate.Buffer}, nil
}

// A Reset is a change of a forgotten PIN under way. It holds a session of the TPM; Close it.
type Reset struct {
	t       *TPM
	session tpm2.Session
	close   func() error
	// Nonce is what the server has to sign over; it is good for one change.
	Nonce []byte
}

// StartReset draws a nonce for the change of a forgotten PIN.
func (t *TPM) StartReset() (*Reset, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	session, closeIt, err := tpm2.PolicySession(t.conn, tpm2.TPMAlgSHA256, 16)
	if err != nil {
		return nil, fmt.Errorf("begin a reset: %w", told(err))
	}
	return &Reset{t: t, session: session, close: closeIt, Nonce: session.NonceTPM().Buffer}, nil
}

// Close lets the session go.
func (r *Reset) Close() error {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	return r.close()
}

// Finish changes the PIN of k, the key of c, by the signature that reset made over the nonce
// for lifetime.
func (r *Reset) Finish(k Key, c pinkey.Container, reset *ecdsa.PublicKey, signature tpm2.TPMTSignature, lifetime time.Duration, auth []byte) (Key, error) {
	t := r.t
	t.mu.Lock()
	defer t.mu.Unlock()
	policy, err := pinkey.NewPolicy(c, reset)
	if err != nil {
		return Key{}, err
	}
	if err := r.authorise(c, policy, reset, signature, lifetime); err != nil {
		return Key{}, err
	}
	key, err := t.load(k)
	if err != nil {
		return Key{}, err
	}
	defer t.flush(key.Handle)
	return t.changeAuth(k, key, r.session, auth)
}

func (r *Reset) authorise(c pinkey.Container, policy pinkey.Policy, reset *ecdsa.PublicKey, signature tpm2.TPMTSignature, lifetime time.Duration) error {
	public, err := pinkey.ResetPublic(reset)
	if err != nil {
		return err
	}
	loaded, err := tpm2.LoadExternal{InPublic: tpm2.New2B(public), Hierarchy: tpm2.TPMRHNull}.Execute(r.t.conn)
	if err != nil {
		return fmt.Errorf("load the reset key: %w", told(err))
	}
	defer r.t.flush(loaded.ObjectHandle)
	handle := r.session.Handle()
	if _, err := (tpm2.PolicySigned{
		AuthObject:    tpm2.NamedHandle{Handle: loaded.ObjectHandle, Name: loaded.Name},
		PolicySession: handle, NonceTPM: tpm2.TPM2BNonce{Buffer: r.Nonce},
		PolicyRef: tpm2.TPM2BNonce{Buffer: c.Ref()}, Expiration: int32(lifetime / time.Second), Auth: signature,
	}).Execute(r.t.conn); err != nil {
		return fmt.Errorf("show the server's signature: %w", told(err))
	}
	return run(
		do(tpm2.PolicyCommandCode{PolicySession: handle, Code: tpm2.TPMCCObjectChangeAuth}.Execute(r.t.conn)),
		do(tpm2.PolicyOr{PolicySession: handle, PHashList: policy.Branches()}.Execute(r.t.conn)),
	)
}
