package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// A Remote is the server that a command of another package asks.
type Remote struct{ env *env }

// NewRemote adds the flags that name a server to c.
func NewRemote(c *cobra.Command) Remote { return Remote{newEnv(c)} }

// SealedLog returns what reads pages of the sealed log, with the sign-in that all commands use.
func (r Remote) SealedLog() (func(ctx context.Context, from int64) ([]byte, error), error) {
	if err := r.env.open(); err != nil {
		return nil, err
	}
	return func(ctx context.Context, from int64) ([]byte, error) {
		page, err := r.env.graph.SealedLog(ctx, from)
		return page, r.env.ended(err)
	}, nil
}
