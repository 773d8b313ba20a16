package home

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/plot"
)

// named returns the plot that the address names.
func named(c *console.Call) (drawn, error) {
	f, err := read(c)
	if err != nil {
		return drawn{}, err
	}
	d := f.drawn(c.R.PathValue("report"))
	if d.Name == "" {
		return d, console.ErrNowhere
	}
	return d, nil
}

// fileName is as in passes-2026-11-23.csv.
func fileName(c *console.Call, d drawn, kind string) string {
	return d.Name + "-" + c.Now().In(zoneOf(c)).Format(time.DateOnly) + "." + kind
}

func zoneOf(c *console.Call) *time.Location {
	if c.Person.Zone == nil {
		return time.UTC
	}
	return c.Person.Zone
}

// exportCSV serves the numbers behind a plot.
func exportCSV(c *console.Call) error {
	d, err := named(c)
	if err != nil {
		return err
	}
	out := c.CSV(fileName(c, d, "csv"), d.Heads...)
	for _, row := range d.Rows {
		out.Row(row...)
	}
	return out.Close()
}

// exportPNG serves a plot as a picture.
func exportPNG(c *console.Call) error {
	d, err := named(c)
	if err != nil {
		return err
	}
	sheet := plot.Sheet{
		Title: c.Text("home_" + d.Name),
		Note:  c.Text("home_note", "Tenant", c.Person.Tenant, "Day", day(c, c.Now().In(zoneOf(c)))+" "+c.Now().In(zoneOf(c)).Format("2006")),
	}
	for _, l := range d.Legend {
		sheet.Legend = append(sheet.Legend, plot.Part{Class: l.Class, Name: console.Number(l.Value) + " " + l.Words})
	}
	var img bytes.Buffer
	if err := d.Plot.PNG(&img, sheet); err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(c, d, "png")+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, err = c.W.Write(img.Bytes())
	return err
}

// day is a day in a few letters, as under bars.
func day(c *console.Call, at time.Time) string {
	months := strings.Fields(c.Text("home_months"))
	if len(months) != 12 {
		return at.Format(time.DateOnly)
	}
	return c.Text("home_date", "Day", strconv.Itoa(at.Day()), "Month", months[at.Month()-1])
}
