package password

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// lookalikes are characters that people put for letters, and guessing programs with them.
// Letters that share a lookalike are one: 1 stands for i and for l.
var lookalikes = map[rune]rune{
	'0': 'o', '1': 'i', 'l': 'i', '!': 'i', '|': 'i', '3': 'e', '€': 'e', '4': 'a', '@': 'a', '5': 's', '$': 's', '§': 's',
	'7': 't', '+': 't', '8': 'b', '9': 'g',
	'а': 'a', 'е': 'e', 'о': 'o', 'р': 'p', 'с': 'c', 'х': 'x', 'у': 'y', 'і': 'i', 'ѕ': 's', 'ј': 'j', 'к': 'k', 'м': 'm', 'т': 't', // Cyrillic
	'α': 'a', 'ε': 'e', 'ο': 'o', 'ρ': 'p', 'ι': 'i', 'ν': 'v', 'κ': 'k', 'τ': 't', // Greek
}

// fold returns what is left of text when everything is taken away that makes a weak password
// look strong: case, marks, lookalikes, and what stands between letters and digits.
func fold(text string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(text)) {
		if r == 'ß' {
			out.WriteString("ss")
			continue
		}
		r = unicode.ToLower(r) // what compatibility made of it may be a capital
		if same, ok := lookalikes[r]; ok {
			r = same
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out.WriteRune(r)
		}
	}
	return out.String()
}
