package filter_test

import (
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/filter"
)

// laptops is what rules are about here.
var laptops = filter.Schema{
	{Name: "name", Type: filter.TypeString, Column: "name", Ops: filter.Equality | filter.StartsWith | filter.Contains | filter.Matches},
	{Name: "enabled", Type: filter.TypeBool, Column: "enabled", Ops: filter.Equality},
	{Name: "owner", Type: filter.TypeString, Column: "owner", Ops: filter.Equality},
}

func laptop(column string) []filter.Value {
	switch column {
	case "name":
		return []filter.Value{filter.String(`LAP-0451 "red"`)}
	case "enabled":
		return []filter.Value{filter.Bool(true)}
	}
	return nil
}

func rule(text string) (filter.Bound, error) {
	e, err := filter.ParseRule(text, "laptop")
	if err != nil {
		return filter.Bound{}, err
	}
	return filter.Check(e, laptops)
}

func TestRulesHold(t *testing.T) {
	for text, want := range map[string]bool{
		`laptop.name -startsWith "lap-"`:                                                 true,
		`(laptop.name -startsWith "LAP-") and (laptop.enabled -eq true)`:                 true,
		`(laptop.name -startsWith "LAP-") -and (laptop.enabled -ne True)`:                false,
		`laptop.name startsWith "LAP-" or laptop.enabled eq false`:                       true,
		`not (laptop.name -startsWith "LAP-")`:                                           false,
		`-not (laptop.name -startsWith "X")`:                                             true,
		`laptop.name -notStartsWith "LAP-"`:                                              false,
		`laptop.name -contains "0451"`:                                                   true,
		`laptop.name -notContains "0451"`:                                                false,
		"laptop.name -contains \"`\"red`\"\"":                                            true,
		`laptop.name -match "^lap-[0-9]{4} "`:                                            true,
		`laptop.name -notMatch "^lap-[0-9]{4}$"`:                                         true,
		`laptop.name -in ["a","b"]`:                                                      false,
		`laptop.name -notIn ["a","b"]`:                                                   true,
		`laptop.owner -eq null`:                                                          true,
		`laptop.owner -ne null`:                                                          false,
		`laptop.owner -ne "x"`:                                                           true,
		`laptop.enabled -eq false and laptop.enabled -eq false or laptop.owner -eq null`: true, // and binds tighter
	} {
		b, err := rule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := filter.Eval(b, laptop); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func TestRulesThatAreNotUnderstoodAreRefused(t *testing.T) {
	for text, want := range map[string]error{
		``:                                     filter.ErrRuleSyntax,
		`laptop.name`:                          filter.ErrRuleSyntax,
		`laptop.name -eq`:                      filter.ErrRuleSyntax,
		`laptop.name -eq 'single'`:             filter.ErrRuleSyntax,
		`laptop.name -eq "open`:                filter.ErrRuleSyntax,
		`laptop.name -is "x"`:                  filter.ErrRuleSyntax,
		`laptop.name -not -eq "x"`:             filter.ErrRuleSyntax,
		`laptop.name -noteq "x"`:               filter.ErrRuleSyntax,
		`laptop.name -in ("a")`:                filter.ErrRuleSyntax,
		`-laptop.name -eq "x"`:                 filter.ErrRuleSyntax,
		`laptop/name -eq "x"`:                  filter.ErrUnsupported,
		`user.department -eq "x"`:              filter.ErrUnsupported,
		`laptop -eq "x"`:                       filter.ErrUnsupported,
		`laptop.colour -eq "x"`:                filter.ErrUnknownProperty,
		`laptop.enabled -startsWith "x"`:       filter.ErrUnsupported,
		`laptop.enabled -eq "x"`:               filter.ErrType,
		`laptop.name -match "("`:               filter.ErrPattern,
		`laptop.name -in ["a",null]`:           filter.ErrType,
		`laptop.name -match "(a{1000}){1000}"`: filter.ErrPattern,
	} {
		if _, err := rule(text); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		} else {
			refused(t, err)
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, seed := range []string{
		`(laptop.name -startsWith "LAP-") and (laptop.enabled -eq true)`, `laptop.name -notIn ["a","b"] or not laptop.owner -eq null`,
		"laptop.name -contains \"`\"x\"", `laptop.name -match "(a|b)*c"`, `laptop.name -`, `((((`, `laptop..name`, `laptop.name -match "\x00"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := filter.ParseRule(text, "laptop")
		if err != nil {
			refused(t, err)
			return
		}
		b, err := filter.Check(e, laptops)
		if err != nil {
			refused(t, err)
			return
		}
		not, err := filter.Check(filter.Not{Expr: e}, laptops)
		if err != nil || filter.Eval(not, laptop) == filter.Eval(b, laptop) {
			t.Errorf("%q and its opposite are not opposite (%v)", text, err)
		}
	})
}
