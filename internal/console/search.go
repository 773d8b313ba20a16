package console

import (
	"strings"
	"unicode"
)

// mostWords is how many words of what was typed are searched for.
const mostWords = 5

// Search returns a $search in which each word that somebody typed begins a word of one of properties; empty where
// typed has no letter or digit.
func Search(typed string, properties ...string) string {
	var all []string
	for _, word := range strings.FieldsFunc(typed, notInWords) {
		var where []string
		for _, property := range properties {
			where = append(where, `"`+property+":"+word+`"`)
		}
		one := strings.Join(where, " OR ")
		if len(where) > 1 {
			one = "(" + one + ")"
		}
		if all = append(all, one); len(all) == mostWords {
			break
		}
	}
	return strings.Join(all, " AND ")
}

// notInWords are what parts words, as Graph's $search has it.
func notInWords(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
}
