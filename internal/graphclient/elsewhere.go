package graphclient

import (
	"net/url"
	"slices"
	"strings"
)

// Elsewhere returns a client for a Graph that is not Postern's: what is read is not asked for by
// the names of what Postern adds, and as that Graph wants lists to be asked.
func (c *Client) Elsewhere() *Client {
	own := *c
	own.foreign = true
	return &own
}

const version = "v1.0"

// advanced are the sets of directory objects, whose casts and orders are advanced queries.
// https://learn.microsoft.com/graph/aad-advanced-queries
var advanced = []string{"me", "users", "groups", "applications", "servicePrincipals", "directory"}

// elsewhere is where a resource at u is for a Graph that is not Postern's.
func elsewhere(u *url.URL) *url.URL {
	q := u.Query()
	for _, option := range []string{"$select", "$expand"} {
		if names := q.Get(option); names != "" {
			kept := slices.DeleteFunc(strings.Split(names, ","), func(name string) bool { return strings.HasPrefix(name, "postern_") })
			q.Set(option, strings.Join(kept, ","))
		}
	}
	_, below, _ := strings.Cut(u.Path, version+"/")
	set, _, _ := strings.Cut(below, "/")
	cast := strings.Contains(u.Path, "/microsoft.graph.")
	if slices.Contains(advanced, set) && (cast || q.Has("$search") || q.Has("$orderby")) && !q.Has("$expand") {
		q.Set("$count", "true")
	}
	there := *u
	there.RawQuery = q.Encode()
	return &there
}
