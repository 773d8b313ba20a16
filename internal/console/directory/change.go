package directory

import (
	"errors"
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// change sends a change of the object that names lead to, if it still is what etag names;
// without one, in any case.
func change(c *console.Call, etag string, body graphclient.Object, names ...string) error {
	_, err := c.Graph.Matching(etag).Do(c.Context(), http.MethodPatch, body, names...)
	return err
}

// quicker reports whether somebody else changed what was to be changed.
func quicker(err error) bool { return refusedWith(err, http.StatusPreconditionFailed) }

// refusedWith reports whether Graph answered with a status.
func refusedWith(err error, status int) bool {
	refused, ok := errors.AsType[*graphclient.Error](err)
	return ok && refused.Status == status
}
