package graph

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/webhook"
)

const webhookSet = "postern/webhooks"

// webhookRoutes are where events are sent.
func webhookRoutes() []route {
	const (
		all  = "/postern/webhooks"
		one  = all + "/{id}"
		sent = one + "/deliveries"
	)
	read := func(path string, serve func(*API, *call) error) route {
		return route{"GET " + path, odata.Policies, directory.ReadWebhooks, nil, serve}
	}
	write := func(pattern string, serve func(*API, *call) error) route {
		return route{pattern, odata.Policies, directory.WriteWebhooks, nil, serve}
	}
	return []route{
		read(all, (*API).listWebhooks),
		write("POST "+all, (*API).createWebhook),
		read(one, (*API).getWebhook),
		write("PATCH "+one, (*API).patchWebhook),
		write("DELETE "+one, (*API).deleteWebhook),
		write("POST "+one+"/rotateSecret", (*API).rotateWebhook),
		write("POST "+one+"/test", (*API).testWebhook),
		read(sent, (*API).listDeliveries),
		read(sent+"/{delivery}", (*API).getDelivery),
		write("POST "+sent+"/{delivery}/sendAgain", (*API).sendAgain),
	}
}

// webhookResource is w without its secret.
func webhookResource(w webhook.Webhook) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(w.Stamp)},
		{Name: "id", Value: w.ID},
		{Name: "displayName", Value: w.DisplayName},
		{Name: "url", Value: w.URL},
		{Name: "events", Value: texts(w.Events)},
		{Name: "isEnabled", Value: w.Enabled},
		{Name: "failedInARow", Value: w.Failures},
		{Name: "pausedUntilDateTime", Value: odata.Time(w.PausedUntil)},
		{Name: "previousSecretUntilDateTime", Value: odata.Time(w.PreviousUntil)},
		{Name: "createdDateTime", Value: odata.Time(w.CreatedAt)},
		{Name: "lastModifiedDateTime", Value: odata.Time(w.ModifiedAt)},
	}
}

// listWebhooks serves GET /postern/webhooks.
func (a *API) listWebhooks(c *call) error {
	there, err := a.Store.Webhooks(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(there))
	for i, w := range there {
		all[i] = webhookResource(w)
	}
	return a.plain(c, webhookSet, names(webhookResource(webhook.Webhook{})), all)
}

func (a *API) webhook(c *call) (webhook.Webhook, error) {
	id, err := objectID(c, "id", webhook.ErrUnknown)
	if err != nil {
		return webhook.Webhook{}, err
	}
	return a.Store.Webhook(c.ctx(), c.tenant.ID, id)
}

// getWebhook serves GET /postern/webhooks/{id}.
func (a *API) getWebhook(c *call) error {
	w, err := a.webhook(c)
	if err != nil {
		return err
	}
	odata.SetETag(c.w, odata.ETag(w.Stamp))
	return a.single(c, webhookSet, webhookResource(w))
}

// readWebhook reads what the body says about w.
func (a *API) readWebhook(c *call, w *webhook.Webhook) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	for _, readOnly := range []string{"id", "failedInARow", "pausedUntilDateTime", "previousSecretUntilDateTime", "createdDateTime", "lastModifiedDateTime"} {
		_ = body.Raw(readOnly)
	}
	body.String("displayName", &w.DisplayName)
	body.String("url", &w.URL)
	body.Bool("isEnabled", &w.Enabled)
	if body.Has("events") {
		var events []string
		body.Strings("events", &events)
		w.Events = nil
		for _, e := range events {
			w.Events = append(w.Events, webhook.EventType(e))
		}
		slices.Sort(w.Events)
		w.Events = slices.Compact(w.Events)
	}
	if err := body.Done(); err != nil {
		return err
	}
	w.ModifiedAt = a.Now().UTC()
	return maySpeak(c, *w)
}

// maySpeak refuses who may not say who somebody is where w is told of proof.asked: its receiver does.
func maySpeak(c *call, w webhook.Webhook) error {
	if !slices.Contains(w.Events, webhook.ProofAsked) {
		return nil
	}
	return directory.May(c.caller, directory.WriteMethodsPolicy, directory.Target{})
}

// freshSecret gives w a new secret and returns it as it is shown.
func (a *API) freshSecret(c *call, w *webhook.Webhook) (string, error) {
	key := make([]byte, webhook.SecretSize)
	if _, err := io.ReadFull(a.Rand, key); err != nil {
		return "", err
	}
	var err error
	w.Secret, err = a.Secrets.Seal(c.ctx(), string(c.tenant.ID), key, webhook.SealPlace(w.ID)...)
	return webhook.Shown(key), err
}

// createWebhook serves POST /postern/webhooks. The answer holds the secret, here and nowhere else.
func (a *API) createWebhook(c *call) error {
	w := webhook.Webhook{Tenant: c.tenant.ID, Enabled: true, CreatedAt: a.Now().UTC()}
	if err := a.readWebhook(c, &w); err != nil {
		return err
	}
	if err := w.Check(); err != nil {
		return err
	}
	var err error
	if w.ID, err = a.newID(); err != nil {
		return err
	}
	secret, err := a.freshSecret(c, &w)
	if err != nil {
		return err
	}
	if err := a.Store.PutWebhook(c.ctx(), w, a.webhookEvent(c, audit.AddWebhook, audit.OperationAdd, webhook.Webhook{}, w)); err != nil {
		return err
	}
	w.Stamp = 1
	e := append(webhookResource(w), odata.Property{Name: "secret", Value: secret})
	return odata.WriteCreated(c.w, a.root(c).Link("postern", "webhooks", w.ID), a.root(c).Entity(webhookSet, nil), e)
}

// patchWebhook serves PATCH /postern/webhooks/{id}.
func (a *API) patchWebhook(c *call) error {
	old, err := a.webhook(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Stamp)); err != nil {
		return err
	}
	w := old
	if err := a.readWebhook(c, &w); err != nil {
		return err
	}
	if err := w.Replaces(old); err != nil {
		return err
	}
	if err := a.Store.PutWebhook(c.ctx(), w, a.webhookEvent(c, audit.UpdateWebhook, audit.OperationUpdate, old, w)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// deleteWebhook serves DELETE /postern/webhooks/{id}; its deliveries go, too.
func (a *API) deleteWebhook(c *call) error {
	w, err := a.webhook(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(w.Stamp)); err != nil {
		return err
	}
	if err := a.Store.DeleteWebhook(c.ctx(), w, a.webhookEvent(c, audit.DeleteWebhook, audit.OperationDelete, w, w)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

const (
	usualOverlap = 24     // hours
	mostOverlap  = 7 * 24 // hours
)

// rotateWebhook serves POST …/rotateSecret: a new secret, and the old one signs, too, for a while.
func (a *API) rotateWebhook(c *call) error {
	w, err := a.webhook(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(w.Stamp)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	hours := usualOverlap
	body.Int("overlapInHours", &hours)
	if err := body.Done(); err != nil {
		return err
	}
	if hours < 0 || hours > mostOverlap {
		return webhook.ErrInvalid.With("overlapInHours", "overlapInHours is from 0 to 168.")
	}
	if err := maySpeak(c, w); err != nil { // the answer holds the secret that proofs are signed with
		return err
	}
	old := w
	w.Previous, w.PreviousUntil = w.Secret, a.Now().UTC().Add(time.Duration(hours)*time.Hour)
	if hours == 0 {
		w.Previous, w.PreviousUntil = "", time.Time{}
	}
	secret, err := a.freshSecret(c, &w)
	if err != nil {
		return err
	}
	if err := a.Store.PutWebhook(c.ctx(), w, a.webhookEvent(c, audit.RotateWebhook, audit.OperationUpdate, old, w)); err != nil {
		return err
	}
	w.Stamp++
	e := append(webhookResource(w), odata.Property{Name: "secret", Value: secret})
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(webhookSet, nil), e)
}

func (a *API) webhookEvent(c *call, activity, operation string, old, w webhook.Webhook) audit.Event {
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern, Operation: operation,
		Targets: []audit.Target{{
			ID: w.ID, Type: audit.TargetOther, DisplayName: w.DisplayName, Modified: modified(webhookSettings(old), webhookSettings(w)),
		}},
	})
}

// webhookSettings are what of w people choose.
func webhookSettings(w webhook.Webhook) odata.Entity {
	w.URL, _, _ = strings.Cut(w.URL, "?") // what follows may be the receiver's secret, and more people read the log
	return webhookResource(w).Select([]string{"displayName", "url", "events", "isEnabled", "previousSecretUntilDateTime"})
}
