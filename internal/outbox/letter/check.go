package letter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// Bounds of a template. With them a mail is never larger than the outbox takes, whatever people are called.
const (
	MostSubject      = 200 // characters
	MostBody         = 6000
	MostNotice       = 2000
	mostPlaceholders = 30 // in all texts of a template together
	// MostTemplates bounds those of a tenant.
	MostTemplates = 1000
)

// Faults of templates.
var (
	ErrInvalid = &fault.Error{
		Kind: fault.Invalid, Code: "mailTemplateInvalid",
		Text: "These can't be the words of a mail.", Remedy: "docs/mail.md says what a template may be.",
	}
	ErrPlaceholder = &fault.Error{
		Kind: fault.Invalid, Code: "mailTemplatePlaceholder",
		Text: "There is no such placeholder in this mail.", Remedy: "Use one of those that the kind of mail lists.",
	}
	ErrRequired = &fault.Error{
		Kind: fault.Invalid, Code: "mailTemplateRequired",
		Text: "The words leave out what this mail has to say.", Remedy: "Put the placeholder in that is missing.",
	}
	ErrNotice = &fault.Error{
		Kind: fault.Invalid, Code: "mailTemplateNotice", Target: "notice",
		Text: "The notice at the end of this mail is the product's own.", Remedy: "Leave it out; it can be translated into a language that the product does not write.",
	}
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "mailTemplateUnknown",
		Text: "There are no words of your own for this.", Remedy: "List the templates.",
	}
	ErrKindUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "mailKindUnknown",
		Text: "There is no such kind of mail.", Remedy: "List the templates; each kind of mail is one.",
	}
	ErrMany = &fault.Error{
		Kind: fault.Invalid, Code: "mailTemplateMany",
		Text: "There are as many templates as a tenant may have.", Remedy: "Reset one that is no longer used.",
	}
)

// Hidden says why a text can't be part of a mail, or nothing.
func Hidden(text string) string {
	if hidden(text) || !utf8.ValidString(text) {
		return "has control characters."
	}
	return ""
}

// Strange returns the first placeholder of text that is none of known, and whether there is one.
func Strange(text string, known []string) (string, bool) {
	for _, name := range Placeholders(text) {
		if !slices.Contains(known, name) {
			return name, true
		}
	}
	return "", false
}

// Check reports what is wrong with t as words for k as a fault, or nil.
func (t Template) Check(k Kind) error {
	if lang, ok := Canonical(t.Language); !ok || lang != t.Language {
		return ErrInvalid.With("language", "The language is one such as de or de-AT, or default.")
	}
	if k.Phrases != nil {
		return t.checkPhrases(k)
	}
	inSubject := slices.DeleteFunc(slices.Clone(k.Placeholders), func(n string) bool { return n == k.Block })
	for _, one := range []struct {
		name, text string
		most       int
		known      []string
	}{
		{"subject", t.Subject, MostSubject, inSubject},
		{"body", t.Body, MostBody, k.Placeholders},
		{"notice", t.Notice, MostNotice, append(slices.Clone(k.Placeholders), k.Notice...)},
	} {
		switch n := utf8.RuneCountInString(one.text); {
		case n > one.most:
			return ErrInvalid.With(one.name, fmt.Sprintf("The %s has %d characters; %d are allowed.", one.name, n, one.most))
		case strings.TrimSpace(one.text) == "" && one.name != "notice":
			return ErrInvalid.With(one.name, "The "+one.name+" says nothing.")
		case Hidden(one.text) != "":
			return ErrInvalid.With(one.name, "The "+one.name+" "+Hidden(one.text))
		}
		if name, is := Strange(one.text, one.known); is {
			return ErrPlaceholder.With(one.name, fmt.Sprintf("The %s has {{%.40s}}, which is none of %s.", one.name, name, strings.Join(one.known, ", ")))
		}
	}
	if strings.ContainsAny(t.Subject, "\r\n\t") {
		return ErrInvalid.With("subject", "The subject is one line.")
	}
	if n := len(Placeholders(t.Subject)) + len(Placeholders(t.Body)) + len(Placeholders(t.Notice)); n > mostPlaceholders {
		return ErrInvalid.With("body", fmt.Sprintf("There are %d placeholders; %d are allowed.", n, mostPlaceholders))
	}
	if err := lacks("body", t.Body, k.Required); err != nil {
		return err
	}
	if t.Notice == "" {
		return nil
	}
	if HasWords(t.Language) || len(k.Notice) == 0 {
		return ErrNotice
	}
	return lacks("notice", t.Notice, k.Notice)
}

func lacks(where, text string, required []string) error {
	there := Placeholders(text)
	for _, name := range required {
		if !slices.Contains(there, name) {
			return ErrRequired.With(where, "The "+where+" has to have {{"+name+"}}.")
		}
	}
	return nil
}
