package filter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
)

func words(path string, w ...string) filter.Expr {
	return filter.HasWords{Path: strings.Split(path, "/"), Words: w}
}

func TestParseSearch(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       filter.Expr
	}{
		{"one word", `"displayName:ann"`, words("displayName", "ann")},
		{"words are folded", `"displayName:ANN Marie"`, words("displayName", "ann", "marie")},
		{"words end at signs", `"mail:ann.berg@example.test"`, words("mail", "ann", "berg", "example", "test")},
		{"the first colon counts", `"proxyAddresses:smtp:ann"`, words("proxyAddresses", "smtp", "ann")},
		{"quotes inside quotes", `"displayName:\"ann\" \\ berg"`, words("displayName", "ann", "berg")},
		{"marks belong to their letter", "\"displayName:zoe\u0308\"", words("displayName", "zoe\u0308")},
		{"a path", `"onPremises/name:x1"`, words("onPremises/name", "x1")},
		{"or", `"displayName:ann" OR "mail:ann"`, filter.Or{words("displayName", "ann"), words("mail", "ann")}},
		{"and binds closer", `"a:1" or "b:2" and "c:3"`, filter.Or{words("a", "1"), filter.And{words("b", "2"), words("c", "3")}}},
		{"parentheses", `("a:1" OR "b:2") AND "c:3"`, filter.And{filter.Or{words("a", "1"), words("b", "2")}, words("c", "3")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := filter.ParseSearch(c.text)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestWhatIsNotASearch(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       *fault.Error
		says       string
	}{
		{"nothing", "", filter.ErrSearchSyntax, "at character 1: expected double quotes"},
		{"no quotes", "displayName:ann", filter.ErrSearchSyntax, "at character 1: expected double quotes"},
		{"single quotes", "'displayName:ann'", filter.ErrSearchSyntax, "at character 1: expected double quotes"},
		{"no property", `"ann"`, filter.ErrSearchSyntax, "at character 1: expected the name of a property and a colon"},
		{"an empty property", `":ann"`, filter.ErrSearchSyntax, "at character 1: expected the name of a property"},
		{"a property that is no name", `"a b:ann"`, filter.ErrSearchSyntax, "at character 1: expected the name of a property"},
		{"no words", `"displayName:"`, filter.ErrSearchSyntax, "at character 1: there are no words"},
		{"only signs", `"a:1" OR "displayName:%_*"`, filter.ErrSearchSyntax, "at character 10: there are no words"},
		{"two without a word between", `"a:1" "b:2"`, filter.ErrSearchSyntax, "at character 7: expected and, or, or the end"},
		{"not", `NOT "a:1"`, filter.ErrSearchSyntax, "at character 1: expected double quotes"},
		{"a filter", "displayName eq 'ann'", filter.ErrSearchSyntax, "at character 1: expected double quotes"},
		{"a quote that is never closed", `"displayName:ann\"`, filter.ErrSearchSyntax, "at character 1: the quote is never closed"},
		{"more words than allowed", `"a:` + strings.Repeat("1 ", filter.MaxNodes+1) + `"`, filter.ErrTooComplex, "more than 200 parts"},
		{"parentheses too deep", strings.Repeat("(", filter.MaxDepth+1), filter.ErrTooComplex, "more than 16 parts inside"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := filter.ParseSearch(c.text)
			f, _ := errors.AsType[*fault.Error](err)
			if !errors.Is(err, c.want) || !strings.Contains(f.Text, c.says) || f.Target != "$search" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"the start of a word", `"displayName:mar"`, true},
		{"the whole word in another case", `"displayName:ANN"`, true},
		{"every word has to be there", `"displayName:brien ann"`, true},
		{"one word is missing", `"displayName:ann bea"`, false},
		{"the middle of a word", `"displayName:rien"`, false},
		{"or", `"displayName:bea" OR "displayName:ann"`, true},
		{"and", `"displayName:bea" AND "displayName:ann"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := filter.ParseSearch(c.text)
			if err != nil {
				t.Fatal(err)
			}
			b, err := filter.Check(e, people)
			if err != nil {
				t.Fatal(err)
			}
			if got := filter.Eval(b, ann); got != c.want {
				t.Errorf("got %v", got)
			}
			if filter.Eval(b, nobody) {
				t.Error("finds null")
			}
		})
	}
}

func TestSearchNeedsAPropertyThatAllowsIt(t *testing.T) {
	for text, want := range map[string]*fault.Error{
		`"department:sales"`: filter.ErrUnsupported,
		`"shoeSize:5"`:       filter.ErrUnknownProperty,
	} {
		e, err := filter.ParseSearch(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := filter.Check(e, people); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		if once := filter.Fold(string(r)); filter.Fold(once) != once {
			t.Errorf("%U", r)
		}
	}
}
