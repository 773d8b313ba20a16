package pages

import (
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// lostPage is lost.html: a phone or a key is gone. What it held is ticked off and removed, in
// fields method and session, before the person goes on to add what replaces it.
type lostPage struct {
	frame
	Name        string
	SignOutHref string
	BackHref    string
	Phone       bool // else a key
	Methods     []lostThing
	Sessions    []lostThing
	OnlyPass    bool // without all that could be lost only a pass is left
	FreshUntil  time.Time
	ProveHref   string
}

// A lostThing may be removed.
type lostThing struct {
	ID      string
	Icon    string
	Name    string
	Text    string
	UsedAt  time.Time
	Checked bool
}

func (lostPage) file() string { return "lost.html" }

// Kinds that the methods on phones and keys have. Package names would say it better, but a page
// of one method is no business of the others.
const (
	passkeyKind signin.MethodID = "passkey"
	phoneKind   signin.MethodID = "authenticator"
)

// losses are the guides: what may be gone with a thing, which of it surely is, and what replaces
// it, best first.
var losses = map[string]struct{ held, surely, replace []signin.MethodID }{
	"phone": {[]signin.MethodID{phoneKind, totp.MethodID, passkeyKind}, []signin.MethodID{phoneKind, totp.MethodID}, []signin.MethodID{phoneKind, totp.MethodID, passkeyKind}},
	"key":   {[]signin.MethodID{passkeyKind}, nil, []signin.MethodID{passkeyKind}},
}

// phoneSystems are what browsers on phones say they run on.
var phoneSystems = []string{"Android", "iOS", "iPadOS"}

const lostPath = "/security-info/lost/"

// showLost serves GET /security-info/lost/{what}.
func (s *Site) showLost(w http.ResponseWriter, r *http.Request) error {
	what := r.PathValue("what")
	if _, known := losses[what]; !known {
		return method.ErrNone
	}
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	p, err := s.lostPage(r, me, what)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

func (s *Site) lostPage(r *http.Request, me knownAccount, what string) (lostPage, error) {
	tenant, err := s.tenant(r.Context(), me.session.Tenant)
	if err != nil {
		return lostPage{}, err
	}
	p := lostPage{
		frame: s.frame(r, tenant), Name: me.user.DisplayName, SignOutHref: signOutHref(tenant), BackHref: "/security-info",
		Phone: what == "phone", ProveHref: proveHref(lostPath + what),
	}
	p.Action = lostPath + what
	if until := method.FreshUntil(me.session); s.Now().Before(until) {
		p.FreshUntil = until
	}
	w, err := s.ways(r, me)
	if err != nil {
		return p, err
	}
	var gone []string
	for _, c := range w.credentials {
		if !slices.Contains(losses[what].held, c.Kind) {
			continue
		}
		gone = append(gone, c.ID)
		row := s.credentialRow(p.Lang, c)
		p.Methods = append(p.Methods, lostThing{
			ID: c.ID, Icon: row.Icon, Name: row.Name, Text: row.Kind, UsedAt: c.UsedAt, Checked: slices.Contains(losses[what].surely, c.Kind),
		})
	}
	if len(p.Methods) == 1 {
		p.Methods[0].Checked = true // there is nothing else that it could be
	}
	p.OnlyPass = w.strong() && !w.strong(gone...)
	if p.Phone {
		p.Sessions, err = s.phoneSessions(r, me)
	}
	return p, err
}

// phoneSessions are the person's sessions in browsers that say they are on a phone.
func (s *Site) phoneSessions(r *http.Request, me knownAccount) ([]lostThing, error) {
	all, err := s.SignIn.Store.Sessions(r.Context(), me.session.Tenant, me.user.ID, s.Now())
	var found []lostThing
	for _, one := range all {
		_, system := signin.DescribeAgent(one.UserAgent)
		if one.ID != me.session.ID && one.Method == "" && one.Device == nil && slices.Contains(phoneSystems, system) {
			found = append(found, lostThing{ID: one.ID, Icon: "globe", Name: one.Where(), Text: one.Address, UsedAt: one.SeenAt, Checked: true})
		}
	}
	return found, err
}

// takeLost serves POST /security-info/lost/{what}: removes what was ticked, ends what came from
// it, and leads to what replaces it.
func (s *Site) takeLost(w http.ResponseWriter, r *http.Request) error {
	what := r.PathValue("what")
	loss, known := losses[what]
	if !known {
		return method.ErrNone
	}
	me, ok, err := s.fresh(w, r, lostPath+what)
	if err != nil || !ok {
		return err
	}
	// What may be removed here is what the page shows: other ids are of somebody else, or gone.
	p, err := s.lostPage(r, me, what)
	if err != nil {
		return err
	}
	for _, one := range p.Methods {
		if slices.Contains(r.PostForm["method"], one.ID) {
			if err := s.removeOwn(r, me, one.ID); err != nil {
				return err
			}
		}
	}
	for _, one := range p.Sessions {
		if slices.Contains(r.PostForm["session"], one.ID) {
			e := s.ownEvent(r, me, endedChange(audit.SessionEnded))
			if err := s.SignIn.Store.EndSessions(r.Context(), me.session.Tenant, me.user.ID, one.ID, s.Now(), e); err != nil {
				return err
			}
		}
	}
	open, err := s.openTo(r, me)
	if err != nil {
		return err
	}
	for _, kind := range loss.replace {
		if slices.ContainsFunc(open, func(one registrar) bool { return one.id == kind }) {
			return redirect(w, r, addPath+"/"+string(kind))
		}
	}
	return redirect(w, r, doneHref("lost"))
}
