package lifecycle

import (
	"context"
	"errors"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// MailKind is the kind of mail of a workflow, as operators see it.
const MailKind = "workflow"

// A reader is who gets the mail of a task.
type reader func(ctx context.Context, e *Engine, w work) (to, manager directory.User, err error)

// thePerson has to have an address; a manager is named in the mail if there is one.
func thePerson(ctx context.Context, e *Engine, w work) (to, manager directory.User, err error) {
	if w.user.Mail == "" {
		return to, manager, failure("The person has no mail address.")
	}
	if w.user.Manager != "" {
		manager, err = e.Directory.User(ctx, w.tenant.ID, w.user.Manager)
		if errors.Is(err, directory.ErrUserUnknown) {
			err = nil
		}
	}
	return w.user, manager, err
}

func theManager(ctx context.Context, e *Engine, w work) (to, manager directory.User, err error) {
	if w.user.Manager == "" {
		return to, manager, failure("The person has no manager.")
	}
	manager, err = e.Directory.User(ctx, w.tenant.ID, w.user.Manager)
	switch {
	case errors.Is(err, directory.ErrUserUnknown):
		return to, manager, failure("The person's manager is not there any more.")
	case err != nil:
		return to, manager, err
	case manager.Mail == "":
		return to, manager, failure("The person's manager has no mail address.")
	}
	return manager, manager, nil
}

// mailTo sends what the task says to a reader, and to whom it names besides.
func mailTo(who reader) func(context.Context, *Engine, work) (Effect, error) {
	return func(ctx context.Context, e *Engine, w work) (Effect, error) {
		to, manager, err := who(ctx, e, w)
		if err != nil {
			return Effect{}, err
		}
		m, err := e.letters(ctx, w, to, manager, nil, "")
		return Effect{Mails: m}, err
	}
}

// letters are the mail of a task to its reader, and to whom the task names besides. What pass has in
// place of the pass is for the reader alone: others get without.
func (e *Engine) letters(ctx context.Context, w work, to, manager directory.User, pass []letter.Paragraph, without string) ([]outbox.Item, error) {
	all, err := e.pack(ctx, w, to, manager, pass, toReader)
	if err != nil {
		return nil, err
	}
	for _, id := range idsIn(w.result.Task.Argument(argCC)) {
		u, err := e.Directory.User(ctx, w.tenant.ID, directory.UserID(id))
		if errors.Is(err, directory.ErrUserUnknown) || err == nil && (u.Mail == "" || u.ID == to.ID) {
			continue
		}
		if err != nil {
			return nil, err
		}
		one, err := e.pack(ctx, w, u, manager, letter.Plain(without), copied)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// pack writes the mail of a task to u. Written again it has the same key, so that it is queued once.
func (e *Engine) pack(ctx context.Context, w work, u, manager directory.User, pass []letter.Paragraph, how string) ([]outbox.Item, error) {
	own, err := e.own(ctx, w, e.preferred(w, u))
	if err != nil {
		return nil, err
	}
	lang, subject, body := e.said(w, e.preferred(w, u), own, manager, pass)
	m, err := e.Letters.Compose(w.tenant, u, lang, subject, body)
	if err != nil {
		return nil, err
	}
	item, err := e.Box.Pack(ctx, w.tenant.ID, mailKey(w.result.ID, u.Mail, how), m)
	if err != nil {
		return nil, failure("The mail can't be written: " + err.Error() + ".")
	}
	item.Kind, item.User = MailKind, u.ID
	return []outbox.Item{item}, nil
}

// preferred is the language that the mail of a task is asked for in.
func (e *Engine) preferred(w work, u directory.User) string {
	if locale := w.result.Task.Argument(argLocale); locale != "" {
		return locale
	}
	return u.PreferredLanguage
}

// own are the tenant's words for the mail of a task in a language; none is the zero Template.
func (e *Engine) own(ctx context.Context, w work, preferred string) (letter.Template, error) {
	all, err := e.Store.MailTemplates(ctx, w.tenant.ID, kindOf(w.result.Task.Definition))
	if err != nil {
		return letter.Template{}, err
	}
	t, _ := letter.Choose(all, preferred)
	return t, nil
}

// said is what the mail of a task says, and in which language: what the task says itself, else the
// tenant's own words, else the product's.
func (e *Engine) said(
	w work, preferred string, own letter.Template, manager directory.User, pass []letter.Paragraph,
) (lang, subject string, body []letter.Paragraph) {
	zone := w.tenant.Location()
	lang = e.Letters.Language(preferred)
	t := textOf(lang, w.result.Task.Definition)
	if own.Subject != "" {
		t = text{own.Subject, letter.Paragraphs(own.Body)}
		if own.Language != letter.Default {
			lang = own.Language
		}
	}
	values := map[string]string{
		"userDisplayName": w.user.DisplayName, "userPrincipalName": w.user.UserPrincipalName,
		"userGivenName": w.user.GivenName, "userSurname": w.user.Surname,
		"userEmployeeHireDate": "", "userEmployeeLeaveDateTime": "",
		"managerDisplayName": manager.DisplayName, "managerEmail": manager.Mail,
	}
	if at := w.user.EmployeeHireDate; !at.IsZero() {
		values["userEmployeeHireDate"] = e.Letters.Day(lang, zone, at)
	}
	if at := w.user.EmployeeLeaveDateTime; !at.IsZero() {
		values["userEmployeeLeaveDateTime"] = e.Letters.Day(lang, zone, at)
	}
	if says := w.result.Task.Argument(argSubject); says != "" {
		t.Subject = says
	}
	if says := w.result.Task.Argument(argBody); says != "" {
		t.Body = letter.Paragraphs(says)
	}
	if subject = letter.Fill(t.Subject, values); subject == "" {
		subject = letter.Fill(textOf(lang, w.result.Task.Definition).Subject, values)
	}
	return lang, subject, letter.Write(t.Body, values, holdsPass, pass)
}
