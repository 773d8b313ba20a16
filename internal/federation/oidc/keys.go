package oidc

import (
	"context"

	"github.com/coreos/go-oidc/v3/oidc"
)

// A keySet reads the keys of an upstream anew for a token that those which are known don't verify. The
// library's set does so, too, but while it reads keys already, or has only just, it answers with what
// that reading found: a key that came since would be refused.
type keySet struct {
	known oidc.KeySet
	anew  func() oidc.KeySet
}

// VerifySignature implements [oidc.KeySet].
func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.known.VerifySignature(ctx, jwt)
	if err != nil && ctx.Err() == nil {
		payload, err = k.anew().VerifySignature(ctx, jwt)
	}
	return payload, err
}
