package odata_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

func read(t *testing.T, body string) *odata.Object {
	t.Helper()
	o, err := odata.ReadJSON(post(body), odata.BodyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestObjectReadsWhatIsThere(t *testing.T) {
	o := read(t, `{ "s" : "ann" , "b":false, "i":480, "t":"2026-02-03T11:00:00.1234567+02:00", "l":[ "x" , "y" ],
		"o":{"p":"q"}, "m":[ {"n":1} , {"n":2} ], "@odata.type":"#microsoft.graph.user", "x@odata.bind":["y"]}`)
	s, b, i, at, l, n := "before", true, 1, time.Time{}, []string{"before"}, 0
	o.String("s", &s)
	o.Bool("b", &b)
	o.Int("i", &i)
	o.Time("t", &at)
	o.Strings("l", &l)
	var q string
	o.Object("o").String("p", &q)
	for _, each := range o.Objects("m") {
		var one int
		each.Int("n", &one)
		n += one
	}
	if err := o.Done(); err != nil {
		t.Fatal(err)
	}
	if s != "ann" || b || i != 480 || !at.Equal(nine.Add(123456700)) || at.Location() != time.UTC ||
		!slices.Equal(l, []string{"x", "y"}) || q != "q" || n != 3 {
		t.Error(s, b, i, at, l, q, n)
	}
	var bound []string
	if o.Strings("x@odata.bind", &bound); !slices.Equal(bound, []string{"y"}) {
		t.Errorf("the annotation is %v", bound)
	}
}

func TestObjectTellsAbsentFromNull(t *testing.T) {
	o := read(t, `{"null":null}`)
	for name, want := range map[string][2]bool{"null": {true, true}, "absent": {false, false}} {
		if got := [2]bool{o.Has(name), o.IsNull(name)}; got != want {
			t.Errorf("%s: has and is null are %v, want %v", name, got, want)
		}
	}
	s, l, at, b, i := "before", []string{"before"}, nine, true, 7
	o.String("absent", &s)
	o.Strings("absent", &l)
	o.Time("absent", &at)
	o.Bool("absent", &b)
	o.Int("absent", &i)
	if s != "before" || len(l) != 1 || at != nine || !b || i != 7 {
		t.Error("an absent member changed something:", s, l, at, b, i)
	}
	o.String("null", &s)
	o.Strings("null", &l)
	o.Time("null", &at)
	if s != "" || len(l) != 0 || !at.IsZero() || o.Object("null") != nil || len(o.Objects("null")) != 0 || o.Done() != nil {
		t.Error("null left something:", s, l, at, o.Done())
	}
}

func TestObjectRefuses(t *testing.T) {
	text := func(o *odata.Object) { var s string; o.String("a", &s) }
	number := func(o *odata.Object) { var i int; o.Int("a", &i) }
	truth := func(o *odata.Object) { var b bool; o.Bool("a", &b) }
	moment := func(o *odata.Object) { var m time.Time; o.Time("a", &m) }
	texts := func(o *odata.Object) { var l []string; o.Strings("a", &l) }
	for _, c := range []struct {
		name, body   string
		ask          func(*odata.Object)
		want         *fault.Error
		target, says string
	}{
		{"a number for a string", `{"a":1}`, text, odata.ErrMember, "a", "a must be a string."},
		{"U+0000 in a string", `{"a":"x\u0000"}`, text, odata.ErrMember, "a", "not allowed"},
		{"half a surrogate pair", `{"a":"\ud800"}`, text, odata.ErrMember, "a", "not allowed"},
		{"a string for a number", `{"a":"1"}`, number, odata.ErrMember, "a", "whole number"},
		{"a fraction", `{"a":1.5}`, number, odata.ErrMember, "a", "whole number"},
		{"a number beyond 64 bits", `{"a":99999999999999999999}`, number, odata.ErrMember, "a", "whole number"},
		{"null for a number", `{"a":null}`, number, odata.ErrMember, "a", "whole number"},
		{"a string for true", `{"a":"true"}`, truth, odata.ErrMember, "a", "true or false"},
		{"null for true", `{"a":null}`, truth, odata.ErrMember, "a", "true or false"},
		{"a date alone", `{"a":"2026-02-03"}`, moment, odata.ErrMember, "a", "date and time"},
		{"a time without a zone", `{"a":"2026-02-03T10:11:12"}`, moment, odata.ErrMember, "a", "date and time"},
		{"a time after year 9999", `{"a":"9999-12-31T23:59:59-10:00"}`, moment, odata.ErrMember, "a", "date and time"},
		{"a number for a time", `{"a":5}`, moment, odata.ErrMember, "a", "date and time"},
		{"an object for an array", `{"a":{}}`, texts, odata.ErrMember, "a", "array"},
		{"null within strings", `{"a":["x",null]}`, texts, odata.ErrMember, "a[1]", "string"},
		{"an array for an object", `{"a":[]}`, func(o *odata.Object) { o.Object("a") }, odata.ErrMember, "a", "object"},
		{"null within objects", `{"a":[{},null]}`, func(o *odata.Object) { o.Objects("a") }, odata.ErrMember, "a[1]", "object"},
		{"deeper", `{"b":[{"c":{"a":1}}]}`, func(o *odata.Object) { text(o.Objects("b")[0].Object("c")) }, odata.ErrMember, "b[0].c.a", "string"},
		{"an unknown member", `{"a":"x","z":1}`, text, odata.ErrUnknownMember, "z", "z is not a property here."},
		{"an unknown member further in", `{"b":{"z":1}}`, func(o *odata.Object) { text(o.Object("b")) }, odata.ErrUnknownMember, "b.z", "b.z"},
		{"a member of an object that nobody opened", `{"b":{"z":1}}`, text, odata.ErrUnknownMember, "b", "b is not"},
		{"wrong case", `{"A":"x"}`, text, odata.ErrUnknownMember, "A", "A is not a property here; a is."},
		{"control characters in a name", `{"\u001b[31m\n":1}`, text, odata.ErrUnknownMember, "?[31m?", ""},
		{"a very long name", `{"` + strings.Repeat("n", 5000) + `":1}`, text, odata.ErrUnknownMember, strings.Repeat("n", 64) + "…", ""},
		{"a property that is not kept", `{"a":"x"}`, func(o *odata.Object) { o.NotKept("a") }, odata.ErrNotKept, "a", "a is not kept here."},
		{"the first of two", `{"a":1,"z":1}`, text, odata.ErrMember, "a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := read(t, c.body)
			c.ask(o)
			f := refusal(t, o.Done(), c.want)
			if f.Target != c.target || !strings.Contains(f.Text, c.says) {
				t.Errorf("target %q, text %q", f.Target, f.Text)
			}
		})
	}
}

func TestObjectNotKeptTakesNull(t *testing.T) {
	o := read(t, `{"city":null}`)
	if o.NotKept("city", "street"); o.Done() != nil {
		t.Error(o.Done())
	}
}

func TestObjectIsNotPrinted(t *testing.T) {
	o := read(t, `{"password":"geheim"}`)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, o); got != "[body]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}
