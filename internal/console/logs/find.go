package logs

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// spokenAlphabet are the characters of short codes and passes, as design.ShortCode has them.
const spokenAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

var (
	shortCode = regexp.MustCompile(`^[A-HJ-NP-Z2-9]{4}[- ]?[A-HJ-NP-Z2-9]{4}$`)
	uuidForm  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// beginning returns the first eleven characters of the correlation ids with a short code: its 40
// bits.
func beginning(code string) (string, bool) {
	code = strings.ToUpper(strings.TrimSpace(code))
	if !shortCode.MatchString(code) {
		return "", false
	}
	bits := uint64(0)
	for _, r := range strings.NewReplacer("-", "", " ", "").Replace(code) {
		bits = bits<<5 | uint64(strings.IndexRune(spokenAlphabet, r))
	}
	hex := fmt.Sprintf("%010x", bits)
	return hex[:8] + "-" + hex[8:], true
}

// A choice is something that the typed words can mean.
type choice struct{ Kind, Name, Detail, Href string }

// Icon is the picture of its kind.
func (c choice) Icon() string {
	switch c.Kind {
	case "device":
		return "device"
	case "app":
		return "apps"
	case "story", "entry":
		return "log"
	}
	return "person"
}

type choosePage struct { // choose.html
	console.Frame
	Trail   string
	Typed   string
	Choices []choice
}

// File implements console.Page.
func (choosePage) File() string { return "choose.html" }

// find leads to what somebody typed: a short code, an id, an address, a name.
func (t trail) find(c *console.Call, typed string) error {
	id := strings.ToLower(typed)
	choices := t.byCode(c, typed)
	_, isAddress := netip.ParseAddr(typed)
	switch {
	case len(choices) > 0:
	case uuidForm.MatchString(id):
		choices = t.byID(c, id)
	case isAddress == nil && t.name == "signins":
		return c.Go(t.href(c.R.URL.Query(), "address", typed), "")
	default:
		choices = t.byName(c, typed)
	}
	if len(choices) == 1 {
		return c.Go(choices[0].Href, "")
	}
	return c.Show(http.StatusOK, choosePage{Frame: c.Frame("logs"), Trail: t.name, Typed: typed, Choices: choices})
}

// byCode returns the stories with a short code: seldom more than one.
func (t trail) byCode(c *console.Call, typed string) []choice {
	prefix, ok := beginning(typed)
	if !ok {
		return nil
	}
	var all []choice
	seen := map[string]bool{}
	for _, one := range []trail{signInLog, changeLog} {
		if !c.May(map[string]string{"signins": "readSignIns", "changes": "readAudits"}[one.name]) {
			continue
		}
		page, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "startsWith(correlationId," + graphclient.Quote(prefix) + ")", Top: 50}, "auditLogs", one.set)
		if err != nil {
			continue
		}
		for _, o := range page.Items {
			e := one.read(c, o)
			if seen[e.CorrelationID] {
				continue
			}
			seen[e.CorrelationID] = true
			all = append(all, choice{Kind: "story", Name: e.What + " · " + e.Who, Detail: e.At.UTC().Format("2006-01-02 15:04:05Z"), Href: t.storyHref(c, e)})
		}
	}
	return all
}

// storyHref is the page of an entry's whole story, or of the entry where the person reads one
// log only.
func (t trail) storyHref(c *console.Call, e entry) string {
	if c.May("readSignIns") && c.May("readAudits") && !c.Foreign() {
		return "/console/logs/story/" + e.CorrelationID
	}
	return e.Href()
}

// byID returns what has that id: a correlation id, an entry, a person, a device.
func (t trail) byID(c *console.Call, id string) []choice {
	if all := storyOf(c, id); len(all) > 0 {
		return []choice{{Kind: "story", Href: "/console/logs/story/" + id}}
	}
	for _, one := range []trail{signInLog, changeLog} {
		if o, err := c.Graph.Get(c.Context(), "auditLogs", one.set, id); err == nil {
			return []choice{{Kind: "entry", Href: one.read(c, o).Href()}}
		}
	}
	filters := c.R.URL.Query()
	if t.name == "changes" {
		return []choice{
			{Kind: "by", Name: id, Href: t.href(filters, "by", id)},
			{Kind: "about", Name: id, Href: t.href(filters, "about", id)},
		}
	}
	if _, err := c.Graph.Select(c.Context(), "id", "users", id); err == nil {
		return []choice{{Kind: "person", Href: t.href(filters, "person", id)}}
	}
	return []choice{
		{Kind: "device", Name: id, Href: t.href(filters, "device", id)},
		{Kind: "person", Name: id, Href: t.href(filters, "person", id)},
		{Kind: "app", Name: id, Href: t.href(filters, "app", id)},
	}
}

// mostChoices bounds how many people and devices are offered.
const mostChoices = 8

// byName returns the people and devices that a name means.
func (t trail) byName(c *console.Call, typed string) []choice {
	filters := c.R.URL.Query()
	var all []choice
	people := func(kind, name string, o graphclient.Object) choice {
		return choice{kind, o.Text("displayName"), o.Text("userPrincipalName"), t.href(filters, name, o.Text("id"))}
	}
	var found []graphclient.Object
	if strings.Contains(typed, "@") {
		if o, err := c.Graph.Select(c.Context(), "id,displayName,userPrincipalName", "users", typed); err == nil {
			found = append(found, o)
		} else if t.name == "signins" { // who is deleted is still in the log
			return []choice{{Kind: "name", Name: typed, Href: t.href(filters, "name", strings.ToLower(typed))}}
		}
	} else if search := console.Search(typed, "displayName", "userPrincipalName"); search != "" {
		page, err := c.Graph.Page(c.Context(), graphclient.Query{
			Search: search, Select: "id,displayName,userPrincipalName", Top: mostChoices,
		}, "users")
		if err == nil {
			found = page.Items
		}
	}
	for _, o := range found {
		if t.name == "signins" {
			all = append(all, people("person", "person", o))
			continue
		}
		all = append(all, people("by", "by", o), people("about", "about", o))
	}
	devices, err := c.Graph.Page(c.Context(), graphclient.Query{
		Filter: "startsWith(displayName," + graphclient.Quote(typed) + ")", Select: "id,deviceId,displayName", Top: mostChoices,
	}, "devices")
	if err != nil {
		return all
	}
	for _, o := range devices.Items {
		name, id := "device", o.Text("deviceId")
		if t.name == "changes" {
			name, id = "about", o.Text("id")
		}
		all = append(all, choice{"device", o.Text("displayName"), "", t.href(filters, name, id)})
	}
	return all
}
