// Package signed serves calls that a key signs: devices' and phones'. Each comes with a DPoP
// proof (RFC 9449) that covers its body, with a nonce of this server, and counts once. Whose
// the key is, and what its owner may do, is the affair of the APIs. The lines of their streams
// are here too.
package signed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// Calls opens the calls of one API and answers them. Every field but Bind is required.
type Calls struct {
	Who       string       // calls, for the log; nonces of others don't count
	Malformed *fault.Error // says that a call can't be read
	MaxBody   int64        // in bytes

	Store       Store
	Secrets     Secrets
	PublicURL   string // without a slash at the end
	Incarnation string // life of the store
	Now         func() time.Time
	Log         *slog.Logger

	// Bind adds what the proof of a call has to be bound to beside its body.
	Bind func(*Call, *dpop.Want) error
	// Proved reports whether err, which is a 401, leaves the proof good: what it was for was not.
	Proved func(err error) bool
}

// Store knows tenants, and the proofs that were used.
type Store interface {
	dpop.Replay
	// Tenant returns a tenant, or directory.ErrTenantUnknown.
	Tenant(ctx context.Context, id directory.TenantID) (directory.Tenant, error)
	// TenantOf returns the tenant that owns a verified domain, or directory.ErrTenantUnknown.
	TenantOf(ctx context.Context, domain string) (directory.TenantID, error)
}

// Secrets returns keyed hashes under keys that are derived from the tenant's own secret.
type Secrets interface {
	MAC(ctx context.Context, tenant, label string, message []byte) (string, error)
}

// A Call is one request that a key signed.
type Call struct {
	Request *http.Request
	Tenant  directory.Tenant
	Body    []byte
	Proof   dpop.Proof

	malformed *fault.Error
}

// Context is the request's.
func (c *Call) Context() context.Context { return c.Request.Context() }

// Facts are the request's.
func (c *Call) Facts() request.Facts { return request.From(c.Context()) }

// Place is where the call comes from. It keeps no secret that makes it familiar; its key does.
func (c *Call) Place() signin.Place {
	f := c.Facts()
	return signin.Place{Address: f.Address, UserAgent: f.UserAgent}
}

// Read decodes the body into v; a member that is not known is refused.
func (c *Call) Read(v any) error {
	d := json.NewDecoder(bytes.NewReader(c.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return c.malformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return c.malformed
	}
	return nil
}

// Open reads a call, checks its proof and sees to it that nobody uses the proof again. Before
// that, which costs a row, admit finds whose the key is, or refuses.
func (s *Calls) Open(w http.ResponseWriter, r *http.Request, admit func(*Call) error) (*Call, error) {
	w.Header().Set("Cache-Control", "no-store")
	tenant, err := s.Tenant(r)
	if err != nil {
		return nil, err
	}
	c := &Call{Request: r, Tenant: tenant, malformed: s.Malformed}
	if c.Body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, s.MaxBody)); err != nil {
		return nil, s.Malformed.With("", "The body is too large or was cut off.")
	}
	fresh, err := s.nonce(r.Context(), tenant.ID, s.Now())
	if err != nil {
		return nil, err
	}
	w.Header().Set("DPoP-Nonce", fresh)
	if err := s.verify(c); err != nil {
		return nil, err
	}
	if err := admit(c); err != nil {
		return nil, err
	}
	if err := dpop.Once(r.Context(), s.Store, string(tenant.ID), c.Proof); err != nil {
		return nil, err
	}
	return c, nil
}

// Tenant returns the tenant that the path of r names, by its id or a domain.
func (s *Calls) Tenant(r *http.Request) (directory.Tenant, error) {
	name := strings.ToLower(r.PathValue("tenant"))
	if directory.IsID(name) {
		return s.Store.Tenant(r.Context(), directory.TenantID(name))
	}
	id, err := s.Store.TenantOf(r.Context(), name)
	if err != nil {
		return directory.Tenant{}, err
	}
	return s.Store.Tenant(r.Context(), id)
}
