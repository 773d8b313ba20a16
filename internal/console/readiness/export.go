package readiness

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// atOnce is how many people one request of an export asks for.
const atOnce = 500

// mostPrinted bounds a PDF: nobody reads more on paper, and it is made in memory.
const mostPrinted = 5_000

// exportCSV serves the list, all of it. When it breaks off, so does the connection: a file that
// looks whole is whole.
func exportCSV(c *console.Call) error {
	q := sieveOf(c).query()
	q.Top = atOnce
	var file *console.CSV
	for {
		found, err := c.Graph.Page(c.Context(), q, report()...)
		switch {
		case err != nil && file == nil:
			return err
		case err != nil:
			panic(http.ErrAbortHandler)
		case file == nil:
			file = c.CSV(fileName(c, "csv"), append([]string{"id", "displayName", "userPrincipalName", "department", "isAdministrator", "grade"}, append(failures, "isUnreadable")...)...)
		}
		for _, o := range found.Items {
			row := []string{o.Text("id"), o.Text("displayName"), o.Text("userPrincipalName"), o.Text("department"), o.Text("isAdministrator"), o.Text("grade")}
			for _, f := range failures {
				row = append(row, o.Text("standings/"+f))
			}
			file.Row(append(row, o.Text("isUnreadable"))...)
		}
		if q.SkipToken = found.Next; found.Next == "" || c.Context().Err() != nil {
			return file.Close()
		}
		// A large file takes longer than a page may.
		_ = http.NewResponseController(c.W).SetWriteDeadline(time.Now().Add(time.Minute))
	}
}

func fileName(c *console.Call, kind string) string {
	return "ways-back-in-" + c.Now().UTC().Format(time.DateOnly) + "." + kind
}

// exportPDF serves the counts and the list for paper.
func exportPDF(c *console.Call) error {
	summary, err := c.Graph.Get(c.Context(), report("summary")...)
	if err != nil {
		return err
	}
	p := page{Chosen: sieveOf(c)}
	p.count(summary)
	zone := c.Person.Zone
	if zone == nil {
		zone = time.UTC
	}
	d := document{title: c.Text("readiness_title") + " – " + c.Person.Tenant, note: c.Now().In(zone).Format("2006-01-02 15:04 MST"), page: c.Text("readiness_page")}
	d.heading(c.Text("readiness_grades"))
	d.row(true, columns{{0, c.Text("readiness_grade")}, {220, c.Text("nav_people")}, {320, c.Text("readiness_admins")}})
	for _, g := range p.Grades {
		d.row(false, columns{{0, c.Text("standing_" + g.Name)}, {220, strconv.Itoa(g.People)}, {320, strconv.Itoa(g.Admins)}})
	}
	d.heading(c.Text("readiness_failures"))
	heads := columns{{0, c.Text("readiness_failure")}}
	for i, s := range standings {
		heads = append(heads, column{220 + 78*float64(i), c.Text("standing_" + s)})
	}
	d.row(true, heads)
	for _, f := range p.Failures {
		cells := columns{{0, c.Text("readiness_failure_" + f.Name)}}
		for i, one := range f.Cells {
			cells = append(cells, column{220 + 78*float64(i), strconv.Itoa(one.N)})
		}
		d.row(false, cells)
	}
	d.heading(c.Text("nav_people"))
	d.row(true, columns{{0, c.Text("readiness_person")}, {150, ""}, {320, c.Text("readiness_grade")}, {400, c.Text("readiness_worst")}})
	if err := listed(c, p.Chosen.query(), &d); err != nil {
		return err
	}
	var out bytes.Buffer
	d.write(&out)
	h := c.W.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(c, "pdf")+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, err = c.W.Write(out.Bytes())
	return err
}

func listed(c *console.Call, q graphclient.Query, d *document) error {
	q.Top = atOnce
	for n := 0; n < mostPrinted; n += atOnce {
		found, err := c.Graph.Page(c.Context(), q, report()...)
		if err != nil {
			return err
		}
		for _, o := range found.Items {
			one := personOf(o)
			var worst []string
			for _, f := range one.Worst {
				worst = append(worst, c.Text("readiness_failure_"+f))
			}
			d.row(false, columns{{0, one.Name}, {150, one.UPN}, {320, c.Text("standing_" + one.Grade)}, {400, strings.Join(worst, ", ")}})
		}
		if q.SkipToken = found.Next; found.Next == "" {
			return nil
		}
	}
	d.row(false, columns{{0, "…"}})
	return nil
}
