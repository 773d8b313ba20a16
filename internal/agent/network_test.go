//go:build linux

package agent_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/graphclient"
)

func TestTheAgentUsesNoOtherNetworkThanItsOwn(t *testing.T) {
	w := newWorld(t)
	unplugged := true
	a := w.open(func(o *agent.Options) {
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if unplugged {
				return nil, errors.New("unplugged")
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	})
	if err := a.Join(t.Context(), w.request()); !errors.Is(err, graphclient.ErrUnreachable) {
		t.Errorf("joining without a network: %v", err)
	}
	unplugged = false
	if err := a.Join(t.Context(), w.request()); err != nil {
		t.Errorf("joining with one: %v", err)
	}
}
