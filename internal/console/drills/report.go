package drills

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// Bounds of the page of a quarter; its file has everybody.
const (
	mostDrills = 200
	mostPeople = 100
)

type reportPage struct { // report.html
	console.Frame
	Quarter, Before, Current string
	Drills                   int
	Count                    count
	LeftOut                  []leftOut
	Stopped                  []stop
	People                   []stopped // who did not get through
	More                     bool      // than mostPeople
	Cut                      bool      // more than mostDrills
}

// File implements console.Page.
func (reportPage) File() string { return "report.html" }

// A stop is how many were stopped at a step.
type stop struct {
	Step string
	N    int
}

// stopped is somebody who did not get through, and in which drill.
type stopped struct {
	Drill string
	practice
}

// report serves GET /console/recovery/drills/report: what a quarter's drills came to.
func report(c *console.Call) error {
	p := reportPage{Frame: c.Frame("recovery"), Quarter: asked(c), Current: quarterOf(c, c.Now())}
	p.Before = before(p.Quarter)
	stops := map[string]int{}
	err := eachOf(c, p.Quarter, func(d drill) error {
		if p.Drills == mostDrills {
			p.Cut = true
			return errEnough
		}
		p.Drills++
		p.add(d, stops)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for name, n := range stops {
		p.Stopped = append(p.Stopped, stop{name, n})
	}
	sort.Slice(p.Stopped, func(i, j int) bool {
		return cmp.Or(p.Stopped[j].N-p.Stopped[i].N, cmp.Compare(p.Stopped[i].Step, p.Stopped[j].Step)) < 0
	})
	return c.Show(http.StatusOK, p)
}

// add counts a drill.
func (p *reportPage) add(d drill, stops map[string]int) {
	for _, one := range d.People {
		p.Count.add(one.State)
		if one.Failed != "" && one.State != "passed" {
			stops[one.Failed]++
		}
		if one.State != "failed" && one.State != "missed" {
			continue
		}
		if len(p.People) == mostPeople {
			p.More = true
			continue
		}
		p.People = append(p.People, stopped{d.ID, one})
	}
	for _, left := range d.LeftOut {
		i := slices.IndexFunc(p.LeftOut, func(l leftOut) bool { return l.Why == left.Why })
		if i < 0 {
			p.LeftOut = append(p.LeftOut, left)
		} else {
			p.LeftOut[i].N += left.N
		}
	}
}

// asked is the quarter that the address names, or today's.
func asked(c *console.Call) string {
	if q := c.Form("quarter"); isQuarter.MatchString(q) {
		return q
	}
	return quarterOf(c, c.Now())
}

// errEnough ends a walk through drills.
var errEnough = errors.New("enough")

// eachOf goes through the drills of a quarter with everybody in them, its sample first.
func eachOf(c *console.Call, quarter string, do func(drill) error) error {
	for _, kind := range []string{"sample", "person"} {
		q := graphclient.Query{Filter: "quarter eq " + graphclient.Quote(quarter) + " and kind eq " + graphclient.Quote(kind), Top: 100}
		for more := true; more; more = q.SkipToken != "" {
			found, err := c.Graph.Page(c.Context(), q, at()...)
			if err != nil {
				return err
			}
			for _, o := range found.Items {
				d, err := wholeOf(c, o)
				if err == nil {
					err = do(d)
				}
				if err != nil {
					return err
				}
			}
			q.SkipToken = found.Next
		}
	}
	return nil
}

// wholeOf is a drill of a list with everybody in it, and who was left out of a sample.
func wholeOf(c *console.Call, o graphclient.Object) (drill, error) {
	d := drillOf(o)
	if !d.One() {
		full, err := c.Graph.Drill(c.Context(), d.ID)
		if err != nil {
			return d, err
		}
		d = drillOf(full)
	}
	var err error
	d.People, err = peopleOf(c, d.ID)
	return d, err
}

// stepNames are the steps in their order, a column each.
var stepNames = []string{"issue", "place", "device", "rules", "methods", "pin", "key"}

var heads = append([]string{
	"drill", "quarter", "kind", "userId", "displayName", "userPrincipalName", "state", "askedDateTime", "practisedDateTime", "tries", "secondsTaken",
	"ipAddress", "deviceDisplayName", "failedStep", "why",
}, stepNames...)

// rows writes everybody of a drill.
func (d drill) rows(file *console.CSV) {
	for _, p := range d.People {
		row := []string{
			d.ID, d.Quarter, d.Kind, p.ID, p.Name, p.Username, p.State, stamp(p.Asked), stamp(p.Done), strconv.Itoa(p.Tries), seconds(p),
			p.From, p.Device, p.Failed, p.Why,
		}
		for _, name := range stepNames {
			result := ""
			for _, s := range p.Steps {
				if s.Name == name {
					result = s.Result
				}
			}
			row = append(row, result)
		}
		file.Row(row...)
	}
}

func seconds(p practice) string {
	if p.Seconds == 0 {
		return ""
	}
	return strconv.Itoa(p.Seconds)
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// reportCSV serves everybody of a quarter. When it breaks off, so does the connection: a file that looks whole is whole.
func reportCSV(c *console.Call) error {
	quarter := asked(c)
	var file *console.CSV
	err := eachOf(c, quarter, func(d drill) error {
		if file == nil {
			file = c.CSV("drills-"+quarter+".csv", heads...)
		}
		d.rows(file)
		_ = http.NewResponseController(c.W).SetWriteDeadline(time.Now().Add(time.Minute)) // a large file takes longer than a page may
		return nil
	})
	switch {
	case err != nil && file == nil:
		return err
	case err != nil:
		panic(http.ErrAbortHandler)
	case file == nil:
		file = c.CSV("drills-"+quarter+".csv", heads...)
	}
	return file.Close()
}

// showCSV serves everybody of one drill.
func showCSV(c *console.Call) error {
	d, _, err := read(c)
	if err != nil {
		return err
	}
	file := c.CSV("drill-"+d.Quarter+".csv", heads...)
	d.rows(file)
	return file.Close()
}
