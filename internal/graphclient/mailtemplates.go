package graphclient

import (
	"context"
	"iter"
	"net/http"
)

func mailTemplatePath(more ...string) []string {
	return append([]string{"postern", "mailTemplates"}, more...)
}

// MailTemplates yields the kinds of mail.
func (c *Client) MailTemplates(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, mailTemplatePath()...)
}

// MailTemplate returns a kind of mail.
func (c *Client) MailTemplate(ctx context.Context, kind string) (Object, error) {
	return c.one(ctx, mailTemplatePath(kind)...)
}

// MailTranslation returns the words of a kind of mail in a language or, to begin with, those that
// hold in their place.
func (c *Client) MailTranslation(ctx context.Context, kind, language string) (Object, error) {
	return c.one(ctx, mailTemplatePath(kind, "translations", language)...)
}

// PatchMailTranslation changes the words in change and leaves the others.
func (c *Client) PatchMailTranslation(ctx context.Context, kind, language string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, mailTemplatePath(kind, "translations", language)...)
}

// ResetMailTranslation takes the tenant's words away.
func (c *Client) ResetMailTranslation(ctx context.Context, kind, language string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, mailTemplatePath(kind, "translations", language)...)
}

// PreviewMail returns subject, text and html of a sample. draft has kind and language, and may have words.
func (c *Client) PreviewMail(ctx context.Context, draft Object) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, draft, &out, mailTemplatePath("preview")...)
	return out, err
}

// TestMailTemplate sends the same to the caller.
func (c *Client) TestMailTemplate(ctx context.Context, draft Object) error {
	return c.at(ctx, http.MethodPost, draft, nil, mailTemplatePath("test")...)
}
