package design

import (
	"fmt"
	"html/template"
	"strings"
	"unicode"
)

// Fill returns the words for key in lang. Arguments are pairs of a name and a value; a value
// that is not HTML already is escaped and kept apart from the sentence's direction.
func (w *Words) Fill(lang, key string, args ...any) (template.HTML, error) {
	data := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		switch value := args[i+1].(type) {
		case template.HTML:
			data[fmt.Sprint(args[i])] = string(value)
		default:
			data[fmt.Sprint(args[i])] = string(Isolate(fmt.Sprint(value)))
		}
	}
	text, ok := w.Find(lang, key, data)
	if !ok {
		return "", fmt.Errorf("no text %q in %s", key, lang)
	}
	return template.HTML(text), nil
}

// Translated returns the text for key, or the English sentence that the words do not have,
// marked as English.
func (w *Words) Translated(lang, key, sentence string, data map[string]string) template.HTML {
	if text, ok := w.Find(lang, key, data); ok {
		return template.HTML(text)
	}
	if sentence == "" {
		return ""
	}
	return template.HTML(`<bdi lang="en">` + template.HTMLEscapeString(Clean(sentence)) + `</bdi>`)
}

// Isolate shows a value that somebody else chose. It cannot change the order of the words
// around it, whatever script it is in.
func Isolate(s string) template.HTML {
	if s == "" {
		return ""
	}
	return template.HTML("<bdi>" + template.HTMLEscapeString(Clean(s)) + "</bdi>")
}

// Address shows an address as Isolate does. Where there is no room for it, it breaks behind its signs and not within words.
func Address(s string) template.HTML {
	var b strings.Builder
	for _, r := range Clean(s) {
		b.WriteString(template.HTMLEscapeString(string(r)))
		if strings.ContainsRune("@._-+/", r) {
			b.WriteString("<wbr>")
		}
	}
	return template.HTML("<bdi>" + b.String() + "</bdi>")
}

// Clean removes from s the control characters and those that reorder text (UAX #9
// section 2), which would let a name pose as another.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// Phone links a number, so that a phone can dial it. An empty number gives nothing.
func Phone(number string) template.HTML {
	digits := strings.Map(func(r rune) rune {
		if r == '+' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, number)
	if digits == "" {
		return ""
	}
	return template.HTML(`<a class="one-line" href="tel:` + digits + `">` + template.HTMLEscapeString(Clean(number)) + `</a>`)
}

// Mono shows an id or code that is read aloud or copied.
func Mono(s string) template.HTML {
	return template.HTML(`<span class="code">` + template.HTMLEscapeString(Clean(s)) + `</span>`)
}
