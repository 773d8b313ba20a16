package graph

import (
	"encoding/base64"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// logStatus serves GET /postern/log/status: how far the log is sealed, signed and witnessed. It
// costs the same however long the log is, and proves less than postern log verify.
func (a *API) logStatus(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	s, err := a.Sealed.Status(c.ctx(), c.tenant.ID)
	if err != nil {
		return err
	}
	witnesses := []odata.Entity{}
	for _, w := range s.Witnesses {
		told, behind := any(nil), any(nil)
		if w.Told >= 0 {
			told, behind = w.Told, max(0, s.Head.Size-w.Told)
		}
		witnesses = append(witnesses, odata.Entity{
			{Name: "kind", Value: w.Kind}, {Name: "name", Value: w.Name}, {Name: "told", Value: told}, {Name: "behind", Value: behind},
		})
	}
	checkpoint := any(nil)
	if s.Checkpoint.Size > 0 {
		checkpoint = odata.Entity{
			{Name: "size", Value: s.Checkpoint.Size},
			{Name: "root", Value: base64.StdEncoding.EncodeToString(s.Checkpoint.Root[:])},
			{Name: "signedDateTime", Value: odata.Time(s.SignedAt)},
			{Name: "signatureValid", Value: s.Signed},
		}
	}
	age := any(nil)
	if !s.OldestUnsealed.IsZero() {
		age = max(0, int(a.Now().Sub(s.OldestUnsealed)/time.Second))
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/log/status", nil), odata.Entity{
		{Name: "epoch", Value: s.Head.Epoch},
		{Name: "size", Value: s.Head.Size},
		{Name: "firstKept", Value: s.FirstKept},
		{Name: "checkpoint", Value: checkpoint},
		{Name: "unsealed", Value: s.Unsealed},
		{Name: "oldestUnsealedInSeconds", Value: age},
		{Name: "witnesses", Value: witnesses},
	})
}

// proveEntry serves GET /postern/log/proof/{event}: whether an entry is in the sealed tree as it
// stands in the store, worked out from its content up to the head.
func (a *API) proveEntry(c *call) error {
	if err := directory.May(c.caller, directory.ReadAudits, directory.Target{}); err != nil {
		return err
	}
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	id, err := objectID(c, "event", directory.ErrObjectUnknown)
	if err != nil {
		return err
	}
	p, err := a.Sealed.Prove(c.ctx(), c.tenant.ID, id)
	if err != nil {
		return err
	}
	path := []string{}
	for _, h := range p.Path {
		path = append(path, base64.StdEncoding.EncodeToString(h[:]))
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/log/proof", nil), odata.Entity{
		{Name: "id", Value: id},
		{Name: "position", Value: positionOf(p.Position)},
		{Name: "size", Value: p.Head.Size},
		{Name: "root", Value: base64.StdEncoding.EncodeToString(p.Head.Root[:])},
		{Name: "leaf", Value: base64.StdEncoding.EncodeToString(p.Leaf[:])},
		{Name: "path", Value: path},
		{Name: "included", Value: p.Included},
	})
}
