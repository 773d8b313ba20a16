package pages

import (
	"time"

	"github.com/postern-id/postern/internal/outbox/letter"
)

// CaseNews is what the mails say that tell a person of a step in their recovery.
type CaseNews struct {
	Reader string // display name
	Tenant string
	// What is the step: opened, issued, used, closed, refused, disputed, released, reverted.
	What   string
	Number string // of the case; left out where it must be read out from a screen
	From   string // where it was asked or used; may be empty
	By     string // who issued the pass; may be empty
	At     time.Time
	Link   string // stops it; empty leaves it out
	ID     string // of the case
}

// CaseNews writes n in lang, with times in zone.
func (v *View) CaseNews(lang string, zone *time.Location, n CaseNews) (Letter, error) {
	at, err := v.moment(lang, zone, n.At)
	if err != nil {
		return Letter{}, err
	}
	d := draft{
		kind: "recoveryCase" + capital(n.What), zone: zone, subject: v.Text(lang, "letter_case_"+n.What+"_subject", "Tenant", n.Tenant),
		said: []string{
			v.Text(lang, "letter_hello", "Name", n.Reader),
			v.Text(lang, "letter_case_"+n.What, "At", at, "Tenant", n.Tenant, "From", n.From, "By", n.By),
		},
		facts: []fact{{factReader, n.Reader, never}, {factTenant, n.Tenant, never}, {factTime, "", n.At}, {factFrom, n.From, never}, {factID, n.ID, never}},
		needs: []string{factTime},
	}
	if n.Link != "" {
		d.notice = letter.Plain(v.Text(lang, "letter_case_known"))
		d.linked(v.Text(lang, "letter_case_stop"), n.Link)
	}
	d.notice = append(d.notice, letter.Plain(v.Text(lang, "letter_case_id", "ID", n.ID))...)
	return v.letter(lang, &d)
}

// CaseTold is what the mail says that tells somebody else of a pass, because the recovery policy names them.
type CaseTold struct {
	Reader string // display name, or the address
	Tenant string
	Name   string // whom the pass is for
	By     string // who issued it; empty where nobody but the person and those who spoke for them took part
	At     time.Time
	Link   string // to the case in the console
	ID     string // of the case
}

// CaseTold writes n in lang, with times in zone.
func (v *View) CaseTold(lang string, zone *time.Location, n CaseTold) (Letter, error) {
	at, err := v.moment(lang, zone, n.At)
	if err != nil {
		return Letter{}, err
	}
	d := draft{
		kind: "recoveryCaseTold", zone: zone, subject: v.Text(lang, "letter_told_subject", "Name", n.Name),
		said: []string{
			v.Text(lang, "letter_hello", "Name", n.Reader),
			v.Text(lang, "letter_told", "At", at, "Tenant", n.Tenant, "Name", n.Name, "By", n.By),
		},
		facts: []fact{
			{factReader, n.Reader, never}, {factTenant, n.Tenant, never}, {factTime, "", n.At}, {factPerson, n.Name, never}, {factID, n.ID, never},
		},
		needs:  []string{factTime, factPerson},
		notice: letter.Plain(v.Text(lang, "letter_told_known", "Name", n.Name)),
	}
	d.linked(v.Text(lang, "letter_told_link"), n.Link)
	d.notice = append(d.notice, letter.Plain(v.Text(lang, "letter_case_id", "ID", n.ID))...)
	return v.letter(lang, &d)
}

// CaseAsked is what the mail says that asks a manager or a colleague whether it is really them.
type CaseAsked struct {
	Reader  string // display name
	Tenant  string
	Name    string // who asks for help
	From    string
	At      time.Time
	Manager bool
	Link    string
	ID      string // of the case
}

// CaseAsked writes a in lang, with times in zone.
func (v *View) CaseAsked(lang string, zone *time.Location, a CaseAsked) (Letter, error) {
	at, err := v.moment(lang, zone, a.At)
	if err != nil {
		return Letter{}, err
	}
	kind, what := "recoveryCaseColleague", "letter_asked_colleague"
	if a.Manager {
		kind, what = "recoveryCaseManager", "letter_asked_manager"
	}
	d := draft{
		kind: kind, zone: zone, subject: v.Text(lang, "letter_asked_subject", "Name", a.Name),
		said: []string{
			v.Text(lang, "letter_hello", "Name", a.Reader),
			v.Text(lang, what, "At", at, "Tenant", a.Tenant, "Name", a.Name, "From", a.From),
		},
		facts: []fact{
			{factReader, a.Reader, never}, {factTenant, a.Tenant, never}, {factTime, "", a.At}, {factPerson, a.Name, never}, {factFrom, a.From, never}, {factID, a.ID, never},
		},
		needs:  []string{factTime, factPerson},
		notice: letter.Plain(v.Text(lang, "letter_asked_call", "Name", a.Name)),
	}
	d.linked(v.Text(lang, "letter_asked_link"), a.Link)
	d.notice = append(d.notice, letter.Plain(v.Text(lang, "letter_case_id", "ID", a.ID))...)
	return v.letter(lang, &d)
}

// CaseCode writes the mail with the code that shows that somebody reads a private address.
func (v *View) CaseCode(lang, reader, tenant, code string) (Letter, error) {
	return v.letter(lang, &draft{
		kind: "recoveryCaseCode", zone: time.UTC, subject: v.Text(lang, "letter_code_subject", "Tenant", tenant),
		said:  []string{v.Text(lang, "letter_hello", "Name", reader)},
		facts: []fact{{factReader, reader, never}, {factTenant, tenant, never}},
		notice: letter.Plain(
			v.Text(lang, "letter_code", "Tenant", tenant),
			code,
			v.Text(lang, "letter_code_where"),
			v.Text(lang, "letter_code_unknown"),
		),
		block: "code", blocks: code,
	})
}
