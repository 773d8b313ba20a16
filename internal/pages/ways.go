package pages

import (
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

// ways are what a person can sign in with, in all, and what they may add.
type ways struct {
	credentials []method.Credential // oldest first
	pins        []hello.Container
	offers      []signin.Offer
	open        []registrar
}

func (s *Site) ways(r *http.Request, me knownAccount) (w ways, err error) {
	tenant, user := me.session.Tenant, me.user.ID
	if w.credentials, err = s.Registry.Store.Credentials(r.Context(), tenant, user); err != nil {
		return w, err
	}
	if w.credentials, err = s.withoutOff(r, tenant, w.credentials); err != nil {
		return w, err
	}
	if w.pins, err = s.PINs.ContainersOf(r.Context(), tenant, user); err != nil {
		return w, err
	}
	if w.offers, err = s.SignIn.Ways(r.Context(), tenant, user); err != nil {
		return w, err
	}
	w.open, err = s.openTo(r, me)
	return w, err
}

// openTo returns the methods that policy lets the person add themselves, best first.
func (s *Site) openTo(r *http.Request, me knownAccount) ([]registrar, error) {
	var all []registrar
	for _, one := range registrars {
		ok, err := s.SignIn.MayRegister(r.Context(), me.session.Tenant, me.user.ID, one.id)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, one)
		}
	}
	return all, nil
}

// Registrars are the ids of the methods that people can add themselves, best first.
func Registrars() []signin.MethodID {
	var all []signin.MethodID
	for _, one := range registrars {
		all = append(all, one.id)
	}
	return all
}

// strong reports whether the person can sign in without a pass when the methods with the given
// ids are gone.
func (w ways) strong(gone ...string) bool {
	for _, p := range w.pins {
		if !p.Unreadable && !slices.Contains(gone, p.Method) {
			return true
		}
	}
	var factors signin.Factors
	for _, o := range w.offers {
		if o.Method != tap.MethodID && w.left(o.Method, gone) {
			factors |= o.Yield.Factors
		}
	}
	return factors.Multi()
}

// resistant reports whether something of the person's works that resists phishing.
func (w ways) resistant() bool {
	return slices.ContainsFunc(w.pins, func(p hello.Container) bool { return !p.Unreadable }) ||
		slices.ContainsFunc(w.offers, func(o signin.Offer) bool { return o.Yield.PhishingResistant && w.left(o.Method, nil) })
}

// left reports whether there is a method of that kind that works and is not gone.
func (w ways) left(kind signin.MethodID, gone []string) bool {
	return slices.ContainsFunc(w.credentials, func(c method.Credential) bool {
		return c.Kind == kind && c.Works() && !slices.Contains(gone, c.ID)
	})
}

// only returns the id of the one method whose loss leaves the person with nothing but a pass, or
// "" when there are several, or none.
func (w ways) only() string {
	if !w.strong() {
		return ""
	}
	found := ""
	for _, id := range w.ids() {
		if !w.strong(id) {
			if found != "" {
				return found // any of several that are needed together
			}
			found = id
		}
	}
	return found
}

func (w ways) ids() []string {
	var all []string
	for _, c := range w.credentials {
		all = append(all, c.ID)
	}
	for _, p := range w.pins {
		all = append(all, p.Method)
	}
	return all
}

// iconOf is the symbol of a kind of method.
func iconOf(kind signin.MethodID) string {
	if page, ok := methodPageOf(kind); ok {
		return page.icon
	}
	return "key"
}

// ownCredential returns a method of the person, or method.ErrNone.
func (s *Site) ownCredential(r *http.Request, me knownAccount, id string) (method.Credential, error) {
	if !directory.IsID(id) {
		return method.Credential{}, method.ErrNone
	}
	// Of the list, which has what can't be read, too: it can be removed.
	all, err := s.Registry.Store.Credentials(r.Context(), me.session.Tenant, me.user.ID)
	if err != nil {
		return method.Credential{}, err
	}
	if i := slices.IndexFunc(all, func(c method.Credential) bool { return c.ID == id }); i >= 0 {
		return all[i], nil
	}
	return method.Credential{}, method.ErrNone
}
