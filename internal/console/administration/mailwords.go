package administration

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

const (
	readMailTemplates  = "readMailTemplates"
	writeMailTemplates = "writeMailTemplates"

	mailTemplates = root + "/mail/templates"
)

// productWrites are the languages that the notice of a mail is in whatever a tenant says.
var productWrites = []string{"default", "en", "de"}

func mailWordsRoutes() []console.Route {
	return []console.Route{
		{Pattern: "GET " + mailTemplates, Needs: []string{readMailTemplates}, Serve: listMailWords},
		{Pattern: "GET " + mailTemplates + "/{kind}", Needs: []string{readMailTemplates}, Serve: showMailWords},
		{Pattern: "POST " + mailTemplates + "/{kind}", Needs: []string{writeMailTemplates}, Serve: changeMailWords},
	}
}

type mailWordsPage struct { // mailwordslist.html
	console.Frame
	Kinds []mailKind
}

type mailKind struct {
	ID  string
	Own []string // languages
}

// File implements console.Page.
func (mailWordsPage) File() string { return "mailwordslist.html" }

func listMailWords(c *console.Call) error {
	if c.Foreign() {
		return console.ErrNowhere
	}
	p := mailWordsPage{Frame: c.Frame("administration")}
	for k, err := range c.Graph.MailTemplates(c.Context()) {
		if err != nil {
			return err
		}
		p.Kinds = append(p.Kinds, mailKind{k.Text("id"), textsOf(k, "languages")})
	}
	return c.Show(http.StatusOK, p)
}

// textsOf returns the texts of a list.
func textsOf(o graphclient.Object, name string) []string {
	list, _ := o[name].([]any)
	var all []string
	for _, v := range list {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

type mailWordPage struct { // mailwords.html
	console.Frame
	Kind, Language, Tag string
	Languages           []string // to go to
	Own                 []string // of them with words of the tenant's
	Typed               map[string]string
	IsOwn, HasNotice    bool
	Translated          bool // the notice may be the tenant's
	Placeholders        []string
	Required, InNotice  []string
	Preview             graphclient.Object
	Lines               [][]string // of the preview's text, by paragraph
	Unlike              *console.Trouble
	Conflict            *conflict
	Writes              bool
}

// File implements console.Page.
func (mailWordPage) File() string { return "mailwords.html" }

// mailWords are the fields of the form, by Graph's names.
var mailWords = []string{"subject", "body", "notice"}

func braced(names []string) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = "{{" + n + "}}"
	}
	return all
}

// mailWordsOf reads what the page is about.
func mailWordsOf(c *console.Call, language string) (mailWordPage, graphclient.Object, error) {
	p := mailWordPage{Frame: c.Frame("administration"), Kind: c.R.PathValue("kind"), Language: language, Typed: map[string]string{}, Writes: c.May(writeMailTemplates)}
	if c.Foreign() {
		return p, nil, console.ErrNowhere
	}
	if p.Language == "" {
		p.Language = "default"
	}
	kind, err := c.Graph.MailTemplate(c.Context(), p.Kind)
	if err != nil {
		return p, nil, err
	}
	now, err := c.Graph.MailTranslation(c.Context(), p.Kind, p.Language)
	if err != nil {
		return p, nil, err
	}
	p.Language, p.Tag, p.IsOwn = now.Text("id"), now.Text(graphclient.ETag), now.Text("isOwn") == "true"
	p.Placeholders, p.Required, p.InNotice = braced(textsOf(kind, "placeholders")), braced(textsOf(kind, "requiredPlaceholders")), braced(textsOf(kind, "noticePlaceholders"))
	base, _, _ := strings.Cut(p.Language, "-")
	p.HasNotice = len(p.InNotice) > 0
	p.Translated = p.HasNotice && !slices.Contains(productWrites, base)
	p.Own = textsOf(kind, "languages")
	p.Languages = append(slices.Clone(productWrites), p.Own...)
	p.Languages = append(p.Languages, p.Language)
	slices.Sort(p.Languages[len(productWrites):])
	p.Languages = unique(p.Languages)
	for _, f := range mailWords {
		p.Typed[f] = now.Text(f)
	}
	return p, now, nil
}

// unique keeps the first of each.
func unique(all []string) []string {
	var out []string
	for _, one := range all {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

// Phrases reports whether the page is about names and sentences, which are no mail.
func (p mailWordPage) Phrases() bool { return p.Kind == "phrases" }

// Has reports whether there are words of the tenant's in a language.
func (p mailWordPage) Has(lang string) bool { return slices.Contains(p.Own, lang) }

// see fills the preview in: of what is typed or else of what people get now. What can't be sent has what is
// wrong with it instead.
func (p *mailWordPage) see(c *console.Call, typed bool) error {
	draft := graphclient.Object{"kind": p.Kind, "language": p.Language}
	for _, f := range mailWords {
		if typed {
			draft[f] = p.Typed[f]
		}
	}
	var err error
	if p.Preview, err = c.Graph.PreviewMail(c.Context(), draft); err != nil {
		if p.Unlike = console.Explain(err); p.Unlike == nil {
			return err
		}
		return nil
	}
	for one := range strings.SplitSeq(strings.TrimSpace(p.Preview.Text("text")), "\n\n") {
		p.Lines = append(p.Lines, strings.Split(one, "\n"))
	}
	return nil
}

func showMailWords(c *console.Call) error {
	status := http.StatusOK
	p, _, err := mailWordsOf(c, c.Form("language"))
	if trouble := console.Explain(err); trouble != nil && trouble.Target == "language" {
		p, _, err = mailWordsOf(c, "")
		p.Fault, status = trouble, statusOf(trouble)
	}
	if err != nil {
		return err
	}
	if err := p.see(c, false); err != nil {
		return err
	}
	return c.Show(status, p)
}

// changeMailWords does what the button says: keep the words, show or send what would come of them, or take
// them away.
func changeMailWords(c *console.Call) error {
	p, now, err := mailWordsOf(c, c.Form("language"))
	if err != nil {
		return err
	}
	p.Tag = c.Form("tag")
	draft := graphclient.Object{}
	for _, f := range mailWords {
		p.Typed[f] = strings.ReplaceAll(c.Form(f), "\r\n", "\n")
		draft[f] = p.Typed[f]
	}
	var done string
	switch c.Form("do") {
	case "preview":
		if err := p.see(c, true); err != nil {
			return err
		}
		return c.Show(http.StatusOK, p)
	case "test":
		done = "mail_sent"
		draft["kind"], draft["language"] = p.Kind, p.Language
		err = c.Graph.TestMailTemplate(c.Context(), draft)
	case "reset":
		done = "mail_reset"
		err = c.Graph.Matching(p.Tag).ResetMailTranslation(c.Context(), p.Kind, p.Language)
	default:
		done = "mail_saved"
		err = c.Graph.Matching(p.Tag).PatchMailTranslation(c.Context(), p.Kind, p.Language, draft)
	}
	if err == nil && done != "mail_sent" {
		return c.Go(mailTemplates+"/"+p.Kind+"?language="+p.Language, done)
	}
	if err == nil { // what was typed is not lost
		p.Done = done
	} else if p.Fault = refusal(err); p.Fault == nil {
		return err
	}
	status := http.StatusOK
	if p.Fault != nil {
		status = statusOf(p.Fault)
	}
	if status == http.StatusPreconditionFailed {
		p.Conflict, p.Tag = &conflict{}, now.Text(graphclient.ETag)
		for _, f := range mailWords {
			if now.Text(f) != p.Typed[f] {
				p.Conflict.Theirs = append(p.Conflict.Theirs, change{"administration_words_" + f, now.Text(f), p.Typed[f]})
			}
		}
	}
	if err := p.see(c, true); err != nil {
		return err
	}
	if p.Fault != nil {
		p.Unlike = nil // it is said above
	}
	return c.Show(status, p)
}

// refusal is what a person is told of err, too many test mails included; nil where it is no refusal.
func refusal(err error) *console.Trouble {
	var refused *graphclient.Error
	if errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests {
		return &console.Trouble{Code: refused.Code, Message: refused.Message, RequestID: refused.RequestID, Status: refused.Status}
	}
	return console.Explain(err)
}
