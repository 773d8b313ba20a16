package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/webhook"
)

func (s *Server) newWorkflows() *lifecycle.Engine {
	return &lifecycle.Engine{
		Store: s.db, Directory: s.db, Registrations: s.db, Passes: s.passes, Box: s.box, Letters: workflowLetters{s},
		Hooks:    &workflowHooks{sender: s.hooks, secrets: s.ring},
		HandOver: s.sealForWorkflow, Now: s.now, Log: s.options.Log,
	}
}

// sealForWorkflow makes a hand-over that the workflow's own transaction keeps and its own mail tells of.
func (s *Server) sealForWorkflow(
	ctx context.Context, p tap.Pass, code tap.Passcode, owner, reader directory.User, run string,
) (link string, kept lifecycle.SealedPass, event audit.Event, err error) {
	held := &heldHandover{Store: s.db}
	service := s.handovers()
	service.Store = held
	service.Letters = func(_ context.Context, _ handover.Handover, secret string) ([]outbox.Item, error) {
		link = service.Link(secret)
		return nil, nil
	}
	_, err = service.Seal(ctx, handover.Order{
		Tenant: p.Tenant, Pass: p.ID, Owner: owner, Reader: reader, Until: p.End(), Lifetime: p.End().Sub(s.now()), By: lifecycle.Actor, CorrelationID: run,
	}, code.Reveal())
	return link, held.kept, held.event, err
}

// heldHandover takes a hand-over that another transaction keeps.
type heldHandover struct {
	handover.Store
	kept  lifecycle.SealedPass
	event audit.Event
}

// PutHandover implements handover.Store.
func (h *heldHandover) PutHandover(_ context.Context, o handover.Handover, sealed string, e audit.Event, _ ...outbox.Item) error {
	h.kept, h.event = lifecycle.SealedPass{Handover: o, Sealed: sealed}, e
	return nil
}

// workflowLetters writes the mail of workflows.
type workflowLetters struct{ s *Server }

// Language implements lifecycle.Letters.
func (workflowLetters) Language(preferred string) string { return pages.LanguageOf(preferred) }

// Day implements lifecycle.Letters.
func (workflowLetters) Day(lang string, zone *time.Location, at time.Time) string {
	return pages.Day(lang, zone, at)
}

// Moment implements lifecycle.Letters.
func (l workflowLetters) Moment(lang string, zone *time.Location, at time.Time) string {
	return l.s.view.Moment(lang, zone, at)
}

// Compose implements lifecycle.Letters.
func (l workflowLetters) Compose(tenant directory.Tenant, u directory.User, lang, subject string, paragraphs []letter.Paragraph) (outbox.Mail, error) {
	note, err := l.s.view.Note(lang, subject, paragraphs...)
	return mailTo(u, tenant, note), err
}

// workflowHooks calls custom task extensions as webhooks are: each call is signed under a key of the
// extension's own.
type workflowHooks struct {
	sender  webhook.Sender
	secrets interface {
		Derive(ctx context.Context, tenant, label string) ([]byte, error)
	}
}

// Call implements lifecycle.Hooks.
func (h *workflowHooks) Call(ctx context.Context, x lifecycle.Extension, c lifecycle.Call) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	key, err := h.secrets.Derive(ctx, string(x.Tenant), x.SecretLabel())
	if err != nil {
		return err
	}
	code, err := h.sender.Send(ctx, webhook.Request{ID: c.ID, URL: x.URL, Body: string(body), Keys: [][]byte{key}})
	switch {
	case err != nil:
		return fmt.Errorf("the extension can't be reached: %w", err)
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 500 && code != http.StatusRequestTimeout && code != http.StatusTooManyRequests:
		return fmt.Errorf("%w: it answered %d", jobs.ErrRefused, code)
	default:
		return fmt.Errorf("the extension answered %d", code)
	}
}
