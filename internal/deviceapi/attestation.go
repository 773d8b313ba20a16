package deviceapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/attestation"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
)

// attestationLifetime is how long a device may take to open its challenge.
const attestationLifetime = 5 * time.Minute

// attestation serves POST /device/v1/{tenant}/attestation: a challenge that only the TPM of
// the evidence can open. Nothing is stored: the secret inside is a keyed hash over the token,
// the evidence and the device's key.
func (a *API) attestation(c *call) (int, any, error) {
	var e attestation.Evidence
	if err := c.Read(&e); err != nil {
		return 0, nil, err
	}
	token := binary.BigEndian.AppendUint64(nil, uint64(a.Now().Unix()))
	random := make([]byte, 16)
	if _, err := io.ReadFull(a.Rand, random); err != nil {
		return 0, nil, err
	}
	text := encode(append(token, random...))
	secret, err := a.attestationSecret(c.Context(), c.Tenant.ID, text, c.Proof.Thumbprint, e)
	if err != nil {
		return 0, nil, err
	}
	_, challenge, err := attestation.New(bytes.NewReader(secret), e)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, device.AttestationAnswer{Token: text, Challenge: challenge}, nil
}

func (a *API) attestationSecret(ctx context.Context, tenant directory.TenantID, token, thumbprint string, e attestation.Evidence) ([]byte, error) {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(token), []byte(thumbprint), e.EndorsementPublic, e.EndorsementCertificate, e.AttestationPublic} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	text, err := a.Secrets.MAC(ctx, string(tenant), "device attestation "+a.Incarnation, h.Sum(nil))
	if err != nil {
		return nil, err
	}
	return base64.RawURLEncoding.DecodeString(text)
}

// attested notes in d what the TPM proves. Unless somebody among Roots certifies the TPM, its
// statements stand for themselves and d is not attested.
func (a *API) attested(c *call, d *directory.Device, in device.Attestation) error {
	ctx, now := c.Context(), a.Now()
	raw, err := base64.RawURLEncoding.DecodeString(in.Token)
	if err != nil || len(raw) != 24 {
		return attestation.ErrEvidence.With("token", "")
	}
	drawn := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	if drawn.After(now.Add(time.Minute)) || now.Sub(drawn) > attestationLifetime {
		return attestation.ErrEvidence.With("token", "The challenge is too old. Ask for another one.")
	}
	want, err := a.attestationSecret(ctx, c.Tenant.ID, in.Token, c.Proof.Thumbprint, in.Evidence)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, in.Secret) != 1 {
		return attestation.ErrEvidence.With("secret", "The TPM did not open the challenge.")
	}
	speaks, err := attestation.Key(in.Evidence)
	if err != nil {
		return err
	}
	about := sha256.Sum256([]byte(in.Token))
	key, err := attestation.CheckKey(speaks, about[:], in.Key)
	if err != nil {
		return err
	}
	thumbprint, err := device.Thumbprint(key)
	if err != nil {
		return err
	}
	if thumbprint != c.Proof.Thumbprint {
		return attestation.ErrEvidence.With("key", "The TPM speaks of another key than the one that proves this request.")
	}
	machine := sha256.Sum256(in.EndorsementPublic)
	d.Machine = encode(machine[:])
	if d.AttestationKey, err = x509.MarshalPKIXPublicKey(speaks); err != nil {
		return err
	}
	d.Attested = attestation.Trusted(in.Evidence, a.Roots, now) == nil
	return nil
}
