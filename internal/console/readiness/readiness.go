// Package readiness is the page of who gets back in when something fails: how many, failure by
// failure, and who, those without a way first. The same as CSV and as PDF.
package readiness

import (
	"embed"
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

// Section returns the pages of this package.
func Section() console.Section {
	needs := []string{"readRegistrations"}
	return console.Section{Name: "readiness", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/readiness", Needs: needs, Serve: show},
		{Pattern: "GET /console/readiness/csv", Needs: needs, Serve: exportCSV},
		{Pattern: "GET /console/readiness/pdf", Needs: needs, Serve: exportPDF},
	}}
}

var (
	grades   = []string{"noWayBack", "onlyWithHelp", "oneWayLeft", "ready"}
	failures = []string{
		"phoneLost", "authenticatorRemoved", "keyForgotten", "pinBroken", "tpmCleared", "newDevice", "offline", "federationDown",
		"deviceAndPhoneLost", "everythingLost",
	}
	standings = []string{"nothing", "passOnly", "oneLeft", "ready"}
	tones     = map[string][2]string{
		"noWayBack": {"stop", "danger"}, "onlyWithHelp": {"caution", "caution"}, "oneWayLeft": {"caution", "caution"}, "ready": {"check", "good"},
	}
)

type page struct { // readiness.html
	console.Frame
	Complete, Recomputing bool
	AsOf                  time.Time
	Unreadable            int // people who can't be judged
	Grades                []grade
	Failures              []failure
	Chosen                sieve
	People                []person
	NextHref              string
}

// File implements console.Page.
func (page) File() string { return "readiness.html" }

// A grade with how many people have it, and administrators among them.
type grade struct {
	Name, Icon, Tone string
	People, Admins   int
	Current          bool
}

// A failure with how many people stand how in it.
type failure struct {
	Name  string
	Cells []cell
}

type cell struct {
	Standing string
	N        int
	Current  bool
}

// A person is a line of the list.
type person struct {
	ID, Name, UPN, Department, Grade, Icon, Tone string
	Admin, Unreadable                            bool
	Worst                                        []string // failures in which they stand worst
}

// A sieve is what the list is filtered by.
type sieve struct{ Grade, Failure, Standing, Administrators, Unreadable string }

func sieveOf(c *console.Call) sieve {
	q := c.R.URL.Query()
	s := sieve{Grade: q.Get("grade"), Failure: q.Get("failure"), Standing: q.Get("standing")}
	if !slices.Contains(grades, s.Grade) {
		s.Grade = ""
	}
	if !slices.Contains(failures, s.Failure) || !slices.Contains(standings, s.Standing) {
		s.Failure, s.Standing = "", ""
	}
	if q.Get("administrators") == "true" {
		s.Administrators = "true"
	}
	if q.Get("unreadable") == "true" {
		s.Unreadable = "true"
	}
	return s
}

// Any reports whether the list is filtered.
func (s sieve) Any() bool { return s != sieve{} }

// Query is s as the address of the page and of its files has it.
func (s sieve) Query() string {
	v := make([]string, 0, 5)
	for _, p := range [][2]string{
		{"grade", s.Grade}, {"failure", s.Failure}, {"standing", s.Standing}, {"administrators", s.Administrators}, {"unreadable", s.Unreadable},
	} {
		if p[1] != "" {
			v = append(v, p[0]+"="+p[1])
		}
	}
	text := ""
	for i, one := range v {
		text += map[bool]string{true: "?", false: "&"}[i == 0] + one
	}
	return text
}

func (s sieve) query() graphclient.Query {
	return graphclient.Query{More: map[string]string{
		"grade": s.Grade, "failure": s.Failure, "standing": s.Standing, "administrators": s.Administrators, "unreadable": s.Unreadable,
	}}
}

func show(c *console.Call) error {
	summary, err := c.Graph.Get(c.Context(), report("summary")...)
	if err != nil {
		return err
	}
	p := page{Frame: c.Frame("readiness"), Chosen: sieveOf(c), Complete: summary.Text("isComplete") == "true", Recomputing: summary.Text("isRecomputing") == "true"}
	p.AsOf, _ = time.Parse(time.RFC3339, summary.Text("asOfDateTime")) // none before the first round
	unreadable, _ := summary["unreadable"].(float64)
	p.Unreadable = int(unreadable)
	p.count(summary)
	found, err := c.Page(p.Chosen.query(), report()...)
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		p.People = append(p.People, personOf(o))
	}
	p.NextHref = c.NextHref(found)
	return c.Show(http.StatusOK, p)
}

func report(more ...string) []string {
	return append([]string{"reports", "recoveryReadiness"}, more...)
}

func (p *page) count(summary graphclient.Object) {
	for _, name := range grades {
		p.Grades = append(p.Grades, grade{
			Name: name, Icon: tones[name][0], Tone: tones[name][1], Current: p.Chosen.Grade == name,
			People: number(summary, "everybody", name), Admins: number(summary, "administrators", name),
		})
	}
	for _, o := range summary.Objects("failures") {
		f := failure{Name: o.Text("failure")}
		for _, s := range standings {
			n, _ := o[s].(float64)
			f.Cells = append(f.Cells, cell{Standing: s, N: int(n), Current: p.Chosen.Failure == f.Name && p.Chosen.Standing == s})
		}
		p.Failures = append(p.Failures, f)
	}
}

func number(o graphclient.Object, in, name string) int {
	inner, _ := o[in].(map[string]any)
	n, _ := inner[name].(float64)
	return int(n)
}

func personOf(o graphclient.Object) person {
	p := person{
		ID: o.Text("id"), Name: o.Text("displayName"), UPN: o.Text("userPrincipalName"), Department: o.Text("department"),
		Grade: o.Text("grade"), Admin: o.Text("isAdministrator") == "true",
		Unreadable: o.Text("isUnreadable") == "true",
	}
	p.Icon, p.Tone = tones[p.Grade][0], tones[p.Grade][1]
	worst := map[string]string{"noWayBack": "nothing", "onlyWithHelp": "passOnly", "oneWayLeft": "oneLeft"}[p.Grade]
	for _, f := range failures {
		if f != "offline" && worst != "" && o.Text("standings/"+f) == worst && (f != "everythingLost" || worst == "nothing") {
			p.Worst = append(p.Worst, f)
		}
	}
	return p
}
