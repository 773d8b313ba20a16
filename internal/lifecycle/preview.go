package lifecycle

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

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
	day := e.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 7)
	manager := directory.User{DisplayName: "Ida Berg", Mail: "ida.berg@" + of.DefaultDomain(), PreferredLanguage: lang}
	w := work{tenant: of, result: TaskResult{Task: t}, user: directory.User{
		DisplayName: "Nils Holm", GivenName: "Nils", Surname: "Holm", UserPrincipalName: "nils.holm@" + of.DefaultDomain(),
		EmployeeHireDate: day, EmployeeLeaveDateTime: day,
	}}
	lang = e.language(w, manager)
	var pass []string
	if d.ID == GeneratePass {
		pass = textOf(lang, "pass.waiting").Body
	}
	subject, body := e.said(w, lang, manager, pass)
	return e.Letters.Compose(of, manager, lang, subject, body)
}
