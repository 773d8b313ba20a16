package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/recovery/drill"
	"github.com/postern-id/postern/internal/signin"
)

// PracticePath is where somebody who was asked gets their practice pass.
const PracticePath = "/security-info/practice"

// practicePage is practice.html: what to do, and the practice pass once it is asked for.
type practicePage struct {
	frame
	Name         string
	SignOutHref  string
	BackHref     string
	AtLockScreen bool
	EndsAt       time.Time // zero: nobody asks
	Code         string    // empty before
}

func (practicePage) file() string { return "practice.html" }

// practisedPage is practised.html: how a rehearsal ended. It takes the place of the page on which the
// practice pass was typed, and leads back there.
type practisedPage struct {
	frame
	who
	Worked   bool
	Steps    []practisedStep
	Minutes  string // empty: not told
	BackHref string
}

type practisedStep struct {
	Name    string
	Passed  bool
	Text    string
	Code    string
	Untried bool
}

func (practisedPage) file() string { return "practised.html" }

// showPractice serves GET /security-info/practice.
func (s *Site) showPractice(w http.ResponseWriter, r *http.Request) error {
	return s.practice(w, r, func(me knownAccount) (drill.Practice, drill.Code, error) {
		p, err := s.Drills.Store.OpenPractice(r.Context(), me.session.Tenant, me.user.ID, s.Now())
		return p, drill.Code{}, err
	})
}

// takePractice serves POST /security-info/practice: it draws the practice pass.
func (s *Site) takePractice(w http.ResponseWriter, r *http.Request) error {
	return s.practice(w, r, func(me knownAccount) (drill.Practice, drill.Code, error) {
		return s.Drills.Show(r.Context(), me.session.Tenant, me.user.ID)
	})
}

func (s *Site) practice(w http.ResponseWriter, r *http.Request, find func(me knownAccount) (drill.Practice, drill.Code, error)) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	tenant, err := s.tenant(r.Context(), me.session.Tenant)
	if err != nil {
		return err
	}
	page := practicePage{frame: s.frame(r, tenant), Name: me.user.DisplayName, SignOutHref: signOutHref(tenant), BackHref: securityInfoPath}
	page.Action = PracticePath
	p, code, err := find(me)
	switch {
	case errors.Is(err, drill.ErrNoneOpen):
	case err != nil:
		return err
	default:
		page.EndsAt, page.AtLockScreen = p.EndsAt, p.Where == drill.AtLockScreen
		if p.Hash != "" && code.Reveal() != "" {
			page.Code = code.Reveal()
		}
	}
	s.render(w, r, http.StatusOK, page)
	return nil
}

// showPractised shows how a rehearsal ended.
func (s *Site) showPractised(w http.ResponseWriter, r *http.Request, v visit, told *signin.Rehearsed) error {
	if told.Trial != "" {
		return redirect(w, r, v.transaction.Continue+"?"+url.Values{"t": {browser.HandleName(v.handle)}, device.PracticeParam: {told.Trial}}.Encode())
	}
	page := practisedPage{frame: s.stepFrame(r, v), who: who{Username: v.transaction.Username}, Worked: told.Worked, BackHref: Address(v.handle)}
	if told.Took >= time.Minute && told.Took < 24*time.Hour {
		page.Minutes = strconv.Itoa(int(told.Took / time.Minute))
	}
	for _, one := range told.Steps {
		key := "practised_" + one.Name
		switch {
		case one.Untried:
			key += "_untried"
		case !one.Passed:
			key += "_not"
		}
		page.Steps = append(page.Steps, practisedStep{Name: one.Name, Passed: one.Passed, Untried: one.Untried, Text: s.View.Text(page.Lang, key), Code: one.Code})
	}
	s.render(w, r, http.StatusOK, page)
	return nil
}

// PracticeLetter is what the mail says that asks somebody to practise.
type PracticeLetter struct {
	Reader       string // display name
	Tenant       string
	EndsAt       time.Time
	AtLockScreen bool
	Link         string // to the practice pass, after signing in
	ID           string // of the drill
}

// Practice writes p in lang, with times in zone.
func (v *View) Practice(lang string, zone *time.Location, p PracticeLetter) (Letter, error) {
	until, err := v.moment(lang, zone, p.EndsAt)
	if err != nil {
		return Letter{}, err
	}
	where, phrase := "letter_practice_any", phrasePractice+"Anywhere"
	if p.AtLockScreen {
		where, phrase = "letter_practice_lock", phrasePractice+"LockScreen"
	}
	how := v.Text(lang, where)
	d := draft{
		kind: "recoveryDrill", zone: zone, subject: v.Text(lang, "letter_practice_subject", "Tenant", p.Tenant),
		said: []string{
			v.Text(lang, "letter_hello", "Name", p.Reader),
			v.Text(lang, "letter_practice", "Tenant", p.Tenant, "When", until),
			how,
		},
		facts: []fact{
			{factReader, p.Reader, never}, {factTenant, p.Tenant, never}, {factEnd, "", p.EndsAt}, {factWhy, how, never}, {factID, p.ID, never},
		},
		needs:   []string{factEnd},
		phrases: map[string]string{factWhy: phrase},
	}
	d.linked(v.Text(lang, "letter_practice_link"), p.Link)
	d.notice = append(d.notice, letter.Plain(v.Text(lang, "letter_practice_nothing"), v.Text(lang, "letter_practice_id", "ID", p.ID))...)
	return v.letter(lang, &d)
}
