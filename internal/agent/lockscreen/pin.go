package lockscreen

import (
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
)

// newPINPage is newpin.html: the wizard.
type newPINPage struct {
	frame
	Rules   []template.HTML
	Digits  bool
	Former  bool // the former PIN is asked, which is too old
	Reset   bool // the key behind the PIN stays
	Set     bool // the PIN is set, and trying it went wrong
	Minutes int
	Until   time.Time // end of the time without another question; zero where there is none
}

func (newPINPage) file() string { return "newpin.html" }

// forgotPage is forgot.html: how to get a new PIN, or what a new one costs.
type forgotPage struct {
	frame
	Person string
	Name   string
	None   bool // there is no PIN to be forgotten
	Loss   bool // the new one costs the key of the former, which is to be confirmed
	Web    bool // web sign-in is possible now
}

func (forgotPage) file() string { return "forgot.html" }

// begin begins the wizard, or asks first where a new PIN costs something. The caller holds
// the mutex.
func (s *Screen) begin(a *attempt, user string, how change) {
	a.user, a.way, a.step, a.trouble = user, how, setting, nil
	if how == replace {
		a.step = losing
	}
	s.within(a, max(time.Second, s.left(a)), ErrTime)
}

// left is how long the wizard may take: as long as the sign-in is fresh, or as long for who
// changes their PIN by the former one.
func (s *Screen) left(a *attempt) time.Duration {
	if a.way == byPIN {
		return agent.FreshFor
	}
	return s.agent.FreshLeft(a.person)
}

// over ends an attempt whose proof is not fresh any more, and reports whether it was. The
// timer of [Screen.within] stands still while the machine sleeps; the clock does not.
func (s *Screen) over(a *attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != a || s.left(a) > 0 {
		return false
	}
	user := a.user
	s.renew()
	s.attempt.user = user
	return true
}

// showNewPIN serves GET /new-pin.
func (s *Screen) showNewPIN(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	a := s.attempt
	at, how, set, user := a.step, a.way, a.set, a.user
	left := s.left(a)
	s.mu.Unlock()
	if at == setting && s.over(a) {
		return ErrTime
	}
	if at != setting {
		to := places[at]
		if to == "" {
			to = "/"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	d, err := s.agent.Device()
	if err != nil {
		return err
	}
	p := newPINPage{frame: s.frame(r, a), Former: how == byPIN, Reset: how == reset, Set: set}
	rules := container.RulesFrom(d.Settings(user).Effective())
	p.Rules, p.Digits = phrasebook{s.view.words, p.Lang}.rules(rules), digitsOnly(rules)
	if how != byPIN {
		p.Until, p.Minutes = p.Now.Add(left), int(left/time.Minute)
	}
	s.page(w, r, http.StatusOK, p)
	return nil
}

// digitsOnly reports whether PINs have nothing but digits, for the keys that a screen shows.
func digitsOnly(r container.Rules) bool {
	return r.Lower == container.NotAllowed && r.Upper == container.NotAllowed && r.Special == container.NotAllowed
}

// rules says what a PIN has to be.
func (p phrasebook) rules(r container.Rules) []template.HTML {
	say := func(key string, data map[string]string) template.HTML {
		text, _ := p.words.Find(p.lang, key, data)
		return template.HTML(text)
	}
	length := "rule_least"
	if digitsOnly(r) {
		length = "rule_digits"
	}
	all := []template.HTML{say(length, map[string]string{"Least": strconv.Itoa(r.Least)})}
	if r.Most < 127 { // as long as it can be
		all = append(all, say("rule_most", map[string]string{"Most": strconv.Itoa(r.Most)}))
	}
	if !digitsOnly(r) {
		for _, kind := range []struct {
			class container.Class
			kind  container.Kind
		}{
			{r.Digits, container.Digits},
			{r.Lower, container.SmallLetters},
			{r.Upper, container.CapitalLetters},
			{r.Special, container.SpecialCharacters},
		} {
			what, _ := p.words.Find(p.lang, kindKey(kind.kind), nil)
			switch kind.class {
			case container.Required:
				all = append(all, say("rule_required", map[string]string{"What": what}))
			case container.NotAllowed:
				all = append(all, say("rule_not_allowed", map[string]string{"What": what}))
			}
		}
	}
	return append(all, say("rule_simple", nil))
}

// weak says which rule a PIN breaks. It is false for what is no rule.
func (p phrasebook) weak(w container.Weak) (template.HTML, bool) {
	data := map[string]string{"Number": strconv.Itoa(w.Number)}
	data["What"], _ = p.words.Find(p.lang, kindKey(w.Kind), nil)
	text, ok := p.words.Find(p.lang, "weak_"+string(w.Rule), data)
	return template.HTML(text), ok
}

// kindKey is the key of the words for a kind of character.
func kindKey(k container.Kind) string { return "kind_" + strings.ReplaceAll(string(k), " ", "_") }

// takeNewPIN serves POST /new-pin: pin, repeat; former; later.
func (s *Screen) takeNewPIN(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	at, how := a.step, a.way
	s.mu.Unlock()
	if at != setting {
		return ErrChanged
	}
	if s.over(a) {
		return ErrTime
	}
	if r.PostFormValue("later") != "" {
		return s.later(w, r, a, how)
	}
	chosen := r.PostFormValue("pin")
	if chosen != r.PostFormValue("repeat") {
		return ErrRepeat
	}
	if err := s.setPIN(r, a, how, chosen); err != nil {
		return err
	}
	s.still(a, func() { a.set = true })
	// The wizard ends with a test: the PIN opens the key that the server knows, or offline that
	// of the TPM.
	out, err := s.agent.Unlock(during(a, r), a.user, chosen)
	if err != nil {
		return err
	}
	account, err := s.account(out.User)
	if err != nil {
		return err
	}
	by := Web
	if how == byPIN || !a.person.MayEnter() {
		by = PIN
	}
	return s.open(w, r, a, Opening{Account: account, By: by, PINSet: true, Offline: out.Offline && how == byPIN, Left: out.Left})
}

// setPIN sets the PIN in the way that the attempt came to it.
func (s *Screen) setPIN(r *http.Request, a *attempt, how change, chosen string) error {
	ctx := during(a, r)
	switch how {
	case byPIN:
		return s.agent.ChangePIN(ctx, a.user, r.PostFormValue("former"), chosen)
	case reset:
		err := s.agent.ResetPIN(ctx, a.person, chosen)
		if errors.Is(err, agent.ErrNoReset) {
			s.still(a, func() { s.begin(a, a.user, replace) })
			return err
		}
		if !errors.Is(err, container.ErrBroken) && !errors.Is(err, container.ErrNoPIN) && !errors.Is(err, tpm.ErrForeign) {
			return err
		}
		// The key is lost already: a new one takes its place.
	}
	return s.agent.SetPIN(ctx, a.person, chosen)
}

// later goes on without a new PIN.
func (s *Screen) later(w http.ResponseWriter, r *http.Request, a *attempt, how change) error {
	if how == byPIN || !a.person.MayEnter() { // nobody has proved anything yet, or not for this
		return s.cancel(w, r)
	}
	d, err := s.agent.Device()
	if err != nil {
		return err
	}
	return s.open(w, r, a, Opening{Account: a.account, By: Web, PINDue: s.remind(d, a.account.ID), PINSet: a.set})
}

// showForgot serves GET /forgot?person=….
func (s *Screen) showForgot(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	a := s.attempt
	at, user := a.step, a.user
	s.mu.Unlock()
	if at == signing || at == setting {
		http.Redirect(w, r, places[at], http.StatusSeeOther)
		return nil
	}
	d, err := s.agent.Device()
	if err != nil {
		return err
	}
	if at != losing {
		user = r.URL.Query().Get("person")
	}
	account, err := d.Accounts.Find(user)
	if err != nil {
		return err
	}
	_, err = s.mayWeb(user)
	p := forgotPage{
		frame: s.frame(r, a), Person: user, Name: account.DisplayName, Loss: at == losing, None: d.PINState(user) == device.PINNone,
	}
	p.Web = err == nil && p.Online
	s.page(w, r, http.StatusOK, p)
	return nil
}

// takeForgot serves POST /forgot: person; or confirm, later.
func (s *Screen) takeForgot(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	at, how := a.step, a.way
	s.mu.Unlock()
	if at == losing && s.over(a) {
		return ErrTime
	}
	if at != losing {
		return s.sendToWeb(w, r, a, strings.TrimPrefix(r.PostFormValue("person"), other), true)
	}
	if r.PostFormValue("later") != "" {
		return s.later(w, r, a, how)
	}
	d, err := s.agent.Device()
	if err != nil {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(r.PostFormValue("confirm")), d.Identity().DisplayName) {
		return ErrConfirm
	}
	s.still(a, func() { a.step = setting })
	http.Redirect(w, r, "/new-pin", http.StatusSeeOther)
	return nil
}
