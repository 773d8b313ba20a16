package filter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
	"pgregory.net/rapid"
)

// refused fails the test unless err is a fault with a kind, a code and words.
func refused(t *testing.T, err error) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == 0 || f.Code == "" || f.Text == "" || f.Target == "" || strings.Contains(f.Text, "%!") {
		t.Errorf("not a fault that can be shown: %#v", err)
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"displayName eq 'O''Brien'", "startswith(displayName,'A') and accountEnabled eq true",
		"not (id in (62e90394-69f5-4237-9190-012177145e10,'x'))", "status/errorCode ge -5 or status/errorCode eq null",
		"category has 'leaver'", "otherMails/any(m:endswith(m,'@example.test'))", "targetResources/any(t:t/id eq '1' and not t/displayName ne 'x')",
		"createdDateTime le 2026-01-31T09:00:00.1234567+01:00", "displayName eq 'Zoë\x00", "((((", "a eq '", "a/b/any(x:",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := filter.Parse(text)
		if err != nil {
			refused(t, err)
			return
		}
		reparses(t, e, filter.Parse)
		b, err := filter.Check(e, people)
		if err != nil {
			refused(t, err)
			return
		}
		filter.Eval(b, nobody)
		if not, err := filter.Check(filter.Not{Expr: e}, people); err != nil || filter.Eval(not, ann) == filter.Eval(b, ann) {
			t.Errorf("%q and its opposite are not opposite (%v)", text, err)
		}
	})
}

func FuzzSCIM(f *testing.F) {
	for _, seed := range []string{
		`userName eq "bjensen"`, `title pr and userType eq "Employee"`, `not (emails co "example.com" or emails.value co "example.org")`,
		`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]`, `urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "O\u0027"`,
		`emails[type eq "work"].value eq "a\"b"`, `urn:`, `urn:::::`, `a[b[c[`, `a eq "\`, `members[value eq "x"`, `$ref eq 1`, `a eq -1.5e3`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := filter.ParseSCIM(text); err != nil {
			refused(t, err)
		} else if b, err := filter.Check(e, people); err != nil {
			refused(t, err)
		} else if not, err := filter.Check(filter.Not{Expr: e}, people); err != nil || filter.Eval(not, ann) == filter.Eval(b, ann) {
			t.Errorf("%q and its opposite are not opposite (%v)", text, err)
		}
		if target, err := filter.ParseTarget(text); err != nil {
			refused(t, err)
		} else if len(target.Path) == 0 {
			t.Errorf("%q is a target without a path", text)
		}
	})
}

func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		`"displayName:ann"`, `"displayName:ann berg" OR "mail:ann"`, `("a:1" AND "b:2") or "c:\"3\\"`, `"a:`, `"ΣΑΣ:ΣΑΣ"`, `(((`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := filter.ParseSearch(text)
		if err != nil {
			refused(t, err)
			return
		}
		reparses(t, e, filter.ParseSearch)
		if b, err := filter.Check(e, people); err != nil {
			refused(t, err)
		} else {
			filter.Eval(b, ann)
		}
	})
}

func FuzzOrderBy(f *testing.F) {
	for _, seed := range []string{"displayName desc, id", "status/errorCode asc", "a,,b", "desc desc", "a '", "a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := filter.ParseOrderBy(text)
		if err != nil {
			refused(t, err)
			return
		}
		texts := make([]string, len(keys))
		for i, k := range keys {
			texts[i] = k.String()
		}
		again, err := filter.ParseOrderBy(strings.Join(texts, ","))
		if err != nil || !reflect.DeepEqual(keys, again) {
			t.Errorf("%q became %v (%v)", text, again, err)
		}
		if _, err := filter.CheckOrderBy(keys, people); err != nil {
			refused(t, err)
		}
	})
}

// reparses fails the test unless e, written out, is e again. Spaces that were left out may
// make it too long.
func reparses(t rapid.TB, e filter.Expr, parse func(string) (filter.Expr, error)) {
	t.Helper()
	text := e.String()
	if len(text) > filter.MaxLength {
		return
	}
	again, err := parse(text)
	if err != nil || !reflect.DeepEqual(e, again) {
		t.Errorf("%q became %v (%v)", text, again, err)
	}
}

func TestAnExpressionThatIsWrittenOutParsesToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { reparses(t, exprs(3).Draw(t, "filter"), filter.Parse) })
}

var (
	names  = rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,8}`).Filter(func(s string) bool { return !strings.EqualFold(s, "not") })
	texts  = rapid.StringMatching(`[ -~äß日]{0,12}`)
	values = rapid.OneOf(
		rapid.Map(texts, func(s string) filter.Value { return filter.String(s) }),
		rapid.Map(rapid.Bool(), func(b bool) filter.Value { return filter.Bool(b) }),
		rapid.Map(rapid.Int64(), func(n int64) filter.Value { return filter.Int(n) }),
		rapid.Map(rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
			func(s string) filter.Value { return filter.GUID(s) }),
		rapid.Map(rapid.StringMatching(`20[0-9]{2}-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,7})?(Z|[+-]0[0-9]:30)`), parsedTime),
	)
)

func parsedTime(s string) filter.Value {
	e, err := filter.Parse("a eq " + s)
	if err != nil {
		panic(err)
	}
	return e.(filter.Compare).Value
}

// exprs draws expressions, at most depth deep.
func exprs(depth int) *rapid.Generator[filter.Expr] {
	path := rapid.Custom(func(t *rapid.T) filter.Path { return rapid.SliceOfN(names, 1, 3).Draw(t, "path") })
	leaf := rapid.Custom(func(t *rapid.T) filter.Expr {
		p := path.Draw(t, "path")
		switch rapid.IntRange(0, 3).Draw(t, "leaf") {
		case 0:
			return filter.Compare{Path: p, Op: filter.Eq << rapid.IntRange(0, 5).Draw(t, "op"), Value: values.Draw(t, "value")}
		case 1:
			return filter.Compare{Path: p, Op: filter.Ne, Value: filter.Null{}}
		case 2:
			return filter.In{Path: p, Values: rapid.SliceOfN(values, 1, 4).Draw(t, "values")}
		}
		return filter.Match{Path: p, Op: filter.StartsWith << rapid.IntRange(0, 2).Draw(t, "op"), Text: texts.Draw(t, "text")}
	})
	if depth == 0 {
		return leaf
	}
	inner := exprs(depth - 1)
	return rapid.OneOf(leaf, rapid.Custom(func(t *rapid.T) filter.Expr {
		switch rapid.IntRange(0, 3).Draw(t, "node") {
		case 0:
			return filter.And(rapid.SliceOfN(inner, 2, 3).Draw(t, "and"))
		case 1:
			return filter.Or(rapid.SliceOfN(inner, 2, 3).Draw(t, "or"))
		case 2:
			return filter.Not{Expr: inner.Draw(t, "not")}
		}
		return filter.Any{Path: path.Draw(t, "path"), Var: names.Draw(t, "variable"), Expr: inner.Draw(t, "body")}
	}))
}
