package graph

import (
	"bytes"
	"context"
	"io"
	"strconv"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// A SealedLog shows the sealed log of a tenant page by page.
type SealedLog interface {
	// WritePage writes the page from a position on (audit.WriteRemotePage).
	WritePage(ctx context.Context, tenant directory.TenantID, from int64, w io.Writer) error
	// Status says how far the log is sealed, at a cost that does not grow with it.
	Status(ctx context.Context, tenant directory.TenantID) (audit.Status, error)
	// Prove says where an entry is in the tree, or directory.ErrObjectUnknown.
	Prove(ctx context.Context, tenant directory.TenantID, id string) (audit.Proof, error)
}

// ErrPosition says that from is no position of a log.
var ErrPosition = &fault.Error{
	Kind: fault.Invalid, Code: "logPositionInvalid",
	Text: "from is not a position of the log.", Remedy: "Send a number; -1 gives the head alone.",
}

// sealedLog serves GET /postern/log?from=N: a page of the sealed log as JSON lines, for
// postern log verify. It holds sign-ins and changes, so that it takes the rights for both.
func (a *API) sealedLog(c *call) error {
	if err := directory.May(c.caller, directory.ReadAudits, directory.Target{}); err != nil {
		return err
	}
	query := c.r.URL.Query()
	from, err := strconv.ParseInt(query.Get("from"), 10, 64)
	if err != nil || len(query) != 1 || from < -1 {
		return ErrPosition
	}
	var page bytes.Buffer // an error must not follow half a page
	if err := a.Sealed.WritePage(c.ctx(), c.tenant.ID, from, &page); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/jsonl")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, err = c.w.Write(page.Bytes())
	return err
}
