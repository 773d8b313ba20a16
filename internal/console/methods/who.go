package methods

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// kindWho is for whom something is allowed: all, nobody, or groups and people that are named. As text it is
// all or none or selected, and then a line for each that is named, such as "groups:ID".
const kindWho kind = "who"

// scopes are the types by which Graph tells for whom devices may be joined.
// https://learn.microsoft.com/graph/api/resources/deviceregistrationmembership
var scopes = map[string]string{"all": "all", "none": "no", "selected": "enumerated"}

const (
	scopeBegins = "#microsoft.graph."
	scopeEnds   = "DeviceRegistrationMembership"
)

// whoOf reads a scope of Graph.
func whoOf(o map[string]any) string {
	scope := graphclient.Object(o)
	for name, begins := range scopes {
		if scope.Text("@odata.type") != scopeBegins+begins+scopeEnds {
			continue
		}
		all := []string{name}
		for _, list := range []string{"groups", "users"} {
			ids, _ := o[list].([]any)
			for _, id := range ids {
				if text, ok := id.(string); ok && name == "selected" {
					all = append(all, list+":"+text)
				}
			}
		}
		return strings.Join(all, "\n")
	}
	return ""
}

// whoValue is a scope as Graph takes it.
func whoValue(text string) graphclient.Object {
	lines := trimmed(text)
	if len(lines) == 0 {
		return graphclient.Object{}
	}
	o := graphclient.Object{"@odata.type": scopeBegins + scopes[lines[0]] + scopeEnds}
	if lines[0] != "selected" {
		return o
	}
	named := map[string][]string{"groups": {}, "users": {}}
	for _, line := range lines[1:] {
		if list, id, ok := strings.Cut(line, ":"); ok && named[list] != nil {
			named[list] = append(named[list], id)
		}
	}
	o["groups"], o["users"] = named["groups"], named["users"]
	return o
}

// A bearer is a group or a person that a scope names, or could.
type bearer struct {
	Text, Icon, Name string
	Chosen           bool
}

// bearersOf are those that a setting names.
func bearersOf(s *setting, names map[string]string) []bearer {
	var all []bearer
	for _, line := range trimmed(s.Then) {
		list, id, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		b := bearer{Text: line, Icon: "people", Name: names[id], Chosen: true}
		if list == "users" {
			b.Icon = "person"
		}
		if b.Name == "" {
			b.Name = id
		}
		all = append(all, b)
	}
	return all
}

// namesIn returns what those are called whom scopes name, as far as the person may read it.
func namesIn(c *console.Call, texts []string) map[string]string {
	ids, seen := []string{}, map[string]bool{}
	for _, text := range texts {
		for _, line := range trimmed(text) {
			if _, id, ok := strings.Cut(line, ":"); ok && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	names := map[string]string{}
	if len(ids) == 0 || !c.May("readGroup") && !c.May("readUserBasic") {
		return names
	}
	answer, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"ids": ids[:min(len(ids), 1000)], "types": []string{"group", "user"}}, "directoryObjects", "getByIds")
	if err != nil { // ids are shown instead
		return names
	}
	for _, o := range answer.Objects("value") {
		names[o.Text("id")] = o.Text("displayName")
	}
	return names
}

// whoShown says a scope in words.
func whoShown(c *console.Call, text string, names map[string]string) string {
	var all []string
	for _, b := range bearersOf(&setting{Then: text}, names) {
		all = append(all, b.Name)
	}
	switch {
	case strings.HasPrefix(text, "all"):
		return c.Text("methods_everybody")
	case len(all) == 0:
		return c.Text("methods_nobody")
	}
	return strings.Join(all, ", ")
}
