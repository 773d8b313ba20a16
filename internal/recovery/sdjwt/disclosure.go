package sdjwt

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"slices"
)

// Bounds of what a wallet may send.
const (
	// MaxSize is how long a presentation may be.
	MaxSize         = 48 << 10
	mostDisclosures = 200
	deepest         = 12
)

// A disclosure is a claim, or an element of a list, that the holder chose to show.
type disclosure struct {
	name  string // "" for an element
	value any
	used  bool
}

// digests are the hash functions of _sd_alg.
var digests = map[string]func(text string) string{
	"sha-256": func(text string) string { h := sha256.Sum256([]byte(text)); return encode(h[:]) },
	"sha-384": func(text string) string { h := sha512.Sum384([]byte(text)); return encode(h[:]) },
	"sha-512": func(text string) string { h := sha512.Sum512([]byte(text)); return encode(h[:]) },
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// registered are claims that are never disclosed one by one: what they say decides whether the
// credential counts (draft-ietf-oauth-sd-jwt-vc section 3.2.2.2).
var registered = []string{"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status", "_sd", "_sd_alg", "..."}

// disclosures reads all of them by their digest.
func readDisclosures(texts []string, digest func(string) string) (map[string]*disclosure, error) {
	if len(texts) > mostDisclosures {
		return nil, ErrMalformed.With("", "There are too many disclosures.")
	}
	all := map[string]*disclosure{}
	for _, text := range texts {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, ErrMalformed.With("", "A disclosure is not encoded as it has to be.")
		}
		var parts []any
		if err := json.Unmarshal(raw, &parts); err != nil || len(parts) != 2 && len(parts) != 3 {
			return nil, ErrMalformed.With("", "A disclosure is no list of two or three.")
		}
		if _, ok := parts[0].(string); !ok {
			return nil, ErrMalformed.With("", "A disclosure has no salt.")
		}
		d := &disclosure{value: parts[len(parts)-1]}
		if len(parts) == 3 {
			name, ok := parts[1].(string)
			if !ok || name == "" || name == "_sd" || name == "..." {
				return nil, ErrMalformed.With("", "A disclosure has a name that none may have.")
			}
			d.name = name
		}
		key := digest(text)
		if all[key] != nil {
			return nil, ErrMalformed.With("", "A disclosure is there twice.")
		}
		all[key] = d
	}
	return all, nil
}

// A reader puts disclosures where their digests are (RFC 9901 section 7.1).
type reader struct {
	all  map[string]*disclosure
	seen map[string]bool // digests: each may be there once
}

// disclosed returns payload with what texts disclose, without digests.
func disclosed(payload map[string]any, texts []string, digest func(string) string) (map[string]any, error) {
	all, err := readDisclosures(texts, digest)
	if err != nil {
		return nil, err
	}
	r := reader{all: all, seen: map[string]bool{}}
	for _, d := range all {
		if r.nests(d.value, 0) {
			return nil, ErrMalformed.With("", "The credential is nested too deeply.")
		}
	}
	out, err := r.object(payload, 0)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if !d.used {
			return nil, ErrMalformed.With("", "A disclosure is not of this credential.")
		}
	}
	return out, nil
}

// nests reports whether v is deeper than anything may be.
func (r reader) nests(v any, depth int) bool {
	if depth > deepest {
		return true
	}
	deeper := func(v any) bool { return r.nests(v, depth+1) }
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, deeper)
	case map[string]any:
		for _, one := range v {
			if deeper(one) {
				return true
			}
		}
	}
	return false
}

// take returns the disclosure of a digest, nil for one that the holder keeps to themselves.
func (r reader) take(digest any) (*disclosure, error) {
	text, ok := digest.(string)
	if !ok || text == "" {
		return nil, ErrMalformed.With("", "A digest is no text.")
	}
	if r.seen[text] {
		return nil, ErrMalformed.With("", "A digest is there twice.")
	}
	r.seen[text] = true
	d := r.all[text]
	if d != nil {
		d.used = true
	}
	return d, nil
}

func (r reader) value(v any, depth int) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return r.object(v, depth+1)
	case []any:
		return r.list(v, depth+1)
	}
	return v, nil
}

func (r reader) object(in map[string]any, depth int) (map[string]any, error) {
	if depth > deepest {
		return nil, ErrMalformed.With("", "The credential is nested too deeply.")
	}
	out := map[string]any{}
	for name, v := range in {
		switch name {
		case "_sd":
			continue
		case "_sd_alg":
			if depth == 0 {
				continue
			}
			return nil, ErrMalformed.With("", "_sd_alg is at the top alone.")
		case "...":
			return nil, ErrMalformed.With("", "A digest of an element stands where a claim does.")
		}
		var err error
		if out[name], err = r.value(v, depth); err != nil {
			return nil, err
		}
	}
	hidden, ok := in["_sd"]
	if !ok {
		return out, nil
	}
	list, ok := hidden.([]any)
	if !ok {
		return nil, ErrMalformed.With("", "_sd is no list.")
	}
	for _, digest := range list {
		d, err := r.take(digest)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		_, taken := out[d.name]
		if d.name == "" || taken || depth == 0 && slices.Contains(registered, d.name) {
			return nil, ErrMalformed.With("", "A disclosure names a claim that it can't be.")
		}
		if out[d.name], err = r.value(d.value, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r reader) list(in []any, depth int) ([]any, error) {
	if depth > deepest {
		return nil, ErrMalformed.With("", "The credential is nested too deeply.")
	}
	out := []any{}
	for _, v := range in {
		if m, ok := v.(map[string]any); ok {
			if digest, hidden := m["..."]; hidden {
				d, err := r.take(digest)
				if err != nil {
					return nil, err
				}
				if len(m) != 1 || d != nil && d.name != "" {
					return nil, ErrMalformed.With("", "A disclosure names an element that it can't be.")
				}
				if d == nil {
					continue
				}
				v = d.value
			}
		}
		next, err := r.value(v, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, next)
	}
	return out, nil
}
