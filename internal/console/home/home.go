// Package home is the first page of the console: what needs somebody, and how things stand, as
// plots with the numbers behind them.
package home

import (
	"embed"
	"net/http"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

// reads is the action behind what is counted.
const reads = "readReports"

// Section returns the pages of this package.
func Section() console.Section {
	reports := []string{reads}
	return console.Section{Name: "home", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/{$}", Serve: show},
		{Pattern: "GET /console/plots/{report}/csv", Needs: reports, Serve: exportCSV},
		{Pattern: "GET /console/plots/{report}/png", Needs: reports, Serve: exportPNG},
		{Pattern: "GET /console/reports/people/{state}", Needs: []string{"readRegistrations"}, Serve: listPeople},
		{Pattern: "GET /console/reports/devices/{state}", Needs: reports, Serve: listDevices},
	}}
}

type page struct { // home.html
	console.Frame
	Day     time.Time // midnight, as if in UTC
	Issues  bool      // the person may issue passes
	Counted bool      // the person may see what is counted
	New     bool      // nothing has happened yet
	Needs   []need
	Today   today
	Passes  drawn
	Others  []drawn

	call *console.Call
}

// File implements console.Page.
func (page) File() string { return "home.html" }

// today is how the day went so far.
type today struct {
	Issued, Waiting, SetUp, Failed int
	Median                         time.Duration // of the week; zero without a first use
}

func show(c *console.Call) error {
	now := c.Now()
	if c.Person.Zone != nil {
		now = now.In(c.Person.Zone)
	}
	p := page{
		Frame: c.Frame("home"), call: c, Issues: c.May("issuePass"), Counted: c.May(reads) && !c.Foreign(),
		Day: time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC),
	}
	if !p.Counted {
		return c.Show(http.StatusOK, p)
	}
	items, err := c.Graph.Page(c.Context(), graphclient.Query{}, "postern", "attention")
	if err != nil {
		return err
	}
	for _, i := range items.Items {
		p.Needs = append(p.Needs, needOf(c, i))
	}
	waiting, err := casesWaiting(c)
	if err != nil {
		return err
	}
	p.Needs = append(waiting, p.Needs...)
	f, err := read(c)
	if err != nil {
		return err
	}
	p.Today, p.New = f.today(), f.quiet()
	p.Passes = f.drawn("passes")
	for _, name := range []string{"presets", "ways", "devices", "methods", "strengths"} {
		p.Others = append(p.Others, f.drawn(name))
	}
	return c.Show(http.StatusOK, p)
}

// Wait says the median as people do; a dash when there is none.
func (t today) Wait(p page) string {
	s := int(t.Median / time.Second)
	n := strconv.Itoa
	switch {
	case s == 0:
		return p.call.Text("home_wait_none")
	case s < 60:
		return p.call.Text("home_wait_seconds", "S", n(s))
	case s < 3600:
		return p.call.Text("home_wait_minutes", "M", n(s/60), "S", n(s%60))
	}
	return p.call.Text("home_wait_hours", "H", n(s/3600), "M", n(s%3600/60))
}
