package docs

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A Code is a row of the list of codes: what happened and what to do, in plain words.
type Code struct {
	Code, Text, Remedy string
	AADSTS             int // Entra's number; 0 where there is none
}

// codeRow is a row of errors.md: code, what happened, what to do, Entra's number.
var codeRow = regexp.MustCompile("(?m)^\\| `([A-Za-z0-9_]+)` \\| (.*?) \\| (.*?) ?\\| ?([0-9]*) \\|$")

// codes are those of errors.md, in its order.
var codes = sync.OnceValue(func() []Code {
	var all []Code
	for _, m := range codeRow.FindAllStringSubmatch(Errors, -1) {
		number, err := strconv.Atoi(m[4])
		if err != nil {
			number = 0
		}
		all = append(all, Code{Code: m[1], Text: m[2], Remedy: strings.TrimSpace(m[3]), AADSTS: number})
	}
	return all
})

// Codes returns the rows that a code of ours or a number of Entra's names, as 130503 or
// AADSTS130503.
func Codes(said string) []Code {
	number, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(said), "AADSTS"))
	var all []Code
	for _, c := range codes() {
		if c.Code == said || err == nil && number != 0 && c.AADSTS == number {
			all = append(all, c)
		}
	}
	return all
}
