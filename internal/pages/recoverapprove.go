package pages

import (
	"net/http"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/request"
)

// approvePage is approve.html: the manager of somebody who asks for help, or a colleague, says
// whether it is them. Field answer is yes or no, number what the person read out, way where the
// pass is shown: there, or me.
type approvePage struct {
	frame
	Manager  bool // else a colleague
	Name     string
	Username string
	Title    string
	Lost     []string
	OpenedAt time.Time
	From     string    // browser, system and address in which they asked
	Done     string    // approved, vouched, refused, over, keyless; "" before
	SaidAt   time.Time // when the reader said it, earlier
	NoPhone  bool      // theirs is gone
	Newer    *newerAsk
	AddHref  string // where the reader adds what it takes to answer; "" where they may not
	Handed   bool   // the pass is in a mail to the reader
	Changed  []approveChange
	There    bool // the pass may be shown where they asked
	Me       bool // it may come to the reader
	Roles    bool // an administrator has to approve, too
}

// A newerAsk is a later request of the same person, or in their name.
type newerAsk struct {
	At   time.Time
	From string
	Href string
}

// An approveChange is something of the person that changed a short time ago.
type approveChange struct {
	Name string
	At   time.Time
}

func (approvePage) file() string { return "approve.html" }

const (
	approvePath = recoverPath + "/approve/"
	vouchPath   = recoverPath + "/vouch/"
)

// ApproveLink is where a manager approves a case, and VouchLink where a colleague vouches.
func ApproveLink(tenant directory.TenantID, id string) string {
	return approvePath + string(tenant) + "/" + id
}

// VouchLink is where a colleague vouches.
func VouchLink(tenant directory.TenantID, id string) string {
	return vouchPath + string(tenant) + "/" + id
}

func (s *Site) showApprove(w http.ResponseWriter, r *http.Request) error {
	return s.showVoice(w, r, true)
}

func (s *Site) showVouch(w http.ResponseWriter, r *http.Request) error {
	return s.showVoice(w, r, false)
}

func (s *Site) takeApprove(w http.ResponseWriter, r *http.Request) error {
	return s.takeVoice(w, r, true)
}

func (s *Site) takeVouch(w http.ResponseWriter, r *http.Request) error {
	return s.takeVoice(w, r, false)
}

// voice is who has something to say about a case: freshly signed in by what resists phishing, and
// the manager or a colleague of the person. Else the answer is written.
func (s *Site) voice(w http.ResponseWriter, r *http.Request, manager bool) (me knownAccount, v recovery.View, ok bool, err error) {
	tenant, id := directory.TenantID(r.PathValue("tenant")), r.PathValue("case")
	if !directory.IsID(string(tenant)) || !directory.IsID(id) {
		return me, v, false, recovery.ErrUnknown
	}
	if _, err := s.Tenants.Tenant(r.Context(), tenant); err != nil {
		return me, v, false, recovery.ErrUnknown
	}
	for _, a := range s.accounts(r) {
		if a.session.Tenant == tenant {
			me = a
			break
		}
	}
	back := r.URL.Path
	if since := resistantSince(me.session); me.user.ID == "" || since.IsZero() || s.Now().Sub(since) > handover.Fresh {
		if has, err := s.resists(r, me); err != nil || !has {
			return me, v, false, s.renderKeyless(w, r, me, manager, err)
		}
		return me, v, false, s.proveResistant(w, r, tenant, me, back)
	}
	c, err := s.Cases.Cases.Case(r.Context(), tenant, id)
	if err != nil {
		return me, v, false, err
	}
	if v, err = s.Cases.View(r.Context(), c); err != nil {
		return me, v, false, err
	}
	if manager {
		if !v.Subject.ManagedBy(me.user.ID, v.Policy, s.Now()) {
			return me, v, false, recovery.ErrNotManager
		}
		return me, v, true, nil
	}
	them, err := s.Cases.Subject(r.Context(), tenant, me.user.ID)
	if err == nil && !v.Subject.Colleague(them, v.Policy, s.Now()) {
		err = recovery.ErrNotColleague
	}
	return me, v, err == nil, err
}

func (s *Site) showVoice(w http.ResponseWriter, r *http.Request, manager bool) error {
	me, v, ok, err := s.voice(w, r, manager)
	if err != nil || !ok {
		return err
	}
	p := approvePage{Manager: manager, SaidAt: v.SaidAt(v.Policy, me.user.ID, manager, s.Now())}
	return s.renderVoice(w, r, v, p, nil)
}

// resists reports whether the person of a session has anything that resists phishing; so it does
// without a session, when nobody knows.
func (s *Site) resists(r *http.Request, me knownAccount) (bool, error) {
	if me.user.ID == "" {
		return true, nil
	}
	w, err := s.ways(r, me)
	return w.resistant(), err
}

// renderKeyless says what it takes to answer to somebody who has nothing of it, and nothing of the case.
func (s *Site) renderKeyless(w http.ResponseWriter, r *http.Request, me knownAccount, manager bool, err error) error {
	if err != nil {
		return err
	}
	tenant, err := s.tenant(r.Context(), me.session.Tenant)
	if err != nil {
		return err
	}
	p := approvePage{frame: s.frame(r, tenant), Manager: manager, Done: "keyless"}
	may, err := s.SignIn.MayRegister(r.Context(), me.session.Tenant, me.user.ID, passkeyKind)
	if err != nil {
		return err
	}
	if may {
		p.AddHref = addPasskeyPath
	}
	s.render(w, r, http.StatusForbidden, p)
	return nil
}

// addPasskeyPath is where somebody adds a passkey or a security key.
const addPasskeyPath = addPath + "/" + string(passkeyKind)

// newer returns the newest request that waits and was made after v at the sign-in page, or nil.
func (s *Site) newer(r *http.Request, v recovery.View) (*newerAsk, error) {
	all, err := s.Cases.Waiting(r.Context(), v.Tenant, v.User)
	for _, c := range all { // newest first
		if c.Opener.Kind == recovery.BySelf && c.OpenedAt.After(v.OpenedAt) {
			return &newerAsk{c.OpenedAt, c.Opener.From, ApproveLink(v.Tenant, c.ID)}, err
		}
	}
	return nil, err
}

func (s *Site) renderVoice(w http.ResponseWriter, r *http.Request, v recovery.View, p approvePage, why error) error {
	status := http.StatusOK
	p.frame = s.frame(r, v.Subject.Tenant)
	if why != nil {
		if p.Fault, status = s.told(r, why); p.Fault == nil {
			return why
		}
	}
	p.Action = r.URL.Path
	u := v.Subject.User
	p.Name, p.Username, p.Title, p.OpenedAt, p.From = u.DisplayName, u.UserPrincipalName, u.JobTitle, v.OpenedAt, v.Opener.From
	hands := v.Policy.HandsOf(v.Subject.Class)
	p.There, p.Me = slices.Contains(hands, recovery.HandBrowser), slices.Contains(hands, recovery.HandManager)
	p.Roles = v.Subject.Class != recovery.Everyone
	for _, f := range v.Lost {
		p.Lost = append(p.Lost, s.View.Text(p.Lang, "recover_lost_"+string(f)))
	}
	p.NoPhone = slices.ContainsFunc(v.Lost, func(f recovery.Failure) bool { return slices.Contains(phoneGone, f) })
	if p.Manager { // who knows whether the number that they would call is the right one
		for _, one := range v.Changes() {
			if !one.Counts {
				p.Changed = append(p.Changed, approveChange{s.View.Text(p.Lang, "approve_field_"+one.Property), one.At})
			}
		}
		if p.Done == "" {
			var err error
			if p.Newer, err = s.newer(r, v); err != nil {
				return err
			}
		}
	}
	if p.Done == "" && p.Fault == nil && !v.State.Waits() {
		p.Done = "over"
	}
	s.render(w, r, status, p)
	return nil
}

// phoneGone is what leaves somebody without a phone to be called on.
var phoneGone = []recovery.Failure{"phoneLost", "deviceAndPhoneLost", "everythingLost"}

// takeVoice serves the answer of a manager or a colleague.
func (s *Site) takeVoice(w http.ResponseWriter, r *http.Request, manager bool) error {
	me, v, ok, err := s.voice(w, r, manager)
	if err != nil || !ok {
		return err
	}
	p := approvePage{Manager: manager}
	ref, by := s.ref(v.Tenant, v.ID), s.voter(r, me)
	by.Number = r.PostFormValue("number")
	switch answer := r.PostFormValue("answer"); {
	case answer == "no" && manager:
		if v.Case, err = s.Cases.Refuse(r.Context(), ref, "", by); err != nil {
			return s.renderVoice(w, r, v, p, err)
		}
		p.Done = "refused"
	case answer != "yes":
	case by.Number == "": // here it is asked for; what is wrong is refused with the step
		return s.renderVoice(w, r, v, p, recovery.ErrCaseNumber)
	case manager:
		if v.Case, err = s.Cases.Approve(r.Context(), ref, recovery.AsManager, "", by); err != nil {
			return s.renderVoice(w, r, v, p, err)
		}
		p.Done = "approved"
		if r.PostFormValue("way") == "me" && v.State == recovery.Approved {
			if err := s.handToManager(r, v, me, by); err != nil {
				return s.renderVoice(w, r, v, p, err)
			}
			p.Handed = true
		}
	default:
		if v.Case, err = s.Cases.Vouch(r.Context(), ref, "", by); err != nil {
			return s.renderVoice(w, r, v, p, err)
		}
		p.Done = "vouched"
	}
	return s.renderVoice(w, r, v, p, nil)
}

// handToManager issues the pass of an approved case and seals it for the manager.
func (s *Site) handToManager(r *http.Request, v recovery.View, me knownAccount, by recovery.Actor) error {
	next, pass, passcode, err := s.Cases.Issue(r.Context(), s.ref(v.Tenant, v.ID), recovery.Order{Handed: true, Hand: recovery.HandManager}, by)
	if err != nil {
		return err
	}
	_, err = s.Handovers.Seal(r.Context(), handover.Order{
		Tenant: v.Tenant, Case: next.ID, Pass: pass.ID, Owner: v.Subject.User, Reader: me.user, Until: pass.End(), By: by.By, CorrelationID: by.CorrelationID,
	}, passcode.Reveal())
	return err
}

// voter is somebody who is signed in and speaks for another.
func (s *Site) voter(r *http.Request, me knownAccount) recovery.Actor {
	f := request.From(r.Context())
	in := recovery.SignInOf(me.session)
	in.ProvedAt, in.Address = resistantSince(me.session), f.Address.String()
	return recovery.Actor{
		Caller: directory.Caller{Tenant: me.session.Tenant, User: me.user.ID, App: directory.PagesAppID, Purpose: string(me.session.Purpose)}, Name: me.user.DisplayName,
		By: actorOf(r, me), CorrelationID: f.CorrelationID, SignIn: in,
	}
}
