package odata

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/postern-id/postern/internal/fault"
)

// MaxBatch is how many requests one batch may hold.
const MaxBatch = 20

// ErrBatch reports a batch that is malformed; none of its requests has run.
var ErrBatch = &fault.Error{
	Kind: fault.Invalid, Code: "invalidBatch",
	Text: "The batch is malformed.",
}

// Batch serves POST /$batch: several requests in one body, each answered by Handler in this
// process, one after the other, as if it had come from the same caller. Handler sees the
// batch's context, address, and Authorization, DPoP and forwarding headers. A DPoP proof
// covers the batch, not what is in it, so a Handler that reads proofs again would refuse it:
// it should know the caller from the context.
//
// https://learn.microsoft.com/graph/json-batching
type Batch struct {
	Handler http.Handler
}

type inBatchKey struct{}

// inherited headers say who calls and from where. A part may set the last three itself.
var inherited = []string{
	"Authorization", "DPoP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
	"User-Agent", "Accept-Language", "client-request-id",
}

// Serve answers r. Errors: those of [ReadJSON] and [Object.Done], and ErrBatch.
func (b Batch) Serve(w http.ResponseWriter, r *http.Request) error {
	if r.Context().Value(inBatchKey{}) != nil {
		return ErrBatch.With("url", "A batch may not hold another batch.")
	}
	parts, err := readBatch(r)
	if err != nil {
		return err
	}
	order, err := runOrder(parts)
	if err != nil {
		return err
	}
	ctx := context.WithValue(r.Context(), inBatchKey{}, true)
	replies := make([]reply, len(parts))
	failed := map[string]bool{}
	for _, i := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := parts[i]
		if slices.ContainsFunc(p.dependsOn, func(id string) bool { return failed[id] }) {
			replies[i] = dependencyFailed(p.id, IDsFrom(ctx))
		} else {
			replies[i] = b.run(ctx, r, p)
		}
		failed[p.id] = replies[i].Status >= 400
	}
	return WriteJSON(w, http.StatusOK, map[string][]reply{"responses": replies})
}

// run dispatches p with what it inherits from the batch's own request.
func (b Batch) run(ctx context.Context, outer *http.Request, p part) reply {
	for _, name := range inherited {
		if v := outer.Header.Values(name); v != nil && p.header.Get(name) == "" {
			p.header[http.CanonicalHeaderKey(name)] = v
		}
	}
	inner := &http.Request{
		Method: p.method, URL: p.address, RequestURI: p.address.RequestURI(),
		Proto: outer.Proto, ProtoMajor: outer.ProtoMajor, ProtoMinor: outer.ProtoMinor,
		Header: p.header, Body: io.NopCloser(bytes.NewReader(p.body)), ContentLength: int64(len(p.body)),
		Host: outer.Host, RemoteAddr: outer.RemoteAddr, TLS: outer.TLS,
	}
	rec := &recorder{header: http.Header{}}
	b.Handler.ServeHTTP(rec, inner.WithContext(ctx))
	return rec.reply(p.id)
}

// runOrder returns the positions of parts so that each comes after all that it depends on.
func runOrder(parts []part) ([]int, error) {
	ids := map[string]bool{}
	for _, p := range parts {
		if ids[p.id] {
			return nil, ErrBatch.With("id", "Two requests of the batch have the same id.")
		}
		ids[p.id] = true
	}
	var order []int
	done := map[string]bool{}
	for len(order) < len(parts) {
		before := len(order)
		for i, p := range parts {
			waits := slices.ContainsFunc(p.dependsOn, func(id string) bool { return !done[id] })
			if !done[p.id] && !waits {
				order, done[p.id] = append(order, i), true
			}
		}
		if len(order) == before {
			return nil, ErrBatch.With("dependsOn", "The dependsOn of the batch name an id that is not there, or each other in a circle.")
		}
	}
	return order, nil
}
