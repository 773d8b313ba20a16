package odata

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// part is one request of a batch.
type part struct {
	id, method string
	address    *url.URL
	header     http.Header
	body       []byte
	dependsOn  []string
}

// settable headers are a part's own; any other that it names is dropped.
var settable = []string{
	"Accept", "Content-Type", "ConsistencyLevel", "If-Match", "If-None-Match", "Prefer",
	"User-Agent", "Accept-Language", "client-request-id",
}

func readBatch(r *http.Request) ([]part, error) {
	in, err := ReadJSON(r, BodyOptions{})
	if err != nil {
		return nil, err
	}
	items := in.Objects("requests")
	if len(items) == 0 || len(items) > MaxBatch {
		in.fail(ErrBatch.With("requests", fmt.Sprintf("A batch has 1 to %d requests.", MaxBatch)))
		return nil, in.Done()
	}
	root := r.URL.Path[:strings.LastIndex(r.URL.Path, "/")+1]
	parts := make([]part, len(items))
	for i, item := range items {
		parts[i] = readPart(item, root, r.Header.Get("Authorization"))
	}
	return parts, in.Done()
}

// readPart reads one request; what is wrong with it is what Done of the batch returns.
func readPart(in *Object, root, authorization string) part {
	p := part{header: http.Header{}}
	var address string
	in.String("id", &p.id)
	in.String("method", &p.method)
	in.String("url", &address)
	in.Strings("dependsOn", &p.dependsOn)
	bad := func(name, text string) { in.fail(ErrBatch.With(in.path+name, text)) }
	if p.id == "" || len(p.id) > 128 {
		bad("id", "Each request of a batch needs an id of 1 to 128 characters.")
	}
	p.method = strings.ToUpper(p.method)
	if !slices.Contains([]string{"GET", "POST", "PATCH", "PUT", "DELETE"}, p.method) {
		bad("method", "A request in a batch is GET, POST, PATCH, PUT or DELETE.")
	}
	var ok bool
	if p.address, ok = partAddress(root, address); !ok {
		bad("url", "The url of a request in a batch is relative, such as /users?$top=5.")
	}
	if text := p.readHeaders(in.Raw("headers"), authorization); text != "" {
		bad("headers", text)
	}
	if text := p.readBody(in.Raw("body")); text != "" {
		bad("body", text)
	}
	return p
}

// partAddress resolves address, which is relative to the root of the version: /users/ann.
func partAddress(root, address string) (*url.URL, bool) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.IsAbs() || parsed.Host != "" || parsed.User != nil || strings.HasPrefix(address, "//") ||
		strings.ContainsAny(address, "#\\") || strings.Trim(parsed.Path, "/") == "" {
		return nil, false
	}
	for segment := range strings.SplitSeq(parsed.Path, "/") {
		if segment == "." || segment == ".." {
			return nil, false
		}
	}
	full, err := url.ParseRequestURI(root + strings.TrimPrefix(address, "/"))
	return full, err == nil
}

// readHeaders keeps the settable ones and returns what is wrong with them, or "". Another
// Authorization than the batch's own is refused, so that nobody believes that a part ran
// as somebody else.
func (p *part) readHeaders(raw json.RawMessage, authorization string) string {
	var headers map[string]string
	if raw != nil && json.Unmarshal(raw, &headers) != nil {
		return "The headers of a request in a batch are an object of strings."
	}
	for name, value := range headers {
		if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
			return "A header in a batch has a character that is not allowed."
		}
		if strings.EqualFold(name, "Authorization") && value != authorization {
			return "All requests of a batch have the batch's own Authorization."
		}
		if slices.ContainsFunc(settable, func(s string) bool { return strings.EqualFold(s, name) }) {
			p.header.Set(name, value)
		}
	}
	return ""
}

// readBody keeps JSON as it is, and takes text as a string and any other type as base64, of
// either alphabet, padded or not (OData JSON Format 4.01). It returns what is wrong, or "".
func (p *part) readBody(raw json.RawMessage) string {
	if raw == nil || string(raw) == "null" {
		return ""
	}
	if p.header.Get("Content-Type") == "" {
		p.header.Set("Content-Type", "application/json")
	}
	kind := p.header.Get("Content-Type")
	if p.body = raw; isJSONType(kind) {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "A body in a batch that is not JSON is a string."
	}
	if p.body = []byte(text); strings.HasPrefix(kind, "text/") {
		return ""
	}
	var err error
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	if p.body, err = base64.RawStdEncoding.DecodeString(standard); err != nil {
		return "A body in a batch that is neither JSON nor text is base64."
	}
	return ""
}

// isJSONType reports whether kind is JSON, whatever its parameters.
func isJSONType(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}
