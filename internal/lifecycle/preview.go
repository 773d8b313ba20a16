package lifecycle

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// letterKinds are the mails of tasks that a tenant can put into its own words, with the task of each.
var letterKinds = []struct{ name, definition string }{
	{"workflowPass", GeneratePass},
	{"workflowWelcome", WelcomeMail},
	{"workflowReminder", RemindManager},
	{"workflowMove", MoveMail},
	{"workflowBeforeLeave", BeforeLeaveMail},
	{"workflowLeave", LeaveMail},
	{"workflowAfterLeave", AfterLeaveMail},
}

func kindOf(definition string) string {
	for _, k := range letterKinds {
		if k.definition == definition {
			return k.name
		}
	}
	return ""
}

// LetterKinds returns the kinds of mail that tasks send.
func LetterKinds() []letter.Kind {
	var all []letter.Kind
	for _, k := range letterKinds {
		names := slices.Clone(placeholderNames)
		if k.definition != GeneratePass {
			names = slices.DeleteFunc(names, func(n string) bool { return n == holdsPass })
		}
		all = append(all, letter.Kind{Name: k.name, Placeholders: names, Block: holdsPass})
	}
	return all
}

func taskOf(kind string) (Task, bool) {
	for _, k := range letterKinds {
		if k.name == kind {
			return Task{Definition: k.definition}, true
		}
	}
	return Task{}, false
}

// Words returns the product's own words for a kind of mail of tasks, in the language that is nearest to lang.
func (e *Engine) Words(kind, lang string) (letter.Template, bool) {
	t, ok := taskOf(kind)
	said := textOf(e.Letters.Language(lang), t.Definition)
	return letter.Template{Kind: kind, Language: lang, Subject: said.Subject, Body: strings.Join(said.Body, "\n\n")}, ok
}

// PreviewOwn writes the mail of a kind about somebody made up, in the words of own.
func (e *Engine) PreviewOwn(tenant directory.Tenant, kind, lang string, own letter.Template) (outbox.Mail, error) {
	t, ok := taskOf(kind)
	if !ok {
		return outbox.Mail{}, letter.ErrKindUnknown
	}
	return e.sample(tenant, t, lang, own)
}

// Preview writes the mail of a task with that definition and those arguments, about somebody made up, in a
// language. ErrInvalid when the task sends none, or its arguments are wrong.
func (e *Engine) Preview(ctx context.Context, tenant directory.TenantID, t Task, lang string) (outbox.Mail, error) {
	t = t.Normal()
	d, ok := DefinitionOf(t.Definition)
	if !ok || textOf("en", d.ID).Subject == "" {
		return outbox.Mail{}, ErrInvalid.With("taskDefinitionId", "This is no task that sends mail.")
	}
	for _, p := range d.Parameters {
		if value := t.Argument(p.Name); value != "" {
			if why := p.check(value); why != "" {
				return outbox.Mail{}, ErrInvalid.With(p.Name, p.Name+" "+why)
			}
		}
	}
	of, err := e.Directory.Tenant(ctx, tenant)
	if err != nil {
		return outbox.Mail{}, err
	}
	w := work{tenant: of, result: TaskResult{Task: t}}
	own, err := e.own(ctx, w, e.preferred(w, directory.User{PreferredLanguage: lang}))
	if err != nil {
		return outbox.Mail{}, err
	}
	return e.sample(of, t, lang, own)
}

func (e *Engine) sample(of directory.Tenant, t Task, lang string, own letter.Template) (outbox.Mail, error) {
	day := e.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 7)
	manager := directory.User{DisplayName: "Ida Berg", Mail: "ida.berg@" + of.DefaultDomain(), PreferredLanguage: lang}
	w := work{tenant: of, result: TaskResult{Task: t}, user: directory.User{
		DisplayName: "Nils Holm", GivenName: "Nils", Surname: "Holm", UserPrincipalName: "nils.holm@" + of.DefaultDomain(),
		EmployeeHireDate: day, EmployeeLeaveDateTime: day,
	}}
	preferred := e.preferred(w, manager)
	var pass []letter.Paragraph
	if t.Definition == GeneratePass {
		start := firstDay(w)
		pass = e.aboutPass(e.Letters.Language(preferred), "pass.waiting", of.Location(), start, start.Add(8*time.Hour))
	}
	lang, subject, body := e.said(w, preferred, own, manager, pass)
	return e.Letters.Compose(of, manager, lang, subject, body)
}
