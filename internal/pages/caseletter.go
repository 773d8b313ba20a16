package pages

import "time"

// CaseNews is what the mails say that tell a person of a step in their recovery.
type CaseNews struct {
	Reader string // display name
	Tenant string
	// What is the step: opened, issued, used, closed, refused, disputed, reverted.
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
	paragraphs := []string{
		v.Text(lang, "letter_hello", "Name", n.Reader),
		v.Text(lang, "letter_case_"+n.What, "At", at, "Tenant", n.Tenant, "From", n.From, "By", n.By),
	}
	if n.Link != "" {
		paragraphs = append(paragraphs, v.Text(lang, "letter_case_known"), v.Text(lang, "letter_case_stop"), n.Link)
	}
	paragraphs = append(paragraphs, v.Text(lang, "letter_case_id", "ID", n.ID))
	return v.letter(lang, v.Text(lang, "letter_case_"+n.What+"_subject", "Tenant", n.Tenant), paragraphs...)
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
	what := "letter_asked_colleague"
	if a.Manager {
		what = "letter_asked_manager"
	}
	return v.letter(lang, v.Text(lang, "letter_asked_subject", "Name", a.Name),
		v.Text(lang, "letter_hello", "Name", a.Reader),
		v.Text(lang, what, "At", at, "Tenant", a.Tenant, "Name", a.Name, "From", a.From),
		v.Text(lang, "letter_asked_call", "Name", a.Name),
		v.Text(lang, "letter_asked_link"), a.Link,
		v.Text(lang, "letter_case_id", "ID", a.ID),
	)
}

// CaseCode writes the mail with the code that shows that somebody reads a private address.
func (v *View) CaseCode(lang, reader, tenant, code string) (Letter, error) {
	return v.letter(lang, v.Text(lang, "letter_code_subject", "Tenant", tenant),
		v.Text(lang, "letter_hello", "Name", reader),
		v.Text(lang, "letter_code", "Tenant", tenant),
		code,
		v.Text(lang, "letter_code_where"),
		v.Text(lang, "letter_code_unknown"),
	)
}
