package graph

import "github.com/postern-id/postern/internal/graph/odata"

// batch serves POST /$batch. Each of its requests is authorised by itself.
// https://learn.microsoft.com/graph/json-batching
func (a *API) batch(c *call) error {
	outer := c.r.Clone(c.ctx())
	outer.URL.Path = "/" + c.version + c.r.URL.Path // the requests are relative to the version
	return odata.Batch{Handler: c.whole}.Serve(c.w, outer)
}
