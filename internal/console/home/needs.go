package home

import (
	"net/url"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A need is one line of what needs somebody.
type need struct {
	Kind string
	Key  string // of its words: home_need_{kind}; with _one where Count is 1
	Why  string // of what is said about it: home_why_{kind}
	Icon string
	Tone string // class of the icon
	// Href leads to where it can be dealt with; empty where the person can't go there.
	Href          string
	Count, Admins int
	Name, Boss    string
	At            time.Time
}

var icons = map[string][2]string{"danger": {"stop", "danger"}, "caution": {"caution", "caution"}, "notice": {"clock", "soft"}}

func needOf(c *console.Call, i graphclient.Object) need {
	mark := icons[i.Text("severity")]
	n := need{
		Kind: i.Text("kind"), Icon: mark[0], Tone: mark[1], Count: number(i, "count"), Admins: number(i, "administratorCount"),
		Name: i.Text("displayName"), Boss: i.Text("managerDisplayName"),
	}
	n.Key, n.Why = "home_need_"+n.Kind, "home_why_"+n.Kind
	switch {
	case n.Count == 1:
		n.Key += "_one"
	case i.Text("errorCode") != "":
		n.Key += "_" + i.Text("errorCode")
	}
	switch {
	case n.Kind == "peopleWithoutWay" && n.Admins == 0:
		n.Why += "_plain"
	case n.Kind == "peopleWithoutWay" && n.Admins == 1:
		n.Why += "_one"
	case n.Kind == "startsWithoutPass" && n.Boss == "":
		n.Why += "_plain"
	}
	n.At, _ = time.Parse(time.RFC3339, i.Text("dateTime")) // none where it does not matter
	n.Href = hrefOf(c, n.Kind, i.Text("target/type"), i.Text("target/id"))
	return n
}

// hrefOf leads from a resource of Graph to the page about it.
func hrefOf(c *console.Call, kind, resource, id string) string {
	place := map[string]struct{ path, needs string }{
		"user": {"/people/" + url.PathEscape(id), "readUserBasic"}, "device": {"/devices/" + url.PathEscape(id), "readDevices"},
		"peopleReport": {"/reports/people/" + url.PathEscape(id), "readRegistrations"}, "devicesReport": {"/reports/devices/" + url.PathEscape(id), reads},
		"roleDefinition": {"/roles/" + url.PathEscape(id), "readRoles"}, "mails": {"/administration", "writeOrganization"},
		"log": {"/logs", "readAudits"}, "server": {"/administration", "writeOrganization"},
		"jobs": {"/workflows/jobs", "readJobs"},
	}[resource]
	switch {
	case kind == "startsWithoutPass" && c.May("issuePass"):
		return console.Root + place.path + "/pass"
	case kind == "refusedPasses" && c.May("readSignIns"):
		return console.Root + "/logs?user=" + url.QueryEscape(id)
	case place.path == "" || !c.May(place.needs):
		return ""
	}
	return console.Root + place.path
}

// number reads a number at a path such as passes/used.
func number(o graphclient.Object, path string) int {
	n, err := strconv.ParseFloat(o.Text(path), 64)
	if err != nil {
		return 0
	}
	return int(n)
}
