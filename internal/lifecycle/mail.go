package lifecycle

import (
	"context"
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
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
func (e *Engine) letters(ctx context.Context, w work, to, manager directory.User, pass []string, without string) ([]outbox.Item, error) {
	all, err := e.pack(ctx, w, to, manager, pass)
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
		copied, err := e.pack(ctx, w, u, manager, []string{without})
		if err != nil {
			return nil, err
		}
		all = append(all, copied...)
	}
	return all, nil
}

// pack writes the mail of a task to u. Written again it has the same key, so that it is queued once.
func (e *Engine) pack(ctx context.Context, w work, u, manager directory.User, pass []string) ([]outbox.Item, error) {
	lang := e.language(w, u)
	subject, body := e.said(w, lang, manager, pass)
	m, err := e.Letters.Compose(w.tenant, u, lang, subject, body)
	if err != nil {
		return nil, err
	}
	item, err := e.Box.Pack(ctx, w.tenant.ID, MailKind+" "+w.result.ID+" "+u.Mail, m)
	if err != nil {
		return nil, failure("The mail can't be written: " + err.Error() + ".")
	}
	item.Kind, item.User = MailKind, u.ID
	return []outbox.Item{item}, nil
}

func (e *Engine) language(w work, u directory.User) string {
	if locale := w.result.Task.Argument(argLocale); locale != "" {
		return e.Letters.Language(locale)
	}
	return e.Letters.Language(u.PreferredLanguage)
}

// said is what the mail of a task says.
func (e *Engine) said(w work, lang string, manager directory.User, pass []string) (subject string, body []string) {
	zone := w.tenant.Location()
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
	t := textOf(lang, w.result.Task.Definition)
	if own := w.result.Task.Argument(argSubject); own != "" {
		t.Subject = own
	}
	if own := w.result.Task.Argument(argBody); own != "" {
		t.Body = paragraphs(own)
	}
	return fill(t.Subject, values), fillBody(t.Body, values, pass)
}

// fillBody fills paragraphs. A paragraph with the pass gives way to what stands for it, of which a
// link is a paragraph of its own; a body that forgot the pass has it at its end.
func fillBody(body []string, values map[string]string, pass []string) []string {
	var all []string
	shown := len(pass) == 0
	for _, one := range body {
		if !slices.Contains(placeholders(one), holdsPass) {
			all = append(all, fill(one, values))
			continue
		}
		before := placeholder.ReplaceAllStringFunc(one, func(found string) string {
			if placeholder.FindStringSubmatch(found)[1] == holdsPass {
				return "…"
			}
			return found
		})
		if before != "…" {
			all = append(all, fill(before, values))
		}
		if !shown {
			all, shown = append(all, pass...), true
		}
	}
	if !shown {
		all = append(all, pass...)
	}
	return all
}
