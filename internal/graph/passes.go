package graph

import (
	"cmp"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/request"
)

const passType = "#microsoft.graph.temporaryAccessPassAuthenticationMethod"

// createPass serves POST /users/{id}/authentication/temporaryAccessPassMethods.
// https://learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods
func (a *API) createPass(c *call) error {
	in, way, err := a.passRequest(c)
	if err != nil {
		return err
	}
	if err := a.byCaseRules(c, way); err != nil {
		return err
	}
	reader, err := a.handOverTo(c, way)
	if err != nil {
		return err
	}
	if reader.ID != c.user.ID {
		in.Issuer.Reader = reader.ID
	}
	if in.Groups, err = a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(c.user.ID)); err != nil {
		return err
	}
	pass, code, err := a.Passes.Issue(c.ctx(), in, func(p tap.Pass) audit.Event { return a.passIssued(c, p, way) })
	if err != nil {
		return err
	}
	resource, err := a.passResource(c, pass)
	if err != nil {
		return err
	}
	if resource, err = a.handOver(c, way, pass, code, reader, resource); err != nil {
		return err
	}
	set := passSet(c)
	return odata.WriteCreated(c.w, a.root(c).Link("users", string(c.user.ID), "authentication", "temporaryAccessPassMethods", pass.ID),
		a.root(c).Entity(set, nil), resource.Select(nil)[1:])
}

// passRequest reads what the caller asks for. Graph's temporaryAccessPass may be sent as
// null, never with a value: nobody chooses a passcode.
func (a *API) passRequest(c *call) (in tap.Request, way recovery.Hand, err error) {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true})
	if err != nil {
		return tap.Request{}, "", err
	}
	in = tap.Request{User: c.user, Tenant: c.tenant, Power: c.target.Power(), Issuer: tap.Issuer{
		User: c.caller.User, App: c.caller.App, DisplayName: c.actorName(), Address: request.From(c.ctx()).Address.String(),
	}}
	if body.Has("lifetimeInMinutes") && !body.IsNull("lifetimeInMinutes") {
		in.Lifetime = new(int)
		body.Int("lifetimeInMinutes", in.Lifetime)
	}
	if body.Has("isUsableOnce") && !body.IsNull("isUsableOnce") {
		in.Once = new(bool)
		body.Bool("isUsableOnce", in.Once)
	}
	in.Start, err = startTime(body)
	body.String("postern_reason", &in.Reason)
	body.String("postern_ticket", &in.Ticket)
	body.String("postern_handOver", (*string)(&way))
	body.String("postern_preset", (*string)(&in.Preset))
	way = cmp.Or(way, recovery.HandRead)
	if check := body.Object("postern_identityCheck"); check != nil {
		check.String("how", (*string)(&in.Check.How))
		check.String("note", &in.Check.Note)
	}
	err = errors.Join(err, a.passPurpose(c, body, &in))
	body.NotKept("temporaryAccessPass")
	for _, readOnly := range []string{"id", "createdDateTime", "isUsable", "methodUsabilityReason"} {
		_ = body.Raw(readOnly) // SDKs send back what they read
	}
	return in, way, errors.Join(err, body.Done())
}

// startTime reads startDateTime as the SDKs write it (RFC 3339) and as scripts do
// (2026-03-02 06:00:00, which is UTC).
func startTime(body *odata.Object) (time.Time, error) {
	if !body.Has("startDateTime") || body.IsNull("startDateTime") {
		return time.Time{}, nil
	}
	var text string
	body.String("startDateTime", &text)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, tap.ErrStart.With("", "startDateTime is not a date and time.")
}

// passIssued is the audit event of a new pass. Monitoring rules look for the reason's words
// and for the property AccessPassUsage.
func (a *API) passIssued(c *call, p tap.Pass, way recovery.Hand) audit.Event {
	change := audit.Change{
		Activity: audit.AdminRegisteredSecurityInfo, Category: audit.CategoryUserManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationAdd,
		ResultReason: audit.ReasonAdminRegisteredPass,
	}
	if c.caller.AppOnly() {
		change.Activity, change.ResultReason = audit.UserRegisteredSecurityInfo, audit.ReasonUserRegisteredPass
	}
	usage := audit.AccessPassMultiple
	if p.SingleUse {
		usage = audit.AccessPassOnce
	}
	target := userTarget(c.user)
	target.Modified = []audit.ModifiedProperty{
		{DisplayName: audit.PropertyAccessPassUsage, OldValue: "[]", NewValue: quoted(usage)},
		{DisplayName: "StartDateTime", OldValue: "[]", NewValue: quoted(p.Start.Format(time.RFC3339))},
		{DisplayName: "LifetimeInMinutes", OldValue: "[]", NewValue: strconv.Itoa(int(p.Lifetime / time.Minute))},
	}
	if p.Reason != "" {
		target.Modified = append(target.Modified, audit.ModifiedProperty{DisplayName: "postern_reason", OldValue: "[]", NewValue: quoted(p.Reason)})
	}
	if p.Ticket != "" {
		target.Modified = append(target.Modified, audit.ModifiedProperty{DisplayName: "postern_ticket", OldValue: "[]", NewValue: quoted(p.Ticket)})
	}
	if p.Check.Done() {
		target.Modified = append(target.Modified, audit.ModifiedProperty{
			DisplayName: "postern_identityCheck", OldValue: "[]", NewValue: quoted(strings.TrimSuffix(string(p.Check.How)+": "+p.Check.Note, ": ")),
		})
	}
	target.Modified = append(target.Modified, purposeChange(p)...)
	change.Targets = []audit.Target{target}
	change.Details = []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: p.ID}, {Key: recovery.DetailHand, Value: string(way)}}
	if p.Case != "" {
		change.Details = append(change.Details, audit.KeyValue{Key: audit.DetailCase, Value: p.Case})
	}
	if p.Preset != "" {
		change.Details = append(change.Details, audit.KeyValue{Key: audit.DetailPreset, Value: string(p.Preset)})
	}
	return a.event(c, change)
}

func userTarget(u directory.User) audit.Target {
	return audit.Target{ID: string(u.ID), Type: audit.TargetUser, DisplayName: u.DisplayName, UserPrincipalName: u.UserPrincipalName}
}

// quoted returns s as the log keeps old and new values: encoded as JSON.
func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(raw)
}

// listPasses serves GET /users/{id}/authentication/temporaryAccessPassMethods: none or one.
func (a *API) listPasses(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: passProperties, MaxTop: 100, DefaultTop: 100, Skip: true})
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(passSet(c), options.Select), Value: []odata.Entity{}}
	pass, err := a.viewPass(c)
	if errors.Is(err, tap.ErrNone) {
		return odata.WritePage(c.w, page)
	}
	if err != nil {
		return err
	}
	resource, err := a.passResource(c, pass)
	if err != nil {
		return err
	}
	if options.Skip == 0 {
		page.Value = append(page.Value, resource.Select(options.Select)[1:])
	}
	return odata.WritePage(c.w, page)
}

// getPass serves GET /users/{id}/authentication/temporaryAccessPassMethods/{pass}.
func (a *API) getPass(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: passProperties})
	if err != nil {
		return err
	}
	pass, err := a.viewPass(c)
	if err != nil {
		return err
	}
	if pass.ID != c.r.PathValue("pass") {
		return tap.ErrNone
	}
	resource, err := a.passResource(c, pass)
	if err != nil {
		return err
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity(passSet(c), options.Select), resource.Select(options.Select)[1:])
}

// viewPass reads the pass; that somebody else looked at it is an event.
func (a *API) viewPass(c *call) (tap.Pass, error) {
	pass, err := a.Store.Pass(c.ctx(), c.tenant.ID, c.user.ID)
	if err != nil || c.caller.User == c.user.ID {
		return pass, err
	}
	return pass, a.Store.Record(c.ctx(), a.event(c, audit.Change{
		Activity: audit.PassViewed, Category: audit.CategoryUserManagement, Service: audit.ServicePostern,
		Operation: audit.OperationUpdate, Targets: []audit.Target{userTarget(c.user)},
		Details: []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: pass.ID}},
	}))
}

// deletePass serves DELETE /users/{id}/authentication/temporaryAccessPassMethods/{pass}.
func (a *API) deletePass(c *call) error {
	change := audit.Change{
		Activity: audit.AdminDeletedSecurityInfo, Category: audit.CategoryUserManagement,
		Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
		ResultReason: audit.ReasonAdminDeletedPass, Targets: []audit.Target{userTarget(c.user)},
	}
	if c.caller.User == c.user.ID {
		change.Activity, change.ResultReason = audit.UserDeletedSecurityInfo, audit.ReasonUserDeletedPass
	}
	id := c.r.PathValue("pass")
	change.Details = []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: id}}
	if err := a.Store.DeletePass(c.ctx(), c.tenant.ID, c.user.ID, id, a.Now(), a.event(c, change)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

var passProperties = []string{
	"id", "temporaryAccessPass", "createdDateTime", "startDateTime", "lifetimeInMinutes", "isUsableOnce",
	"isUsable", "methodUsabilityReason", "postern_reason", "postern_ticket", "postern_issuer", "postern_usedDateTime", "postern_identityCheck",
	"postern_caseId", "postern_purpose", "postern_deviceId", "postern_stoppedBecause",
}

func passSet(c *call) string {
	return odata.Within("users", string(c.user.ID), "authentication/temporaryAccessPassMethods")
}

// passResource is p as Graph shows it; the passcode is null. The type comes first.
func (a *API) passResource(c *call, p tap.Pass) (odata.Entity, error) {
	policy, err := a.Store.PassPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return nil, err
	}
	groups, err := a.Store.GroupsOf(c.ctx(), c.tenant.ID, string(c.user.ID))
	if err != nil {
		return nil, err
	}
	stop, err := a.passStop(c, p)
	if err != nil {
		return nil, err
	}
	state := a.passState(p, policy, groups).Stopped(stop)
	return odata.Entity{
		{Name: "@odata.type", Value: passType},
		{Name: "id", Value: p.ID},
		{Name: "temporaryAccessPass", Value: nil},
		{Name: "createdDateTime", Value: odata.Time(p.CreatedAt)},
		{Name: "startDateTime", Value: odata.Time(p.Start)},
		{Name: "lifetimeInMinutes", Value: int(p.Lifetime / time.Minute)},
		{Name: "isUsableOnce", Value: p.SingleUse},
		{Name: "isUsable", Value: state == tap.EnabledByPolicy},
		{Name: "methodUsabilityReason", Value: string(state)},
		{Name: "postern_stoppedBecause", Value: textOrNull(string(stop)), OnSelect: true},
		{Name: "postern_reason", Value: p.Reason, OnSelect: true},
		{Name: "postern_ticket", Value: p.Ticket, OnSelect: true},
		{Name: "postern_issuer", Value: p.Issuer.DisplayName, OnSelect: true},
		{Name: "postern_usedDateTime", Value: odata.Time(p.UsedAt), OnSelect: true},
		{Name: "postern_identityCheck", Value: checkResource(p.Check), OnSelect: true},
		{Name: "postern_caseId", Value: textOrNull(p.Case), OnSelect: true},
		{Name: "postern_purpose", Value: purposeName(p.Purpose), OnSelect: true},
		{Name: "postern_deviceId", Value: textOrNull(p.Purpose.DeviceID()), OnSelect: true},
	}, nil
}

// checkResource is how somebody knew the person, or null.
func checkResource(c tap.IdentityCheck) any {
	if !c.Done() {
		return nil
	}
	return odata.Entity{{Name: "how", Value: string(c.How)}, {Name: "note", Value: text(c.Note)}}
}

// passStop is why p does not work though policy lets it; empty once it is used up or over.
func (a *API) passStop(c *call, p tap.Pass) (tap.Stop, error) {
	behind, err := a.Store.Backing(c.ctx(), p)
	if err != nil || !p.Usability(tap.Policy{}, true, a.Now()).Lasts() {
		return "", err
	}
	return p.Stop(behind, a.Now()), nil
}

// passState is the state of p now; a pass of an earlier life of the store does not work.
func (a *API) passState(p tap.Pass, policy tap.Policy, groups map[directory.GroupID]bool) tap.Usability {
	if p.Incarnation != a.Incarnation {
		return tap.DisabledByPolicy
	}
	return p.Usability(policy, policy.InScope(groups), a.Now())
}
