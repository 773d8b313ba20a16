package letter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Phrases is the kind of template that has no mail of its own: its body says, a line each, what stands in the mails
// of a language for names and sentences of the product's that depend on what happened, as in "passkey: Clé d’accès".
const Phrases = "phrases"

// Said returns the phrases of t by their names.
func (t Template) Said() map[string]string {
	said := map[string]string{}
	for line := range strings.Lines(t.Body) {
		name, text, _ := strings.Cut(line, ":")
		said[strings.TrimSpace(name)] = strings.TrimSpace(text)
	}
	return said
}

// checkPhrases is Check for Phrases: each line is one of those of k, at most once, with the placeholders that the
// product's has. What is left out stays the product's.
func (t Template) checkPhrases(k Kind) error {
	switch {
	case t.Subject != "" || t.Notice != "":
		return ErrInvalid.With("subject", "Names and sentences have a body alone.")
	case utf8.RuneCountInString(t.Body) > MostBody:
		return ErrInvalid.With("body", fmt.Sprintf("The body has more than %d characters.", MostBody))
	case strings.TrimSpace(t.Body) == "":
		return ErrInvalid.With("body", "The body says nothing.")
	case Hidden(t.Body) != "":
		return ErrInvalid.With("body", "The body "+Hidden(t.Body))
	}
	var before []string
	for line := range strings.Lines(t.Body) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, text, _ := strings.Cut(line, ":")
		name, text = strings.TrimSpace(name), strings.TrimSpace(text)
		needs, known := k.Phrases[name]
		if !known || text == "" || slices.Contains(before, name) {
			return ErrInvalid.With("body", fmt.Sprintf("The line “%.40s” is not a name of the list, once, with a colon and what it is called.", line))
		}
		if strange, is := Strange(text, needs); is {
			return ErrPlaceholder.With("body", fmt.Sprintf("The line of %s has {{%.40s}}, which it can't have.", name, strange))
		}
		if err := lacks("line of "+name, text, needs); err != nil {
			return err
		}
		before = append(before, name)
	}
	return nil
}
