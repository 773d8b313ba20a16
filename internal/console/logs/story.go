package logs

import (
	"cmp"
	"net/http"
	"sort"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// storyOf returns all that belongs to a correlation id, the oldest first; nothing where the
// person may read one log only, or Graph does not tell.
func storyOf(c *console.Call, correlation string) []entry {
	if correlation == "" || !c.May("readSignIns") || !c.May("readAudits") {
		return nil
	}
	if c.Foreign() {
		return foreignStory(c, correlation)
	}
	told, err := c.Graph.Get(c.Context(), "postern", "story", correlation)
	if err != nil {
		return nil
	}
	var all []entry
	for _, one := range told.Objects("value") {
		e := chapter(c, one)
		e.Position, e.About = one.Text("position"), one.Text("about")
		e.Old = day(e.At, c.Person.Zone) != day(c.Now(), c.Person.Zone)
		all = append(all, e)
	}
	return all
}

func chapter(c *console.Call, one graphclient.Object) entry {
	if in, ok := one["signIn"].(map[string]any); ok {
		return signInEntry(c, in)
	}
	change, _ := one["directoryAudit"].(map[string]any)
	return changeEntry(c, change)
}

// foreignStory puts the two logs of another Graph together.
func foreignStory(c *console.Call, correlation string) []entry {
	var all []entry
	for _, t := range []trail{signInLog, changeLog} {
		page, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: "correlationId eq " + graphclient.Quote(correlation), Top: 50}, "auditLogs", t.set)
		if err != nil {
			continue
		}
		for _, o := range page.Items {
			all = append(all, t.read(c, o))
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		return cmp.Or(all[i].At.Compare(all[j].At), cmp.Compare(all[i].ID, all[j].ID)) < 0
	})
	return all
}

// A tale is a story as the steps of a page show it.
type tale struct {
	Story   []entry
	Current string // id of the entry that the page is about
	Zone    *time.Location
}

// A head is an entry at the beginning of a panel.
type head struct {
	entry
	Zone *time.Location
}

// In is e for times in zone.
func (e entry) In(zone *time.Location) head { return head{e, zone} }

// A proof says whether an entry is in the sealed log as it stands.
type proof struct {
	Sealed, Included bool
	Position, Size   string
}

func proofOf(c *console.Call, id string) *proof {
	if c.Foreign() || !c.May("readSignIns") || !c.May("readAudits") {
		return nil
	}
	o, err := c.Graph.Get(c.Context(), "postern", "log", "proof", id)
	if err != nil {
		return nil
	}
	return &proof{Sealed: o.Text("position") != "", Included: o.Text("included") == "true", Position: o.Text("position"), Size: o.Text("size")}
}

type entryPage struct { // entry.html
	console.Frame
	Entry *entry // nil on the page of a story
	Story []entry
	Proof *proof
	ID    string // the correlation id
	Code  string // its short code
	// AroundHref lists what the same person did in the hour around.
	AroundHref string
}

// File implements console.Page.
func (entryPage) File() string { return "entry.html" }

// Tale is the story of the page.
func (p entryPage) Tale() tale {
	t := tale{Story: p.Story, Zone: p.Zone}
	if p.Entry != nil {
		t.Current = p.Entry.ID
	}
	return t
}

// Subject is the entry that says whose story it is: the first sign-in, or else the first entry.
func (p entryPage) Subject() *entry {
	for i := range p.Story {
		if p.Story[i].Trail == "signins" {
			return &p.Story[i]
		}
	}
	if len(p.Story) == 0 {
		return nil
	}
	return &p.Story[0]
}

// one serves the page of an entry.
func (t trail) one(c *console.Call) error {
	o, err := c.Graph.Get(c.Context(), "auditLogs", t.set, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	e := t.read(c, o)
	p := entryPage{Frame: c.Frame("logs"), Entry: &e, Story: storyOf(c, e.CorrelationID), Proof: proofOf(c, e.ID), ID: e.CorrelationID, Code: e.ShortCode()}
	for _, s := range p.Story { // which has the steps of a sign-in, too
		if s.ID == e.ID {
			p.Entry = &s
		}
	}
	if e.WhoID != "" && t.name == "signins" && !e.At.IsZero() {
		p.AroundHref = "/console/logs/signins?person=" + e.WhoID + "&from=" + e.At.Add(-30*time.Minute).UTC().Format("2006-01-02T15:04:05Z") +
			"&to=" + e.At.Add(30*time.Minute).UTC().Format("2006-01-02T15:04:05Z")
	}
	return c.Show(http.StatusOK, p)
}

// errNoStory says that nothing has that id.
var errNoStory = &fault.Error{
	Kind: fault.NotFound, Code: "consoleNoStory",
	Text: "No entry of the log has this id.", Remedy: "Check the code. Entries are kept for as long as the log is.",
}

// story serves the page of a correlation id.
func story(c *console.Call) error {
	id := c.R.PathValue("id")
	all := storyOf(c, id)
	if len(all) == 0 {
		return errNoStory
	}
	return c.Show(http.StatusOK, entryPage{Frame: c.Frame("logs"), Story: all, ID: id, Code: spoken(id)})
}
