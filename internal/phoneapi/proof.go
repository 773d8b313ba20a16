package phoneapi

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// nonceSpan is how long one nonce is handed out; it and the one before are taken.
const nonceSpan = time.Minute

// nonce returns the nonce of the span that at is in: a keyed hash, the same on every replica.
func (a *API) nonce(ctx context.Context, tenant directory.TenantID, at time.Time) (string, error) {
	span := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/int64(nonceSpan/time.Second)))
	return a.Secrets.MAC(ctx, string(tenant), "phone nonce "+a.Incarnation, span)
}

// prove checks the proof that came with c, finds the phone that made it, and sees to it that
// nobody uses the proof again.
func (a *API) prove(c *call) error {
	ctx, now := c.ctx(), a.Now()
	text, err := dpop.FromHeader(c.r.Header.Values("DPoP"))
	if err != nil {
		return err
	}
	if text == "" {
		return dpop.ErrUseNonce
	}
	want := dpop.Want{Method: c.r.Method, URL: a.PublicURL + c.r.URL.EscapedPath(), Now: now}
	for _, at := range []time.Time{now, now.Add(-nonceSpan)} {
		nonce, err := a.nonce(ctx, c.tenant.ID, at)
		if err != nil {
			return err
		}
		want.Nonces = append(want.Nonces, nonce)
	}
	if c.proof, err = device.Verify(text, want, c.body); err != nil {
		return err
	}
	c.phone, c.user, err = a.Phones.Phone(ctx, c.tenant.ID, c.proof.Thumbprint)
	switch {
	case errors.Is(err, authenticator.ErrUnknown): // a key of nobody: each of its proofs costs a row
		if err := a.SignIn.Admit(ctx, place(c)); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		c.known = true
	}
	return dpop.Once(ctx, a.Store, string(c.tenant.ID), c.proof)
}

func place(c *call) signin.Place {
	f := request.From(c.ctx())
	return signin.Place{Address: f.Address, UserAgent: f.UserAgent}
}
