package signed

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
)

// nonceSpan is how long one nonce is handed out; it and the one before are taken, so that a
// nonce is good for one to two spans.
const nonceSpan = time.Minute

// nonce returns the nonce of the span that at is in. Nothing is stored: it is a keyed hash
// of the span, the same on every replica.
func (s *Calls) nonce(ctx context.Context, tenant directory.TenantID, at time.Time) (string, error) {
	span := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/int64(nonceSpan/time.Second)))
	return s.Secrets.MAC(ctx, string(tenant), s.Who+" nonce "+s.Incarnation, span)
}

// verify checks the proof that came with c.
func (s *Calls) verify(c *Call) error {
	text, err := dpop.FromHeader(c.Request.Header.Values("DPoP"))
	if err != nil {
		return err
	}
	if text == "" {
		return dpop.ErrUseNonce
	}
	now := s.Now()
	want := dpop.Want{Method: c.Request.Method, URL: s.PublicURL + c.Request.URL.EscapedPath(), Now: now}
	for _, at := range []time.Time{now, now.Add(-nonceSpan)} {
		nonce, err := s.nonce(c.Context(), c.Tenant.ID, at)
		if err != nil {
			return err
		}
		want.Nonces = append(want.Nonces, nonce)
	}
	if s.Bind != nil {
		if err := s.Bind(c, &want); err != nil {
			return err
		}
	}
	c.Proof, err = device.Verify(text, want, c.Body)
	return err
}
