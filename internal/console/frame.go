package console

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// A Frame is what every page has; each page's struct embeds one.
type Frame struct {
	Person Person
	Lang   string
	Zone   *time.Location
	Path   string     // of this page
	Query  url.Values // of this page
	Nav    [][]NavItem

	// Done is the key of what a form did before this page; its words are done_{key}.
	Done string
	// Fault is what went wrong with the form that this page shows again; nil otherwise.
	Fault         *Trouble
	CorrelationID string
	ShortCode     string // the same, short enough to say aloud
	// Foreign says that Graph is not Postern's: what only Postern has is left out.
	Foreign bool
	// Scripts are modules of this page beside console.js, by the names of their assets.
	Scripts []string
	// Theme, light or dark, and Dir, rtl, overrule what the browser and the language say.
	Theme, Dir string

	section string
}

// shared makes every struct that embeds a Frame a page's base.
func (f Frame) shared() Frame { return f }

// Initials are those of the person, for the corner of the page.
func (f Frame) Initials() string {
	var out []rune
	for word := range strings.FieldsSeq(design.Clean(f.Person.Name)) {
		out = append(out, []rune(word)[0])
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return string(out)
}

// Role names the most telling role of the person; others are a number.
func (f Frame) Role() string {
	if len(f.Person.Roles) == 0 {
		return ""
	}
	return f.Person.Roles[0]
}

// A NavItem is an entry of the navigation.
type NavItem struct {
	Name    string // key of its words: nav_{name}
	Icon    string
	Href    string
	Current bool
}

// entries are the navigation, in three groups, with the actions of which one shows an entry.
var entries = [][]struct {
	name, icon, path string
	needs            []string
}{
	{
		{"home", "home", "/", nil},
		{"people", "people", "/people", []string{"readUserBasic"}},
		{"recovery", "help", "/recovery", []string{"readCases"}},
		{"groups", "role", "/groups", []string{"readGroup", "readRoles"}},
		{"applications", "apps", "/applications", []string{"readApplications"}},
		{"devices", "device", "/devices", []string{"readDevices"}},
		{"readiness", "key", "/readiness", []string{"readRegistrations"}},
	},
	{
		{"methods", "shield", "/methods", []string{"readMethodsPolicy"}},
		{"access", "lock", "/access", []string{"readAccessRules"}},
		{"settings", "sliders", "/settings", []string{"readDevicePolicy"}},
		{"workflows", "clock", "/workflows", []string{"readWorkflows"}},
	},
	{
		{"logs", "log", "/logs", []string{"readSignIns", "readAudits"}},
		{"administration", "tools", "/administration", []string{"writeOrganization", "readDomains"}},
	},
}

// ownOnly are entries for which another Graph may have the rights, and not the pages.
var ownOnly = []string{"readiness", "workflows"}

// navigation returns the entries that c's person can use and that there are pages for.
func navigation(c *Call, current string) [][]NavItem {
	var all [][]NavItem
	if len(c.Person.Roles) == 0 {
		return nil
	}
	for _, group := range entries {
		var items []NavItem
		for _, e := range group {
			if !c.console.serves(Root+e.path) || !c.mayOne(e.needs) || c.Foreign() && slices.Contains(ownOnly, e.name) {
				continue
			}
			items = append(items, NavItem{Name: e.name, Icon: e.icon, Href: Root + e.path, Current: e.name == current})
		}
		if items != nil {
			all = append(all, items)
		}
	}
	return all
}

func (c *Call) mayOne(actions []string) bool {
	return len(actions) == 0 || slices.ContainsFunc(actions, c.May)
}

// serves reports whether a section has a page at path.
func (c *Console) serves(path string) bool {
	for _, s := range c.Sections {
		for _, r := range s.Routes {
			if p := strings.TrimSuffix(r.Pattern, "{$}"); p == "GET "+path {
				return true
			}
		}
	}
	return false
}

// Trouble is why something could not be done, in Graph's words or ours.
type Trouble struct {
	Code, Message, Remedy, RequestID string
	Target                           string // property at fault, as Graph calls it; may be empty
	Status                           int    // of the answer of Graph; 0 if there was none
}

// Explain returns what a person may be told of err on the form that caused it, or nil when err
// needs a page of its own.
func Explain(err error) *Trouble {
	var refused *graphclient.Error
	var f *fault.Error
	switch {
	case asError(err, &refused) && refused.Status != 401 && refused.Status < 500 && refused.Status != 429:
		return &Trouble{Code: refused.Code, Message: refused.Message, Target: refused.Target, RequestID: refused.RequestID, Status: refused.Status}
	case asError(err, &f):
		return &Trouble{Code: f.Code, Message: f.Text, Remedy: f.Remedy, Target: f.Target}
	}
	return nil
}
