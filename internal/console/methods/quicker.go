package methods

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type quickerPage struct { // quicker.html
	console.Frame
	Policy  policy
	Tag     string
	By      string
	At      time.Time
	Rows    []dispute
	Missing bool // not all was chosen
}

// A dispute is a setting that somebody else changed while a form was open, or that the form changes.
type dispute struct {
	Name, Label, Whose string
	Was, Mine          string // as text
	WasShown           string
	TheirsShown        string
	MineShown          string
}

// File implements console.Page.
func (quickerPage) File() string { return "quicker.html" }

// quicker shows what somebody else made of the policy beside what the form makes of it. Nothing is saved.
func quicker(c *console.Call, d *draft, missing bool) error {
	page := quickerPage{Frame: c.Frame(d.policy.Section()), Policy: d.policy, Tag: d.tag, Missing: missing}
	var preview graphclient.Object
	if d.policy.watched {
		var err error
		if preview, err = c.Graph.PreviewMethodPolicy(c.Context(), d.policy.Key, d.body()); err != nil && console.Explain(err) == nil {
			return err
		}
	}
	if d.policy.told {
		var err error
		if page.By, page.At, err = lastChange(c, d.policy); err != nil {
			return err
		}
	}
	page.Rows = rows(c, d, preview)
	return c.Show(http.StatusPreconditionFailed, page)
}

func rows(c *console.Call, d *draft, preview graphclient.Object) []dispute {
	var all []dispute
	var scoped []string
	for _, s := range d.disputed() {
		if s.Kind == kindWho {
			scoped = append(scoped, s.Was, s.Now, s.Then)
		}
	}
	names := namesIn(c, scoped)
	for _, s := range d.disputed() {
		s.names = names
		all = append(all, dispute{
			Name: s.Name(), Label: s.Label(c, d.policy), Whose: s.Whose(), Was: s.Was, Mine: s.Then,
			WasShown: s.shown(c, s.Was, preview), TheirsShown: s.shown(c, s.Now, preview), MineShown: s.shown(c, s.Then, preview),
		})
	}
	return all
}
