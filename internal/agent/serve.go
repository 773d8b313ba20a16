package agent

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/postern-id/postern/internal/agent/control"
)

// A Front serves people or programs until ctx ends: PAM, NSS, the lock screen.
type Front func(ctx context.Context, a *Agent) error

// Serve runs the agent and fronts until ctx ends or SIGTERM or SIGINT comes. A front that
// fails ends them all.
func (a *Agent) Serve(ctx context.Context, fronts ...Front) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	all := append([]Front{serveControl, func(ctx context.Context, a *Agent) error { return a.Run(ctx) }}, fronts...)
	ended := make(chan error, len(all))
	for _, one := range all {
		go func() { ended <- one(ctx, a) }()
	}
	var first error
	for range all {
		if err := <-ended; err != nil && first == nil && ctx.Err() == nil {
			first = err
			cancel(err)
		}
	}
	return first
}

// serveControl answers the commands of postern-agent.
func serveControl(ctx context.Context, a *Agent) error {
	return control.Serve(ctx, a.options.State, map[string]control.Call{
		"status": func(context.Context) (any, error) {
			s := a.Status()
			s.Running = true
			return s, nil
		},
		"doctor":  func(ctx context.Context) (any, error) { return a.Doctor(ctx), nil },
		"repair":  func(ctx context.Context) (any, error) { return a.Repair(ctx) },
		"leave":   func(ctx context.Context) (any, error) { return nil, a.Leave(ctx, false) },
		"forget":  func(ctx context.Context) (any, error) { return nil, a.Leave(ctx, true) },
		"yield":   func(context.Context) (any, error) { return nil, a.Yield() },
		"resume":  func(context.Context) (any, error) { return nil, a.Resume() },
		"contact": func(ctx context.Context) (any, error) { return nil, a.Contact(ctx) },
	}, a.options.Log)
}
