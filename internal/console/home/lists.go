package home

import (
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// listPage shows who is behind a number of a plot.
type listPage struct { // behind.html
	console.Frame
	Report, State string
	Lines         []line
	NextHref      string
}

// File implements console.Page.
func (listPage) File() string { return "behind.html" }

type line struct {
	Href, Name, Second string
	Admin              bool
	SeenAt             time.Time
}

func listPeople(c *console.Call) error {
	return list(c, "people", ways, func(o graphclient.Object) line {
		return line{
			Href: console.Root + "/people/" + o.Text("id"), Name: o.Text("displayName"), Second: o.Text("userPrincipalName"),
			Admin: o.Text("isAdministrator") == "true",
		}
	})
}

func listDevices(c *console.Call) error {
	return list(c, "devices", healths, func(o graphclient.Object) line {
		l := line{Href: console.Root + "/devices/" + o.Text("id"), Name: o.Text("displayName"), Second: o.Text("operatingSystem")}
		l.SeenAt, _ = time.Parse(time.RFC3339, o.Text("approximateLastSignInDateTime")) // none if it was never seen
		return l
	})
}

func list(c *console.Call, report string, states []series, show func(graphclient.Object) line) error {
	p := listPage{Frame: c.Frame("home"), Report: report, State: c.R.PathValue("state")}
	if !slices.ContainsFunc(states, func(s series) bool { return s.name == p.State }) {
		return console.ErrNowhere
	}
	found, err := c.Page(graphclient.Query{}, "postern", "reports", report, p.State)
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		p.Lines = append(p.Lines, show(o))
	}
	p.NextHref = c.NextHref(found)
	return c.Show(http.StatusOK, p)
}
