// Package drills is where recovery is rehearsed: somebody or a sample is asked to practise, what stood in the
// way is read step by step, and a quarter is reported.
//
//	/console/recovery/drills ──▶ …/new ──▶ …/{id}, the practice pass on it once
//	           │
//	           ├──▶ …/report, one quarter
//	           └──▶ …/schedule
//
// docs/drills.md says what a drill is.
package drills

import (
	"embed"
	"net/url"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

//go:embed *.html words/*.json
var files embed.FS

const root = console.Root + "/recovery/drills"

// Actions of package directory that these pages ask for. A sample and the schedule are a policy.
const (
	reads        = "readCases"
	starts       = "startDrill"
	readsPolicy  = "readMethodsPolicy"
	writesPolicy = "writeMethodsPolicy"
)

// Section returns the pages of this package.
func Section() console.Section {
	read, begin := []string{reads}, []string{starts, writesPolicy}
	return console.Section{Name: "drills", Files: files, Routes: []console.Route{
		{Pattern: "GET " + root, Needs: []string{reads, readsPolicy}, Serve: list},
		{Pattern: "GET " + root + "/new", Needs: begin, Serve: ask},
		{Pattern: "POST " + root + "/new", Needs: begin, Serve: start},
		{Pattern: "GET " + root + "/schedule", Needs: []string{readsPolicy}, Serve: showSchedule},
		{Pattern: "POST " + root + "/schedule", Needs: []string{writesPolicy}, Serve: saveSchedule},
		{Pattern: "GET " + root + "/report", Needs: read, Serve: report},
		{Pattern: "GET " + root + "/report/csv", Needs: read, Serve: reportCSV},
		{Pattern: "GET " + root + "/{id}", Needs: read, Serve: show},
		{Pattern: "GET " + root + "/{id}/csv", Needs: read, Serve: showCSV},
		{Pattern: "GET " + root + "/{id}/events", Needs: read, Serve: follow},
	}}
}

func at(names ...string) []string {
	return append([]string{"postern", "recovery", "drills"}, names...)
}

func hrefOf(id string) string { return root + "/" + url.PathEscape(id) }

// places are where a practice pass may have to be typed.
var places = []string{"anywhere", "lockScreen"}

// A drill is a rehearsal of one person or of a sample.
type drill struct {
	ID, Kind, Quarter, Where, By, Note string
	Began, Ends                        time.Time
	Asked                              int
	LeftOut                            []leftOut
	People                             []practice // of one person, and where they are asked for
	Count                              count
}

// A count is how many practices stand how.
type count struct{ Asked, Passed, Failed, Missed, Waiting int }

func (n *count) add(state string) {
	n.Asked++
	switch state {
	case "passed":
		n.Passed++
	case "failed":
		n.Failed++
	case "missed":
		n.Missed++
	default:
		n.Waiting++
	}
}

// leftOut is how many a sample came to who were not asked, and why.
type leftOut struct {
	Why string
	N   int
}

// A practice is the part of one person.
type practice struct {
	ID, Name, Username, State, Device, From, Failed, Why string
	Asked, Done                                          time.Time
	Tries, Seconds                                       int
	Steps                                                []step
}

// A step is one thing that a real pass would have needed, and whether it was there.
type step struct{ Name, Result, Why string }

// One reports whether the drill is of one person.
func (d drill) One() bool { return d.Kind == "person" }

// Person is the only one of a drill of one person.
func (d drill) Person() practice {
	if len(d.People) == 0 {
		return practice{}
	}
	return d.People[0]
}

func drillOf(o graphclient.Object) drill {
	d := drill{
		ID: o.Text("id"), Kind: o.Text("kind"), Quarter: o.Text("quarter"), Where: o.Text("where"), By: o.Text("startedBy"), Note: o.Text("note"),
		Began: o.Time("startDateTime"), Ends: o.Time("endDateTime"), Asked: number(o, "asked"),
		Count: count{number(o, "asked"), number(o, "passed"), number(o, "failed"), number(o, "missed"), number(o, "waiting")},
	}
	left, _ := o["leftOut"].(map[string]any)
	for _, why := range []string{"drillAsked", "drillInCase", "drillNotThem", "drillNoAddress"} {
		if n := number(left, why); n > 0 {
			d.LeftOut = append(d.LeftOut, leftOut{why, n})
		}
	}
	return d
}

func practiceOf(o graphclient.Object) practice {
	p := practice{
		ID: o.Text("userId"), Name: o.Text("userDisplayName"), Username: o.Text("userPrincipalName"), State: o.Text("state"),
		Device: o.Text("deviceDisplayName"), From: o.Text("ipAddress"), Failed: o.Text("failedStep"), Why: o.Text("why"),
		Asked: o.Time("askedDateTime"), Done: o.Time("practisedDateTime"), Tries: number(o, "tries"), Seconds: number(o, "secondsTaken"),
	}
	for _, s := range o.Objects("steps") {
		p.Steps = append(p.Steps, step{s.Text("name"), s.Text("result"), s.Text("text")})
	}
	return p
}

// peopleOf reads everybody of a drill, who was stopped first.
func peopleOf(c *console.Call, id string) ([]practice, error) {
	var all []practice
	for o, err := range c.Graph.DrillPeople(c.Context(), id) {
		if err != nil {
			return nil, err
		}
		all = append(all, practiceOf(o))
	}
	return all, nil
}

func number(o graphclient.Object, name string) int {
	n, _ := o[name].(float64)
	return int(n)
}
