package odata

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// What may be wrong with one member; Target names it, as in passwordProfile.password.
var (
	ErrMember = &fault.Error{
		Kind: fault.Invalid, Code: "invalidMember",
		Text: "A member of the body has the wrong type.",
	}
	ErrUnknownMember = &fault.Error{
		Kind: fault.Invalid, Code: "unknownMember",
		Text: "The body has a member that is not known here.",
	}
	ErrNotKept = &fault.Error{
		Kind: fault.Unsupported, Code: "notSupported",
		Text: "This property is not kept here.",
	}
)

// Object is a JSON object as it was sent. Its accessors take Graph's name of a member and
// where its value goes; an absent member leaves that as it is, which is what PATCH wants.
// The first thing that is wrong is kept, and Done returns it. Names are case-sensitive.
type Object struct {
	members map[string]json.RawMessage
	known   map[string]bool // names that somebody asked for
	path    string          // of this object in the body, with a dot at its end
	reading *reading
}

// reading is what all objects of one body share.
type reading struct {
	first   error
	objects []*Object
}

func newObject(members map[string]json.RawMessage, path string, r *reading) *Object {
	o := &Object{members: members, known: map[string]bool{}, path: path, reading: r}
	r.objects = append(r.objects, o)
	return o
}

// Format prints no member, for some are secret.
func (o *Object) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[body]") }

// Raw returns the JSON of the member, or nil when it is absent.
func (o *Object) Raw(name string) json.RawMessage {
	o.known[name] = true
	return o.members[name]
}

// Has reports whether the member is there, null or not.
func (o *Object) Has(name string) bool { return o.Raw(name) != nil }

// IsNull reports whether the member is there and null.
func (o *Object) IsNull(name string) bool { return string(o.Raw(name)) == "null" }

// String reads a string; null is "". U+0000, which databases refuse, and U+FFFD, which
// stands for text that was broken on the way, are refused.
func (o *Object) String(name string, dst *string) {
	if raw := o.Raw(name); raw != nil {
		*dst = ""
		if !o.IsNull(name) {
			*dst = o.text(name, raw)
		}
	}
}

// Strings reads an array of strings; null is an empty one.
func (o *Object) Strings(name string, dst *[]string) {
	items, ok := o.array(name)
	if !ok {
		return
	}
	*dst = make([]string, len(items))
	for i, raw := range items {
		(*dst)[i] = o.text(fmt.Sprintf("%s[%d]", name, i), raw)
	}
}

// Bool reads true or false. Null is refused: what it would mean differs from property to
// property, so a handler that takes it asks IsNull first.
func (o *Object) Bool(name string, dst *bool) {
	switch raw := o.Raw(name); string(raw) {
	case "":
	case "true", "false":
		*dst = string(raw) == "true"
	default:
		o.wrong(name, "must be true or false.")
	}
}

// Int reads a whole number, written without fraction and exponent. Null is refused, as in Bool.
func (o *Object) Int(name string, dst *int) {
	if raw := o.Raw(name); raw != nil {
		if o.IsNull(name) || json.Unmarshal(raw, dst) != nil {
			o.wrong(name, "must be a whole number.")
		}
	}
}

// Time reads a moment as RFC 3339 writes it, with its zone, and returns it in UTC; null is
// the zero time.
func (o *Object) Time(name string, dst *time.Time) {
	raw := o.Raw(name)
	if raw == nil {
		return
	}
	*dst = time.Time{}
	if o.IsNull(name) {
		return
	}
	var t time.Time
	err := json.Unmarshal(raw, &t)
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		o.wrong(name, "must be a date and time such as 2026-02-03T10:11:12Z.")
		return
	}
	*dst = t
}

// Object returns the object in the member, or nil when it is absent or null.
func (o *Object) Object(name string) *Object {
	raw := o.Raw(name)
	if raw == nil || o.IsNull(name) {
		return nil
	}
	return o.object(name, raw)
}

// Objects returns the objects in an array; null and absent are none.
func (o *Object) Objects(name string) []*Object {
	items, _ := o.array(name)
	objects := make([]*Object, len(items))
	for i, raw := range items {
		objects[i] = o.object(fmt.Sprintf("%s[%d]", name, i), raw)
	}
	return objects
}

// NotKept names properties that Graph has and Postern does not keep: giving one a value is
// ErrNotKept, not a silent loss.
func (o *Object) NotKept(names ...string) {
	for _, name := range names {
		if o.Has(name) && !o.IsNull(name) {
			o.fail(ErrNotKept.With(o.path+name, o.path+name+" is not kept here."))
		}
	}
}

// Done returns the first error of any accessor, on this object or one inside it, and
// otherwise ErrUnknownMember for a member that nobody asked for. Members whose name has
// "@odata." in it are always known. It is called on the outermost object, once all is read.
func (o *Object) Done() error {
	for _, each := range o.reading.objects {
		for _, name := range slices.Sorted(maps.Keys(each.members)) {
			if !each.known[name] && !strings.Contains(name, "@odata.") {
				o.fail(each.unknown(name))
			}
		}
	}
	return o.reading.first
}

func (o *Object) unknown(name string) error {
	at := o.path + printable(name)
	for known := range o.known {
		if strings.EqualFold(known, name) {
			return ErrUnknownMember.With(at, fmt.Sprintf("%s is not a property here; %s%s is.", at, o.path, known))
		}
	}
	return ErrUnknownMember.With(at, at+" is not a property here.")
}

func (o *Object) text(name string, raw json.RawMessage) string {
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.wrong(name, "must be a string.")
		return ""
	}
	if strings.ContainsRune(s, 0) || strings.ContainsRune(s, utf8.RuneError) {
		o.wrong(name, "has a character that is not allowed.")
		return ""
	}
	return s
}

func (o *Object) array(name string) (items []json.RawMessage, ok bool) {
	raw := o.Raw(name)
	if raw == nil {
		return nil, false
	}
	if json.Unmarshal(raw, &items) != nil {
		o.wrong(name, "must be an array.")
		return nil, false
	}
	return items, true
}

func (o *Object) object(name string, raw json.RawMessage) *Object {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		o.wrong(name, "must be an object.")
	}
	return newObject(members, o.path+name+".", o.reading)
}

func (o *Object) wrong(name, what string) {
	o.fail(ErrMember.With(o.path+name, o.path+name+" "+what))
}

func (o *Object) fail(err error) {
	if o.reading.first == nil {
		o.reading.first = err
	}
}
