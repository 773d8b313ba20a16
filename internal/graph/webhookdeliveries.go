package graph

import (
	"encoding/json"
	"net/http"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/webhook"
)

// deliveryResource is d as a list shows it. What the receiver answered is a number.
func deliveryResource(d webhook.Delivery) odata.Entity {
	last := d.Last()
	return odata.Entity{
		{Name: "id", Value: d.ID},
		{Name: "event", Value: string(d.Type)},
		{Name: "state", Value: string(d.State)},
		{Name: "attempts", Value: d.Attempts},
		{Name: "lastStatusCode", Value: statusCode(last.Code)},
		{Name: "lastError", Value: text(last.Error)},
		{Name: "lastTryDateTime", Value: odata.Time(last.At)},
		{Name: "createdDateTime", Value: odata.Time(d.CreatedAt)},
		{Name: "completedDateTime", Value: odata.Time(d.EndedAt)},
		{Name: "sentAgain", Value: d.Round},
	}
}

func statusCode(code int) any {
	if code == 0 {
		return nil
	}
	return code
}

var deliveryProperties = names(deliveryResource(webhook.Delivery{}))

// deliveryDetail is d with every try that is kept and what was sent.
func deliveryDetail(d webhook.Delivery) odata.Entity {
	tries := []odata.Entity{}
	for _, t := range d.Tries {
		tries = append(tries, odata.Entity{
			{Name: "dateTime", Value: odata.Time(t.At)},
			{Name: "durationInMilliseconds", Value: t.Took.Milliseconds()},
			{Name: "statusCode", Value: statusCode(t.Code)},
			{Name: "error", Value: text(t.Error)},
		})
	}
	return append(deliveryResource(d), odata.Property{Name: "tries", Value: tries}, odata.Property{Name: "payload", Value: json.RawMessage(d.Body)})
}

// errDeliveryFilter says what the log of deliveries is filtered by.
var errDeliveryFilter = odata.ErrUnsupportedQuery.With("$filter", "Deliveries are filtered by state alone: state eq 'failed'.")

// stateFilter reads $filter: nothing, or state eq '…'.
func stateFilter(options odata.Options) (webhook.State, error) {
	for _, s := range []webhook.State{webhook.Waiting, webhook.Delivered, webhook.Failed} {
		if options.Filter == "state eq '"+string(s)+"'" {
			return s, nil
		}
	}
	if options.Filter != "" {
		return "", errDeliveryFilter
	}
	return "", nil
}

// listDeliveries serves GET …/deliveries, the newest first.
func (a *API) listDeliveries(c *call) error {
	var w wish
	var err error
	if w.options, err = odata.ParseOptions(c.r, odata.Allow{Properties: deliveryProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true}); err != nil {
		return err
	}
	if err := a.openCursor(c, &w); err != nil {
		return err
	}
	state, err := stateFilter(w.options)
	if err != nil {
		return err
	}
	of, err := a.webhook(c)
	if err != nil {
		return err
	}
	found, position, err := a.Store.Deliveries(c.ctx(), c.tenant.ID, of.ID, state, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, odata.Within(webhookSet, of.ID, "deliveries"), found, position, nil, deliveryResource)
}

func (a *API) delivery(c *call) (webhook.Webhook, webhook.Delivery, error) {
	w, err := a.webhook(c)
	if err != nil {
		return w, webhook.Delivery{}, err
	}
	id, err := objectID(c, "delivery", webhook.ErrDeliveryUnknown)
	if err != nil {
		return w, webhook.Delivery{}, err
	}
	d, err := a.Store.Delivery(c.ctx(), c.tenant.ID, w.ID, id)
	return w, d, err
}

// getDelivery serves GET …/deliveries/{delivery}: with what was sent and every try.
func (a *API) getDelivery(c *call) error {
	w, d, err := a.delivery(c)
	if err != nil {
		return err
	}
	return a.single(c, odata.Within(webhookSet, w.ID, "deliveries"), deliveryDetail(d))
}

// sendAgain serves POST …/deliveries/{delivery}/sendAgain: the same message, with the same id.
func (a *API) sendAgain(c *call) error {
	w, d, err := a.delivery(c)
	if err != nil {
		return err
	}
	if !w.Enabled {
		return webhook.ErrOff
	}
	if err := a.Store.SendAgain(c.ctx(), d, a.Now().UTC(), a.deliveryEvent(c, audit.ResendWebhook, w, d)); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

// testWebhook serves POST …/test: a message that tells of nothing.
func (a *API) testWebhook(c *call) error {
	w, err := a.webhook(c)
	if err != nil {
		return err
	}
	if !w.Enabled {
		return webhook.ErrOff
	}
	now := a.Now().UTC()
	d, j, err := webhook.New(webhook.Message{Type: webhook.Test, At: now, Data: map[string]string{"tenantId": string(c.tenant.ID)}}, w, now)
	if err != nil {
		return err
	}
	if err := a.Store.QueueDelivery(c.ctx(), d, j, a.deliveryEvent(c, audit.TestWebhook, w, d)); err != nil {
		return err
	}
	return odata.WriteEntity(c.w, http.StatusAccepted, a.root(c).Entity(odata.Within(webhookSet, w.ID, "deliveries"), nil), deliveryResource(d))
}

func (a *API) deliveryEvent(c *call, activity string, w webhook.Webhook, d webhook.Delivery) audit.Event {
	return a.event(c, audit.Change{
		Activity: activity, Category: audit.CategoryDirectoryManagement, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
		Targets: []audit.Target{{ID: w.ID, Type: audit.TargetOther, DisplayName: w.DisplayName}},
		Details: []audit.KeyValue{{Key: "delivery", Value: d.ID}, {Key: "event", Value: string(d.Type)}},
	})
}
