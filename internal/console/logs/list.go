package logs

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/graphclient"
)

var (
	signInLog = trail{
		name: "signins", set: "signIns", at: "createdDateTime", filters: signInFilters,
		selected: "id,createdDateTime,userDisplayName,userPrincipalName,userId,appId,appDisplayName,ipAddress,clientAppUsed,correlationId,isInteractive,status,deviceDetail," +
			"authenticationDetails,authenticationMethodsUsed,authenticationRequirement,authenticationProtocol,signInEventTypes,servicePrincipalName,sessionId,userAgent,location,appliedConditionalAccessPolicies",
		heads: []string{"time", "outcome", "code", "reason", "person", "username", "personId", "methods", "application", "address", "device", "browser", "operatingSystem", "correlationId", "id"},
		row: func(e entry) []string {
			return []string{
				e.At.UTC().Format(time.RFC3339), e.What, e.Number, e.Text("status/failureReason"), e.Text("userDisplayName"), e.Text("userPrincipalName"), e.Text("userId"),
				e.Text("authenticationMethodsUsed"), e.Text("appDisplayName"), e.Address, e.Text("deviceDetail/displayName"), e.Text("deviceDetail/browser"),
				e.Text("deviceDetail/operatingSystem"), e.CorrelationID, e.ID,
			}
		},
	}
	changeLog = trail{
		name: "changes", set: "directoryAudits", at: "activityDateTime", filters: changeFilters,
		heads: []string{"time", "activity", "category", "result", "reason", "by", "byUsername", "byId", "address", "targets", "details", "correlationId", "id"},
		row: func(e entry) []string {
			var targets, details []string
			for _, t := range e.Objects("targetResources") {
				targets = append(targets, strings.TrimSpace(t.Text("type")+" "+t.Text("displayName")+" "+t.Text("id")))
			}
			for _, d := range e.Details() {
				details = append(details, d.Name+": "+d.New)
			}
			return []string{
				e.At.UTC().Format(time.RFC3339), e.Text("activityDisplayName"), e.Text("category"), e.Text("result"), e.Text("resultReason"), e.Who,
				e.Text("initiatedBy/user/userPrincipalName"), e.WhoID, e.Address, strings.Join(targets, "; "), strings.Join(details, "; "), e.CorrelationID, e.ID,
			}
		},
	}
)

// read makes an entry of what Graph sent.
func (t trail) read(c *console.Call, o graphclient.Object) entry {
	if t.name == "signins" {
		return signInEntry(c, o)
	}
	return changeEntry(c, o)
}

// query is what the address asks Graph for, from at backwards.
func (t trail) query(c *console.Call, at time.Time) graphclient.Query {
	q := graphclient.Query{Filter: t.filter(asked(c), at, c.Person.Zone)}
	if !c.Foreign() {
		q.Select = t.selected
	}
	return q
}

// asked are the filters of the address that Graph knows.
func asked(c *console.Call) url.Values {
	q := c.R.URL.Query()
	if c.Foreign() {
		for _, name := range []string{"method", "kind", "device", "pass"} {
			q.Del(name)
		}
	}
	return q
}

// reference is the time from which the address counts back.
func reference(c *console.Call) time.Time {
	if at, err := time.Parse(time.RFC3339, c.R.URL.Query().Get("at")); err == nil {
		return at
	}
	return c.Now().UTC().Truncate(time.Second)
}

// mostTries is how many pages of Graph without an entry one page of the console goes through.
const mostTries = 6

type listPage struct { // list.html
	console.Frame
	Trail    string
	Other    string // the other log, if the person may read it
	Entries  []entry
	NextHref string
	Further  bool // nothing was found so far, but the log goes on
	Chips    []chip
	AllHref  string
	Live     bool
	LiveHref string // switches it
	Events   string // address of the stream
	Here     string // address of this list
	CSVHref  string
	JSONHref string
	Chosen   *entry
	Story    []entry
	Proof    *proof
	Seal     *sealStatus
	Views    []view
	Naming   string // a name that was typed for a view
	Methods  []string
	say      func(name, value string) string
	Filtered bool
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// Is reports whether the address has a filter with that value.
func (p listPage) Is(name, value string) bool { return p.Query.Get(name) == value }

// Value is the value of a filter as a person reads it.
func (p listPage) Value(name, value string) string { return p.say(name, value) }

// With is the address of this page with one entry beside it.
func (p listPage) With(id string) string {
	q := maps.Clone(p.Query)
	q.Del("done")
	q.Set("entry", id)
	return p.Path + "?" + q.Encode()
}

// IsChosen reports whether an entry is the one beside the list.
func (p listPage) IsChosen(id string) bool { return p.Chosen != nil && p.Chosen.ID == id }

// Tale is the story beside the list.
func (p listPage) Tale() tale { return tale{p.Story, p.Chosen.ID, p.Zone} }

// Slug is a value of Graph as the key of a word has it.
func (listPage) Slug(value string) string { return console.Slug(value) }

// Filters are those of the address, for forms.
func (p listPage) Filters() string { return plain(p.Query).Encode() }

// Spans are the times that the list can be limited to.
func (listPage) Spans() []string { return []string{"hour", "day", "week", "month"} }

// Kinds are those of sign-ins, in Graph's words.
func (listPage) Kinds() []string {
	return []string{"interactiveUser", "nonInteractiveUser", "servicePrincipal"}
}

// Aside reports whether something stands beside the list.
func (p listPage) Aside() bool { return p.Chosen != nil || len(p.Views) > 0 || p.Filtered }

// Categories are those of changes, in Graph's words.
func (listPage) Categories() []string { return categories }

// Hidden are the filters that are on and have no field of their own.
func (p listPage) Hidden() []string {
	var all []string
	for _, chip := range p.Chips {
		switch chip.Name {
		case "method", "kind", "category", "result", "time":
		default:
			all = append(all, chip.Name)
		}
	}
	return all
}

// categories are those of changes.
var categories = []string{
	"UserManagement", "GroupManagement", "RoleManagement", "ApplicationManagement", "Device", "Policy", "DirectoryManagement", "Authentication", "KeyManagement",
}

// methods are those that sign-ins are filtered by, in Graph's words.
var methods = []string{
	"Temporary Access Pass", "Passkey (device-bound)", "Windows Hello for Business", "Mobile app notification", "OATH verification code", "Password",
}

func (t trail) list(c *console.Call) error {
	if typed := c.R.URL.Query().Get("q"); strings.TrimSpace(typed) != "" {
		return t.find(c, strings.TrimSpace(typed))
	}
	return t.show(c, http.StatusOK, nil, "")
}

// show writes the list. A fault, with the name that was typed, is that of saving it as a view.
func (t trail) show(c *console.Call, status int, fault *console.Trouble, naming string) error {
	at, address := reference(c), c.R.URL.Query()
	p := listPage{
		Frame: c.Frame("logs"), Trail: t.name, Chips: t.chips(address), AllHref: "/console/logs/" + t.name, Methods: methods,
		Here: t.href(address, "", ""), Live: address.Get("live") != "" && address.Get("after") == "", Naming: naming,
	}
	p.Fault = fault
	p.say = func(name, value string) string { return p.spoken(c, name, value) }
	p.Filtered = len(p.Chips) > 0
	if t.name == "signins" && c.May("readAudits") {
		p.Other = "changes"
	} else if t.name == "changes" && c.May("readSignIns") {
		p.Other = "signins"
	}
	if p.LiveHref = t.href(address, "live", "1"); address.Get("live") != "" {
		p.LiveHref = t.href(address, "live", "")
	}
	rest := strings.TrimPrefix(t.href(address, "live", ""), "/console/logs/"+t.name)
	p.Events = "/console/logs/" + t.name + "/events" + rest
	p.CSVHref = "/console/logs/" + t.name + "/export" + rest
	p.JSONHref = p.CSVHref + "?format=jsonl"
	if rest != "" {
		p.JSONHref = p.CSVHref + "&format=jsonl"
	}
	found, err := t.look(c, at)
	if err != nil {
		return err
	}
	for _, o := range found.Items {
		e := t.read(c, o)
		e.Old = day(e.At, p.Zone) != day(c.Now(), p.Zone)
		p.Entries = append(p.Entries, e)
	}
	if found.Next != "" {
		next := plain(address)
		next.Set("at", at.Format(time.RFC3339))
		next.Set("after", found.Next)
		p.NextHref = "/console/logs/" + t.name + "?" + next.Encode()
		p.Further = len(p.Entries) == 0
	}
	if err := t.beside(c, &p, address.Get("entry")); err != nil {
		return err
	}
	if !c.Foreign() {
		p.Seal = sealOf(c)
		p.Views = viewsOf(c, "logs/"+t.name)
	}
	return c.Show(status, p)
}

// spoken returns a filter's value in words: of a person or device, the name that an entry has.
func (p *listPage) spoken(c *console.Call, name, value string) string {
	switch name {
	case "method", "category", "result", "time", "kind":
		return label(c, "logs_"+name+"_", value)
	case "activity":
		return label(c, "logs_did_", value)
	}
	for _, e := range p.Entries {
		switch {
		case (name == "person" || name == "by") && e.WhoID == value && e.Who != "":
			return design.Clean(e.Who)
		case name == "device" && strings.EqualFold(e.Text("deviceDetail/deviceId"), value) && e.Text("deviceDetail/displayName") != "":
			return design.Clean(e.Text("deviceDetail/displayName"))
		case name == "app" && e.Text("appId") == value && e.Text("appDisplayName") != "":
			return design.Clean(e.Text("appDisplayName"))
		case name == "about":
			for _, target := range e.Objects("targetResources") {
				if target.Text("id") == value && target.Text("displayName") != "" {
					return design.Clean(target.Text("displayName"))
				}
			}
		}
	}
	return design.Clean(value)
}

func day(at time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone).Format(time.DateOnly)
}

// look asks Graph for a page, and for more where it looked at many entries and none fitted.
func (t trail) look(c *console.Call, at time.Time) (page graphclient.Page, err error) {
	q := t.query(c, at)
	for range mostTries {
		if page, err = c.Page(q, "auditLogs", t.set); err != nil || len(page.Items) > 0 || page.Next == "" {
			return page, err
		}
		q.SkipToken = page.Next
	}
	return page, nil
}

// beside adds the entry that the address names, with its story.
func (t trail) beside(c *console.Call, p *listPage, id string) error {
	if id == "" {
		return nil
	}
	for i := range p.Entries {
		if p.Entries[i].ID == id {
			p.Chosen = &p.Entries[i]
		}
	}
	if p.Chosen == nil {
		o, err := c.Graph.Get(c.Context(), "auditLogs", t.set, id)
		if err != nil {
			return err
		}
		e := t.read(c, o)
		e.Old = day(e.At, p.Zone) != day(c.Now(), p.Zone)
		p.Chosen = &e
	}
	p.Story = storyOf(c, p.Chosen.CorrelationID)
	p.Proof = proofOf(c, id)
	return nil
}

// events tells a page that the beginning of its list has changed.
func (t trail) events(c *console.Call) error {
	q := t.query(c, c.Now())
	q.Select, q.Top = "", 5
	if !c.Foreign() {
		q.Select = "id"
	}
	return c.Live(func(ctx context.Context) (string, bool, error) {
		page, err := c.Graph.Page(ctx, q, "auditLogs", t.set)
		var ids strings.Builder
		for _, o := range page.Items {
			ids.WriteString(o.Text("id"))
		}
		return ids.String(), false, err
	})
}

// exportPage is how many entries one request of an export asks for: all that it holds at once.
const exportPage = 1000

// export sends the whole list as a file, page by page.
func (t trail) export(c *console.Call) error {
	q := t.query(c, reference(c))
	q.Top = exportPage
	page, err := c.Graph.Page(c.Context(), q, "auditLogs", t.set) // what is refused is told before the file begins
	if err != nil {
		return err
	}
	file := "postern-" + t.name + "-" + c.Now().UTC().Format(time.DateOnly)
	write, done := t.writer(c, file)
	for {
		for _, o := range page.Items {
			if write(o) != nil {
				panic(http.ErrAbortHandler) // the browser is gone
			}
		}
		if page.Next == "" {
			return done()
		}
		q.SkipToken = page.Next
		if page, err = c.Graph.Page(c.Context(), q, "auditLogs", t.set); err != nil {
			panic(http.ErrAbortHandler) // the file must not look whole
		}
	}
}

// writer returns what writes one entry, and what ends the file.
func (t trail) writer(c *console.Call, file string) (write func(graphclient.Object) error, done func() error) {
	if c.R.URL.Query().Get("format") != "jsonl" {
		table := c.CSV(file+".csv", t.heads...)
		return func(o graphclient.Object) error { table.Row(t.row(t.read(c, o))...); return c.Context().Err() }, table.Close
	}
	h := c.W.Header()
	h.Set("Content-Type", "application/jsonl")
	h.Set("Content-Disposition", `attachment; filename="`+file+`.jsonl"`)
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	lines := json.NewEncoder(c.W)
	return func(o graphclient.Object) error { return lines.Encode(o) }, func() error { return nil }
}
