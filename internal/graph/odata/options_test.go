package odata_test

import (
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

var users = odata.Allow{
	Properties: []string{"id", "displayName", "userPrincipalName"},
	Expand:     map[string][]string{"manager": {"id", "displayName"}, "memberOf": {"id"}},
	DefaultTop: 100, MaxTop: 999,
	Filter: true, OrderBy: true, Search: true, Count: true,
}

func options(query string, allow odata.Allow) (odata.Options, error) {
	r := httptest.NewRequest("GET", "/v1.0/users", nil)
	r.URL.RawQuery = query
	return odata.ParseOptions(r, allow)
}

// public leaves out what is for next links only.
func public(o odata.Options) odata.Options {
	return odata.Options{
		Select: o.Select, Expand: o.Expand, Filter: o.Filter, OrderBy: o.OrderBy, Search: o.Search,
		Count: o.Count, Top: o.Top, Skip: o.Skip, SkipToken: o.SkipToken, Eventual: o.Eventual,
	}
}

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        odata.Options
	}{
		{"none", "", odata.Options{Top: 100}},
		{"nothing between ampersands", "&&", odata.Options{Top: 100}},
		{
			"what the Go SDK sends", "$count=true&$filter=startswith%28displayName%2C%27A%27%29&$orderby=displayName&$select=id,displayName&$top=5",
			odata.Options{Count: true, Filter: "startswith(displayName,'A')", OrderBy: "displayName", Select: []string{"id", "displayName"}, Top: 5},
		},
		{"escaped dollars and commas", "%24select=id%2CdisplayName&%24top=5", odata.Options{Select: []string{"id", "displayName"}, Top: 5}},
		{"without dollars, in any case", "TOP=999&$orderBy=id&Count=True", odata.Options{Top: 999, OrderBy: "id", Count: true}},
		{"$count=false", "$count=false", odata.Options{Top: 100}},
		{"names in any case, each once", "$select=DISPLAYNAME, id,displayName", odata.Options{Top: 100, Select: []string{"displayName", "id"}}},
		{"all properties", "$select=*", odata.Options{Top: 100}},
		{"a search with its quotes", "$search=%22displayName:ann%22", odata.Options{Top: 100, Search: `"displayName:ann"`}},
		{"plus is a space", "$filter=accountEnabled+eq+true", odata.Options{Top: 100, Filter: "accountEnabled eq true"}},
		{"an equals sign in a value", "$filter=a=b", odata.Options{Top: 100, Filter: "a=b"}},
		{"a semicolon", "$filter=a%3Bb;c", odata.Options{Top: 100, Filter: "a;b;c"}},
		{"other parameters are ignored", "api-version=1&x=%zz&top=7&x=2&=", odata.Options{Top: 7}},
		{"a skiptoken", "$skiptoken=abc", odata.Options{Top: 100, SkipToken: "abc"}},
		{
			"relations and their properties", "$expand=Manager($select=ID,displayName), memberOf",
			odata.Options{Top: 100, Expand: []odata.Expansion{{Name: "manager", Select: []string{"id", "displayName"}}, {Name: "memberOf"}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := options(c.query, users)
			if err != nil || !reflect.DeepEqual(public(got), c.want) {
				t.Errorf("got  %+v, %v\nwant %+v", public(got), err, c.want)
			}
		})
	}
}

func TestParseOptionsSkipWhereAllowed(t *testing.T) {
	o, err := options("$skip=0", odata.Allow{Skip: true})
	if err != nil || o.Skip != 0 {
		t.Errorf("got %d, %v", o.Skip, err)
	}
	o, err = options("$skip=20", odata.Allow{Skip: true})
	if err != nil || o.Skip != 20 {
		t.Errorf("got %d, %v", o.Skip, err)
	}
}

func TestParseOptionsRefuses(t *testing.T) {
	for _, c := range []struct {
		name, query, target string
		want                *fault.Error
	}{
		{"an unknown option", "$apply=x", "$apply", odata.ErrQuery},
		{"a misspelled option", "$filtr=x", "$filtr", odata.ErrQuery},
		{"a dollar alone", "$=x", "$", odata.ErrQuery},
		{"$skip on users", "$skip=10", "$skip", odata.ErrUnsupportedQuery},
		{"$top of 0", "$top=0", "$top", odata.ErrQuery},
		{"$top above the maximum", "$top=1000", "$top", odata.ErrQuery},
		{"$top below 0", "$top=-1", "$top", odata.ErrQuery},
		{"$top with a sign", "$top=%2B5", "$top", odata.ErrQuery},
		{"$top as a word", "$top=five", "$top", odata.ErrQuery},
		{"$top beyond 64 bits", "$top=99999999999999999999", "$top", odata.ErrQuery},
		{"$count as a number", "$count=1", "$count", odata.ErrQuery},
		{"an unknown property", "$select=id,shoeSize", "$select", odata.ErrQuery},
		{"an empty property", "$select=id,,displayName", "$select", odata.ErrQuery},
		{"an option twice", "$top=5&$top=6", "$top", odata.ErrQuery},
		{"an option twice, once without its dollar", "$top=5&top=5", "$top", odata.ErrQuery},
		{"no value", "$filter=", "$filter", odata.ErrQuery},
		{"no equals sign", "$filter", "$filter", odata.ErrQuery},
		{"half a percent-encoding", "$filter=%4", "$filter", odata.ErrQuery},
		{"a name that is not percent-encoded", "%zz=1", "", odata.ErrQuery},
		{"a byte that is not UTF-8", "$filter=%ff", "$filter", odata.ErrQuery},
		{"U+0000", "$filter=a%00", "$filter", odata.ErrQuery},
		{"a line break in a name", "$a%0d%0ab=1", "$a??b", odata.ErrQuery},
		{"a query of 20 kB", "$filter=" + strings.Repeat("a", 20_000), "", odata.ErrQuery},
		{"an unknown relation", "$expand=boss", "$expand", odata.ErrQuery},
		{"a relation twice", "$expand=manager,Manager", "$expand", odata.ErrQuery},
		{"an unknown property of a relation", "$expand=manager($select=userPrincipalName)", "$expand", odata.ErrQuery},
		{"levels", "$expand=manager($levels=max;$select=id)", "$expand", odata.ErrUnsupportedQuery},
		{"more than $select", "$expand=manager($select=id;$levels=max)", "$expand", odata.ErrUnsupportedQuery},
		{"a parenthesis left open", "$expand=manager($select=id", "$expand", odata.ErrQuery},
		{"a parenthesis too many", "$expand=manager)(", "$expand", odata.ErrQuery},
		{"text after a parenthesis", "$expand=manager($select=id)x", "$expand", odata.ErrQuery},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := options(c.query, users)
			if f := refusal(t, err, c.want); f.Target != c.target {
				t.Errorf("target is %q, want %q", f.Target, c.target)
			}
		})
	}
}

func TestParseOptionsOffersNothingByDefault(t *testing.T) {
	for _, query := range []string{
		"$select=id", "$expand=manager", "$filter=a", "$orderby=a", "$search=a", "$count=true", "$top=1", "$skip=1", "$skiptoken=a",
	} {
		_, err := options(query, odata.Allow{})
		refusal(t, err, odata.ErrUnsupportedQuery)
	}
}

func TestCheckAdvanced(t *testing.T) {
	for _, c := range []struct {
		name, query string
		eventual    bool
		filter      bool // the filter is of the advanced kind
		ok          bool
	}{
		{"a simple filter", "$filter=a", false, false, true},
		{"an order", "$orderby=a", false, false, true},
		{"a search without the header", "$search=a", false, false, false},
		{"a search with the header", "$search=a", true, false, true},
		{"a count without the header", "$count=true", false, false, false},
		{"a count with the header", "$count=true", true, false, true},
		{"a filter with an order, plain", "$filter=a&$orderby=b", false, false, false},
		{"a filter with an order, header only", "$filter=a&$orderby=b", true, false, false},
		{"a filter with an order, header and count", "$filter=a&$orderby=b&$count=true", true, false, true},
		{"an advanced filter, plain", "$filter=a", false, true, false},
		{"an advanced filter, header only", "$filter=a", true, true, false},
		{"an advanced filter, header and count", "$filter=a&$count=true", true, true, true},
		{"an advanced filter, count only", "$filter=a&$count=true", false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/v1.0/users?"+c.query, nil)
			if c.eventual {
				r.Header.Set("ConsistencyLevel", "Eventual")
			}
			o, err := odata.ParseOptions(r, users)
			if err != nil {
				t.Fatal(err)
			}
			err = o.CheckAdvanced(c.filter)
			if c.ok && err != nil || !c.ok && !errors.Is(err, odata.ErrUnsupportedQuery) {
				t.Errorf("got %v, want ok %t", err, c.ok)
			}
		})
	}
}

func TestSelects(t *testing.T) {
	some := odata.Options{Select: []string{"id"}}
	if !(odata.Options{}).Selects("id") || !some.Selects("id") || some.Selects("displayName") {
		t.Error("nothing selected is all; otherwise what is named")
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add("$count=true&$filter=startswith%28displayName%2C%27A%27%29&$orderby=displayName&$select=id,displayName&$top=5")
	f.Add("$expand=manager($levels=max;$select=id),memberOf&$search=%22a%22&$skiptoken=x&$skip=1&a=b")
	f.Add("%24&&=;%00$%ff=()")
	f.Fuzz(func(t *testing.T, query string) {
		o, err := options(query, users)
		if _, told := errors.AsType[*fault.Error](err); err != nil && !told {
			t.Errorf("an error that nobody can be told: %v", err)
		}
		if err != nil {
			return
		}
		r := httptest.NewRequest("GET", "/v1.0/users", nil)
		next, err := r.URL.Parse(odata.NextLink("https://id.example", r, o, "token"))
		if err != nil || next.Host != "id.example" {
			t.Fatalf("%q gives the next link %v, %v", query, next, err)
		}
		again, err := options(next.RawQuery, users)
		o.SkipToken, o.Skip = "token", 0
		if len(next.RawQuery) < 16<<10 && (err != nil || !reflect.DeepEqual(public(again), public(o))) {
			t.Errorf("the next link of %q reads %+v, %v", query, public(again), err)
		}
	})
}
