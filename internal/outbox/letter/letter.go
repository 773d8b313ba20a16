// Package letter owns what mails say where a tenant has words of its own: which kinds of mail there
// are, in whose language a reader is written to, and how names in double braces become text. There is
// no logic in a template: it is paragraphs of text, never HTML, and what people are called is put in as
// it is and never read again.
//
// Some of a mail is not the tenant's to leave out: what happened and when ([Kind.Required] names it),
// and the notice that ends the mail, with the link and what to do if it wasn't the reader. The product
// writes the notice. For a language that it has no words for, the tenant may translate it, and has to
// keep what [Kind.Notice] names. docs/mail.md lists kinds and placeholders.
package letter

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/directory"
)

// A Kind is a kind of mail that a tenant can put into its own words.
type Kind struct {
	Name         string
	Placeholders []string // may stand in subject and body
	// Required stand in every body.
	Required []string
	// Notice stand in every notice of the tenant's own. Without any the kind has no notice.
	Notice []string
	// Block is one of Placeholders that a subject can't have, because lists of mail show it.
	Block string
	// Phrases are, of the kind Phrases, the names of lines, with the placeholders that each has.
	Phrases map[string][]string
}

// Default is the language of a template for whoever no other one is for.
const Default = "default"

// A Template is a tenant's words for one kind of mail in one language.
type Template struct {
	Kind     string `json:"-"`
	Language string `json:"-"` // de, de-AT or Default
	Subject  string `json:"subject"`
	Body     string `json:"body"`   // paragraphs, with empty lines between
	Notice   string `json:"notice"` // empty: the product's own

	ModifiedAt time.Time `json:"-"`
	Version    int64     `json:"-"` // 0: not kept
}

// Store keeps templates.
type Store interface {
	// MailTemplates returns those of a kind, or of all kinds where it is empty, by kind and language.
	MailTemplates(ctx context.Context, tenant directory.TenantID, kind string) ([]Template, error)
	// SaveMailTemplate stores t if its version is still the stored one, else directory.ErrChanged, and
	// records e; ErrMany when a tenant would have more than MostTemplates.
	SaveMailTemplate(ctx context.Context, tenant directory.TenantID, t Template, e audit.Event) error
	// DeleteMailTemplate removes it, if its version is still the stored one.
	DeleteMailTemplate(ctx context.Context, tenant directory.TenantID, t Template, e audit.Event) error
}

// Canonical returns a language in the spelling that is kept, such as de-AT or zh-Hant (RFC 5646 section
// 2.1.1), and whether it can be one.
func Canonical(lang string) (string, bool) {
	if strings.EqualFold(lang, Default) {
		return Default, true
	}
	parts := strings.Split(strings.ToLower(lang), "-")
	for i, p := range parts {
		if len(p) > 8 || p == "" || strings.ContainsFunc(p, func(r rune) bool { return (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') }) {
			return "", false
		}
		switch {
		case i == 0:
			if len(p) < 2 || len(p) > 3 {
				return "", false
			}
		case len(p) == 2:
			parts[i] = strings.ToUpper(p)
		case len(p) == 4:
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	lang = strings.Join(parts, "-")
	return lang, len(lang) <= 35
}

// HasWords reports whether the product itself writes in lang. What is for everybody is in the words of
// each reader's language.
func HasWords(lang string) bool {
	base, _, _ := strings.Cut(lang, "-")
	return lang == Default || slices.Contains(design.Languages, base)
}

// Choose returns the template for somebody with that preferredLanguage: of de-AT, de and Default the first
// that is there.
func Choose(all []Template, preferred string) (Template, bool) {
	lang, ok := Canonical(preferred)
	for ok && lang != Default {
		if i := slices.IndexFunc(all, func(t Template) bool { return t.Language == lang }); i >= 0 {
			return all[i], true
		}
		cut := strings.LastIndexByte(lang, '-')
		ok, lang = cut > 0, lang[:max(cut, 0)]
	}
	i := slices.IndexFunc(all, func(t Template) bool { return t.Language == Default })
	if i < 0 {
		return Template{}, false
	}
	return all[i], true
}
