package drills

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// onPage is how many drills a page lists: how each stands is read one by one.
const onPage = 20

// kinds are what the list can be narrowed to.
var kinds = []string{"", "sample", "person"}

type listPage struct { // list.html
	console.Frame
	Kind                        string
	Kinds                       []string
	Drills                      []drill
	Now                         time.Time
	Quarter                     string // of today
	NextHref                    string
	MayRead, MayStart, MayPlans bool
}

// File implements console.Page.
func (listPage) File() string { return "list.html" }

// list serves GET /console/recovery/drills, the newest first.
func list(c *console.Call) error {
	p := listPage{
		Frame: c.Frame("recovery"), Kind: c.Form("kind"), Kinds: kinds, Now: c.Now(), Quarter: quarterOf(c, c.Now()),
		MayRead: c.May(reads), MayStart: c.May(starts) || c.May(writesPolicy), MayPlans: c.May(readsPolicy),
	}
	q := graphclient.Query{Top: onPage}
	if !slices.Contains(kinds, p.Kind) {
		p.Kind = ""
	}
	if p.Kind != "" {
		q.Filter = "kind eq " + graphclient.Quote(p.Kind)
	}
	if p.MayRead {
		found, err := c.Page(q, at()...)
		if err != nil {
			return err
		}
		p.NextHref = c.NextHref(found)
		if p.Drills, err = standing(c, found.Items); err != nil {
			return err
		}
	}
	return c.Show(http.StatusOK, p)
}

// standing reads how each drill of a list stands: of one person how they did, of a sample the counts.
func standing(c *console.Call, items []graphclient.Object) ([]drill, error) {
	drills, errs := make([]drill, len(items)), make([]error, len(items))
	var all sync.WaitGroup
	for i, o := range items {
		all.Go(func() {
			d := &drills[i]
			if *d = drillOf(o); d.One() {
				d.People, errs[i] = peopleOf(c, d.ID)
				return
			}
			var full graphclient.Object
			if full, errs[i] = c.Graph.Drill(c.Context(), d.ID); errs[i] == nil {
				*d = drillOf(full)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return drills, nil
}

// quarterOf is the quarter of a moment in the organisation's calendar, as drills name it.
func quarterOf(c *console.Call, at time.Time) string {
	zone := c.Person.Zone
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	return fmt.Sprintf("%04d-Q%d", at.Year(), (int(at.Month())+2)/3)
}

var isQuarter = regexp.MustCompile(`^[0-9]{4}-Q[1-4]$`)

// before is the quarter before one.
func before(quarter string) string {
	var year, n int
	if _, err := fmt.Sscanf(quarter, "%4d-Q%1d", &year, &n); err != nil {
		return ""
	}
	if n--; n == 0 {
		year, n = year-1, 4
	}
	return fmt.Sprintf("%04d-Q%d", year, n)
}
