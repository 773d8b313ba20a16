package graph

import (
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/request"
)

// handOverTo returns who opens the link, or handover.ErrNobody.
func (a *API) handOverTo(c *call, way recovery.Hand) (directory.User, error) {
	reader := c.user
	switch way {
	case recovery.HandPerson:
	case recovery.HandManager, recovery.HandManagerLink:
		if c.user.Manager == "" {
			return reader, handover.ErrNobody
		}
		var err error
		if reader, err = a.Store.User(c.ctx(), c.tenant.ID, c.user.Manager); errors.Is(err, directory.ErrUserUnknown) {
			return reader, handover.ErrNobody
		} else if err != nil {
			return reader, err
		}
	default: // it is in the answer, or nothing
		return reader, nil
	}
	byMail := way != recovery.HandManagerLink
	if byMail && reader.Mail == "" && len(reader.OtherMails) == 0 || !reader.AccountEnabled {
		return reader, handover.ErrNobody
	}
	return reader, nil
}

// handOver puts a new pass into the answer, or seals it for its reader. Who calls then gets neither
// the passcode nor the link, but where policy lets it open the person's own link the code to read out,
// and where it says so the manager's link, which opens for nobody but the manager.
// A pass that could not be sealed is of no use to anybody, and goes.
func (a *API) handOver(c *call, way recovery.Hand, pass tap.Pass, code tap.Passcode, reader directory.User, resource odata.Entity) (odata.Entity, error) {
	if !way.Sealed() {
		resource[2].Value = code.Reveal() // shown here and nowhere else
		return resource, nil
	}
	h, resource, err := a.seal(c, way, pass, code, reader, resource)
	if err != nil || way != recovery.HandPerson {
		return resource, err
	}
	subject, err := a.Cases.Subject(c.ctx(), c.tenant.ID, h.Owner)
	if err != nil {
		return nil, err
	}
	policy, err := a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
	if err != nil || !policy.Speaks(subject, a.Now()) {
		return resource, err
	}
	spoken, err := a.Handovers.Spoken(c.ctx(), h)
	return append(resource, odata.Property{Name: "postern_spokenCode", Value: spoken}), err
}

// closedHands are the ways that policy allows for the pass of v, and whose link would stay closed: its reader has nothing
// that opens it. Only whoever may issue the pass is told, once it may be issued.
func (a *API) closedHands(c *call, v recovery.View) ([]recovery.Hand, error) {
	closed, about := []recovery.Hand{}, v.Subject
	if issues := directory.May(c.caller, directory.IssuePass, about.Target) == nil; !issues || v.State != recovery.Approved {
		return closed, nil
	}
	rules, err := a.policies(c)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	found, err := a.Store.RegistrationsOf(c.ctx(), c.tenant.ID, []directory.UserID{about.User.ID, about.User.Manager}, now)
	if err != nil {
		return nil, err
	}
	for _, way := range v.Policy.HandsOf(about.Class) {
		reader, had := about.User.ID, now
		switch {
		case way == recovery.HandManagerLink:
			reader, had = about.User.Manager, now.Add(-v.Policy.ContactDelay())
		case way == recovery.HandManager:
			reader = about.User.Manager
		case way != recovery.HandPerson || v.Policy.Speaks(about, now):
			continue
		}
		if reader != "" && !rules.opens(found[reader], had) {
			closed = append(closed, way)
		}
	}
	return closed, nil
}

// opens reports whether r has a method that opens a sealed hand-over and that was there at had. Since when a device PIN is
// there is not looked at.
func (p policies) opens(r method.Registration, had time.Time) bool {
	return r.PIN || slices.ContainsFunc(credentialSets, func(s credentialSet) bool {
		return slices.ContainsFunc(r.Credentials, func(one method.Credential) bool {
			return one.Kind == s.kind && !one.CreatedAt.After(had) && p.holding(s, one, r.Groups).Now.PhishingResistant
		})
	})
}

// seal seals a new pass for its reader, and says so in resource.
func (a *API) seal(c *call, way recovery.Hand, pass tap.Pass, code tap.Passcode, reader directory.User, resource odata.Entity) (handover.Handover, odata.Entity, error) {
	h, link, err := a.sealed(c, way, handover.Order{
		Tenant: c.tenant.ID, Case: pass.Case, Pass: pass.ID, Owner: c.user, Reader: reader, Until: pass.End(), By: c.actor, CorrelationID: request.From(c.ctx()).CorrelationID,
	}, code.Reveal())
	if err != nil {
		return h, nil, errors.Join(err, a.Store.DeletePass(c.ctx(), c.tenant.ID, c.user.ID, pass.ID, a.Now(), a.event(c, audit.Change{
			Activity: audit.AdminDeletedSecurityInfo, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
			Operation: audit.OperationDelete, ResultReason: audit.ReasonAdminDeletedPass, Targets: []audit.Target{userTarget(c.user)},
			Details: []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: pass.ID}},
		})))
	}
	said := odata.Entity{{Name: "id", Value: h.ID}, {Name: "readerId", Value: string(h.Reader)}, {Name: "endDateTime", Value: odata.Time(h.EndsAt)}}
	if link != "" {
		said = append(said, odata.Property{Name: "link", Value: link}) // shown here and nowhere else
	}
	return h, append(resource, odata.Property{Name: "postern_handedOver", Value: said}), nil
}

// sealed seals what o carries for its reader. Where the way is a link that whoever calls sends, it returns that link, and no
// mail goes. Such a link asks for a method that the reader has had for a while: who may issue passes might make themselves one.
func (a *API) sealed(c *call, way recovery.Hand, o handover.Order, secret string) (handover.Handover, string, error) {
	if way != recovery.HandManagerLink {
		h, err := a.Handovers.Seal(c.ctx(), o, secret)
		return h, "", err
	}
	policy, err := a.Cases.Cases.RecoveryPolicy(c.ctx(), c.tenant.ID)
	if err != nil {
		return handover.Handover{}, "", err
	}
	return a.Handovers.Give(c.ctx(), o, secret, a.Now().Add(-policy.ContactDelay()))
}
