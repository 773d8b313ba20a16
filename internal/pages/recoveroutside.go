package pages

import (
	"context"
	"net/http"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
	"github.com/postern-id/postern/internal/webhook"
)

// Hooks says who is told of what.
type Hooks interface {
	Webhooks(ctx context.Context, tenant directory.TenantID) ([]webhook.Webhook, error)
}

// asksOutside reports whether an identity-proofing service can be asked.
func (s *Site) asksOutside(ctx context.Context, v recovery.View) (bool, error) {
	if v.Policy.LevelOf(recovery.ProofExternal) == recovery.LevelNone || s.Hooks == nil {
		return false, nil
	}
	all, err := s.Hooks.Webhooks(ctx, v.Tenant)
	if err != nil {
		return false, err
	}
	for _, w := range all {
		if w.Wants(webhook.ProofAsked) {
			return true, nil
		}
	}
	return false, nil
}

// askOutside has an identity-proofing service find out who is there. It gets in touch with them
// itself; its answer comes to the server.
func (s *Site) askOutside(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if err := s.spend(r, c, "external"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	if there, err := s.asksOutside(r.Context(), v); err != nil || !there {
		return redirectUnless(w, r, err)
	}
	if isReal(v) && v.State.Waits() {
		holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
		if err != nil {
			return err
		}
		if _, err := s.Cases.AskExternal(r.Context(), s.ref(c.Tenant, c.Case), s.asker(r, holder)); err != nil && !isTold(err) {
			return err
		}
	}
	return redirect(w, r, casePath+"?said=external")
}

func redirectUnless(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return err
	}
	return redirect(w, r, casePath)
}
