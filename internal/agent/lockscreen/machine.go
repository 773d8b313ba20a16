package lockscreen

import (
	"errors"
	"net/http"
	"net/url"
)

// networkPage is network.html: the networks within reach.
type networkPage struct {
	frame
	All    []AccessPoint
	Chosen *AccessPoint // whose passphrase is asked
}

func (networkPage) file() string { return "network.html" }

// showNetwork serves GET /network?id=….
func (s *Screen) showNetwork(w http.ResponseWriter, r *http.Request) error {
	if s.network == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	s.mu.Lock()
	a := s.attempt
	s.mu.Unlock()
	p := networkPage{frame: s.frame(r, a)}
	all, err := s.network.List(r.Context())
	if err != nil {
		p.Trouble = s.tell(r.Context(), a, err)
	}
	p.All = all
	for i, one := range all {
		if one.ID == r.URL.Query().Get("id") && one.Secured && !one.Known {
			p.Chosen = &all[i]
		}
	}
	s.page(w, r, http.StatusOK, p)
	return nil
}

// takeNetwork serves POST /network: id, secret.
func (s *Screen) takeNetwork(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.current(r); err != nil {
		return err
	}
	if s.network == nil {
		return ErrNetwork
	}
	id := r.PostFormValue("id")
	if err := s.network.Connect(r.Context(), id, r.PostFormValue("secret")); err != nil {
		s.fail(r.Context(), err)
		http.Redirect(w, r, "/network?"+url.Values{"id": {id}}.Encode(), http.StatusSeeOther)
		return nil
	}
	s.forgetReach()
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// forgetReach has the network looked at anew.
func (s *Screen) forgetReach() {
	s.mu.Lock()
	s.reach.at = s.reach.at.Add(-lookAgain)
	s.mu.Unlock()
	s.bell.ring()
}

// powerPage is power.html: switch off, or start anew.
type powerPage struct {
	frame
	Locked bool // somebody's session runs
}

func (powerPage) file() string { return "power.html" }

// showPower serves GET /power.
func (s *Screen) showPower(w http.ResponseWriter, r *http.Request) error {
	f := s.seat.Facts()
	if !f.CanPower {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	s.mu.Lock()
	a := s.attempt
	s.mu.Unlock()
	s.page(w, r, http.StatusOK, powerPage{s.frame(r, a), f.Locked != ""})
	return nil
}

// takePower serves POST /power: action.
func (s *Screen) takePower(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.current(r); err != nil {
		return err
	}
	action := Action(r.PostFormValue("action"))
	if action != Restart && action != Off {
		return ErrChanged
	}
	if err := s.seat.Power(r.Context(), action); err != nil && !errors.Is(err, ErrNoPower) {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
