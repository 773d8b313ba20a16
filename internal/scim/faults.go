package scim

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/request"
)

// What can be wrong with a request of SCIM.
var (
	ErrSyntax = &fault.Error{
		Kind: fault.Invalid, Code: "scimSyntax",
		Text: "The request is not what SCIM writes.", Remedy: "RFC 7644 section 3 shows requests; docs/scim.md says which of them are taken.",
	}
	ErrValue   = &fault.Error{Kind: fault.Invalid, Code: "scimValue", Text: "A value does not fit its attribute."}
	ErrPath    = &fault.Error{Kind: fault.Invalid, Code: "scimPath", Text: "There is no such attribute.", Remedy: "/scim/v2/Schemas lists what is there."}
	ErrTarget  = &fault.Error{Kind: fault.Invalid, Code: "scimNoTarget", Text: "Nothing meets the filter of the path."}
	ErrMutable = &fault.Error{Kind: fault.Invalid, Code: "scimReadOnly", Text: "This attribute can't be changed."}
	// ErrMany reports more than one request may hold or one answer could.
	ErrMany = &fault.Error{Kind: fault.Invalid, Code: "scimTooMany", Text: "That is more than fits in one request.", Remedy: "Ask for less at a time."}
	// ErrLarge reports a body beyond maxBody.
	ErrLarge = &fault.Error{Kind: fault.TooLarge, Code: "scimTooLarge", Text: "The body is larger than this request takes.", Remedy: "Send less in one request."}
	ErrMedia = &fault.Error{
		Kind: fault.MediaType, Code: "scimMediaType",
		Text: "The body has a type that is not read here.", Remedy: "Send Content-Type: application/scim+json in UTF-8.",
	}
	ErrUnknown = &fault.Error{Kind: fault.NotFound, Code: "scimUnknown", Text: "There is no such resource.", Remedy: "/scim/v2/ResourceTypes lists what is there."}
	ErrVerb    = &fault.Error{Kind: fault.Method, Code: "scimMethod", Text: "This resource does not take this method."}
	// ErrNotOffered reports what the standard leaves to the server and this one leaves out.
	ErrNotOffered = &fault.Error{Kind: fault.Unsupported, Code: "scimNotOffered", Text: "This is not offered here.", Remedy: "/scim/v2/ServiceProviderConfig tells what is."}
	ErrVersion    = &fault.Error{Kind: fault.Precondition, Code: "scimVersion", Text: "Somebody else changed this meanwhile.", Remedy: "Read it again, then repeat the change."}
	ErrNoFilter   = &fault.Error{Kind: fault.Forbidden, Code: "scimNoFilter", Text: "This list can't be filtered."}
	ErrCursor     = &fault.Error{Kind: fault.Invalid, Code: "scimCursor", Text: "The cursor is not one of this list.", Remedy: "Begin with an empty cursor."}
)

// status is what each kind of fault becomes (RFC 7644 section 3.12).
var status = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unsupported: http.StatusBadRequest, fault.Unauthorized: http.StatusUnauthorized,
	fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	fault.TooLarge: http.StatusRequestEntityTooLarge, fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
	fault.MediaType: http.StatusUnsupportedMediaType, fault.Method: http.StatusMethodNotAllowed, fault.Gone: http.StatusGone,
	fault.Precondition: http.StatusPreconditionFailed,
}

// types are the scimType of what is declared here and below, by code; an Invalid one that is
// not listed is invalidValue.
var types = map[string]string{
	ErrSyntax.Code: "invalidSyntax", ErrPath.Code: "invalidPath", ErrTarget.Code: "noTarget", ErrMutable.Code: "mutability",
	ErrMany.Code: "tooMany", ErrCursor.Code: "invalidCursor",
	filter.ErrScimSyntax.Code: "invalidFilter", filter.ErrTooComplex.Code: "invalidFilter", filter.ErrUnknownProperty.Code: "invalidFilter",
	filter.ErrUnsupported.Code: "invalidFilter", filter.ErrType.Code: "invalidFilter",
	directory.ErrDynamicMembers.Code: "mutability",
}

type errorBody struct {
	Schemas  []string `json:"schemas"`
	Status   string   `json:"status"`
	ScimType string   `json:"scimType,omitempty"`
	Detail   string   `json:"detail"`
	Code     string   `json:"code,omitempty"` // ours; docs/errors.md lists them
	ID       string   `json:"correlationId"`
}

// say returns the status and body for err.
func say(err error, correlation string) (int, errorBody) {
	body := errorBody{
		Schemas: []string{urnError}, ID: correlation,
		Detail: "Something went wrong on the server. The log has the details under this correlationId.",
	}
	code := http.StatusInternalServerError
	if f, ok := errors.AsType[*fault.Error](err); ok {
		body.Detail, body.Code = f.Error(), f.Code
		if code, ok = status[f.Kind]; !ok {
			code = http.StatusBadRequest
		}
		if f.Code == ErrNotOffered.Code {
			code = http.StatusNotImplemented
		}
		switch {
		case types[f.Code] != "":
			body.ScimType = types[f.Code]
		case f.Kind == fault.Conflict:
			body.ScimType = "uniqueness"
		case f.Kind == fault.Invalid:
			body.ScimType = "invalidValue"
		}
	}
	body.Status = strconv.Itoa(code)
	return code, body
}

// fail answers r with err.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	code, body := say(err, request.From(r.Context()).CorrelationID)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="`+a.PublicURL+`/common/oauth2/v2.0/authorize"`)
	}
	a.logFailure(r, code, err)
	write(w, code, body)
}
