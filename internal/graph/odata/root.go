package odata

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Root is the absolute address that resources hang from, such as https://id.example/v1.0.
type Root string

// NewRoot returns the root for answers to r: publicURL, and the version that r asked for.
func NewRoot(publicURL string, r *http.Request) Root {
	version := "/v1.0"
	if r.URL.Path == "/beta" || strings.HasPrefix(r.URL.Path, "/beta/") {
		version = "/beta"
	}
	return Root(strings.TrimRight(publicURL, "/") + version)
}

// Link returns the address of a resource; each segment is escaped.
func (b Root) Link(segments ...string) string {
	link := string(b)
	for _, s := range segments {
		link += "/" + url.PathEscape(s)
	}
	return link
}

// Collection returns the @odata.context of a collection of set, with what was selected:
// …/$metadata#users(id,displayName).
func (b Root) Collection(set string, selected []string) string {
	context := string(b) + "/$metadata#" + set
	if len(selected) > 0 {
		context += "(" + strings.Join(selected, ",") + ")"
	}
	return context
}

// Entity returns the @odata.context of one entity of set: …/$metadata#users/$entity.
func (b Root) Entity(set string, selected []string) string {
	return b.Collection(set, selected) + "/$entity"
}

// Within names the set of what belongs to one entity, for Collection and Entity:
// users('ann%40contoso.example')/authentication/methods.
func Within(set, key, rest string) string {
	return set + "('" + url.PathEscape(strings.ReplaceAll(key, "'", "''")) + "')/" + rest
}

// NextLink returns the address of the next page of r: the path and options as they were,
// with token as $skiptoken. What $skip left out stays left out, because token says where
// to go on. The host is the public one, never one that the request named.
func NextLink(publicURL string, r *http.Request, o Options, token string) string {
	path := r.URL.EscapedPath()
	if asked, err := url.ParseRequestURI(r.RequestURI); err == nil {
		path = asked.EscapedPath() // as it was before SplitKeys
	}
	pairs := append(slices.Clone(o.sent), "$skiptoken="+queryEscape(token))
	return strings.TrimRight(publicURL, "/") + "/" + strings.TrimLeft(path, "/") + "?" + strings.Join(pairs, "&")
}

// queryEscape escapes a value with %20 for spaces, which every client reads alike.
func queryEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
