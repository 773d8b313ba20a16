// Package webhooks is where services outside are subscribed to what happens, and where one sees what they were
// sent, how often, and why something did not arrive. docs/webhooks.md says what a webhook is.
package webhooks

import (
	"embed"
	"net/http"
	"net/url"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

const root = console.Root + "/administration/webhooks"

// Actions of package directory that these pages ask for.
const (
	reads        = "readWebhooks"
	writes       = "writeWebhooks"
	writesPolicy = "writeMethodsPolicy" // who is told of proof.asked says who somebody is
)

// Section returns the pages of this package.
func Section() console.Section {
	read, write := []string{reads}, []string{writes}
	const one = root + "/{id}"
	return console.Section{Name: "webhooks", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: read, Serve: list},
		{Pattern: "GET " + root + "/new", Needs: write, Serve: askNew},
		{Pattern: "POST " + root + "/new", Needs: write, Serve: create},
		{Pattern: "GET " + one, Needs: read, Serve: show},
		{Pattern: "GET " + one + "/events", Needs: read, Serve: follow},
		{Pattern: "GET " + one + "/edit", Needs: write, Serve: askEdit},
		{Pattern: "POST " + one + "/edit", Needs: write, Serve: edit},
		{Pattern: "GET " + one + "/secret", Needs: write, Serve: secret},
		{Pattern: "POST " + one + "/secret", Needs: write, Serve: rotate},
		{Pattern: "GET " + one + "/delete", Needs: write, Serve: askDelete},
		{Pattern: "POST " + one + "/delete", Needs: write, Serve: remove},
		{Pattern: "POST " + one + "/switch", Needs: write, Serve: turn},
		{Pattern: "POST " + one + "/test", Needs: write, Serve: test},
		{Pattern: "GET " + one + "/deliveries/{delivery}", Needs: read, Serve: showDelivery},
		{Pattern: "GET " + one + "/deliveries/{delivery}/events", Needs: read, Serve: followDelivery},
		{Pattern: "POST " + one + "/deliveries/{delivery}/again", Needs: write, Serve: again},
	}}
}

func at(names ...string) []string { return append([]string{"postern", "webhooks"}, names...) }

func hrefOf(id string) string { return root + "/" + url.PathEscape(id) }

// A hook is a webhook as pages show it.
type hook struct {
	ID, Name, URL, Tag             string
	Events                         []string
	On                             bool
	Failures                       int
	Paused, Previous, Made, Change time.Time
}

// Host is where messages go, without what follows in the address.
func (h hook) Host() string {
	if u, err := url.Parse(h.URL); err == nil {
		return u.Host
	}
	return h.URL
}

func hookOf(o graphclient.Object) hook {
	events, _ := o["events"].([]any)
	h := hook{
		ID: o.Text("id"), Name: o.Text("displayName"), URL: o.Text("url"), Tag: o.Text(graphclient.ETag), On: o["isEnabled"] == true, Failures: number(o, "failedInARow"),
		Paused: o.Time("pausedUntilDateTime"), Previous: o.Time("previousSecretUntilDateTime"), Made: o.Time("createdDateTime"), Change: o.Time("lastModifiedDateTime"),
	}
	for _, one := range events {
		if text, ok := one.(string); ok {
			h.Events = append(h.Events, text)
		}
	}
	return h
}

// read returns the webhook that the address names.
func read(c *console.Call) (hook, error) {
	o, err := c.Graph.Webhook(c.Context(), c.R.PathValue("id"))
	return hookOf(o), err
}

func number(o graphclient.Object, name string) int {
	n, _ := o[name].(float64)
	return int(n)
}

type listPage struct { // list.html
	console.Frame
	Hooks    []hook
	MayWrite bool
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// list serves GET /console/administration/webhooks.
func list(c *console.Call) error {
	p := listPage{Frame: c.Frame("administration"), MayWrite: c.May(writes)}
	for o, err := range c.Graph.Webhooks(c.Context()) {
		if err != nil {
			return err
		}
		p.Hooks = append(p.Hooks, hookOf(o))
	}
	return c.Show(http.StatusOK, p)
}
