package webhooks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// states are what the log of deliveries can be narrowed to.
var states = []string{"", "waiting", "delivered", "failed"}

type showPage struct { // show.html
	console.Frame
	Hook     hook
	Now      time.Time
	State    string
	States   []string
	Sent     []delivery
	NextHref string
	Seen     string
	MayWrite bool
}

// File implements console.Page.
func (showPage) File() string { return "show.html" }

// Paused reports whether the receiver is left alone for a moment.
func (p showPage) Paused() bool { return p.Hook.Paused.After(p.Now) }

// A delivery is a message and what became of it.
type delivery struct {
	ID, Event, State, Why, Code string
	Tries                       int
	Made, Ended, Last           time.Time
	Again                       int // how often it was sent again
	Each                        []try
	Body                        string
}

// A try is one call of the receiver.
type try struct {
	At        time.Time
	Took      int // milliseconds
	Code, Why string
}

func deliveryOf(o graphclient.Object) delivery {
	d := delivery{
		ID: o.Text("id"), Event: o.Text("event"), State: o.Text("state"), Why: o.Text("lastError"), Code: o.Text("lastStatusCode"), Tries: number(o, "attempts"),
		Made: o.Time("createdDateTime"), Ended: o.Time("completedDateTime"), Last: o.Time("lastTryDateTime"), Again: number(o, "sentAgain"),
	}
	for _, t := range o.Objects("tries") {
		d.Each = append(d.Each, try{t.Time("dateTime"), number(t, "durationInMilliseconds"), t.Text("statusCode"), t.Text("error")})
	}
	if payload, ok := o["payload"]; ok {
		if text, err := json.MarshalIndent(payload, "", "  "); err == nil {
			d.Body = string(text)
		}
	}
	return d
}

func seenOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// show serves GET /console/administration/webhooks/{id}.
func show(c *console.Call) error { return showAgain(c, nil) }

func showAgain(c *console.Call, wrong error) error {
	p, err := log(c)
	if err != nil {
		return err
	}
	p.Frame, p.Now, p.States, p.MayWrite = c.Frame("administration"), c.Now(), states, c.May(writes)
	status := http.StatusOK
	if wrong != nil {
		if p.Fault = console.Explain(wrong); p.Fault == nil || p.Fault.Status == http.StatusNotFound {
			return wrong
		}
		status = max(p.Fault.Status, http.StatusBadRequest)
	}
	return c.Show(status, p)
}

// log reads a webhook and what it was sent, and a name for just that.
func log(c *console.Call) (p showPage, err error) {
	if p.Hook, err = read(c); err != nil {
		return p, err
	}
	q := graphclient.Query{}
	if p.State = c.R.URL.Query().Get("state"); !slices.Contains(states, p.State) {
		p.State = ""
	}
	if p.State != "" {
		q.Filter = "state eq '" + p.State + "'"
	}
	found, err := c.Page(q, at(p.Hook.ID, "deliveries")...)
	if err != nil {
		return p, err
	}
	for _, o := range found.Items {
		p.Sent = append(p.Sent, deliveryOf(o))
	}
	p.Seen, p.NextHref = seenOf([]any{p.Hook, p.Sent}), c.NextHref(found)
	return p, nil
}

// follow serves GET /console/administration/webhooks/{id}/events: it says when something was sent, or the webhook changed.
func follow(c *console.Call) error {
	return c.Live(func(context.Context) (string, bool, error) {
		p, err := log(c)
		return p.Seen, false, err
	})
}

type deliveryPage struct { // delivery.html
	console.Frame
	Hook     hook
	Sent     delivery
	Seen     string
	MayWrite bool
}

// File implements console.Page.
func (deliveryPage) File() string { return "delivery.html" }

func hrefOfDelivery(c *console.Call) string {
	return hrefOf(c.R.PathValue("id")) + "/deliveries/" + url.PathEscape(c.R.PathValue("delivery"))
}

func readDelivery(c *console.Call) (delivery, error) {
	o, err := c.Graph.WebhookDelivery(c.Context(), c.R.PathValue("id"), c.R.PathValue("delivery"))
	return deliveryOf(o), err
}

// showDelivery serves GET …/deliveries/{delivery}: what was sent, and every try.
func showDelivery(c *console.Call) error { return showDeliveryAgain(c, nil) }

func showDeliveryAgain(c *console.Call, wrong error) error {
	p := deliveryPage{Frame: c.Frame("administration"), MayWrite: c.May(writes)}
	status := http.StatusOK
	if wrong != nil {
		if p.Fault = console.Explain(wrong); p.Fault == nil || p.Fault.Status == http.StatusNotFound {
			return wrong
		}
		status = max(p.Fault.Status, http.StatusBadRequest)
	}
	var err error
	if p.Hook, err = read(c); err == nil {
		p.Sent, err = readDelivery(c)
	}
	if err != nil {
		return err
	}
	p.Seen = seenOf(p.Sent)
	return c.Show(status, p)
}

// followDelivery serves GET …/deliveries/{delivery}/events: it says when the message was tried, until it arrived.
func followDelivery(c *console.Call) error {
	return c.Live(func(context.Context) (string, bool, error) {
		d, err := readDelivery(c)
		return seenOf(d), d.State != "waiting", err
	})
}

// again serves POST …/deliveries/{delivery}/again.
func again(c *console.Call) error {
	if err := c.Graph.SendWebhookAgain(c.Context(), c.R.PathValue("id"), c.R.PathValue("delivery")); err != nil {
		return showDeliveryAgain(c, err)
	}
	return c.Go(hrefOfDelivery(c), "webhooks_again")
}

// test serves POST …/test: a message that tells of nothing, whose page says what becomes of it.
func test(c *console.Call) error {
	id := c.R.PathValue("id")
	d, err := c.Graph.TestWebhook(c.Context(), id)
	if err != nil {
		return showAgain(c, err)
	}
	return c.Go(hrefOf(id)+"/deliveries/"+url.PathEscape(d.Text("id")), "webhooks_tested")
}

// turn serves POST …/switch: it turns the webhook on or off, if nobody was quicker.
func turn(c *console.Call) error {
	id, on := c.R.PathValue("id"), c.Form("on") != ""
	if err := c.Graph.Matching(c.Form("etag")).PatchWebhook(c.Context(), id, graphclient.Object{"isEnabled": on}); err != nil {
		return showAgain(c, err)
	}
	return c.Go(hrefOf(id), map[bool]string{true: "webhooks_on", false: "webhooks_off"}[on])
}
