package graph

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/outbox"
)

// A Machine is this server, as far as administrators may look at it.
type Machine interface {
	// About says what runs here.
	About() About
	// Keys returns the keys of a tenant that are not removed.
	Keys(ctx context.Context, tenant string) ([]keyring.Key, error)
	// TestLetter writes the letter that shows somebody that mail arrives.
	TestLetter(ctx context.Context, tenant directory.Tenant, reader directory.UserID, id string) ([]outbox.Item, error)
}

// About is what runs: nothing in it is secret, and none of it is for people without a role.
type About struct {
	Version       string
	StartedAt     time.Time
	Database      string // sqlite or postgresql
	SchemaRelease int
	Clock         string // what is wrong with it; empty when nothing is
	Disk          string
	Mail          MailWay
}

// MailWay is how mail leaves.
type MailWay struct {
	Kind     string // smtp, mailbox (people read it at /mailbox) or none
	Host     string
	Port     int // 0 is the usual one
	Security string
	From     string
}

// about serves GET /postern/about.
func (a *API) about(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	s := a.Machine.About()
	backup, err := a.lastBackup(c)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/about", nil), odata.Entity{
		{Name: "version", Value: s.Version},
		{Name: "startedDateTime", Value: odata.Time(s.StartedAt)},
		{Name: "publicUrl", Value: a.PublicURL},
		{Name: "database", Value: s.Database},
		{Name: "schemaRelease", Value: s.SchemaRelease},
		{Name: "incarnation", Value: a.Incarnation},
		{Name: "serverDateTime", Value: odata.Time(a.Now())},
		{Name: "clockProblem", Value: text(s.Clock)},
		{Name: "diskProblem", Value: text(s.Disk)},
		{Name: "lastBackup", Value: backup},
		{Name: "mail", Value: odata.Entity{
			{Name: "kind", Value: s.Mail.Kind},
			{Name: "host", Value: text(s.Mail.Host)},
			{Name: "port", Value: s.Mail.Port},
			{Name: "security", Value: text(s.Mail.Security)},
			{Name: "from", Value: text(s.Mail.From)},
		}},
	})
}

// lastBackup is the newest backup that the log knows, or null. A backup records itself.
func (a *API) lastBackup(c *call) (any, error) {
	expr, err := filter.Parse("activityDisplayName eq '" + audit.CreateBackup + "'")
	if err != nil {
		return nil, err
	}
	match, err := filter.Check(expr, auditSchema)
	if err != nil {
		return nil, err
	}
	found, _, err := a.Store.Events(c.ctx(), c.tenant.ID, audit.KindDirectory, []filter.Bound{match}, newestFirst, nil, 1)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	e := found[0]
	with := false
	for _, d := range e.Change.Details {
		with = with || d.Value == "with the master key"
	}
	return odata.Entity{{Name: "createdDateTime", Value: odata.Time(e.At)}, {Name: "withMasterKey", Value: with}}, nil
}

// listKeys serves GET /postern/keys: what keys there are, never a key.
func (a *API) listKeys(c *call) error {
	properties := keyResource(keyring.Key{}, time.Time{}).Names()
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: properties})
	if err != nil {
		return err
	}
	keys, err := a.Machine.Keys(c.ctx(), string(c.tenant.ID))
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/keys", o.Select), Value: []odata.Entity{}}
	for _, k := range keys {
		page.Value = append(page.Value, keyResource(k, a.Now()).Select(o.Select))
	}
	return odata.WritePage(c.w, page)
}

func keyResource(k keyring.Key, now time.Time) odata.Entity {
	state := "active"
	switch {
	case !k.RetiredAt.IsZero() && !now.Before(k.RetiredAt):
		state = "retired"
	case now.Before(k.ActiveAt):
		state = "announced"
	}
	return odata.Entity{
		{Name: "id", Value: k.ID},
		{Name: "purpose", Value: string(k.Purpose)},
		{Name: "state", Value: state},
		{Name: "createdDateTime", Value: odata.Time(k.CreatedAt)},
		{Name: "activeDateTime", Value: odata.Time(k.ActiveAt)},
		{Name: "retiredDateTime", Value: odata.Time(k.RetiredAt)},
		{Name: "removalDateTime", Value: odata.Time(k.RemoveAt)},
	}
}

// Faults of test mails.
var (
	ErrMailSoon = &fault.Error{
		Kind: fault.TooMany, Code: "testMailSoon",
		Text: "You sent a test mail a moment ago.", Remedy: "Wait a minute, and look whether it arrived.",
	}
	ErrNoAddress = &fault.Error{
		Kind: fault.Invalid, Code: "testMailNoAddress",
		Text: "Your account has no mail address.", Remedy: "Have one added, and try again.",
	}
)

// testMail serves POST /postern/mails/test: a letter to the caller, once a minute.
func (a *API) testMail(c *call) error {
	if c.caller.AppOnly() {
		return ErrNotMe
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true})
	if err != nil {
		return err
	}
	if err := body.Done(); err != nil {
		return err
	}
	// The minute is in the key of the letter, which is queued once, whoever asks how often.
	minute := a.Now().UTC().Truncate(time.Minute).Format(time.RFC3339)
	letters, err := a.Machine.TestLetter(c.ctx(), c.tenant, c.caller.User, minute)
	if err != nil {
		return err
	}
	return a.queueTest(c, letters)
}

// queueTest queues a test mail, and records that the caller sent themselves one.
func (a *API) queueTest(c *call, letters []outbox.Item) error {
	if len(letters) == 0 {
		return ErrNoAddress
	}
	e := a.tenantEvent(c, audit.SendTestMail, audit.OperationAdd, audit.Target{ID: string(c.caller.User), Type: audit.TargetUser})
	queued, err := a.Store.QueueMail(c.ctx(), letters, e)
	if err != nil {
		return err
	}
	if !queued {
		return ErrMailSoon.After(60)
	}
	c.w.WriteHeader(202)
	return nil
}
