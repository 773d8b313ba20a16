package lockscreen

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/accounts"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
)

// lockPage is lock.html: people, and the doorway of one of them.
type lockPage struct {
	frame
	Person  tile
	Ways    []way
	Chosen  Method    // which of them is in the doorway; empty when none is
	Why     Reason    // why that is not possible
	Digits  bool      // PINs are digits only
	Refused *trouble  // why nobody can sign in, or this person can't
	Until   time.Time // end of what a PIN may do without the server; zero while it is not said
	Ends    time.Time // when their PIN expires, if that is soon
	Remind  bool      // a PIN could be set up, and was not
	Locked  bool      // a session runs
	Forgot  bool      // the way to a new PIN is offered
	Globe   bool      // web sign-in is
}

func (lockPage) file() string { return "lock.html" }

// other is the tile of people whom the screen does not show.
const other = "other"

// showLock serves GET /?person=…&way=…&lang=….
func (s *Screen) showLock(w http.ResponseWriter, r *http.Request) error {
	if lang := r.URL.Query().Get("lang"); slices.Contains(design.Languages, lang) {
		s.mu.Lock()
		s.lang = lang
		s.mu.Unlock()
	}
	s.mu.Lock()
	a := s.attempt
	at := a.step
	if asked := r.URL.Query().Get("person"); asked != "" && at == choosing {
		user := strings.TrimPrefix(asked, other)
		if user != a.user {
			a.user, a.trouble = user, nil
		}
	}
	s.mu.Unlock()
	if at == leaving {
		s.page(w, r, http.StatusOK, openingPage{s.frame(r, nil), a.account.DisplayName})
		return nil
	}
	if to, ok := places[at]; ok {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	p := s.lockPage(r, a, Method(r.URL.Query().Get("way")), r.URL.Query().Has("person"))
	s.page(w, r, http.StatusOK, p)
	return nil
}

// places are where an attempt goes on that is past the tiles.
var places = map[step]string{signing: "/web", losing: "/forgot", setting: "/new-pin", practising: "/practice"}

func (s *Screen) lockPage(r *http.Request, a *attempt, asked Method, chosen bool) lockPage {
	p := lockPage{frame: s.frame(r, a)}
	d, err := s.agent.Device()
	if err == nil {
		err = s.agent.Usable()
	}
	if err != nil {
		p.Refused = s.refusal(r.Context(), a, err)
		return p
	}
	locked := s.seat.Facts().Locked
	p.Locked = locked != ""
	people := shown(d, locked)
	user := s.doorway(a, people, d.Habits.Last(), locked, chosen)
	p.Tiles = tiles(people, user, locked == "")
	p.Person = p.Tiles[slices.IndexFunc(p.Tiles, func(t tile) bool { return t.Current })]
	c := s.circumstances(d, user, p.Online)
	p.Ways = c.ways()
	p.Chosen = c.choose(p.Ways, asked)
	if i := slices.IndexFunc(p.Ways, func(w way) bool { return w.Method == p.Chosen }); i >= 0 {
		p.Why = p.Ways[i].Why
	}
	p.Globe = slices.ContainsFunc(p.Ways, func(w way) bool { return w.Method == Web })
	p.Digits = digitsOnly(container.RulesFrom(d.Settings(user).Effective()))
	if user == "" {
		return p
	}
	if account, err := d.Accounts.Find(user); err == nil && !account.Enabled {
		p.Refused, p.Ways, p.Chosen = faultOf(agent.ErrDisabled), nil, ""
		return p
	}
	pinWay := slices.ContainsFunc(p.Ways, func(w way) bool { return w.Method == PIN })
	p.Remind = pinWay && c.pin == device.PINNone && c.webOn
	p.Forgot = pinWay && c.pin != device.PINNone && c.webOn
	if ends := d.PINEnds(user); c.pin == device.PINSet && !ends.IsZero() && ends.Sub(s.now()) < container.WarnFor {
		p.Ends = ends.In(p.Now.Location())
	}
	if left, err := d.Offline(user); err == nil && !p.Online && c.pin == device.PINSet {
		p.Until = p.Now.Add(left)
	}
	return p
}

// doorway returns who stands in it: the person of the attempt, else who was here last, else
// the first of the tiles.
func (s *Screen) doorway(a *attempt, people []device.Account, last, locked string, chosen bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	has := func(id string) bool {
		return slices.ContainsFunc(people, func(p device.Account) bool { return p.ID == id })
	}
	switch {
	case locked != "":
		a.user = locked
	case has(a.user), a.user == "" && chosen:
	case has(last):
		a.user = last
	case len(people) > 0:
		a.user = people[0].ID
	default:
		a.user = ""
	}
	return a.user
}

// The values of the setting UserList.
const (
	listAll = iota
	listNobody
	listPersonal
)

// shown returns the people whom policy lets the screen show. Whose session is locked is shown
// in any case, and alone.
func shown(d *agent.Device, locked string) []device.Account {
	all := d.Accounts.All()
	if locked != "" {
		return slices.DeleteFunc(all, func(a device.Account) bool { return a.ID != locked })
	}
	settings := d.Settings("")
	list := settings[devicepolicy.UserList].Value.Int()
	if settings.On(devicepolicy.SharedMode) || list == listNobody || list == listPersonal && d.Identity().JoinType != device.Registered {
		return nil
	}
	return all
}

func tiles(people []device.Account, current string, others bool) []tile {
	var all []tile
	for _, a := range people {
		name := a.DisplayName
		if name == "" {
			name = a.UPN
		}
		all = append(all, tile{a.ID, name, initials(name), a.ID == current})
	}
	if others || len(all) == 0 {
		all = append(all, tile{ID: other, Current: current == ""})
	}
	return all
}

func (s *Screen) circumstances(d *agent.Device, user string, online bool) circumstances {
	machine := d.Settings("")
	_, offline := d.Offline(user)
	c := circumstances{
		known: user != "", pinOn: d.PINOffered(user) == nil, webOn: machine.On(devicepolicy.EnableWebSignIn), keyOn: machine.On(devicepolicy.UseSecurityKey),
		excluded: machine[devicepolicy.ExcludedCredentialProviders].Value.List(), preferred: machine[devicepolicy.DefaultCredentialProvider].Value.Text(),
		shared: machine.On(devicepolicy.SharedMode), online: online, offline: offline == nil,
	}
	if user != "" {
		c.pin, c.damaged = d.PINState(user), d.PINDamaged(user)
	}
	if !c.shared {
		c.last = Method(d.Habits.Way(user))
	}
	return c
}

// refusal says why nobody may use the device.
func (s *Screen) refusal(ctx context.Context, a *attempt, err error) *trouble {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return faultOf(f)
	}
	return s.tell(ctx, a, err)
}

// takePIN serves POST /pin: person, or name for other people; pin.
func (s *Screen) takePIN(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	user, named, err := s.whose(r)
	if err != nil {
		return err
	}
	if locked := s.seat.Facts().Locked; locked != "" && locked != user {
		return ErrSomebodyElse
	}
	if err := s.mayPIN(user); err != nil {
		return err
	}
	out, err := s.agent.Unlock(during(a, r), user, r.PostFormValue("pin"))
	switch {
	case errors.Is(err, agent.ErrPINAge):
		if !s.still(a, func() { s.begin(a, user, byPIN) }) {
			return ErrChanged
		}
		http.Redirect(w, r, "/new-pin", http.StatusSeeOther)
		return nil
	case err != nil && named:
		return unnamed(err)
	case err != nil:
		return err
	}
	account, err := s.account(user)
	if err != nil {
		return err
	}
	return s.open(w, r, a, Opening{Account: account, By: PIN, Offline: out.Offline, Left: out.Left, Ends: out.Ends})
}

// whose returns the person that a form is about: a tile, or the name that was typed.
func (s *Screen) whose(r *http.Request) (user string, named bool, err error) {
	d, err := s.agent.Device()
	if err != nil {
		return "", false, err
	}
	person, name := r.PostFormValue("person"), strings.TrimSpace(r.PostFormValue("name"))
	if person != other && person != "" {
		a, err := d.Accounts.Find(person)
		return a.ID, false, err
	}
	a, err := d.Accounts.Find(name)
	if errors.Is(err, accounts.ErrUnknown) && !strings.Contains(name, "@") {
		a, err = d.Accounts.Find(d.FullName(name))
	}
	if err != nil {
		return "", true, ErrNameOrPIN
	}
	return a.ID, true, nil
}

// unnamed tells who typed a name no more than that it did not work, except before the last
// try and after it: names are not to be tried out here.
func unnamed(err error) error {
	if wrong, ok := errors.AsType[container.Wrong](err); ok && wrong.Left <= 1 {
		return err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Unauthorized && f.Kind != fault.NotFound {
		return err
	}
	return errors.Join(ErrNameOrPIN, err)
}

// mayPIN reports why a PIN is not taken on this screen, or nil.
func (s *Screen) mayPIN(user string) error {
	d, err := s.agent.Device()
	if err != nil {
		return err
	}
	c := s.circumstances(d, user, true)
	if !slices.ContainsFunc(c.ways(), func(w way) bool { return w.Method == PIN }) {
		return agent.ErrNoPIN
	}
	return nil
}

func (s *Screen) account(user string) (device.Account, error) {
	d, err := s.agent.Device()
	if err != nil {
		return device.Account{}, err
	}
	return d.Accounts.Find(user)
}

// during returns the context of a request for attempt a: it ends with either.
func during(a *attempt, r *http.Request) context.Context {
	ctx, stop := context.WithCancel(a.ctx)
	context.AfterFunc(r.Context(), stop)
	return ctx
}
