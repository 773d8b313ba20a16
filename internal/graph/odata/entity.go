package odata

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ContentType is the type of all answers in JSON but errors.
const ContentType = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

// Property is one member of an entity. Values are what encoding/json takes; moments go
// through [Time].
type Property struct {
	Name     string
	Value    any
	OnSelect bool // left out unless $select names it
}

// Entity is an object that is answered, its properties in order.
type Entity []Property

// Select returns what e shows when $select named names, or nothing when names is nil.
// Annotations, which have an @ in their name, are always shown.
func (e Entity) Select(names []string) Entity {
	shown := make(Entity, 0, len(e))
	for _, p := range e {
		wanted := slices.Contains(names, p.Name) || names == nil && !p.OnSelect
		if wanted || strings.Contains(p.Name, "@") {
			shown = append(shown, p)
		}
	}
	return shown
}

// Names returns the names of all properties of e, annotations left out.
func (e Entity) Names() []string {
	var names []string
	for _, p := range e {
		if !strings.Contains(p.Name, "@") {
			names = append(names, p.Name)
		}
	}
	return names
}

// MarshalJSON writes the properties in their order, those marked OnSelect too.
func (e Entity) MarshalJSON() ([]byte, error) {
	buf := []byte{'{'}
	for i, p := range e {
		if i > 0 {
			buf = append(buf, ',')
		}
		name, err := encode(p.Name)
		if err != nil {
			return nil, err
		}
		value, err := encode(p.Value)
		if err != nil {
			return nil, err
		}
		buf = append(append(append(buf, name...), ':'), value...)
	}
	return append(buf, '}'), nil
}

// Time returns t as Graph writes moments: RFC 3339 in UTC with Z and seven fractional
// digits at most; nil, which is null, for the zero time.
func Time(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.9999999Z")
}

// WriteEntity answers with e and its @odata.context; status is 200, or what an action has. Where e
// begins with its ETag the header has it, too.
func WriteEntity(w http.ResponseWriter, status int, context string, e Entity) error {
	if len(e) > 0 && e[0].Name == TagName {
		if tag, ok := e[0].Value.(string); ok {
			SetETag(w, tag)
		}
	}
	return WriteJSON(w, status, append(Entity{{Name: "@odata.context", Value: context}}, e...))
}

// WriteCreated answers 201 with e and where it is from now on.
func WriteCreated(w http.ResponseWriter, location, context string, e Entity) error {
	w.Header().Set("Location", location)
	return WriteEntity(w, http.StatusCreated, context, e)
}

// WriteNothing answers 204.
func WriteNothing(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }

// WriteCount answers a /$count segment: the number alone, as text.
func WriteCount(w http.ResponseWriter, n int) error {
	w.Header().Set("Content-Type", "text/plain")
	_, err := w.Write([]byte(strconv.Itoa(n)))
	return err
}

// Page is one page of a collection.
type Page[T any] struct {
	Context  string `json:"@odata.context,omitempty"`
	Count    *int   `json:"@odata.count,omitempty"`    // of the whole result; nil unless $count=true
	NextLink string `json:"@odata.nextLink,omitempty"` // empty on the last page; see [NextLink]
	Value    []T    `json:"value"`
}

// WritePage answers 200 with p.
func WritePage[T any](w http.ResponseWriter, p Page[T]) error {
	if p.Value == nil {
		p.Value = []T{}
	}
	return WriteJSON(w, http.StatusOK, p)
}

// WriteJSON answers with v. Nothing is written when v cannot be encoded, so that the error
// can still be answered.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", ContentType)
	w.WriteHeader(status)
	_, err = w.Write(data)
	return err
}

// encode is json.Marshal that leaves & < > alone: links stay readable, and the type of the
// answer keeps browsers from reading it as a page.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
