package filter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
)

func compare(path string, op filter.Op, v filter.Value) filter.Expr {
	return filter.Compare{Path: strings.Split(path, "/"), Op: op, Value: v}
}

func match(path string, op filter.Op, text string) filter.Expr {
	return filter.Match{Path: strings.Split(path, "/"), Op: op, Text: text}
}

func TestParse(t *testing.T) {
	ann := compare("displayName", filter.Eq, filter.String("Ann"))
	enabled := compare("accountEnabled", filter.Eq, filter.Bool(true))
	sales := compare("department", filter.Eq, filter.String("Sales"))
	guid := filter.GUID("62e90394-69f5-4237-9190-012177145e10")
	moment := filter.Time{At: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC), Text: "2026-01-31T09:00:00Z"}

	for _, c := range []struct {
		name, text string
		want       filter.Expr
	}{
		{"text in quotes", "displayName eq 'Ann'", ann},
		{"a quote inside text is written twice", "displayName eq 'O''Brien'", compare("displayName", filter.Eq, filter.String("O'Brien"))},
		{"empty text", "displayName eq ''", compare("displayName", filter.Eq, filter.String(""))},
		{"a text that is one quote", "displayName eq ''''", compare("displayName", filter.Eq, filter.String("'"))},
		{"text may have letters of any language", "displayName eq 'Zoë 日本'", compare("displayName", filter.Eq, filter.String("Zoë 日本"))},
		{"a backslash is an ordinary character", `displayName eq 'a\'`, compare("displayName", filter.Eq, filter.String(`a\`))},
		{"ne", "displayName ne null", compare("displayName", filter.Ne, filter.Null{})},
		{"gt", "status/errorCode gt -5", compare("status/errorCode", filter.Gt, filter.Int(-5))},
		{"ge", "status/errorCode ge 0", compare("status/errorCode", filter.Ge, filter.Int(0))},
		{"lt", "status/errorCode lt 130503", compare("status/errorCode", filter.Lt, filter.Int(130503))},
		{"le with a moment", "createdDateTime le 2026-01-31T09:00:00Z", compare("createdDateTime", filter.Le, moment)},
		{"operators in any case", "accountEnabled EQ True AND NOT (department Eq 'Sales')", filter.And{enabled, filter.Not{Expr: sales}}},
		{"an id without quotes", "id eq 62E90394-69f5-4237-9190-012177145e10", compare("id", filter.Eq, guid)},
		{"an id that starts with a letter", "id eq c4e39bd9-1100-46d3-8c65-fb160da0071f", compare("id", filter.Eq, filter.GUID("c4e39bd9-1100-46d3-8c65-fb160da0071f"))},
		{"a path of several steps", "initiatedBy/user/id eq 'x'", compare("initiatedBy/user/id", filter.Eq, filter.String("x"))},
		{"spaces do not matter", " ( displayName  eq\t'Ann' ) ", ann},
		{"and binds closer than or", "accountEnabled eq true or department eq 'Sales' and displayName eq 'Ann'", filter.Or{enabled, filter.And{sales, ann}}},
		{"parentheses bind closest", "(accountEnabled eq true or department eq 'Sales') and displayName eq 'Ann'", filter.And{filter.Or{enabled, sales}, ann}},
		{"not binds closer than and", "not accountEnabled eq true and displayName eq 'Ann'", filter.And{filter.Not{Expr: enabled}, ann}},
		{"not in front of a function", "not startswith(displayName,'A')", filter.Not{Expr: match("displayName", filter.StartsWith, "A")}},
		{"startswith", "startswith(displayName,'A')", match("displayName", filter.StartsWith, "A")},
		{"endsWith in Graph's spelling", "endsWith(mail, '@example.test')", match("mail", filter.EndsWith, "@example.test")},
		{"has", "category HAS 'leaver'", match("category", filter.Has, "leaver")},
		{"contains", "contains(activityDisplayName,'pass')", match("activityDisplayName", filter.Contains, "pass")},
		{"a function takes an id without quotes", "startswith(id,62e90394-69f5-4237-9190-012177145e10)", match("id", filter.StartsWith, string(guid))},
		{"in", "department in ('Sales', 'HR')", filter.In{Path: filter.Path{"department"}, Values: []filter.Value{filter.String("Sales"), filter.String("HR")}}},
		{"in without spaces", "id in(62e90394-69f5-4237-9190-012177145e10)", filter.In{Path: filter.Path{"id"}, Values: []filter.Value{guid}}},
		{"any over plain values", "groupTypes/any(c:c eq 'Unified')", filter.Any{
			Path: filter.Path{"groupTypes"}, Var: "c", Expr: compare("c", filter.Eq, filter.String("Unified")),
		}},
		{"any over objects", "targetResources/any(t: t/id eq 'x' and t/type ne 'User')", filter.Any{
			Path: filter.Path{"targetResources"}, Var: "t",
			Expr: filter.And{compare("t/id", filter.Eq, filter.String("x")), compare("t/type", filter.Ne, filter.String("User"))},
		}},
		{"a function inside any", "proxyAddresses/any(p:startswith(p,'smtp:'))", filter.Any{
			Path: filter.Path{"proxyAddresses"}, Var: "p", Expr: match("p", filter.StartsWith, "smtp:"),
		}},
		{"properties named like words of the grammar", "any eq 'x' and in eq 'y'", filter.And{compare("any", filter.Eq, filter.String("x")), compare("in", filter.Eq, filter.String("y"))}},
		{"the rule of a workflow", "(department eq 'Sales')", sales},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := filter.Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       time.Time
	}{
		{"a date is its first moment in UTC", "2026-01-31", time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)},
		{"seven digits of a second", "2026-01-31T09:00:00.1234567Z", time.Date(2026, 1, 31, 9, 0, 0, 123456700, time.UTC)},
		{"a zone is turned into UTC", "2026-01-31T09:00:00+01:00", time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)},
		{"seconds may be left out", "2026-01-31T09:00Z", time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := filter.Parse("createdDateTime ge " + c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.(filter.Compare).Value.(filter.Time); got.At != c.want || got.Text != c.text {
				t.Errorf("got %v %q", got.At, got.Text)
			}
		})
	}
}

func TestWhatIsNotAFilter(t *testing.T) {
	const value = "expected a value: text in quotes, a whole number, true, false, null, a date or an id"
	for _, c := range []struct {
		name, text string
		want       *fault.Error
		says       string
	}{
		{"nothing", "", filter.ErrSyntax, "at character 1: expected the name of a property, found the end"},
		{"a name alone", "accountEnabled", filter.ErrSyntax, "at character 15: expected an operator such as eq, found the end"},
		{"another language's operator", "displayName == 'Ann'", filter.ErrSyntax, `at character 13: expected an operator such as eq, found "="`},
		{"a character is counted once, however many bytes it has", "displayName eq 'Zoë' or", filter.ErrSyntax, "at character 24: expected the name"},
		{"no value", "displayName eq", filter.ErrSyntax, "at character 15: " + value + ", found the end"},
		{"double quotes", `displayName eq "Ann"`, filter.ErrSyntax, `at character 16: ` + value + `, found "\""`},
		{"text without quotes", "displayName eq Ann", filter.ErrSyntax, `at character 16: ` + value + `, found "Ann"`},
		{"a day that no month has", "employeeHireDate ge 2026-13-45", filter.ErrSyntax, "at character 21: " + value + ", found a number, date or id that is none"},
		{"a property on the right", "displayName eq mail", filter.ErrSyntax, "at character 16: expected a value"},
		{"a value on the left", "'Ann' eq displayName", filter.ErrSyntax, "at character 1: expected the name of a property, found a value"},
		{"a quote that is never closed", "displayName eq 'Ann", filter.ErrSyntax, "at character 16: the quote is never closed"},
		{"a quote in the middle of text", "displayName eq 'O'Brien'", filter.ErrSyntax, "at character 24: the quote is never closed"},
		{"something after the end", "displayName eq 'Ann' 'Bea'", filter.ErrSyntax, "at character 22: expected and, or, or the end, found a value"},
		{"a second statement", "displayName eq 'Ann'; drop table users", filter.ErrSyntax, `at character 21: expected and, or, or the end, found ";"`},
		{"a parenthesis too few", "(displayName eq 'Ann'", filter.ErrSyntax, "at character 22: expected ), found the end"},
		{"a parenthesis too many", "displayName eq 'Ann')", filter.ErrSyntax, "at character 21: expected and, or, or the end"},
		{"empty parentheses", "()", filter.ErrSyntax, "at character 2: expected the name of a property"},
		{"a path that ends in a slash", "status/ eq 1", filter.ErrSyntax, "at character 12: expected an operator"},
		{"a number with a fraction", "status/errorCode eq 1.5", filter.ErrSyntax, "at character 21: " + value},
		{"a number beyond 64 bits", "status/errorCode eq 9223372036854775808", filter.ErrSyntax, "at character 21: " + value},
		{"a time without a zone", "createdDateTime ge 2026-01-31T09:00:00", filter.ErrSyntax, "at character 20: " + value},
		{"a day that does not exist", "createdDateTime ge 2026-02-30", filter.ErrSyntax, "at character 20: " + value},
		{"an empty list", "department in ()", filter.ErrSyntax, "at character 16: " + value},
		{"a list with a comma too many", "department in ('a',)", filter.ErrSyntax, "at character 20: " + value},
		{"a list without parentheses", "department in 'a'", filter.ErrSyntax, "at character 15: expected ("},
		{"null in a list", "department in ('a',null)", filter.ErrType, "eq null"},
		{"a function without a text", "startswith(displayName)", filter.ErrSyntax, "at character 23: expected ,"},
		{"a function of a number", "startswith(displayName,5)", filter.ErrSyntax, "at character 24: expected text in quotes"},
		{"a function of three", "startswith(displayName,'A','B')", filter.ErrSyntax, "at character 27: expected )"},
		{"any without a variable", "groupTypes/any()", filter.ErrSyntax, "at character 16: expected the name of a variable"},
		{"any without a colon", "groupTypes/any(c eq 'x')", filter.ErrSyntax, "at character 18: expected :"},
		{"any without a condition", "groupTypes/any(c:)", filter.ErrSyntax, "at character 18: expected the name of a property"},
		{"a function that is not offered", "tolower(displayName) eq 'ann'", filter.ErrUnsupported, `"tolower" is not offered here; contains, endswith, startswith can be used`},
		{"all", "groupTypes/all(c:c eq 'x')", filter.ErrUnsupported, `"all" is not offered here; any can be used`},
		{"the zero byte, which databases stumble over", "displayName eq 'a\x00'", filter.ErrSyntax, "at character 18: a control character"},
		{"the zero byte outside of text", "\x00", filter.ErrSyntax, `at character 1: expected the name of a property, found "\x00"`},
		{"bytes that are no text", "displayName eq '\xff'", filter.ErrSyntax, "not valid UTF-8"},
		{"letters that only look right", "disрlayName eq 'x'", filter.ErrSyntax, "at character 4: expected an operator"},
		{"a line end between words", "a eq 1\r\nor b eq 2", filter.ErrSyntax, "at character 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := filter.Parse(c.text)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, %v", e, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if f, ok := errors.AsType[*fault.Error](err); !ok || f.Target != "$filter" {
				t.Errorf("names %q", f.Target)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	const a = "a eq 1"
	list := func(n int) string { return "a in (1" + strings.Repeat(",1", n-1) + ")" }
	inside := func(n int) string { return strings.Repeat("(", n) + a + strings.Repeat(")", n) }
	lambdas := strings.Repeat("a/any(x:", filter.MaxDepth)
	for _, c := range []struct {
		name, text string
		fits       bool
	}{
		{"as long as allowed", "a eq '" + strings.Repeat("x", filter.MaxLength-7) + "'", true},
		{"a byte too long", "a eq '" + strings.Repeat("x", filter.MaxLength-6) + "'", false},
		{"as deep as allowed", inside(filter.MaxDepth), true},
		{"one too deep", inside(filter.MaxDepth + 1), false},
		{"nots as deep as allowed", strings.Repeat("not ", filter.MaxDepth) + a, true},
		{"a not too deep", strings.Repeat("not ", filter.MaxDepth+1) + a, false},
		{"anys as deep as allowed", lambdas + a + strings.Repeat(")", filter.MaxDepth), true},
		{"an any too deep", lambdas + "a/any(x:" + a + strings.Repeat(")", filter.MaxDepth+1), false},
		{"thousands of parentheses", strings.Repeat("(", filter.MaxLength), false},
		{"as many parts as allowed", a + strings.Repeat(" or "+a, filter.MaxNodes-1), true},
		{"one part too many", a + strings.Repeat(" or "+a, filter.MaxNodes), false},
		{"as many values as allowed", list(filter.MaxValues), true},
		{"a value too many", list(filter.MaxValues + 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := filter.Parse(c.text)
			if c.fits && err != nil || !c.fits && !errors.Is(err, filter.ErrTooComplex) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFaultsRepeatNoValueAndNoLongName(t *testing.T) {
	long := strings.Repeat("x", 5000)
	schema := filter.Schema{{Name: "id", Type: filter.TypeGUID, Ops: filter.Eq}}
	for _, text := range []string{
		"id eq 'hunter2'", "id eq 'a' 'hunter2'", "startswith(id,'hunter2')", "id in ('hunter2')",
		"'hunter2' eq id", long + " eq 'hunter2'", "id " + long, long + "()", "a/" + long + "()", "a/any(" + long + ":b eq 'hunter2')",
	} {
		e, err := filter.Parse(text)
		if err == nil {
			_, err = filter.Check(e, schema)
		}
		f, ok := errors.AsType[*fault.Error](err)
		if !ok {
			t.Fatalf("%q: %v", text, err)
		}
		if said := f.Error() + f.Target; strings.Contains(said, "hunter2") || len(said) > 500 {
			t.Errorf("%q: says %q", text, said)
		}
	}
}
