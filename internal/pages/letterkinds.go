package pages

import (
	"strings"
	"time"

	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/outbox/letter"
)

// A specimen makes a letter of a kind about people who are made up.
type specimen struct {
	View   *View
	Lang   string
	Zone   *time.Location
	At     time.Time
	Tenant string
	URL    string // of the server; links lead nowhere
	// Named writes the names of placeholders where the facts would stand.
	Named bool
}

func (s specimen) is(name, value string) string {
	if s.Named {
		return "{{" + name + "}}"
	}
	return value
}

func (s specimen) link(path string) string { return s.URL + path + "#example" }

// letterKinds are the letters that a tenant can put into its own words, in the order in which they are listed.
var letterKinds = []struct {
	name  string
	write func(specimen) (Letter, error)
}{
	{"passIssued", func(s specimen) (Letter, error) {
		return s.View.PassIssued(s.Lang, s.Zone, PassIssued{
			Reader: s.reader(), Tenant: s.tenant(), Issuer: s.is(factIssuer, "Ida Berg"), At: s.At, Start: s.At.Add(time.Hour), End: s.end(), Once: true, ID: s.id(),
		})
	}},
	{"passRedeemed", redeemedSpecimen(false)},
	{"passRedeemedAtDevice", redeemedSpecimen(true)},
	{"passHandedOver", func(s specimen) (Letter, error) {
		return s.View.HandedOver(s.Lang, s.Zone, HandedOver{
			Reader: s.reader(), Tenant: s.tenant(), Owner: s.person(), Until: s.end(), Link: s.link(OpenPath), ID: s.id(),
		})
	}},
	{"passHandedOverOwn", func(s specimen) (Letter, error) {
		return s.View.HandedOver(s.Lang, s.Zone, HandedOver{Reader: s.reader(), Tenant: s.tenant(), Until: s.end(), Link: s.link(OpenPath), ID: s.id()})
	}},
	{"methodAdded", methodSpecimen(method.Added)},
	{"methodRenamed", methodSpecimen(method.Renamed)},
	{"methodRemoved", methodSpecimen(method.Removed)},
	{"methodChanged", methodSpecimen(method.Replaced)},
	{"methodFrozen", methodSpecimen(method.Frozen)},
	{"methodThawed", methodSpecimen(method.Thawed)},
	{"pinSetUp", func(s specimen) (Letter, error) {
		return s.View.PINSetUp(s.Lang, s.Zone, PINSetUp{Reader: s.reader(), Tenant: s.tenant(), Device: s.device(), At: s.At, ByPass: true, ID: s.id()})
	}},
	{"pinReset", func(s specimen) (Letter, error) {
		return s.View.PINReset(s.Lang, s.Zone, PINReset{Reader: s.reader(), Tenant: s.tenant(), Device: s.device(), At: s.At, ID: s.id()})
	}},
	{"recoveryCaseOpened", caseSpecimen("opened", true)},
	{"recoveryCaseManager", askedSpecimen(true)},
	{"recoveryCaseColleague", askedSpecimen(false)},
	{"recoveryCaseCode", func(s specimen) (Letter, error) { return s.View.CaseCode(s.Lang, s.reader(), s.tenant(), "123 456") }},
	{"recoveryCaseIssued", caseSpecimen("issued", true)},
	{"recoveryCaseTold", func(s specimen) (Letter, error) {
		return s.View.CaseTold(s.Lang, s.Zone, CaseTold{Reader: s.reader(), Tenant: s.tenant(), Name: s.person(), At: s.At, Link: s.URL + "/example", ID: s.id()})
	}},
	{"recoveryCaseUsed", caseSpecimen("used", true)},
	{"recoveryCaseClosed", caseSpecimen("closed", true)},
	{"recoveryCaseRefused", caseSpecimen("refused", false)},
	{"recoveryCaseDisputed", caseSpecimen("disputed", false)},
	{"recoveryCaseReleased", caseSpecimen("released", false)},
	{"recoveryCaseReverted", caseSpecimen("reverted", false)},
	{"recoveryDrill", func(s specimen) (Letter, error) {
		return s.View.Practice(s.Lang, s.Zone, PracticeLetter{Reader: s.reader(), Tenant: s.tenant(), EndsAt: s.end(), Link: s.URL + PracticePath, ID: s.id()})
	}},
	{"accessRecovered", func(s specimen) (Letter, error) {
		return s.View.Recovered(s.Lang, s.Zone, Recovered{
			Reader: s.reader(), Tenant: s.tenant(), Admin: s.is("adminUserPrincipalName", "ida.berg@contoso.example"), At: s.At, End: s.end(), Once: true, ID: s.id(),
		})
	}},
	{"passesRefused", func(s specimen) (Letter, error) {
		return s.View.PassesRefused(s.Lang, s.Zone, PassesRefused{Reader: s.reader(), Tenant: s.tenant(), People: 2, At: s.At})
	}},
	{"test", func(s specimen) (Letter, error) {
		return s.View.TestLetter(s.Lang, s.Zone, Test{Reader: s.reader(), Tenant: s.tenant(), At: s.At})
	}},
}

func (s specimen) reader() string { return s.is(factReader, "Nils Holm") }
func (s specimen) tenant() string { return s.is(factTenant, s.Tenant) }
func (s specimen) person() string { return s.is(factPerson, "Mira Falk") }
func (s specimen) device() string { return s.is(factDevice, "LAPTOP-07") }
func (s specimen) id() string     { return s.is(factID, "1f6b2a90-5c1e-4c55-9d4e-0a7c3b1e8d42") }
func (s specimen) end() time.Time { return s.At.Add(9 * time.Hour) }

func redeemedSpecimen(device bool) func(specimen) (Letter, error) {
	return func(s specimen) (Letter, error) {
		r := PassRedeemed{
			Reader: s.reader(), Tenant: s.tenant(), Application: s.is("applicationDisplayName", "Contoso Mail"), Address: s.is("ipAddress", "203.0.113.7"), At: s.At, ID: s.id(),
		}
		if device {
			r.Device = s.device()
		}
		return s.View.PassRedeemed(s.Lang, s.Zone, r)
	}
}

func methodSpecimen(what string) func(specimen) (Letter, error) {
	return func(s specimen) (Letter, error) {
		m := MethodChanged{
			Reader: s.reader(), Tenant: s.tenant(), What: what, Kind: "passkey", Name: s.is("methodName", "Blue key"), By: s.is("changedBy", "Ida Berg"), At: s.At, ID: s.id(),
		}
		if what != method.Frozen {
			m.Link = s.link(NotMePath)
		}
		return s.View.MethodChanged(s.Lang, s.Zone, m)
	}
}

func caseSpecimen(what string, stop bool) func(specimen) (Letter, error) {
	return func(s specimen) (Letter, error) {
		n := CaseNews{Reader: s.reader(), Tenant: s.tenant(), What: what, At: s.At, From: s.is(factFrom, "Firefox, Linux, 203.0.113.7"), ID: s.id()}
		if s.Named {
			n.From = "" // it is not always known, and a sentence would miss it
		}
		if stop {
			n.Link = s.link(DenyPath)
		}
		return s.View.CaseNews(s.Lang, s.Zone, n)
	}
}

func askedSpecimen(manager bool) func(specimen) (Letter, error) {
	return func(s specimen) (Letter, error) {
		return s.View.CaseAsked(s.Lang, s.Zone, CaseAsked{
			Reader: s.reader(), Tenant: s.tenant(), Name: s.person(), At: s.At, Manager: manager, Link: s.URL + "/example", ID: s.id(),
		})
	}
}

// specimenOf returns a letter of a kind, or letter.ErrKindUnknown.
func specimenOf(kind string, s specimen) (Letter, error) {
	for _, k := range letterKinds {
		if k.name == kind {
			return k.write(s)
		}
	}
	return Letter{}, letter.ErrKindUnknown
}

// LetterKinds returns the kinds of letter that a tenant can put into its own words.
func (v *View) LetterKinds() ([]letter.Kind, error) {
	var all []letter.Kind
	for _, k := range letterKinds {
		l, err := k.write(specimen{View: v, Lang: "en", Zone: time.UTC, At: v.now()})
		if err != nil {
			return nil, err
		}
		one := letter.Kind{Name: k.name, Required: l.draft.needs}
		id := false
		for _, f := range l.draft.facts {
			one.Placeholders = append(one.Placeholders, f.name)
			id = id || f.name == factID
		}
		if l.draft.block != "" {
			one.Notice = append(one.Notice, l.draft.block)
		}
		if id {
			one.Notice = append(one.Notice, factID)
		}
		all = append(all, one)
	}
	return all, nil
}

// SampleLetter writes a letter of a kind in lang, about people who are made up.
func (v *View) SampleLetter(kind, lang string, zone *time.Location, tenant, url string) (Letter, error) {
	return specimenOf(kind, specimen{View: v, Lang: lang, Zone: zone, At: v.now(), Tenant: tenant, URL: url})
}

// LetterWords returns the product's own words for a kind of letter in lang, as a template of the same
// effect: where the words depend on what happened, a sentence of the product's stays as a placeholder.
func (v *View) LetterWords(kind, lang string) (letter.Template, error) {
	l, err := specimenOf(kind, specimen{View: v, Lang: lang, Zone: time.UTC, At: v.now(), Named: true})
	if err != nil {
		return letter.Template{}, err
	}
	type stand struct{ written, name string }
	var all []stand
	for _, f := range l.draft.facts {
		one := stand{f.value, "{{" + f.name + "}}"}
		if !f.at.IsZero() {
			if one.written, err = v.moment(lang, time.UTC, f.at); err != nil {
				return letter.Template{}, err
			}
		}
		if one.written != "" && one.written != one.name {
			all = append(all, one)
		}
	}
	for i := range all { // the longest first: a sentence before the times in it
		for j := i + 1; j < len(all); j++ {
			if len(all[j].written) > len(all[i].written) {
				all[i], all[j] = all[j], all[i]
			}
		}
	}
	named := func(text string) string {
		for _, one := range all {
			text = strings.ReplaceAll(text, one.written, one.name)
		}
		return text
	}
	return letter.Template{Kind: kind, Language: lang, Subject: named(l.draft.subject), Body: named(strings.Join(l.draft.said, "\n\n"))}, nil
}
