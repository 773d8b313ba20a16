package graph

import (
	"errors"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/request"
)

// A handOverWay is who gets a new pass by a link that opens once, in postern_handOver: nobody, which
// answers the passcode, the person's manager, or the person.
type handOverWay string

const (
	toManager handOverWay = "manager"
	toPerson  handOverWay = "person"
)

// handOverTo returns who opens the link, or handover.ErrNobody.
func (a *API) handOverTo(c *call, way handOverWay) (directory.User, error) {
	reader := c.user
	switch way {
	case "":
		return reader, nil
	case toPerson:
	case toManager:
		if c.user.Manager == "" {
			return reader, handover.ErrNobody
		}
		var err error
		if reader, err = a.Store.User(c.ctx(), c.tenant.ID, c.user.Manager); errors.Is(err, directory.ErrUserUnknown) {
			return reader, handover.ErrNobody
		} else if err != nil {
			return reader, err
		}
	default:
		return reader, handover.ErrNobody.With("", "postern_handOver is manager or person.")
	}
	if reader.Mail == "" && len(reader.OtherMails) == 0 || !reader.AccountEnabled {
		return reader, handover.ErrNobody
	}
	return reader, nil
}

// handOver seals a new pass for its reader. The caller gets neither the passcode nor the link. A
// pass that could not be sealed is of no use to anybody, and goes.
func (a *API) handOver(c *call, pass tap.Pass, code tap.Passcode, reader directory.User, resource odata.Entity) (odata.Entity, error) {
	h, err := a.Handovers.Seal(c.ctx(), handover.Order{
		Tenant: c.tenant.ID, Case: pass.Case, Pass: pass.ID, Owner: c.user, Reader: reader, Until: pass.End(), By: c.actor, CorrelationID: request.From(c.ctx()).CorrelationID,
	}, code.Reveal())
	if err != nil {
		return nil, errors.Join(err, a.Store.DeletePass(c.ctx(), c.tenant.ID, c.user.ID, pass.ID, a.Now(), a.event(c, audit.Change{
			Activity: audit.AdminDeletedSecurityInfo, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
			Operation: audit.OperationDelete, ResultReason: audit.ReasonAdminDeletedPass, Targets: []audit.Target{userTarget(c.user)},
			Details: []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: pass.ID}},
		})))
	}
	return append(resource, odata.Property{Name: "postern_handedOver", Value: odata.Entity{
		{Name: "id", Value: h.ID}, {Name: "readerId", Value: string(h.Reader)}, {Name: "endDateTime", Value: odata.Time(h.EndsAt)},
	}}), nil
}
