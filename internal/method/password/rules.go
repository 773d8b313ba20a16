package password

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// LeastLength and MostLength bound a policy's minimum length, in characters.
const (
	LeastLength = 8
	MostLength  = 64
)

const (
	// leastPoints is how much a password must be worth. A banned word is worth one point, as
	// is every other character, once where it is repeated.
	leastPoints = 8
	// leastKinds is how many different characters a password has.
	leastKinds = 5
	// leastWord is the length from which on a word counts as one.
	leastWord = 4
)

// Rules say which passwords a person may choose.
type Rules struct {
	MinimumLength int      // in characters
	Banned        []string // the tenant's own words
	// About are words that everybody guesses first for this person: names, the UPN, the
	// tenant. They may be sentences.
	About []string
}

// Check reports the first rule that p breaks. The way passwords are judged follows Microsoft
// Entra password protection, and is stricter: what is typed is folded first, words count one
// point each, and eight points are needed, not five.
// https://learn.microsoft.com/entra/identity/authentication/concept-password-ban-bad
func (r Rules) Check(p Text) error {
	if n := utf8.RuneCountInString(p.Reveal()); n < r.MinimumLength {
		return ErrShort.With("", fmt.Sprintf("The password needs %d characters or more.", r.MinimumLength))
	}
	folded := fold(p.Reveal())
	if kinds(folded) < leastKinds || r.points(folded) < leastPoints || r.nearlyBanned(folded) {
		return ErrWeak
	}
	return nil
}

// points is the least that folded text is worth, however words are found in it.
func (r Rules) points(folded string) int {
	words := r.words()
	least := make([]int, len(folded)+1) // of the text up to there
	for i := range len(folded) {
		end := i + 1
		least[end] = least[i] + 1
		if i > 0 && folded[i] == folded[i-1] || !utf8.RuneStart(folded[i]) {
			least[end] = least[i]
		}
		for _, word := range words {
			if strings.HasSuffix(folded[:end], word) {
				least[end] = min(least[end], least[end-len(word)]+1)
			}
		}
	}
	return least[len(folded)]
}

// kinds is how many different characters text has.
func kinds(text string) int {
	seen := map[rune]bool{}
	for _, c := range text {
		seen[c] = true
	}
	return len(seen)
}

// nearlyBanned reports whether folded differs from a banned word by one character at most.
func (r Rules) nearlyBanned(folded string) bool {
	return slices.ContainsFunc(r.words(), func(word string) bool { return near(folded, word) })
}

// near reports whether one insertion, removal or change makes a of b.
func near(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a)-len(b) > 1 {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(b) || a[i+1:] == b[i+1:]
	}
	return a[i+1:] == b[i:]
}

// words are all that count one point, folded, longest first.
func (r Rules) words() []string {
	all := slices.Clone(common())
	for _, text := range slices.Concat(r.Banned, r.About) {
		all = append(all, fold(text))
		for _, word := range strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
			all = append(all, fold(word))
		}
	}
	return longestFirst(all)
}

func longestFirst(words []string) []string {
	words = slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < leastWord })
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(words)
}

//go:embed banned.txt
var banned string

// rows are what fingers run along.
var rows = []string{
	"01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiopü", "azertyuiop", "asdfghjklö", "zxcvbnm", "yxcvbnm",
	"1qaz2wsx3edc4rfv", "1q2w3e4r5t6z7u", "1q2w3e4r5t6y7u",
}

// common are the words of banned.txt, and four neighbours of each row in both directions,
// folded, longest first.
var common = sync.OnceValue(func() []string {
	var all []string
	for word := range strings.FieldsSeq(banned) {
		all = append(all, fold(word))
	}
	for _, row := range rows {
		forth := []rune(row)
		back := slices.Clone(forth)
		slices.Reverse(back)
		for i := range len(forth) - leastWord + 1 {
			all = append(all, fold(string(forth[i:i+leastWord])), fold(string(back[i:i+leastWord])))
		}
	}
	return longestFirst(all)
})
