package graph

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/request"
)

const caseSet = "postern/recovery/cases"

// caseActor is who calls, as cases know them.
func (a *API) caseActor(c *call) (recovery.Actor, error) {
	facts := request.From(c.ctx())
	by := recovery.Actor{Caller: c.caller, Name: c.actorName(), By: c.actor, CorrelationID: facts.CorrelationID}
	if c.caller.AppOnly() {
		return by, nil
	}
	var err error
	if by.SignIn, err = a.Store.SignInBehind(c.ctx(), c.tenant.ID, c.access.Family); err != nil {
		return by, err
	}
	by.SignIn.Address, by.SignIn.Device = facts.Address.String(), c.access.Device
	by.SignIn.Pass, by.SignIn.Purpose = c.access.PassID, c.access.Purpose
	return by, nil
}

// caseRef is the case that {id} names, by id or by number, if If-Match still names it.
func (a *API) caseRef(c *call) (recovery.Case, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return recovery.Case{}, err
	}
	var found recovery.Case
	if directory.IsID(key.Value) {
		found, err = a.Cases.Cases.Case(c.ctx(), c.tenant.ID, strings.ToLower(key.Value))
	} else {
		found, err = a.Cases.Cases.CaseByNumber(c.ctx(), c.tenant.ID, strings.ToUpper(key.Value))
	}
	if err != nil {
		return found, err
	}
	return found, odata.Match(c.r, odata.ETag(found.Version))
}

// listCases serves GET /postern/recovery/cases, the newest first.
func (a *API) listCases(c *call) error {
	w, err := a.wish(c, odata.Allow{Properties: caseProperties, DefaultTop: usualPage, MaxTop: largestPage, Filter: true, OrderBy: true}, recovery.CaseSchema)
	if err != nil {
		return err
	}
	found, position, err := a.Cases.Cases.ListCases(c.ctx(), c.tenant.ID, w.match, w.order, w.after, w.options.Top)
	if err != nil {
		return err
	}
	return writeList(a, c, w, caseSet, found, position, nil, caseResource)
}

// getCase serves GET /postern/recovery/cases/{id}.
func (a *API) getCase(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	found, err := a.caseRef(c)
	if err != nil {
		return err
	}
	return a.writeCase(c, http.StatusOK, found)
}

func (a *API) writeCase(c *call, status int, found recovery.Case, more ...odata.Property) error {
	v, err := a.Cases.View(c.ctx(), found)
	if err != nil {
		return err
	}
	shut, err := a.closedHands(c, v)
	if err != nil {
		return err
	}
	shown := append(caseView(v), odata.Property{Name: "handOverWithoutMethod", Value: texts(shut)})
	if !c.readsCases() { // a manager or colleague: what others said, and the number, is not for them
		shown = odata.Entity{{Name: odata.TagName, Value: odata.ETag(v.Version)}, {Name: "id", Value: v.ID}, {Name: "state", Value: string(v.State)}}
	}
	return odata.WriteEntity(c.w, status, a.root(c).Entity(caseSet, nil), append(shown, more...))
}

func (c *call) readsCases() bool {
	return directory.May(c.caller, directory.ReadCases, directory.Target{}) == nil
}

// named serves a request about the case that {id} names. Who may not read cases and has nothing to do with
// its person is told the same as where there is none; what they tried is in the timeline.
func named(serve func(a *API, c *call, found recovery.Case) error) func(*API, *call) error {
	return func(a *API, c *call) error {
		if err := c.mayTouchCases(); err != nil {
			return err
		}
		found, err := a.caseRef(c)
		if err == nil {
			err = serve(a, c, found)
		}
		if _, told := errors.AsType[*fault.Error](err); !told || found.ID == "" || c.readsCases() {
			return err
		}
		me, unknown := a.Store.User(c.ctx(), c.tenant.ID, c.caller.User)
		about, gone := a.Cases.Subject(c.ctx(), c.tenant.ID, found.User)
		if unknown != nil || gone != nil || !about.Near(me) {
			return recovery.ErrUnknown
		}
		return err
	}
}

// openCase serves POST /postern/recovery/cases.
func (a *API) openCase(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	o := recovery.Opening{Tenant: c.tenant.ID, Kind: recovery.ByAgent, Channel: recovery.ByAPI}
	if c.caller.AppOnly() {
		o.Kind = recovery.ByAutomation
	}
	var user string
	var lost []string
	body.String("userId", &user)
	body.String("openedAs", (*string)(&o.Kind))
	body.String("channel", (*string)(&o.Channel))
	body.Strings("lost", &lost)
	body.String("deviceId", &o.Device)
	body.String("note", &o.Note)
	body.String("ticket", &o.Ticket)
	if err := body.Done(); err != nil {
		return err
	}
	for _, one := range lost {
		o.Lost = append(o.Lost, recovery.Failure(one))
	}
	if o.User, err = a.userNamed(c, user); err != nil {
		return a.hide(c, route{action: directory.HandleCase}, err)
	}
	by, err := a.caseActor(c)
	if err != nil {
		return err
	}
	opened, err := a.Cases.Open(c.ctx(), o, by)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", a.root(c).Link("postern", "recovery", "cases", opened.ID))
	return a.writeCase(c, http.StatusCreated, opened)
}

// userNamed finds a person by object id or UPN.
func (a *API) userNamed(c *call, name string) (directory.UserID, error) {
	if directory.IsID(name) {
		return directory.UserID(strings.ToLower(name)), nil
	}
	u, err := a.Store.UserByName(c.ctx(), c.tenant.ID, name)
	return u.ID, err
}

// A caseStep is what a request asks of a case.
type caseStep struct {
	ref  recovery.Ref
	by   recovery.Actor
	body *odata.Object
	note string
}

// onCase serves POST /postern/recovery/cases/{id}/…: it reads the request, takes the step, and
// answers the case.
func onCase(take func(a *API, c *call, s caseStep) (recovery.Case, error)) func(*API, *call) error {
	return named(func(a *API, c *call, found recovery.Case) error {
		var err error
		s := caseStep{ref: recovery.Ref{Tenant: c.tenant.ID, ID: found.ID}}
		if c.r.Header.Get("If-Match") != "" {
			s.ref.Version = found.Version
		}
		if s.body, err = odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true}); err != nil {
			return err
		}
		s.body.String("note", &s.note)
		if s.by, err = a.caseActor(c); err != nil {
			return err
		}
		next, err := take(a, c, s)
		if err != nil {
			return err
		}
		return a.writeCase(c, http.StatusOK, next)
	})
}

// mayTouchCases refuses whoever could take no step at all, before anything is told of a case.
func (c *call) mayTouchCases() error {
	err := directory.May(c.caller, directory.HandleCase, directory.Target{User: "unknown"})
	if err != nil && directory.May(c.caller, directory.VouchInCase, directory.Target{}) == nil {
		return nil
	}
	return err
}

func (a *API) proveCase(c *call, s caseStep) (recovery.Case, error) {
	p := recovery.Proof{Note: s.note}
	s.body.String("caseNumber", &s.by.Number)
	s.body.String("kind", (*string)(&p.Kind))
	s.body.String("contact", &p.Contact)
	if err := s.body.Done(); err != nil {
		return recovery.Case{}, err
	}
	return a.Cases.Prove(c.ctx(), s.ref, p, s.by)
}

func (a *API) approveCase(c *call, s caseStep) (recovery.Case, error) {
	part := recovery.AsApprover
	s.body.String("as", (*string)(&part))
	s.body.String("caseNumber", &s.by.Number)
	if err := s.body.Done(); err != nil {
		return recovery.Case{}, err
	}
	return a.Cases.Approve(c.ctx(), s.ref, part, s.note, s.by)
}

func (a *API) vouchInCase(c *call, s caseStep) (recovery.Case, error) {
	s.body.String("caseNumber", &s.by.Number)
	if err := s.body.Done(); err != nil {
		return recovery.Case{}, err
	}
	return a.Cases.Vouch(c.ctx(), s.ref, s.note, s.by)
}

// plainStep is a step that takes nothing but a note.
func plainStep(take func(s *recovery.Service, c *call, step caseStep) (recovery.Case, error)) func(*API, *call) error {
	return onCase(func(a *API, c *call, s caseStep) (recovery.Case, error) {
		if err := s.body.Done(); err != nil {
			return recovery.Case{}, err
		}
		return take(a.Cases, c, s)
	})
}

// issueForCase serves POST /postern/recovery/cases/{id}/issue. The pass is in the answer and
// nowhere else, unless postern_handOver sends it to the manager or the person by a link.
func (a *API) issueForCase(c *call) error { return named((*API).issueFor)(a, c) }

func (a *API) issueFor(c *call, found recovery.Case) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true})
	if err != nil {
		return err
	}
	var order recovery.Order
	if body.Has("lifetimeInMinutes") && !body.IsNull("lifetimeInMinutes") {
		order.Minutes = new(int)
		body.Int("lifetimeInMinutes", order.Minutes)
	}
	if body.Has("isUsableOnce") && !body.IsNull("isUsableOnce") {
		order.Once = new(bool)
		body.Bool("isUsableOnce", order.Once)
	}
	if body.Has("postern_purpose") && !body.IsNull("postern_purpose") {
		order.Purpose = new(tap.Purpose)
		body.String("postern_purpose", (*string)(order.Purpose))
	}
	body.String("postern_handOver", (*string)(&order.Hand))
	order.Hand = cmp.Or(order.Hand, recovery.HandRead)
	if err := body.Done(); err != nil {
		return err
	}
	by, err := a.caseActor(c)
	if err != nil {
		return err
	}
	ref := recovery.Ref{Tenant: c.tenant.ID, ID: found.ID}
	if c.r.Header.Get("If-Match") != "" {
		ref.Version = found.Version
	}
	if c.user, err = a.Store.User(c.ctx(), c.tenant.ID, found.User); err != nil {
		return err
	}
	reader, err := a.handOverTo(c, order.Hand)
	if err != nil {
		return err
	}
	next, pass, code, err := a.Cases.Issue(c.ctx(), ref, order, by)
	if err != nil {
		return err
	}
	resource, err := a.passResource(c, pass)
	if err != nil {
		return err
	}
	if resource, err = a.handOver(c, order.Hand, pass, code, reader, resource); err != nil {
		return err
	}
	return a.writeCase(c, http.StatusOK, next, odata.Property{Name: "temporaryAccessPassMethod", Value: resource.Select(nil)[1:]})
}

// A timeline shows so many steps, and so many that were refused.
const (
	mostSteps   = 400
	mostRefused = 100
)

// caseTimeline serves GET /postern/recovery/cases/{id}/timeline: the newest steps, refused ones too.
func (a *API) caseTimeline(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	found, err := a.caseRef(c)
	if err != nil {
		return err
	}
	entries, err := a.Cases.Cases.CaseEvents(c.ctx(), c.tenant.ID, found.ID, mostSteps, mostRefused)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(caseSet+"/timeline", nil), Value: []odata.Entity{}}
	for _, one := range entries {
		e, err := audit.Open(one.Entry)
		if err != nil {
			return err
		}
		page.Value = append(page.Value, auditResource(c, e))
	}
	return odata.WritePage(c.w, page)
}

// byCaseRules refuses a pass for c.user that policy ties to a case, or that goes a way which policy
// does not allow, or a manager of a moment ago.
func (a *API) byCaseRules(c *call, way recovery.Hand) error {
	p, err := a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	subject := recovery.Subject{User: c.user, Class: recovery.ClassOf(c.target)}
	if p.NeedsCase(subject.Class) {
		return recovery.ErrCaseRequired
	}
	if way == recovery.HandBrowser { // that is where somebody asked for help, in a case
		return recovery.ErrHand
	}
	if err := p.MayHand(way, subject, c.caller.User); err != nil || !way.ToManager() || c.user.Manager == "" {
		return err
	}
	if subject, err = a.Cases.Subject(c.ctx(), c.tenant.ID, c.user.ID); err != nil {
		return err
	}
	if !subject.ManagedBy(c.user.Manager, p, a.Now()) && !subject.FirstOf(recovery.ContactManager) {
		return recovery.ErrHandManager
	}
	return nil
}
