package request

import (
	"net/http"

	"github.com/postern-id/postern/internal/fault"
)

// statuses are the answers to the kinds of fault, where a protocol has none of its own.
var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unsupported: http.StatusBadRequest, fault.Unauthorized: http.StatusUnauthorized,
	fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	fault.Precondition: http.StatusConflict, fault.TooLarge: http.StatusRequestEntityTooLarge, fault.TooMany: http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// Status returns the status that answers a fault of kind, if there is one.
func Status(kind fault.Kind) (int, bool) {
	status, ok := statuses[kind]
	return status, ok
}
