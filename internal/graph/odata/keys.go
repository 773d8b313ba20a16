package odata

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// maxKey is how many bytes a key may have; ids of passkeys are the longest.
const maxKey = 2048

// ErrKey reports a key in a path that is malformed.
var ErrKey = &fault.Error{
	Kind: fault.Invalid, Code: "invalidKey",
	Text: "The address has a malformed key.",
}

// Key names an entity in a path, or is one argument of a function there.
type Key struct {
	Property string // "" for the id itself, as in users/ann@contoso.example and users('…')
	Value    string
}

// SplitKeys moves each key in parentheses to a segment of its own before next sees the
// path, so that one pattern serves both spellings: /v1.0/users(userPrincipalName='ann')/manager
// reaches /v1.0/users/{id}/manager, and [ParseKey] reads its {id}.
func SplitKeys(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		segments := strings.Split(r.URL.EscapedPath(), "/")
		for i, s := range segments {
			decoded, err := url.PathUnescape(s)
			if m := keyed.FindStringSubmatch(decoded); err == nil && m != nil {
				segments[i] = m[1] + "/" + url.PathEscape(m[2])
			}
		}
		split := *r
		address := *r.URL
		address.RawPath = strings.Join(segments, "/")
		address.Path, _ = url.PathUnescape(address.RawPath) // EscapedPath was valid, so this is
		split.URL = &address
		next.ServeHTTP(w, &split)
	})
}

// keyed matches a segment such as users('ann') or microsoft.graph.delta().
var keyed = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.]*)(\(.*\))$`)

// ParseKey reads a segment as SplitKeys and http.Request.PathValue leave it: a plain id, or
// ('id'), or (appId='id'). Errors: ErrKey.
func ParseKey(segment string) (Key, error) {
	if !strings.HasPrefix(segment, "(") {
		if segment == "" || !clean(segment) {
			return Key{}, ErrKey
		}
		return Key{Value: segment}, nil
	}
	keys, err := ParseKeys(segment)
	if err != nil || len(keys) != 1 || keys[0].Value == "" {
		return Key{}, ErrKey
	}
	return keys[0], nil
}

// ParseKeys reads a segment of several keys or arguments: (includedUserTypes='all',n=5).
// A quote in a quoted value is doubled; an unquoted value has letters, digits, - . and _.
// Errors: ErrKey.
func ParseKeys(segment string) ([]Key, error) {
	rest, ok := strings.CutPrefix(segment, "(")
	rest, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed || !clean(segment) {
		return nil, ErrKey
	}
	if rest == "" {
		return nil, nil
	}
	var keys []Key
	seen := map[string]bool{}
	for {
		m := key.FindStringSubmatch(rest)
		if m == nil || seen[m[1]] {
			return nil, ErrKey
		}
		seen[m[1]] = true
		value := m[2]
		if strings.HasPrefix(value, "'") {
			value = strings.ReplaceAll(value[1:len(value)-1], "''", "'")
		}
		keys = append(keys, Key{m[1], value})
		if rest = rest[len(m[0]):]; rest == "" {
			return keys, nil
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return nil, ErrKey
		}
		rest = strings.TrimLeft(rest, " ")
	}
}

// key matches the first of several: a name and = if there is one, then the value.
var key = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9_]*)=)?('(?:[^']|'')*'|[A-Za-z0-9_.-]+)`)

func clean(segment string) bool {
	return len(segment) <= maxKey && utf8.ValidString(segment) &&
		!strings.ContainsFunc(segment, unicode.IsControl)
}
