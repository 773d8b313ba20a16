package letter

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/postern-id/postern/internal/design"
)

// A Paragraph is one of a mail.
type Paragraph struct {
	Text string
	// Link says that Text is nothing but an address, and of somebody who may link: the product, or who
	// wrote the template. What somebody is called never is one.
	Link bool
}

// placeholder is a name in double braces, in one line: one that went over an empty line would be there for
// Check and gone in two paragraphs. Whatever else stands in braces is text.
var placeholder = regexp.MustCompile(`\{\{[ \t]*([A-Za-z]+)[ \t]*\}\}`)

// Placeholders returns the names that text has in double braces.
func Placeholders(text string) []string {
	var all []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// mostValue bounds what stands in the place of one name, in characters.
const mostValue = 512

// Fill puts values in the places of their names, each in one line and bounded, and no space around it
// all. A value is put in as it is, never read as a template again.
func Fill(text string, values map[string]string) string {
	return strings.TrimSpace(placeholder.ReplaceAllStringFunc(text, func(found string) string {
		value := design.Clean(values[placeholder.FindStringSubmatch(found)[1]])
		if r := []rune(value); len(r) > mostValue {
			value = string(r[:mostValue])
		}
		return value
	}))
}

// Paragraphs splits a body at its empty lines.
func Paragraphs(body string) []string {
	var all []string
	for one := range strings.SplitSeq(strings.ReplaceAll(body, "\r\n", "\n"), "\n\n") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}

// Told leaves out the paragraphs that name what there is nothing to say of, except those that have one
// of required.
func Told(paragraphs []string, values map[string]string, required []string) []string {
	return slices.DeleteFunc(slices.Clone(paragraphs), func(one string) bool {
		names := Placeholders(one)
		return slices.ContainsFunc(names, func(n string) bool { return values[n] == "" }) &&
			!slices.ContainsFunc(names, func(n string) bool { return slices.Contains(required, n) })
	})
}

// Write fills paragraphs. A paragraph with the placeholder block gives way to what stands for it, which
// is paragraphs of its own; what forgot it has it at its end.
func Write(paragraphs []string, values map[string]string, block string, stands []Paragraph) []Paragraph {
	var all []Paragraph
	shown := len(stands) == 0
	for _, one := range paragraphs {
		if block == "" || !slices.Contains(Placeholders(one), block) {
			all = append(all, Paragraph{Fill(one, values), IsLink(one)})
			continue
		}
		before := placeholder.ReplaceAllStringFunc(one, func(found string) string {
			if placeholder.FindStringSubmatch(found)[1] == block {
				return "…"
			}
			return found
		})
		if before != "…" {
			all = append(all, Paragraph{Text: Fill(before, values)})
		}
		if !shown {
			all, shown = append(all, stands...), true
		}
	}
	if !shown {
		all = append(all, stands...)
	}
	return all
}

// Plain makes paragraphs of text.
func Plain(all ...string) []Paragraph {
	out := make([]Paragraph, len(all))
	for i, one := range all {
		out[i].Text = one
	}
	return out
}

// IsLink reports whether text is an address and nothing else.
func IsLink(text string) bool {
	return strings.HasPrefix(text, "https://") && !strings.ContainsFunc(text, unicode.IsSpace) && !strings.Contains(text, "{{")
}

// hidden reports whether text has what can't be seen: control characters, and marks that reorder text.
func hidden(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) ||
			unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == unicode.ReplacementChar
	})
}
