package server

import (
	"context"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
	"github.com/postern-id/postern/internal/signin"
)

// The kinds of letter about recovery cases.
const (
	letterCaseNews  = "recoveryCase"
	letterCaseAsked = "recoveryCaseAsked"
	letterCaseCode  = "recoveryCaseCode"
)

// A caseStep is a step as it is told, and whether the mail can stop the case.
type caseStep struct {
	what string
	stop bool
}

// caseNews are the steps that a person is told of, with whether the mail can stop the case.
var caseNews = map[string]caseStep{
	audit.CaseOpened:   {"opened", true},
	audit.CaseIssued:   {"issued", true},
	audit.CaseClosed:   {"closed", true},
	audit.CaseRefused:  {"refused", false},
	audit.CaseDisputed: {"disputed", false},
	audit.CaseLifted:   {"released", false},
	audit.CaseReverted: {"reverted", false},
}

// newsOf is what a person is told of a step; false for nothing.
func newsOf(n recovery.Notice) (caseStep, bool) {
	news, told := caseNews[n.Activity]
	if n.Activity == audit.CaseDisputed && n.Case.State == recovery.Refused { // nothing stands still
		news = caseNews[audit.CaseRefused]
	}
	return news, told && n.User.ID != ""
}

// caseLetters are the mails about a step of a case: to the person at every address, and to the
// manager when the person asks by themselves. No policy turns them off.
func (s *Server) caseLetters(ctx context.Context, n recovery.Notice) ([]outbox.Item, error) {
	news, told := newsOf(n)
	if !told {
		return nil, nil
	}
	all, err := s.caseNewsTo(ctx, n.Case, n.User, pages.CaseNews{What: news.what, At: n.At, From: n.Case.Opener.From}, news.stop)
	if err == nil && n.Activity == audit.CaseIssued {
		others, err := s.toldLetters(ctx, n)
		return append(all, others...), err
	}
	if err != nil || n.Activity != audit.CaseOpened || n.Case.Opener.Kind != recovery.BySelf {
		return all, err
	}
	subject, err := s.cases.Subject(ctx, n.Case.Tenant, n.Case.User)
	if err != nil {
		return nil, err
	}
	policy, err := s.db.RecoveryPolicy(ctx, n.Case.Tenant)
	if err != nil || !subject.ManagedBy(subject.User.Manager, policy, n.At) {
		return all, err
	}
	manager, err := s.db.User(ctx, n.Case.Tenant, subject.User.Manager)
	if err != nil {
		return all, nil //nolint:nilerr // gone: nobody is asked
	}
	asked, err := s.caseAsked(ctx, n.Case, subject, manager, true)
	return append(all, asked...), err
}

// caseNewsTo tells u of a step.
func (s *Server) caseNewsTo(ctx context.Context, c recovery.Case, u directory.User, n pages.CaseNews, stop bool) ([]outbox.Item, error) {
	tenant, err := s.db.Tenant(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	n.Reader, n.Tenant, n.ID = u.DisplayName, tenant.DisplayName, c.ID
	if stop {
		code, err := claim.Denial{Tenant: c.Tenant, Case: c.ID, User: u.ID, EndsAt: n.At.Add(claim.DenialLifetime)}.Code(ctx, bound{s.ring, s.db.Incarnation}.MAC)
		if err != nil {
			return nil, err
		}
		n.Link = s.options.PublicURL + pages.DenyPath + "#" + code
	}
	letter, err := s.view.CaseNews(pages.LanguageOf(u.PreferredLanguage), tenant.Location(), n)
	if err != nil {
		return nil, err
	}
	about := c.ID + " " + n.What
	if c.Disputed != nil { // which may happen again, and is told again
		about += " " + strconv.FormatInt(c.Disputed.At.UnixMicro(), 10)
	}
	return s.notices(ctx, letterCaseNews, about, tenant, u, letter)
}

// caseAsked asks somebody whether it is really the person of a case. The number of the case is
// not in it: the person reads it to them.
func (s *Server) caseAsked(ctx context.Context, c recovery.Case, about recovery.Subject, to directory.User, manager bool) ([]outbox.Item, error) {
	if !to.AccountEnabled {
		return nil, nil
	}
	if bounded, err := s.askedOften(ctx, c, to); err != nil || bounded {
		return nil, err
	}
	link := pages.VouchLink(c.Tenant, c.ID)
	if manager {
		link = pages.ApproveLink(c.Tenant, c.ID)
	}
	letter, err := s.view.CaseAsked(pages.LanguageOf(to.PreferredLanguage), about.Tenant.Location(), pages.CaseAsked{
		Reader: to.DisplayName, Tenant: about.Tenant.DisplayName, Name: about.User.DisplayName, From: c.Opener.From, At: c.OpenedAt, Manager: manager,
		Link: s.options.PublicURL + link, ID: c.ID,
	})
	if err != nil {
		return nil, err
	}
	to.OtherMails = nil // it is about work
	return s.letters(ctx, letterCaseAsked, c.ID, about.Tenant, to, letter), nil
}

// The budgets of what one reader is asked about by requests of strangers, whoever they ask for: a manager of
// many would be written to about each. One network alone does not spend all of it.
var (
	askedOfReader = signin.Rule{Budget: 20, Window: 24 * time.Hour, Slow: 3 * time.Hour}
	askedFromHere = signin.Rule{Budget: 10, Window: 24 * time.Hour, Slow: 3 * time.Hour}
)

// askedOften reports whether a reader is asked about no more cases for now. Those from where their person
// signed in before are not counted.
func (s *Server) askedOften(ctx context.Context, c recovery.Case, to directory.User) (bool, error) {
	if c.Opener.Kind != recovery.BySelf || c.Opener.Known {
		return false, nil
	}
	name := "recovery|reader|" + string(to.ID)
	wait, err := s.db.Charge(ctx, c.Tenant, []signin.Bucket{{Name: name, Rule: askedOfReader}, {Name: name + "|" + c.Opener.Network, Rule: askedFromHere}}, s.now())
	return wait > 0, err
}

// usedLetters tell somebody that the pass of their case was used.
func (s *Server) usedLetters(ctx context.Context, done signin.Completion, id string, u directory.User) ([]outbox.Item, error) {
	c, err := s.db.Case(ctx, done.Transaction.Home, id)
	if err != nil {
		return nil, err
	}
	s.tellOfCase(done.Transaction.Home, u, "used")
	return s.caseNewsTo(ctx, c, u, pages.CaseNews{What: "used", At: done.At, From: done.Session.Where() + ", " + done.Session.Address}, true)
}

// caseMails implements pages.CaseMails.
type caseMails struct{ *Server }

// MailCode implements pages.CaseMails.
func (m caseMails) MailCode(ctx context.Context, v recovery.View, code string, slot int64) error {
	if !v.Subject.OnFile(recovery.ContactMail, v.Policy, m.now()) {
		return nil
	}
	u := v.Subject.User
	letter, err := m.view.CaseCode(pages.LanguageOf(u.PreferredLanguage), u.DisplayName, v.Subject.Tenant.DisplayName, code)
	if err != nil {
		return err
	}
	u.Mail = "" // that of work may be out of reach, and others may read it
	return m.queue(ctx, v.Case, "mailCode", m.letters(ctx, letterCaseCode, v.ID+" "+strconv.FormatInt(slot, 10), v.Subject.Tenant, u, letter))
}

// AskToVouch implements pages.CaseMails.
func (m caseMails) AskToVouch(ctx context.Context, v recovery.View, colleague directory.User) error {
	all, err := m.caseAsked(ctx, v.Case, v.Subject, colleague, false)
	if err != nil {
		return err
	}
	return m.queue(ctx, v.Case, "vouch", all)
}

// queue queues mails for a case and records that.
func (m caseMails) queue(ctx context.Context, c recovery.Case, what string, all []outbox.Item) error {
	if len(all) == 0 {
		return nil
	}
	_, err := m.db.QueueMail(ctx, all, c.Noted(audit.CaseAsked, m.now(), audit.KeyValue{Key: "Asked", Value: what}))
	return err
}
