package recovery

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// ErrCaseNumber says that the number is not that of the case.
var ErrCaseNumber = &fault.Error{
	Kind: fault.Invalid, Code: "caseNumberWrong", Target: "caseNumber",
	Text: "That is not the number of this case.", Remedy: "Have the person read it from their screen: where you see them, or on a number that you know. If they know of no case, say that it is not them.",
}

// SameNumber compares the number of a case with what somebody typed, with its first R or without.
func SameNumber(typed, number string) bool {
	plain := strings.NewReplacer(" ", "", "-", "")
	typed, number = strings.ToUpper(plain.Replace(typed)), plain.Replace(number)
	return number != "" && (typed == number || "R"+typed == number)
}

// numbered reports whether a was told the number of c by who asks, or ErrCaseNumber. Who says nothing
// of a number may have spoken with somebody else than who opened the case.
func (a Actor) numbered(c Case) (bool, error) {
	if a.Number == "" {
		return false, nil
	}
	if !SameNumber(a.Number, c.Number) {
		return false, ErrCaseNumber
	}
	return true, nil
}

// addsNumber reports whether who gives a gave it before, in the same part, and was not told the number then.
func (a Approval) addsNumber(c Case) bool {
	return a.Numbered && slices.ContainsFunc(c.Approvals, func(b Approval) bool { return b.By.User == a.By.User && b.Part == a.Part && !b.Numbered })
}

// HeardFrom is c with what is known of who asks in a browser alone: what the browser showed itself, and
// the word of who was told the number that its page shows. An agent who calls the person back speaks
// with the person, and a stranger may have opened the case: without the number nothing ties the two.
func (c Case) HeardFrom(browser string) Case {
	c.Proofs = slices.DeleteFunc(slices.Clone(c.Proofs), func(p Proof) bool { return !p.Numbered && (browser == "" || p.Browser != browser) })
	c.Approvals = slices.DeleteFunc(slices.Clone(c.Approvals), func(a Approval) bool { return !a.Numbered })
	return c
}

// Heard reports whether anything that was said in c is about a browser.
func (c Case) Heard(browser string) bool {
	h := c.HeardFrom(browser)
	return len(h.Proofs)+len(h.Approvals) > 0
}

// alone reports whether c is a browser's alone: nobody went on with it but who is in front of it, and
// its pass, if it has one, was shown there.
func (c Case) alone(browser string) bool {
	h := c.HeardFrom(browser)
	return len(h.Proofs) == len(c.Proofs) && len(h.Approvals) == len(c.Approvals) && (c.Pass == nil || c.Pass.Hand == HandBrowser)
}
