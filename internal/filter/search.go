package filter

import (
	"strings"
	"unicode"
)

// search is the grammar of $search on directory objects.
// https://learn.microsoft.com/graph/search-query-parameter
var search = &dialect{
	noun: "search", parameter: "$search", syntax: ErrSearchSyntax,
	quote: '"', escape: '\\',
	and: "and", or: "or",
	term: (*parser).searchTerm,
}

// searchTerm reads "property:words", with the quotes.
func (p *parser) searchTerm() (Expr, error) {
	t := p.peek()
	if t.kind != quoted {
		return nil, p.expected(`double quotes with a property and words in them, such as "displayName:ann"`)
	}
	property, value, found := strings.Cut(t.text, ":")
	path := Path(strings.Split(strings.TrimSpace(property), "/"))
	for _, step := range path {
		if step == "" || !isLetter(step[0]) || span(step, isName) < len(step) {
			found = false
		}
	}
	if !found {
		return nil, p.fail(p.text, t.at, "expected the name of a property and a colon inside the quotes")
	}
	words := Words(value)
	if len(words) == 0 {
		return nil, p.fail(p.text, t.at, "there are no words after the colon")
	}
	p.take()
	return HasWords{Path: path, Words: words}, p.count(len(words) - 1)
}

// Words splits text into folded words, each of letters, digits and the marks on them, for
// $search and for the index of a store.
func Words(text string) []string {
	return strings.FieldsFunc(Fold(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
}
