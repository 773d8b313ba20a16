package graph

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// Letters writes mail as the server does.
type Letters interface {
	// Kinds are the mails that a tenant can put into its own words.
	Kinds() ([]letter.Kind, error)
	// Words are the product's own for a kind, in the language that is nearest to lang.
	Words(kind, lang string) (letter.Template, error)
	// Sample writes a mail of a kind about people who are made up, for somebody with that
	// preferredLanguage, in the words of own; in the product's where that says nothing.
	Sample(ctx context.Context, tenant directory.Tenant, kind, preferred string, own letter.Template) (outbox.Mail, error)
	// Post addresses a sample to reader. It is queued once for each id.
	Post(ctx context.Context, tenant directory.Tenant, reader directory.UserID, id string, m outbox.Mail) ([]outbox.Item, error)
}

const mailTemplateSet = "postern/mailTemplates"

// mailTemplateRoutes are what mails say.
func mailTemplateRoutes() []route {
	const (
		all = "/postern/mailTemplates"
		one = all + "/{kind}/translations/{language}"
	)
	read := func(pattern string, serve func(*API, *call) error) route {
		return route{pattern, odata.Directory, directory.ReadMailWords, nil, serve}
	}
	write := func(pattern string, serve func(*API, *call) error) route {
		return route{pattern, odata.Directory, directory.WriteMailWords, nil, serve}
	}
	return []route{
		read("GET "+all, (*API).listMailTemplates),
		read("GET "+all+"/{kind}", (*API).getMailTemplate),
		read("GET "+all+"/{kind}/translations", (*API).listMailTranslations),
		read("GET "+one, (*API).getMailTranslation),
		write("PATCH "+one, (*API).patchMailTranslation),
		write("DELETE "+one, (*API).resetMailTranslation),
		read("POST "+all+"/preview", (*API).previewMailTemplate),
		write("POST "+all+"/test", (*API).testMailTemplate),
	}
}

// mailTemplateResource is a kind of mail, with the languages in which the tenant says it in its own words.
func mailTemplateResource(k letter.Kind, own []letter.Template) odata.Entity {
	languages := []string{}
	for _, t := range own {
		if t.Kind == k.Name {
			languages = append(languages, t.Language)
		}
	}
	list := func(all []string) []string { return append([]string{}, all...) }
	return odata.Entity{
		{Name: "id", Value: k.Name},
		{Name: "languages", Value: languages},
		{Name: "placeholders", Value: list(k.Placeholders)},
		{Name: "requiredPlaceholders", Value: list(k.Required)},
		{Name: "noticePlaceholders", Value: list(k.Notice)},
	}
}

func mailTranslationResource(t letter.Template) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(t.Version)},
		{Name: "id", Value: t.Language},
		{Name: "isOwn", Value: t.Version > 0},
		{Name: "subject", Value: t.Subject},
		{Name: "body", Value: t.Body},
		{Name: "notice", Value: text(t.Notice)},
		{Name: "lastModifiedDateTime", Value: odata.Time(t.ModifiedAt)},
	}
}

// listMailTemplates serves GET /postern/mailTemplates: every kind of mail, whether the tenant said anything or not.
func (a *API) listMailTemplates(c *call) error {
	own, err := a.Store.MailTemplates(c.ctx(), c.tenant.ID, "")
	if err != nil {
		return err
	}
	kinds, err := a.Letters.Kinds()
	if err != nil {
		return err
	}
	var all []odata.Entity
	for _, k := range kinds {
		all = append(all, mailTemplateResource(k, own))
	}
	return a.plain(c, mailTemplateSet, names(mailTemplateResource(letter.Kind{}, nil)), all)
}

// mailKind returns the kind that the request names, and the tenant's words for it.
func (a *API) mailKind(c *call, name string) (letter.Kind, []letter.Template, error) {
	kinds, err := a.Letters.Kinds()
	if err != nil {
		return letter.Kind{}, nil, err
	}
	i := slices.IndexFunc(kinds, func(k letter.Kind) bool { return k.Name == name })
	if i < 0 {
		return letter.Kind{}, nil, letter.ErrKindUnknown
	}
	own, err := a.Store.MailTemplates(c.ctx(), c.tenant.ID, name)
	return kinds[i], own, err
}

// getMailTemplate serves GET /postern/mailTemplates/{kind}.
func (a *API) getMailTemplate(c *call) error {
	k, own, err := a.mailKind(c, c.r.PathValue("kind"))
	if err != nil {
		return err
	}
	return a.single(c, mailTemplateSet, mailTemplateResource(k, own))
}

// listMailTranslations serves GET …/{kind}/translations: the tenant's own.
func (a *API) listMailTranslations(c *call) error {
	k, own, err := a.mailKind(c, c.r.PathValue("kind"))
	if err != nil {
		return err
	}
	all := make([]odata.Entity, len(own))
	for i, t := range own {
		all[i] = mailTranslationResource(t)
	}
	return a.plain(c, odata.Within(mailTemplateSet, k.Name, "translations"), names(mailTranslationResource(letter.Template{})), all)
}

// translation returns the words for a kind in a language: the tenant's or, with version 0, those that hold
// in their place.
func (a *API) translation(own []letter.Template, kind, language string) (letter.Template, error) {
	lang, ok := letter.Canonical(language)
	if !ok {
		return letter.Template{}, letter.ErrInvalid.With("language", "The language is one such as de or de-AT, or default.")
	}
	for _, t := range own {
		if t.Language == lang {
			return t, nil
		}
	}
	t, ok := letter.Choose(own, lang)
	var err error
	if !ok {
		t, err = a.Letters.Words(kind, lang)
	}
	return letter.Template{Kind: kind, Language: lang, Subject: t.Subject, Body: t.Body, Notice: t.Notice}, err
}

// namedTranslation is what the path names.
func (a *API) namedTranslation(c *call) (letter.Kind, letter.Template, error) {
	k, own, err := a.mailKind(c, c.r.PathValue("kind"))
	if err != nil {
		return k, letter.Template{}, err
	}
	t, err := a.translation(own, k.Name, c.r.PathValue("language"))
	return k, t, err
}

// getMailTranslation serves GET …/{kind}/translations/{language}. Where the tenant said nothing, it
// answers what holds now, to begin with.
func (a *API) getMailTranslation(c *call) error {
	k, t, err := a.namedTranslation(c)
	if err != nil {
		return err
	}
	odata.SetETag(c.w, odata.ETag(t.Version))
	return a.single(c, odata.Within(mailTemplateSet, k.Name, "translations"), mailTranslationResource(t))
}

// mailDraft reads what body says of the words of a mail, and returns how it changes a template, and
// whether it does.
func mailDraft(body *odata.Object) (change func(*letter.Template), says bool) {
	var said letter.Template
	parts := map[string]*string{"subject": &said.Subject, "body": &said.Body, "notice": &said.Notice}
	for name, into := range parts {
		body.String(name, into)
		says = says || body.Has(name)
	}
	return func(t *letter.Template) {
		for name, into := range map[string]*string{"subject": &t.Subject, "body": &t.Body, "notice": &t.Notice} {
			if body.Has(name) {
				*into = *parts[name]
			}
		}
	}, says
}

// patchMailTranslation serves PATCH …/{kind}/translations/{language}. What it does not say stays as GET shows it.
func (a *API) patchMailTranslation(c *call) error {
	k, old, err := a.namedTranslation(c)
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(old.Version)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	for _, readOnly := range []string{"id", "isOwn", "lastModifiedDateTime"} {
		_ = body.Raw(readOnly)
	}
	change, _ := mailDraft(body)
	if err := body.Done(); err != nil {
		return err
	}
	t := old
	change(&t)
	if err := t.Check(k); err != nil {
		return err
	}
	t.ModifiedAt = a.Now().UTC()
	if err := a.Store.SaveMailTemplate(c.ctx(), c.tenant.ID, t, a.mailTemplateEvent(c, audit.UpdateMailTemplate, audit.OperationUpdate, k, old, t)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// resetMailTranslation serves DELETE …/{kind}/translations/{language}: the next best words hold again.
func (a *API) resetMailTranslation(c *call) error {
	k, old, err := a.namedTranslation(c)
	switch {
	case err != nil:
		return err
	case old.Version == 0:
		return letter.ErrUnknown
	}
	if err := odata.Match(c.r, odata.ETag(old.Version)); err != nil {
		return err
	}
	after := letter.Template{Kind: old.Kind, Language: old.Language}
	if err := a.Store.DeleteMailTemplate(c.ctx(), c.tenant.ID, old, a.mailTemplateEvent(c, audit.ResetMailTemplate, audit.OperationDelete, k, old, after)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) mailTemplateEvent(c *call, activity, operation string, k letter.Kind, old, t letter.Template) audit.Event {
	words := func(t letter.Template) odata.Entity {
		t.Version = 0 // which is no change that anybody asked for
		return mailTranslationResource(t).Select([]string{"subject", "body", "notice"})
	}
	if old.Version == 0 {
		old = letter.Template{} // the product's words were nobody's change
	}
	return a.tenantEvent(c, activity, operation, audit.Target{
		ID: k.Name + "/" + t.Language, Type: audit.TargetOther, DisplayName: k.Name + " (" + t.Language + ")", Modified: modified(words(old), words(t)),
	})
}

// sampled writes what the body of c asks to see: a kind of mail, as somebody with the language gets it
// or, where the body has words, as they would get it with these.
func (a *API) sampled(c *call) (outbox.Mail, error) {
	var m outbox.Mail
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return m, err
	}
	var name, language string
	body.String("kind", &name)
	body.String("language", &language)
	change, draft := mailDraft(body)
	if err := body.Done(); err != nil {
		return m, err
	}
	k, own, err := a.mailKind(c, name)
	if err != nil {
		return m, err
	}
	if language == "" {
		language = letter.Default
	}
	t, err := a.translation(own, k.Name, language)
	if err != nil {
		return m, err
	}
	if draft {
		change(&t)
		if err := t.Check(k); err != nil {
			return m, err
		}
	} else {
		t, _ = letter.Choose(own, t.Language)
	}
	return a.Letters.Sample(c.ctx(), c.tenant, k.Name, language, t)
}

// previewMailTemplate serves POST /postern/mailTemplates/preview. Nothing is kept.
func (a *API) previewMailTemplate(c *call) error {
	m, err := a.sampled(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, http.StatusOK, a.root(c).Entity(mailTemplateSet+"/preview", nil), odata.Entity{
		{Name: "subject", Value: m.Subject}, {Name: "text", Value: m.Text}, {Name: "html", Value: m.HTML},
	})
}

// testMailTemplate serves POST /postern/mailTemplates/test: the same, sent to the caller and nobody else,
// once a minute as any test mail.
func (a *API) testMailTemplate(c *call) error {
	if c.caller.AppOnly() {
		return ErrNotMe
	}
	m, err := a.sampled(c)
	if err != nil {
		return err
	}
	letters, err := a.Letters.Post(c.ctx(), c.tenant, c.caller.User, a.Now().UTC().Truncate(time.Minute).Format(time.RFC3339), m)
	if err != nil {
		return err
	}
	return a.queueTest(c, letters)
}
