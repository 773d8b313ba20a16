package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// readBody reads the body of r: one JSON object in UTF-8. Names that appear twice, in any case,
// are refused, because two readers would read two things; so is nesting beyond maxDepth.
func readBody(r *http.Request) (map[string]any, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || kind != "application/scim+json" && kind != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, ErrMedia
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, ErrMedia.With("", "The body has an encoding that is not read here.")
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, ErrSyntax.With("", "The body ended early.")
	}
	return parseBody(data)
}

func parseBody(data []byte) (map[string]any, error) {
	if len(data) > maxBody {
		return nil, ErrLarge
	}
	if !utf8.Valid(data) {
		return nil, ErrSyntax.With("", "The body is not valid UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return nil, err
	}
	body, ok := v.(map[string]any)
	if _, err := dec.Token(); !ok || !errors.Is(err, io.EOF) {
		return nil, ErrSyntax.With("", "The body is not one JSON object.")
	}
	return body, nil
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, ErrSyntax.With("", fmt.Sprintf("The body is not valid JSON at byte %d.", dec.InputOffset()))
	}
	d, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == maxDepth {
		return nil, ErrMany.With("", fmt.Sprintf("The body has more than %d objects and lists inside one another.", maxDepth))
	}
	if d == '[' {
		list := []any{}
		for dec.More() {
			v, err := readValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, asSyntax(err)
	}
	object, seen := map[string]any{}, map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, asSyntax(ErrSyntax)
		}
		if low := strings.ToLower(name); seen[low] {
			return nil, ErrSyntax.With(short(name), "The name "+short(name)+" appears twice.")
		} else { //nolint:revive // low belongs to the condition
			seen[low] = true
		}
		if object[name], err = readValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = dec.Token()
	return object, asSyntax(err)
}

func asSyntax(err error) error {
	if err == nil {
		return nil
	}
	return ErrSyntax.With("", "The body is not valid JSON.")
}
