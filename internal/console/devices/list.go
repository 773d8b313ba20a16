package devices

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A filter is what the address of the list asks for.
type filter struct {
	Typed  string // start of a name, or an id
	State  string // on, off, pending, refused
	System string // as its start
	Trust  string
	Silent bool // not heard of for a month
}

const silentDays = 30

func filterOf(c *console.Call) filter {
	q := c.R.URL.Query()
	f := filter{
		Typed: strings.TrimSpace(q.Get("q")), State: q.Get("state"), System: q.Get("system"), Trust: q.Get("trust"), Silent: q.Get("silent") == "1",
	}
	if c.Foreign() && (f.State == "pending" || f.State == "refused") {
		f.State = ""
	}
	return f
}

// set reports whether anything is asked for.
func (f filter) set() bool { return f != filter{} }

// query is f as a $filter of Graph. What Graph does not know as a state asks for nothing.
func (f filter) query(now time.Time) graphclient.Query {
	var terms []string
	if id, err := uuid.Parse(f.Typed); err == nil {
		terms = append(terms, "(id eq '"+id.String()+"' or deviceId eq '"+id.String()+"')")
	} else if f.Typed != "" {
		terms = append(terms, "startswith(displayName,"+graphclient.Quote(f.Typed)+")")
	}
	switch f.State {
	case "on":
		terms = append(terms, "accountEnabled eq true")
	case "off":
		terms = append(terms, "accountEnabled eq false")
	case "pending", "refused":
		terms = append(terms, "postern_approvalState eq '"+f.State+"'")
	}
	if f.System != "" {
		terms = append(terms, "operatingSystem eq "+graphclient.Quote(f.System))
	}
	if f.Trust != "" {
		terms = append(terms, "trustType eq "+graphclient.Quote(f.Trust))
	}
	if f.Silent {
		terms = append(terms, "approximateLastSignInDateTime le "+now.AddDate(0, 0, -silentDays).UTC().Format(time.RFC3339))
	}
	q := graphclient.Query{Filter: strings.Join(terms, " and "), Top: pageSize}
	if len(terms) == 0 {
		q.OrderBy = "displayName"
	}
	return q
}

const pageSize = 50

// A device is one as the pages show it.
type device struct {
	graphclient.Object
	Seen, Joined, CertificateEnds time.Time
	Owners                        []graphclient.Object
}

func deviceOf(o graphclient.Object) device {
	return device{
		Object: o, Seen: o.Time("approximateLastSignInDateTime"), Joined: o.Time("registrationDateTime"),
		CertificateEnds: o.Time("postern_certificateEndDateTime"), Owners: o.Objects("registeredOwners"),
	}
}

// State is how a device is, in one word: unreadable, off, pending, refused or on.
func (d device) State() string {
	if d.Text("postern_isUnreadable") == "true" {
		return "unreadable"
	}
	switch d.Text("postern_approvalState") {
	case "pending", "refused":
		return d.Text("postern_approvalState")
	}
	if d.Text("accountEnabled") == "false" {
		return "off"
	}
	return "on"
}

// Kind is its maker and model, empty when it didn't say.
func (d device) Kind() string {
	return strings.TrimSpace(d.Text("manufacturer") + " " + d.Text("model"))
}

// System is the operating system with its version.
func (d device) System() string {
	system, version := d.Text("operatingSystem"), d.Text("operatingSystemVersion")
	if strings.Contains(strings.ToLower(version), strings.ToLower(system)) {
		return version
	}
	return strings.TrimSpace(system + " " + version)
}

type listPage struct { // list.html
	console.Frame
	Filter   filter
	States   []string
	Systems  []string
	Trusts   []string
	Devices  []device
	NextHref string
	CSVHref  string
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// Filtered reports whether the list is a part only.
func (p listPage) Filtered() bool { return p.Filter.set() }

func listDevices(c *console.Call) error {
	p := listPage{
		Frame: c.Frame("devices"), Filter: filterOf(c), States: []string{"on", "off", "pending", "refused"},
		Systems: []string{"Linux", "Windows", "Darwin"}, Trusts: []string{"AzureAd", "Workplace", "ServerAd"},
	}
	q := p.Filter.query(c.Now())
	q.SkipToken = c.R.URL.Query().Get("after")
	found, err := c.Graph.OwnDevicePage(c.Context(), q)
	if err != nil {
		return err
	}
	if c.Foreign() {
		p.States = p.States[:2] // nobody approves a device there
	}
	for _, o := range found.Items {
		p.Devices = append(p.Devices, deviceOf(o))
	}
	address := c.R.URL.Query()
	address.Del("done")
	address.Del("after")
	p.NextHref, p.CSVHref = c.NextHref(found), root+"/devices.csv?"+address.Encode()
	return c.Show(http.StatusOK, p)
}
