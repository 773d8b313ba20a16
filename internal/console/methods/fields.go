package methods

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/graphclient"
)

// A field is one setting of a policy.
type field struct {
	Path    string // Graph's name; slashes lead into objects
	Kind    kind
	Options []string
	Boolean bool // the options are true and false, and Graph wants those
}

type kind string

const (
	kindChoice kind = "choice" // one of a few, each with what it means
	kindPick   kind = "pick"   // one of a list
	kindCheck  kind = "check"  // on or off
	kindNumber kind = "number"
	kindLife   kind = "life"  // minutes, typed in any unit
	kindLines  kind = "lines" // a text a line
	kindSet    kind = "set"   // all, or some of the options
	kindSome   kind = "some"  // some of the options
)

// Name is the field's in the form and in words.
func (f field) Name() string { return strings.ReplaceAll(f.Path, "/", "_") }

// minutes of each unit that a time is typed in, the largest first.
var units = []struct {
	Name    string
	Minutes int
}{{"days", 1440}, {"hours", 60}, {"minutes", 1}}

// lookUp follows the path into o.
func lookUp(o graphclient.Object, path string) any {
	var v any = map[string]any(o)
	for name := range strings.SplitSeq(path, "/") {
		inner, _ := v.(map[string]any)
		v = inner[name]
	}
	return v
}

// of returns the value in o as text: what is compared, shown and sent back by forms.
func (f field) of(o graphclient.Object) string {
	switch v := lookUp(o, f.Path).(type) {
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		if f.Kind == kindWho {
			return whoOf(v)
		}
	case string:
		return v
	case []any:
		var all []string
		for _, one := range v {
			if text, ok := one.(string); ok {
				all = append(all, text)
			}
		}
		if f.Kind != kindLines {
			slices.Sort(all)
		}
		return strings.Join(all, "\n")
	}
	return ""
}

// typed reads the field from a form: its value as text and, where that is none, what was typed.
func (f field) typed(form url.Values) (value, typed, unit, wrong string) {
	typed = strings.TrimSpace(form.Get(f.Name()))
	switch f.Kind {
	case kindCheck:
		return strconv.FormatBool(typed == "true"), "", "", ""
	case kindNumber:
		n, err := strconv.Atoi(typed)
		if err != nil || n < 0 || n > math.MaxInt32 {
			return "", typed, "", "whole"
		}
		return strconv.Itoa(n), typed, "", ""
	case kindLife:
		unit = form.Get(f.Name() + ".unit")
		n, err := strconv.Atoi(typed)
		each := minutesOf(unit)
		if err != nil || n < 0 || n > 1_000_000 || each == 0 {
			return "", typed, unit, "whole"
		}
		return strconv.Itoa(n * each), typed, unit, ""
	case kindLines:
		return strings.Join(strings.FieldsFunc(form.Get(f.Name()), func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ';' }), "\n"), "", "", ""
	case kindWho:
		if typed != "selected" {
			return typed, "", "", ""
		}
		return strings.Join(trimmed(typed+"\n"+strings.Join(form[f.Name()+".one"], "\n")), "\n"), "", "", ""
	case kindSet, kindSome:
		if f.Kind == kindSet && typed == "all" {
			return "all", "", "", ""
		}
		some := slices.Sorted(slices.Values(form[f.Name()+".one"]))
		return strings.Join(slices.Compact(some), "\n"), "", "", ""
	}
	return typed, "", "", ""
}

// lines cleans what was typed line by line.
func trimmed(text string) []string {
	all := []string{}
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}

func minutesOf(unit string) int {
	for _, u := range units {
		if u.Name == unit {
			return u.Minutes
		}
	}
	return 0
}

// inUnit says minutes in the largest unit that fits.
func inUnit(minutes string) (n, unit string) {
	m, err := strconv.Atoi(minutes)
	if err != nil {
		return minutes, "minutes"
	}
	for _, u := range units {
		if m%u.Minutes == 0 && m >= u.Minutes {
			return strconv.Itoa(m / u.Minutes), u.Name
		}
	}
	return minutes, "minutes"
}

// value is text as Graph takes it.
func (f field) value(text string) any {
	switch {
	case f.Kind == kindWho:
		return whoValue(text)
	case f.Kind == kindCheck, f.Boolean:
		return text == "true"
	case f.Kind == kindNumber, f.Kind == kindLife:
		n, _ := strconv.Atoi(text) // typed has read it
		return n
	case f.Kind == kindLines, f.Kind == kindSet, f.Kind == kindSome:
		return trimmed(text)
	}
	return text
}

// put sets a member of change. What is within an object is sent with its neighbours, as they are now.
func (f field) put(change, now graphclient.Object, text string) {
	names := strings.Split(f.Path, "/")
	at, from := map[string]any(change), map[string]any(now)
	for _, name := range names[:len(names)-1] {
		old, _ := from[name].(map[string]any)
		inner, ok := at[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			for k, v := range old {
				if !strings.Contains(k, "@") {
					inner[k] = v
				}
			}
			at[name] = inner
		}
		at, from = inner, old
	}
	at[names[len(names)-1]] = f.value(text)
}
