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

var people = filter.Schema{
	{Name: "id", Column: "id", Type: filter.TypeGUID, Ops: filter.Equality | filter.StartsWith},
	{Name: "displayName", Column: "display_name", Type: filter.TypeString, Ops: filter.Equality | filter.Ordering | filter.StartsWith | filter.EndsWith | filter.Contains | filter.Search | filter.Sort},
	{Name: "department", Column: "department", Type: filter.TypeString, Ops: filter.Equality},
	{Name: "accountEnabled", Column: "enabled", Type: filter.TypeBool, Ops: filter.Equality},
	{Name: "createdDateTime", Column: "created_at", Type: filter.TypeTime, Ops: filter.Eq | filter.Ordering | filter.Sort},
	{Name: "status/errorCode", Column: "error_code", Type: filter.TypeInt, Ops: filter.Equality | filter.Ordering},
	{Name: "category", Column: "category", Type: filter.TypeString, Ops: filter.Equality | filter.Has},
	{Name: "aboutMe"},
	{Name: "otherMails", Column: "mails", Elements: filter.Schema{
		{Column: "mail", Type: filter.TypeString, Ops: filter.Equality | filter.StartsWith},
	}},
	{Name: "targetResources", Column: "targets", Elements: filter.Schema{
		{Name: "id", Column: "target_id", Type: filter.TypeGUID, Ops: filter.Eq},
		{Name: "displayName", Column: "target_name", Type: filter.TypeString, Ops: filter.Equality | filter.StartsWith},
		{Name: "modifiedProperties", Column: "changes", Elements: filter.Schema{
			{Name: "displayName", Column: "change_name", Type: filter.TypeString, Ops: filter.Eq},
		}},
	}},
}

// bind parses and checks a filter.
func bind(text string) (filter.Bound, error) {
	e, err := filter.Parse(text)
	if err != nil {
		return filter.Bound{}, err
	}
	return filter.Check(e, people)
}

func TestCheckFindsTheColumnAndTheType(t *testing.T) {
	const id = "62e90394-69f5-4237-9190-012177145e10"
	nine := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, text, column string
		want               filter.Value
	}{
		{"text", "displayName eq 'Ann'", "display_name", filter.String("Ann")},
		{"a name in another case", "DISPLAYNAME eq 'Ann'", "display_name", filter.String("Ann")},
		{"a path in another case", "Status/ErrorCode eq 5", "error_code", filter.Int(5)},
		{"a boolean", "accountEnabled eq false", "enabled", filter.Bool(false)},
		{"null", "department eq null", "department", filter.Null{}},
		{"an id without quotes", "id eq " + id, "id", filter.GUID(id)},
		{"an id in quotes", "id eq '" + strings.ToUpper(id) + "'", "id", filter.GUID(id)},
		{"an id where text belongs", "department eq " + id, "department", filter.String(id)},
		{"a date where text belongs", "department eq 2026-01-31", "department", filter.String("2026-01-31")},
		{"a time", "createdDateTime ge 2026-01-31T09:00:00Z", "created_at", filter.Time{At: nine, Text: "2026-01-31T09:00:00Z"}},
		{"a time in quotes", "createdDateTime ge '2026-01-31T09:00:00Z'", "created_at", filter.Time{At: nine, Text: "2026-01-31T09:00:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := bind(c.text)
			if err != nil {
				t.Fatal(err)
			}
			got := b.Root().(filter.Compare)
			if got.Property.Column != c.column || !reflect.DeepEqual(got.Value, c.want) {
				t.Errorf("got %s, %#v", got.Property.Column, got.Value)
			}
		})
	}
}

func TestCheckLeavesTheParsedExpressionAsItIs(t *testing.T) {
	const text = "department in (2026-01-31) and targetResources/any(t:t/id eq '62e90394-69f5-4237-9190-012177145e10')"
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filter.Check(e, people); err != nil {
		t.Fatal(err)
	}
	again, _ := filter.Parse(text)
	if !reflect.DeepEqual(e, again) {
		t.Errorf("now %v", e)
	}
}

func TestCheckTakesATimeThatWasNotParsed(t *testing.T) {
	now := filter.Time{At: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)}
	e := filter.Compare{Path: filter.Path{"createdDateTime"}, Op: filter.Lt, Value: now}
	b, err := filter.Check(e, people)
	if err != nil || b.Root().(filter.Compare).Value != now {
		t.Errorf("got %v, %v", b.Root(), err)
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       *fault.Error
		target     string
		says       string
	}{
		{"an unknown property", "shoeSize eq 5", filter.ErrUnknownProperty, "shoeSize", `There is no property "shoeSize" here.`},
		{"an unknown property behind others", "department eq 'a' and (id eq null or not shoeSize eq 5)", filter.ErrUnknownProperty, "shoeSize", ""},
		{"a column's name", "display_name eq 'Ann'", filter.ErrUnknownProperty, "display_name", ""},
		{"a step below a property", "displayName/length eq 5", filter.ErrUnknownProperty, "displayName/length", ""},
		{"a step above a property", "status eq null", filter.ErrUnknownProperty, "status", ""},
		{"a property without an index", "aboutMe eq 'x'", filter.ErrUnsupported, "aboutMe", "aboutMe can't be used to filter, search or sort."},
		{"an operator that is not allowed", "department gt 'a'", filter.ErrUnsupported, "department", "department can't be used with gt, only with eq, ne."},
		{"ne where only eq is allowed", "createdDateTime ne null", filter.ErrUnsupported, "createdDateTime", ""},
		{"has where there are no flags", "department has 'x'", filter.ErrUnsupported, "department", "department can't be used with has, only with eq, ne."},
		{"a function that is not allowed", "endswith(id,'x')", filter.ErrUnsupported, "id", "id can't be used with endswith, only with eq, ne, startswith."},
		{"in without eq", "aboutMe in ('a')", filter.ErrUnsupported, "aboutMe", ""},
		{"a collection without any", "otherMails eq 'x'", filter.ErrUnsupported, "otherMails", "otherMails is a list; only any can be used with it."},
		{"any of a single value", "displayName/any(d:d eq 'x')", filter.ErrType, "displayName", "displayName is not a list"},
		{"any of an unknown property", "shoes/any(s:s eq 'x')", filter.ErrUnknownProperty, "shoes", ""},
		{"an operator not allowed for elements", "otherMails/any(m:contains(m,'x'))", filter.ErrUnsupported, "m", "m can't be used with contains, only with eq, ne, startswith."},
		{"an unknown property of an element", "targetResources/any(t:t/shoe eq 'x')", filter.ErrUnknownProperty, "t/shoe", ""},
		{"an element of objects as a value", "targetResources/any(t:t eq 'x')", filter.ErrUnknownProperty, "t", ""},
		{"the outer object inside any", "targetResources/any(t:displayName eq 'x')", filter.ErrUnknownProperty, "displayName", `inside this any, where names start with "t"`},
		{"the variable outside of any", "targetResources/any(t:t/id eq null) and t/id eq null", filter.ErrUnknownProperty, "t/id", ""},
		{"the outer variable inside an inner any", "targetResources/any(t:t/modifiedProperties/any(m:t/id eq null))", filter.ErrUnknownProperty, "t/id", ""},
		{"a number for text", "department eq 5", filter.ErrType, "department", "department is compared with text in quotes."},
		{"a boolean for text", "department eq true", filter.ErrType, "department", ""},
		{"text for a boolean", "accountEnabled eq 'true'", filter.ErrType, "accountEnabled", "accountEnabled is compared with true or false."},
		{"text for a number", "status/errorCode eq '5'", filter.ErrType, "status/errorCode", "a whole number"},
		{"text that is no id", "id eq 'me'", filter.ErrType, "id", "an id such as"},
		{"text that is no time", "createdDateTime ge 'yesterday'", filter.ErrType, "createdDateTime", "a date and time"},
		{"an id for a time", "createdDateTime ge 62e90394-69f5-4237-9190-012177145e10", filter.ErrType, "createdDateTime", ""},
		{"one wrong value in a list", "department in ('a',5)", filter.ErrType, "department", ""},
		{"more than null", "displayName gt null", filter.ErrType, "displayName", "null can be compared with eq and ne only."},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := bind(c.text)
			f, _ := errors.AsType[*fault.Error](err)
			if !errors.Is(err, c.want) || f.Kind != c.want.Kind || b.Root() != nil {
				t.Fatalf("got %v, %v", b.Root(), err)
			}
			if f.Target != c.target || !strings.Contains(f.Text, c.says) {
				t.Errorf("names %q and says %q", f.Target, f.Text)
			}
		})
	}
}

func TestCheckRefusesWhatIsNoExpression(t *testing.T) {
	for _, e := range []filter.Expr{nil, filter.Not{}, filter.And{nil}} {
		if _, err := filter.Check(e, people); !errors.Is(err, filter.ErrSyntax) {
			t.Errorf("%#v: %v", e, err)
		}
	}
}
