package pages

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/request"
)

// managePage is manage.html: one method of a person, with what can be done about it. Its forms
// carry the field method, its id; the new name is in the field name.
type managePage struct {
	frame
	Name        string
	SignOutHref string
	BackHref    string
	Method      ownMethod
	PIN         bool
	From        string    // browser and address where it was added; may be empty
	ByAdmin     bool      // an administrator added it
	ByPass      bool      // it was added after a sign-in with a pass
	FreshUntil  time.Time // zero when a change needs another proof
	ProveHref   string
	Last        bool // without it only a pass is left
	Confirm     bool // asks once more before it is removed
	NewName     string

	RenameAction, RemoveAction, DisownAction, ThawAction string
}

func (managePage) file() string { return "manage.html" }

// showMethod serves GET /security-info/method/{id}.
func (s *Site) showMethod(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	p, err := s.managePage(r, me, r.PathValue("id"))
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

func methodHref(id string) string { return "/security-info/method/" + id }

func (s *Site) managePage(r *http.Request, me knownAccount, id string) (managePage, error) {
	tenant, err := s.tenant(r.Context(), me.session.Tenant)
	if err != nil {
		return managePage{}, err
	}
	p := managePage{
		frame: s.frame(r, tenant), Name: me.user.DisplayName, SignOutHref: signOutHref(tenant), BackHref: "/security-info", ProveHref: proveHref(methodHref(id)),
		RenameAction: "/security-info/rename", RemoveAction: removePath, DisownAction: "/security-info/disown", ThawAction: "/security-info/thaw",
	}
	if until := method.FreshUntil(me.session); s.Now().Before(until) {
		p.FreshUntil = until
	}
	w, err := s.ways(r, me)
	if err != nil {
		return p, err
	}
	p.Last = w.strong() && !w.strong(id)
	if c, err := s.ownCredential(r, me, id); err == nil {
		p.Method = s.credentialRow(p.Lang, c)
		p.NewName, p.From, p.ByAdmin, p.ByPass = c.Name, c.Origin.Browser, c.Origin.By != "", c.Origin.Pass != ""
		return p, nil
	}
	c, err := s.ownPIN(r, me, id)
	if err != nil {
		return p, err
	}
	p.PIN, p.ByPass = true, c.Pass != ""
	p.Method, err = s.pinRow(r, me, p.Lang, c)
	return p, err
}

// ownPIN returns a device PIN of the person, or method.ErrNone.
func (s *Site) ownPIN(r *http.Request, me knownAccount, id string) (hello.Container, error) {
	if !directory.IsID(id) {
		return hello.Container{}, method.ErrNone
	}
	all, err := s.PINs.ContainersOf(r.Context(), me.session.Tenant, me.user.ID)
	if err != nil {
		return hello.Container{}, err
	}
	if i := slices.IndexFunc(all, func(c hello.Container) bool { return c.Method == id }); i >= 0 {
		return all[i], nil
	}
	return hello.Container{}, method.ErrNone
}

// changing returns a credential that the person may change; else the answer is written.
func (s *Site) changing(w http.ResponseWriter, r *http.Request) (me knownAccount, c method.Credential, ok bool, err error) {
	id := r.PostFormValue("method")
	if me, ok, err = s.fresh(w, r, ownPath(methodHref(id))); err != nil || !ok {
		return me, c, false, err
	}
	c, err = s.ownCredential(r, me, id)
	return me, c, err == nil, err
}

// renameMethod serves POST /security-info/rename.
func (s *Site) renameMethod(w http.ResponseWriter, r *http.Request) error {
	me, c, ok, err := s.changing(w, r)
	if err != nil || !ok {
		return err
	}
	err = s.Registry.Rename(r.Context(), c, r.PostFormValue("name"), me.user, self(r, me))
	if f, bad := errors.AsType[*fault.Error](err); bad {
		p, err := s.managePage(r, me, c.ID)
		if err != nil {
			return err
		}
		var status int
		p.Fault, status = s.told(r, f)
		p.NewName = r.PostFormValue("name")
		s.render(w, r, status, p)
		return nil
	}
	if err != nil {
		return err
	}
	return redirect(w, r, doneHref("renamed"))
}

const removePath = "/security-info/remove"

// removeMethod serves POST /security-info/remove: a person removes a method of their own. All
// but the pass needs a fresh proof, so that a browser that was left open gives nobody the power
// to lock its owner out; the last one needs the field confirmed.
func (s *Site) removeMethod(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	id := r.PostFormValue("method")
	if pass, err := s.ownPass(r, me); err != nil || pass != nil && pass.ID == id {
		if err == nil {
			err = s.removePass(r, me, id)
		}
		if err != nil {
			return err
		}
		return redirect(w, r, doneHref("removed"))
	}
	if me, ok, err = s.fresh(w, r, ownPath(methodHref(id))); err != nil || !ok {
		return err
	}
	p, err := s.managePage(r, me, id)
	if err != nil {
		return err
	}
	if p.Last && r.PostFormValue("confirmed") != "yes" {
		p.Confirm = true
		s.render(w, r, http.StatusOK, p)
		return nil
	}
	if err := s.removeOwn(r, me, id); err != nil {
		return err
	}
	return redirect(w, r, doneHref("removed"))
}

// removeOwn removes a credential or device PIN of the person.
func (s *Site) removeOwn(r *http.Request, me knownAccount, id string) error {
	c, err := s.ownCredential(r, me, id)
	if err == nil {
		return s.Registry.Remove(r.Context(), c, me.user, self(r, me))
	}
	if !errors.Is(err, method.ErrNone) {
		return err
	}
	pin, err := s.ownPIN(r, me, id)
	if err != nil {
		return err
	}
	return s.removePIN(r, me, pin)
}

// disownMethod serves POST /security-info/disown: the person says that they did not add a
// method. It is frozen, with all that came from the session that added it.
func (s *Site) disownMethod(w http.ResponseWriter, r *http.Request) error {
	me, c, ok, err := s.changing(w, r)
	if err != nil || !ok {
		return err
	}
	d := method.Dispute{
		Tenant: c.Tenant, User: c.User, Credential: c.ID, Session: c.Origin.Session,
		Event: uuid.NewString(), EndsAt: s.Now().Add(method.DisputeWithin), SignedIn: true,
	}
	if err := s.Registry.Dispute(r.Context(), d, me.user, request.From(r.Context()).CorrelationID); err != nil {
		return err
	}
	return redirect(w, r, doneHref("frozen"))
}

// thawMethod serves POST /security-info/thaw: the method is the person's after all.
func (s *Site) thawMethod(w http.ResponseWriter, r *http.Request) error {
	me, c, ok, err := s.changing(w, r)
	if err != nil || !ok {
		return err
	}
	estate, err := s.Registry.Store.Estate(r.Context(), me.session.Tenant, me.user.ID, s.Now())
	if err != nil {
		return err
	}
	if err := method.MayThaw(me.session, c, estate, s.Now()); err != nil {
		return err
	}
	if err := s.Registry.Thaw(r.Context(), c, me.user, self(r, me)); err != nil {
		return err
	}
	return redirect(w, r, doneHref("thawed"))
}

// dones are the words for what was just done.
var dones = map[string]string{
	"added": "change_done_added", "renamed": "change_done_renamed", "removed": "change_done_removed",
	"frozen": "change_done_frozen", "thawed": "change_done_thawed", "lost": "change_done_lost",
}

func doneHref(what string) string { return "/security-info?done=" + what }
