package lockscreen

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// webPage is web.html: web sign-in is under way elsewhere, or has failed.
type webPage struct {
	frame
	Person string // as the form names them
	Forgot bool
	To     string // the identity provider's page, for who came back from it
	Plain  bool   // a name and a pass can be typed here, as the browser does not work
	Name   string // as typed, or the person's
}

func (webPage) file() string { return "web.html" }

// onwardPage is onward.html: the browser goes on by itself.
type onwardPage struct {
	frame
	To string
}

func (onwardPage) file() string { return "onward.html" }

// openingPage is opening.html: the session opens.
type openingPage struct {
	frame
	Name string
}

func (openingPage) file() string { return "opening.html" }

// refusedPage is refused.html: this is not the screen's own browser.
type refusedPage struct{ frame }

func (refusedPage) file() string { return "refused.html" }

// onward sends the browser to an address of this screen, or by a page to another one: what a
// form may lead to is this screen alone.
func (s *Screen) onward(w http.ResponseWriter, r *http.Request, to string) {
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	s.page(w, r, http.StatusOK, onwardPage{s.frame(r, nil), to})
}

// startWait is how long the answer to a click on the globe waits for the sign-in to begin, so
// that the identity provider's page is the next that is seen.
const startWait = 2 * time.Second

// startWeb serves POST /web: person.
func (s *Screen) startWeb(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	person := r.PostFormValue("person")
	return s.sendToWeb(w, r, a, strings.TrimPrefix(person, other), false)
}

// sendToWeb begins web sign-in and shows what comes of it.
func (s *Screen) sendToWeb(w http.ResponseWriter, r *http.Request, a *attempt, user string, forgot bool) error {
	hint, err := s.mayWeb(user)
	if err != nil {
		return err
	}
	lang := s.frame(r, nil).Lang
	tried := false
	won := s.still(a, func() {
		if b := s.broken; b != nil && !(a.step == signing && a.plain) { // the second time it is tried, whatever the seat found
			a.step, a.user, a.forgot, a.request, a.show, a.plain, a.name = signing, user, forgot, nil, "", true, hint
			a.trouble = s.tell(a.ctx, a, b)
			s.within(a, failTime, nil)
			return
		}
		tried = true
		a.step, a.user, a.forgot, a.request, a.show, a.sent, a.plain, a.name = signing, user, forgot, nil, "", false, false, hint
		s.within(a, s.webTime, ErrTime)
	})
	if !won {
		return ErrChanged
	}
	if !tried {
		http.Redirect(w, r, "/web", http.StatusSeeOther)
		return nil
	}
	started := make(chan struct{})
	go func() {
		defer close(started)
		s.start(a, hint, lang)
	}()
	select {
	case <-started:
	case <-time.After(startWait):
	case <-r.Context().Done():
	}
	// The waiting page can be loaded again, unlike the answer to a form.
	http.Redirect(w, r, "/web", http.StatusSeeOther)
	return nil
}

// mayWeb reports why web sign-in can't begin, or the name that its page begins with.
func (s *Screen) mayWeb(user string) (hint string, err error) {
	d, err := s.agent.Device()
	if err != nil {
		return "", err
	}
	if err := s.agent.Usable(); err != nil {
		return "", err
	}
	if locked := s.seat.Facts().Locked; locked != "" && user != locked {
		return "", ErrSomebodyElse
	}
	on := false
	for _, w := range s.circumstances(d, user, true).ways() {
		on = on || w.Method == Web
	}
	if !on {
		return "", agent.ErrNoWebSignIn
	}
	if user == "" {
		return "", nil
	}
	one, err := d.Accounts.Find(user)
	if err == nil && !one.Enabled {
		err = agent.ErrDisabled
	}
	return one.UPN, err
}

// start pushes the request and has the seat show the page. It ends with the attempt.
func (s *Screen) start(a *attempt, hint, lang string) {
	request, err := s.agent.StartWeb(a.ctx, s.seat.Redirect(), hint)
	if err == nil && s.still(a, func() { a.request = request }) {
		var next string
		next, err = s.seat.Show(a.ctx, Page{URL: request.URL, Attempt: a.id, Lang: lang})
		s.still(a, func() { a.show, a.plain = next, err != nil }) // a pass needs no browser
	}
	if err != nil {
		s.failWeb(a, err)
	}
	s.bell.ring()
}

// failWeb keeps an error on the screen, with the way to try again.
func (s *Screen) failWeb(a *attempt, err error) {
	t := s.tell(a.ctx, a, err)
	mine := s.still(a, func() {
		if a.step == signing {
			a.request, a.show, a.trouble = nil, "", t
			s.within(a, failTime, nil)
		}
	})
	if mine {
		s.seat.Hide()
		s.bell.ring()
	}
}

// failTime is how long a failure stays on the screen until the tiles are back.
const failTime = 5 * time.Minute

// showWeb serves GET /web.
func (s *Screen) showWeb(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	a := s.attempt
	at, to, user, forgot := a.step, a.show, a.user, a.forgot
	failed, sent := a.trouble != nil, a.sent
	a.sent = a.sent || a.show != ""
	plain, name := a.plain, a.name
	s.mu.Unlock()
	switch {
	case at != signing:
		to := places[at]
		if to == "" {
			to = "/"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	case to != "" && !failed && !sent:
		s.onward(w, r, to)
	default:
		if user == "" {
			user = other
		}
		s.page(w, r, http.StatusOK, webPage{s.frame(r, a), user, forgot, to, plain, name})
	}
	return nil
}

// back serves GET /?state=…, where the one browser of a virtual device returns from the
// identity provider. The navigation began there, so that it brings no cookie: what counts is that it
// answers the request of this attempt.
func (s *Screen) back(w http.ResponseWriter, r *http.Request) {
	next, err := s.returned(r.URL.Query())
	switch {
	case errors.Is(err, websignin.ErrAnswer):
		s.refuse(w, r)
		return
	case next == "":
		next = "/"
	}
	s.page(w, r, http.StatusOK, onwardPage{s.frame(r, nil), next})
}

// redeemTime is how long the server has to tell who signed in.
const redeemTime = 20 * time.Second

// Returned takes the answer of web sign-in from whoever got it. One that does not belong to
// the sign-in under way, or was given before, is websignin.ErrAnswer and changes nothing.
func (s *Screen) Returned(_ context.Context, answer url.Values) error {
	_, err := s.returned(answer)
	return err
}

func (s *Screen) returned(answer url.Values) (next string, err error) {
	s.mu.Lock()
	a := s.attempt
	request := a.request
	if request == nil || a.step != signing || !request.Ours(answer) {
		s.mu.Unlock()
		return "", websignin.ErrAnswer
	}
	a.request, a.show = nil, "" // the first answer is the only one
	s.mu.Unlock()
	s.seat.Hide()
	next, err = s.redeem(a, request, answer)
	if err = s.practised(a, err); err != nil {
		s.failWeb(a, err)
	}
	s.bell.ring()
	return next, err
}

// redeem learns who signed in, and does what comes next for them.
func (s *Screen) redeem(a *attempt, request *websignin.Request, answer url.Values) (next string, err error) {
	ctx, cancel := context.WithTimeout(a.ctx, redeemTime)
	defer cancel()
	p, err := s.agent.Redeem(ctx, request, answer)
	if errors.Is(err, websignin.ErrAnswer) {
		err = websignin.ErrRefused // it was ours, and did not fit
	}
	if err != nil {
		return "", err
	}
	return s.arrived(ctx, a, p)
}

// arrived does what comes next for somebody who signed in at the server.
func (s *Screen) arrived(ctx context.Context, a *attempt, p websignin.Person) (next string, err error) {
	account, err := s.agent.Welcome(ctx, p)
	if err != nil {
		return "", err
	}
	if locked := s.seat.Facts().Locked; locked != "" && locked != account.ID {
		return "", ErrSomebodyElse
	}
	if a.forgot && a.user != "" && a.user != account.ID {
		return "", ErrOther
	}
	d, err := s.agent.Device()
	if err != nil {
		return "", err
	}
	// A pass for a PIN opens no session: it is the new PIN that does.
	how, due := s.due(d, account.ID, p, a.forgot || !p.MayEnter())
	if !due && !p.MayEnter() {
		return "", websignin.ErrPurpose
	}
	if !due {
		return s.enterSession(a, Opening{Account: account, By: Web, PINDue: s.remind(d, account.ID)})
	}
	if !s.still(a, func() {
		a.person, a.account = p, account
		s.begin(a, account.ID, how)
	}) {
		return "", ErrChanged
	}
	return "", nil
}

// due returns how a person who signed in comes to a new PIN, and whether the wizard asks them
// now: after a strong sign-in, when they have none, one that is locked, or asked for it.
func (s *Screen) due(d *agent.Device, user string, p websignin.Person, forgot bool) (change, bool) {
	settings := d.Settings(user)
	if !p.MaySetPIN() || d.PINOffered(user) != nil || d.Settings("").On(devicepolicy.SharedMode) || s.mayPIN(user) != nil || s.agent.FreshLeft(p) <= 0 {
		return first, false
	}
	state := d.PINState(user)
	switch {
	case state == device.PINNone:
		return first, forgot || !settings.On(devicepolicy.DisablePostLogonProvisioning)
	case state == device.PINSet && !forgot:
		return first, false
	case settings.On(devicepolicy.EnablePINRecovery):
		return reset, true
	}
	return replace, true
}

// remind reports whether a person could have a PIN here and has none.
func (s *Screen) remind(d *agent.Device, user string) bool {
	return s.mayPIN(user) == nil && !d.Settings("").On(devicepolicy.SharedMode) && d.PINState(user) == device.PINNone
}

// Crashed tells that the browser of web sign-in has ended, or hangs. The screen says so, with
// a code that stays the same, and offers to try again.
func (s *Screen) Crashed(err error) {
	s.mu.Lock()
	a := s.attempt
	at := a.step
	s.mu.Unlock()
	if at == signing {
		s.failWeb(a, errors.Join(ErrBrowser, err))
		s.still(a, func() { a.plain = true })
	}
}

// Browser tells what came of trying the browser of web sign-in, before anybody needs it: nil
// when it works. The screen says so, and takes a pass itself meanwhile.
func (s *Screen) Browser(err error) {
	var f *fault.Error
	if err != nil {
		var ok bool
		if f, ok = errors.AsType[*fault.Error](err); !ok {
			f = ErrBrowser
		}
	}
	s.mu.Lock()
	same := s.broken == f || s.broken != nil && f != nil && s.broken.Code == f.Code
	s.broken = f
	s.mu.Unlock()
	if !same {
		s.bell.ring()
	}
}

// takePass serves POST /pass: name, accesspass. It stands in where the browser does not work,
// and is the same sign-in, question by question.
func (s *Screen) takePass(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	plain := a.plain && a.step == signing
	a.name = strings.TrimSpace(r.PostFormValue("name"))
	name := a.name
	s.mu.Unlock()
	if !plain {
		return ErrChanged
	}
	if d, err := s.agent.Device(); err == nil {
		name = d.FullName(name)
	}
	ctx, cancel := context.WithTimeout(during(a, r), redeemTime)
	defer cancel()
	p, err := s.agent.SignInWithPass(ctx, name, graphclient.NewSecret(r.PostFormValue("accesspass")))
	next := ""
	if err == nil {
		next, err = s.arrived(ctx, a, p)
	}
	if err := s.practised(a, err); err != nil {
		return err
	}
	if next == "" {
		next = "/"
	}
	s.onward(w, r, next)
	return nil
}
