package workflows

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// errName says that an argument names somebody or something that is not there.
var errName = &fault.Error{
	Kind: fault.Invalid, Code: "consoleWorkflowName",
	Text: "A task names something that is not there.", Remedy: "Correct the name, or paste the id.", // With says which
}

// Arguments whose values are ids; people type names.
const (
	argGroups    = "groupID"
	argPeople    = "cc"
	argExtension = "customTaskExtensionID"
)

// names are what ids are called; an id without a name is itself.
type names map[string]string

// List returns the names of ids with commas between them.
func (n names) List(ids string) []string {
	var all []string
	for id := range strings.SplitSeq(ids, ",") {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		if name := n[strings.ToLower(id)]; name != "" {
			id = name
		}
		all = append(all, id)
	}
	return all
}

// namesOf finds what the groups, people and extensions are called that tasks name.
func namesOf(c *console.Call, tasks []task) names {
	found := names{}
	var groups, people []string
	extensions := false
	for _, t := range tasks {
		groups = append(groups, idsIn(t.Arguments[argGroups])...)
		people = append(people, idsIn(t.Arguments[argPeople])...)
		extensions = extensions || t.Arguments[argExtension] != ""
	}
	if len(groups) > 0 {
		answer, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"ids": groups[:min(len(groups), 1000)], "types": []string{"group"}}, "directoryObjects", "getByIds")
		if err == nil { // a help, not a need
			for _, o := range answer.Objects("value") {
				found[strings.ToLower(o.Text("id"))] = o.Text("displayName")
			}
		}
	}
	for _, id := range people {
		if u, err := c.Graph.Select(c.Context(), "id,userPrincipalName", "users", id); err == nil {
			found[strings.ToLower(id)] = u.Text("userPrincipalName")
		}
	}
	if extensions {
		for _, x := range extensionsOf(c) {
			found[strings.ToLower(x.Text("id"))] = x.Text("displayName")
		}
	}
	return found
}

func extensionsOf(c *console.Call) []graphclient.Object {
	page, err := c.Graph.Page(c.Context(), graphclient.Query{Top: most}, beside("customTaskExtensions")...)
	if err != nil {
		return nil
	}
	return page.Items
}

func idsIn(text string) []string {
	var all []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// idsOf returns the ids of what was typed for a task, a name in each line; kind is groups or users.
func idsOf(c *console.Call, task, typed, kind string) (string, error) {
	var ids []string
	for line := range strings.Lines(typed) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if all := idsIn(line); !slices.ContainsFunc(all, func(one string) bool { return !isID(one) }) {
			ids = append(ids, all...)
			continue
		}
		property := "displayName"
		if kind == "users" {
			property = "userPrincipalName"
		}
		found, err := c.Graph.Page(c.Context(), graphclient.Query{Filter: property + " eq " + graphclient.Quote(line), Select: "id", Top: 2}, kind)
		if err != nil {
			return "", err
		}
		if len(found.Items) != 1 {
			if len(found.Items) > 1 {
				return "", errName.With(line, "Task “"+task+"”: more than one group is called “"+line+"”. Paste the id of the one.")
			}
			return "", errName.With(line, "Task “"+task+"”: there is no “"+line+"”.")
		}
		ids = append(ids, found.Items[0].Text("id"))
	}
	return strings.Join(ids, ","), nil
}

// isID reports whether text has the form of an object id.
func isID(text string) bool {
	return len(text) == 36 && strings.Count(text, "-") == 4 && !strings.ContainsFunc(strings.ToLower(text), func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}
