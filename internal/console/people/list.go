package people

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// Show is which people a list shows: all, or those of one kind.
const (
	showAll    = ""
	showNoWay  = "noway"
	showOff    = "off"
	showNew    = "new"
	showGuests = "guests"
)

// newFor is how long somebody is new.
const newFor = 14 * 24 * time.Hour

const listed = "id,displayName,userPrincipalName,department,jobTitle,accountEnabled,userType,createdDateTime"

// A row is one person in a list.
type row struct {
	ID, Name, UPN, Department string
	Off, Guest, New           bool
	// Ways is how many ways back in there are; -1 when that may not be known here.
	Ways int
	With []string // kinds of methods
}

type listPage struct { // list.html
	console.Frame
	Typed, Show, Department string
	Shows                   []string // that can be chosen
	People                  []row
	CountsWays              bool
	MayIssue, MayCreate     bool
	MayReadDeleted          bool
	NextHref, ExportHref    string
	Partial                 bool // a page that looked at its share and may have found few
	Deleted, DeletedName    string
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// Filtered reports whether something is left out.
func (p listPage) Filtered() bool { return p.Typed != "" || p.Show != "" || p.Department != "" }

// list serves GET /console/people.
func list(c *console.Call) error {
	p := listPage{
		Frame: c.Frame("people"), Typed: c.Form("q"), Show: c.Form("show"), Department: c.Form("department"),
		CountsWays: c.May("readReadiness") && !c.Foreign(), MayIssue: c.May("issuePass"), MayCreate: c.May("createUser"), MayReadDeleted: c.May("readDeletedUser"),
	}
	if p.Done == "people_deleted" && c.May("restoreUser") {
		gone, _ := c.Graph.Get(c.Context(), "directory", "deletedItems", c.Form("id")) // unless it is back already
		p.Deleted, p.DeletedName = gone.Text("id"), gone.Text("displayName")
	}
	p.Shows = []string{showAll, showOff, showNew, showGuests}
	if c.May("readRegistrations") && !c.Foreign() {
		p.Shows = slices.Insert(p.Shows, 1, showNoWay)
	}
	if !slices.Contains(p.Shows, p.Show) {
		p.Show = showAll
	}
	q, report := p.query(c.Now())
	if report {
		p.Department = "" // the report does not know it
	}
	found, err := c.Page(q, path(report)...)
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		p.People = append(p.People, rowOf(o, report, c.Now()))
	}
	p.NextHref = c.NextHref(found)
	p.Partial = found.Next != "" && len(found.Items) == 0
	address := c.R.URL.Query()
	for _, name := range []string{"after", "done", "id"} {
		address.Del(name)
	}
	p.ExportHref = root + "/export?" + address.Encode()
	return c.Show(http.StatusOK, p)
}

// path leads to what is asked: people, or the report on their methods.
func path(report bool) []string {
	if report {
		return []string{"reports", "authenticationMethods", "userRegistrationDetails"}
	}
	return []string{"users"}
}

// query is what the page asks Graph for. Every one is served by an index: nothing is counted, and
// what is filtered comes in the order of the index.
func (p listPage) query(now time.Time) (q graphclient.Query, report bool) {
	if p.Show == showNoWay {
		q.Filter = "isMfaCapable eq false"
		if p.Typed != "" {
			text := graphclient.Quote(p.Typed)
			q.Filter += " and (startsWith(userDisplayName," + text + ") or startsWith(userPrincipalName," + text + "))"
		}
		return q, true
	}
	q = graphclient.Query{Select: listed, Search: console.Search(p.Typed, searched...)}
	if p.CountsWays {
		q.Select += ",postern_waysBack"
	}
	var filters []string
	switch p.Show {
	case showOff:
		filters = append(filters, "accountEnabled eq false")
	case showNew:
		filters = append(filters, "createdDateTime ge "+now.Add(-newFor).UTC().Format(time.RFC3339))
	case showGuests:
		filters = append(filters, "userType eq 'Guest'")
	}
	if p.Department != "" {
		filters = append(filters, "department eq "+graphclient.Quote(p.Department))
	}
	q.Filter = strings.Join(filters, " and ")
	if q.Filter == "" && q.Search == "" { // what is searched for comes with those first who are called so
		q.OrderBy = "displayName"
	}
	return q, false
}

// searched are the properties that people are found by.
var searched = []string{"displayName", "userPrincipalName", "mail", "employeeId"}

func rowOf(o graphclient.Object, report bool, now time.Time) row {
	if report {
		return row{ID: o.Text("id"), Name: o.Text("userDisplayName"), UPN: o.Text("userPrincipalName"), Guest: o.Text("userType") == "guest"}
	}
	r := row{
		ID: o.Text("id"), Name: o.Text("displayName"), UPN: o.Text("userPrincipalName"), Department: o.Text("department"),
		Off: o["accountEnabled"] == false, Guest: o.Text("userType") == "Guest", New: now.Sub(o.Time("createdDateTime")) < newFor, Ways: -1,
	}
	if ways, ok := o["postern_waysBack"].(map[string]any); ok {
		count, _ := ways["count"].(float64)
		r.Ways = int(count)
		types, _ := ways["types"].([]any)
		for _, t := range types {
			if name, ok := t.(string); ok {
				r.With = append(r.With, name)
			}
		}
	}
	return r
}
