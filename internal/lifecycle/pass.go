package lifecycle

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/recovery"
)

// generatePass makes a pass for the person and tells their manager.
// https://learn.microsoft.com/entra/id-governance/lifecycle-workflow-tasks#generate-temporary-access-pass-and-send-via-email-to-users-manager
func generatePass(ctx context.Context, e *Engine, w work) (Effect, error) {
	to, manager, err := theManager(ctx, e, w)
	if err != nil {
		return Effect{}, err
	}
	if manager.ID == w.user.ID {
		return Effect{}, failure("The person is their own manager.")
	}
	if err := e.untouched(ctx, w); err != nil {
		return Effect{}, err
	}
	if err := e.lawful(ctx, w); err != nil {
		return Effect{}, err
	}
	if err := e.settled(ctx, w, manager); err != nil {
		return Effect{}, err
	}
	in, err := e.request(ctx, w)
	if err != nil {
		return Effect{}, err
	}
	in.Issuer.Reader = to.ID
	kept := &keeper{Store: e.Passes.Store}
	passes := e.Passes
	passes.Store = kept
	pass, code, err := passes.Issue(ctx, in, func(p tap.Pass) audit.Event { return passIssued(w, p) })
	if err != nil {
		return Effect{}, err
	}
	did := Effect{Pass: &pass, Mails: kept.mails, Events: []audit.Event{kept.event}}
	lang := e.Letters.Language(e.preferred(w, to))
	text := "pass.waiting"
	var shown []letter.Paragraph
	switch {
	case w.settings.PassInMail == PassReadable:
		text, shown = "pass.readable", letter.Plain(code.Reveal())
	case e.HandOver != nil:
		link, sealed, event, err := e.HandOver(ctx, pass, code, w.user, to, w.person.Run)
		if err != nil {
			return Effect{}, err
		}
		did.HandOver, did.Events = &sealed, append(did.Events, event)
		text, shown = "pass.link", []letter.Paragraph{{Text: link, Link: true}}
	}
	shown = append(e.aboutPass(lang, text, w.tenant.Location(), pass.Start, pass.End()), shown...)
	mails, err := e.letters(ctx, w, to, manager, shown, "(…)")
	did.Mails = append(did.Mails, mails...)
	return did, err
}

// aboutPass is what a mail says of the pass and of how its reader gets it.
func (e *Engine) aboutPass(lang, text string, zone *time.Location, start, end time.Time) []letter.Paragraph {
	values := map[string]string{"passStart": e.Letters.Moment(lang, zone, start), "passEnd": e.Letters.Moment(lang, zone, end)}
	var all []string
	for _, line := range textOf(lang, text).Body {
		all = append(all, letter.Fill(line, values))
	}
	return letter.Plain(all...)
}

// firstDay is when the pass of somebody who is hired begins: with a date alone, when work does on that day.
func firstDay(w work) time.Time {
	if at := w.user.EmployeeHireDate; !directory.DateOnly(at) {
		return at
	}
	return tap.WorkBegins(w.user.EmployeeHireDate, w.tenant.Location())
}

// untouched refuses people who have another way in: a pass would be a way around it. A pass that
// a workflow made before, and nobody used, is replaced.
func (e *Engine) untouched(ctx context.Context, w work) error {
	if err := e.unprotected(ctx, w); err != nil {
		return err
	}
	all, err := e.Registrations.RegistrationsOf(ctx, w.tenant.ID, []directory.UserID{w.user.ID}, w.now)
	if err != nil {
		return err
	}
	has := all[w.user.ID]
	if len(has.Credentials) > 0 || has.PIN {
		return failure("The person has another authentication method already.")
	}
	pass, err := e.Passes.Store.Pass(ctx, w.tenant.ID, w.user.ID)
	switch {
	case errors.Is(err, tap.ErrNone):
	case err != nil:
		return err
	case !pass.UsedAt.IsZero() || has.Pass && pass.Issuer.DisplayName != Actor.App.DisplayName:
		return failure("The person has a Temporary Access Pass already.")
	}
	signedIn, err := e.Directory.SignedIn(ctx, w.tenant.ID, w.user.ID)
	if err == nil && signedIn {
		err = failure("The person has signed in before.")
	}
	return err
}

// lawful refuses a pass that the recovery policy does not let go to a manager, or that it wants a case for. A
// workflow that runs by its dates needs none: nothing is recovered by the first pass of somebody who
// never signed in. One that somebody runs on demand does, since that is asking for a pass.
func (e *Engine) lawful(ctx context.Context, w work) error {
	policy, err := e.Directory.RecoveryPolicy(ctx, w.tenant.ID)
	if err != nil {
		return err
	}
	who := recovery.Subject{User: w.user, Class: recovery.Everyone} // others are not touched
	switch {
	case w.person.Execution == OnDemand && policy.NeedsCase(who.Class):
		return failure("The recovery policy wants a case before the person gets a pass; a workflow that runs by its dates needs none.")
	case policy.MayHand(recovery.HandManager, who, "") != nil:
		return failure("The recovery policy does not let a pass go to the manager.")
	}
	return nil
}

func (e *Engine) request(ctx context.Context, w work) (tap.Request, error) {
	minutes, err := strconv.Atoi(w.result.Task.Argument(argLifetime))
	if err != nil {
		return tap.Request{}, failure("tapLifetimeMinutes is no number.")
	}
	once := w.result.Task.Argument(argOnce) == "true"
	in := tap.Request{
		User: w.user, Tenant: w.tenant, Power: directory.PowerNone, Lifetime: &minutes, Once: &once,
		Reason: "Onboarding", Issuer: tap.Issuer{DisplayName: Actor.App.DisplayName},
		// Who wrote the hire date, the manager and the workflow vouches.
		Check: tap.IdentityCheck{How: tap.CheckOther, Note: "workflow " + w.person.Workflow},
	}
	if at := firstDay(w); at.After(w.now) {
		in.Start = at
	}
	in.Groups, err = e.Directory.GroupsOf(ctx, w.tenant.ID, string(w.user.ID))
	return in, err
}

// keeper takes a pass that is to be stored, for the transaction of the task.
type keeper struct {
	tap.Store
	event audit.Event
	mails []outbox.Item
}

// PutPass implements tap.Store.
func (k *keeper) PutPass(_ context.Context, _ tap.Pass, e audit.Event, mails ...outbox.Item) error {
	k.event, k.mails = e, mails
	return nil
}

func passIssued(w work, p tap.Pass) audit.Event {
	usage := audit.AccessPassMultiple
	if p.SingleUse {
		usage = audit.AccessPassOnce
	}
	return newEvent(w.person, w.now, audit.Change{
		Activity: audit.AdminRegisteredSecurityInfo, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
		Operation: audit.OperationAdd, Result: audit.Success, ResultReason: audit.ReasonAdminRegisteredPass,
		Targets: []audit.Target{userTarget(w.user, audit.ModifiedProperty{DisplayName: audit.PropertyAccessPassUsage, NewValue: `"` + usage + `"`})},
		Details: append(details(w), audit.KeyValue{Key: "temporaryAccessPassMethodId", Value: p.ID}),
	})
}
