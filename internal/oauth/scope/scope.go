// Package scope reads the scope parameter of authorization, device-code and token
// requests, in the forms that Entra takes (Learn "Scopes and permissions in the Microsoft
// identity platform"). Whether resource and scopes exist, and who agreed to them, is
// decided by others.
package scope

import (
	"regexp"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

const (
	// Graph is the resource of bare names, and the one name that Parse gives to Graph.
	Graph = "https://graph.microsoft.com"
	// MaxSize is the longest scope parameter that is read, in bytes.
	MaxSize = 8192
	// MaxScopes is how many scopes a request may have, repeated ones included.
	MaxScopes = 200

	graphID = "00000003-0000-0000-c000-000000000000" // Graph's application id
)

// ErrInvalid reports a scope parameter that can't be read; its text says why.
var ErrInvalid = &fault.Error{
	Kind: fault.Invalid, Code: "scopeInvalid", AADSTS: 70011, Target: "scope",
	Text: "The scope of this request is not valid.",
}

// ErrAppOnly reports an app-only request for anything but what was granted beforehand.
var ErrAppOnly = &fault.Error{
	Kind: fault.Invalid, Code: "scopeNotDefault", AADSTS: 1002012, Target: "scope",
	Text: "An application without a person asks for one resource, followed by /.default.",
}

// A Set is what a request asks for.
type Set struct {
	OpenID, Profile, Email, OfflineAccess bool

	Resource string   // application id or its URI, without a slash at the end; empty if only OpenID Connect's scopes are asked for
	Names    []string // scopes of Resource without its prefix, in order, each once whatever its case
	Default  bool     // .default: what was consented to; then there are no Names
}

// words is a list of scope tokens as RFC 6749 section 3.3 has them.
var words = regexp.MustCompile(`^[\x20\x21\x23-\x5B\x5D-\x7E]*$`)

// Parse reads text, which may be empty, or returns ErrInvalid. Names are compared
// without regard to case, as in Entra. The names in graph, such as the public URL of
// this server, mean Graph too.
func Parse(text string, graph ...string) (Set, error) {
	if len(text) > MaxSize {
		return Set{}, ErrInvalid.With("", "The scope of this request is too long.")
	}
	if !words.MatchString(text) {
		return Set{}, ErrInvalid.With("", "Scopes are separated by blanks and have no quotes, backslashes, control characters or letters beyond ASCII.")
	}
	scopes := strings.Fields(text)
	if len(scopes) > MaxScopes {
		return Set{}, ErrInvalid.With("", "This request asks for too many scopes.")
	}
	var s Set
	for _, one := range scopes {
		resource, name, ok := split(one, graph)
		if !ok {
			return Set{}, ErrInvalid.With("", "A scope is a name, or a resource, a slash and a name.")
		}
		if resource == Graph && s.addOpenID(name) {
			continue
		}
		if s.Resource == "" {
			s.Resource = resource
		}
		if !strings.EqualFold(s.Resource, resource) {
			return Set{}, ErrInvalid.With("", "This request asks for scopes of more than one resource. Send one request for each.")
		}
		s.add(name)
	}
	if s.Default && len(s.Names) > 0 {
		return Set{}, ErrInvalid.With("", ".default does not go together with other scopes of the resource.")
	}
	return s, nil
}

// ParseAppOnly reads the scope of a request of an application without a person, and
// returns its resource, ErrAppOnly or ErrInvalid. OpenID Connect's scopes, which some
// libraries add, are ignored. For graph see Parse.
func ParseAppOnly(text string, graph ...string) (string, error) {
	s, err := Parse(text, graph...)
	if err != nil {
		return "", err
	}
	if !s.Default {
		return "", ErrAppOnly
	}
	return s.Resource, nil
}

// Spell writes names, which were granted at resource, as the scope parameter asked spells
// them: MSAL compares the two as text. A name that asked lacks stands alone for Graph, and
// behind its resource for others. A .default in asked is repeated, since it got all names.
func Spell(asked, resource string, names []string, graph ...string) []string {
	spelled := map[string]string{}
	for one := range strings.FieldsSeq(asked) {
		if r, name, ok := split(one, graph); ok && strings.EqualFold(r, resource) {
			spelled[strings.ToLower(name)] = one
		}
	}
	var all []string
	for _, name := range names {
		text := spelled[strings.ToLower(name)]
		switch {
		case text != "":
		case resource == Graph:
			text = name
		default:
			text = resource + "/" + name
		}
		all = append(all, text)
	}
	if text := spelled[".default"]; text != "" {
		all = append(all, text)
	}
	return all
}

// split takes a scope apart at its last slash; a bare name is Graph's.
func split(scope string, graph []string) (resource, name string, ok bool) {
	at := strings.LastIndexByte(scope, '/')
	if at < 0 {
		return Graph, scope, true
	}
	resource, name = strings.TrimRight(scope[:at], "/"), scope[at+1:]
	for _, alias := range append([]string{Graph, graphID}, graph...) {
		if strings.EqualFold(resource, alias) {
			resource = Graph
		}
	}
	return resource, name, resource != "" && name != ""
}

// addOpenID adds name if it is one of OpenID Connect's scopes, and reports whether it is.
func (s *Set) addOpenID(name string) bool {
	switch strings.ToLower(name) {
	case "openid":
		s.OpenID = true
	case "profile":
		s.Profile = true
	case "email":
		s.Email = true
	case "offline_access":
		s.OfflineAccess = true
	default:
		return false
	}
	return true
}

func (s *Set) add(name string) {
	if strings.EqualFold(name, ".default") {
		s.Default = true
		return
	}
	if !slices.ContainsFunc(s.Names, func(n string) bool { return strings.EqualFold(n, name) }) {
		s.Names = append(s.Names, name)
	}
}
