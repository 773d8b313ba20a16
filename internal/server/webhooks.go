package server

import (
	"math/rand/v2"

	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/outbound"
	"github.com/postern-id/postern/internal/webhook"
	"github.com/postern-id/postern/internal/webhook/sender"
)

// newSender makes every signed call of this server.
func (s *Server) newSender() webhook.Sender {
	return sender.Sender{Client: outbound.NewClient(s.options.Roots, s.options.LogoutNetworks, sender.Limit), Now: s.now, Log: s.options.Log}
}

// newWebhookWorker delivers to webhooks. It has hands of its own, so that receivers that are slow
// hold up nothing else.
func (s *Server) newWebhookWorker() *jobs.Worker {
	courier := &webhook.Courier{Queue: s.db, Sender: s.hooks, Secrets: s.ring, Now: s.now}
	return &jobs.Worker{Store: s.db, Now: s.now, Chance: rand.Float64, Log: s.options.Log, Kinds: []jobs.Kind{courier.Kind()}}
}
