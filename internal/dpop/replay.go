package dpop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"
)

// Replay remembers what may be used once only.
type Replay interface {
	// Seen remembers id, which belongs to kind and tenant, at least until the given time,
	// and reports whether it is new. Of any number of concurrent calls, on any number of
	// replicas, one is told that it is. An error means that nobody can tell.
	Seen(ctx context.Context, tenant, kind, id string, until time.Time) (fresh bool, err error)
}

// Once returns nil the first time that tenant sees p, and ErrInvalid from then on
// (RFC 9449 section 11.1). Any other error means that p could not be remembered, and
// that it must not be accepted. The id is remembered together with the key, so that
// nobody can use up somebody else's.
func Once(ctx context.Context, r Replay, tenant string, p Proof) error {
	id := sha256.Sum256([]byte(p.Thumbprint + "." + p.ID))
	// MaxAhead more than Verify accepts it, for a replica whose clock is behind.
	until := p.IssuedAt.Add(MaxAge + MaxAhead)
	fresh, err := r.Seen(ctx, tenant, "dpop", base64.RawURLEncoding.EncodeToString(id[:]), until)
	if err != nil {
		return fmt.Errorf("remember a DPoP proof: %w", err)
	}
	if !fresh {
		return ErrInvalid.With("", "This DPoP proof was used before.")
	}
	return nil
}
