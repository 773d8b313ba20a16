package odata

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// Family says which part of Graph answers, because its parts spell their error codes
// differently. The zero value is Directory.
type Family int

// The families of resources.
const (
	Directory Family = iota // users, groups, roles, applications, devices, domains
	Methods                 // a person's authentication methods
	Policies                // authentication methods policy, Conditional Access
	Logs                    // sign-ins, audits, reports
)

type answer struct {
	status int
	codes  [4]string // by family
}

func everywhere(code string) [4]string { return [4]string{code, code, code, code} }

// answers is what each kind of fault becomes. A Conflict among directory objects is a 400
// with the detail ObjectConflict: see say.
var answers = map[fault.Kind]answer{
	fault.Invalid:      {http.StatusBadRequest, [4]string{"Request_BadRequest", "badRequest", "badRequest", "BadRequest"}},
	fault.Unsupported:  {http.StatusBadRequest, everywhere("notSupported")},
	fault.Unauthorized: {http.StatusUnauthorized, everywhere("InvalidAuthenticationToken")},
	fault.Forbidden:    {http.StatusForbidden, [4]string{"Authorization_RequestDenied", "accessDenied", "AccessDenied", "Authorization_RequestDenied"}},
	fault.NotFound:     {http.StatusNotFound, [4]string{"Request_ResourceNotFound", "resourceNotFound", "ResourceNotFound", "ResourceNotFound"}},
	fault.Conflict:     {http.StatusConflict, everywhere("Conflict")},
	fault.TooLarge:     {http.StatusRequestEntityTooLarge, everywhere("RequestEntityTooLarge")},
	fault.TooMany:      {http.StatusTooManyRequests, everywhere("TooManyRequests")},
	fault.Unavailable:  {http.StatusServiceUnavailable, everywhere("serviceNotAvailable")},
	fault.MediaType:    {http.StatusUnsupportedMediaType, everywhere("UnsupportedMediaType")},
	fault.Method:       {http.StatusMethodNotAllowed, everywhere("MethodNotAllowed")},
	fault.Gone:         {http.StatusGone, everywhere("resyncRequired")},
	fault.Precondition: {http.StatusPreconditionFailed, everywhere("resourceModified")},
}

type errorBody struct {
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Target  string        `json:"target,omitempty"`
	Details []errorDetail `json:"details,omitempty"`
	Inner   innerError    `json:"innerError"`
}

type errorDetail struct {
	Code    string `json:"code"`
	Target  string `json:"target,omitempty"`
	Message string `json:"message"`
}

type innerError struct {
	Message string `json:"message,omitempty"`
	Date    string `json:"date"` // UTC without a zone, as Graph writes it
	Request string `json:"request-id"`
	Client  string `json:"client-request-id"`
}

// Write answers r with err in Graph's envelope. A fault says what it says, with the status
// and code of its kind and family; a code that is not Graph's own stands in details. Any
// other error becomes a bare 500 generalException. Both are logged with the request id.
// A [Challenge] on the way adds its WWW-Authenticate header.
func Write(w http.ResponseWriter, r *http.Request, family Family, err error, log *slog.Logger) {
	status, level := http.StatusInternalServerError, slog.LevelError
	body := errorBody{Code: "generalException", Message: "Something went wrong on the server. The log has the details under this request-id."}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		level = slog.LevelInfo
		status, body = say(f, family)
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
	}
	if c, ok := errors.AsType[*Challenge](err); ok {
		w.Header().Set("WWW-Authenticate", c.header())
	} else if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", (&Challenge{}).header())
	}
	ids := IDsFrom(r.Context())
	log.Log(r.Context(), level, "request failed", "method", r.Method, "path", r.URL.Path,
		"status", status, "request-id", ids.Request, "err", err)
	writeError(w, status, body, family, ids)
}

// say returns the status and envelope of f, without ids.
func say(f *fault.Error, family Family) (int, errorBody) {
	a, ok := answers[f.Kind]
	if !ok {
		a = answers[fault.Invalid]
	}
	status, body := a.status, errorBody{Code: a.codes[family], Message: f.Error(), Target: f.Target}
	if f.Kind == fault.Conflict && family == Directory && f.Code != "Conflict" {
		status, body.Code = http.StatusBadRequest, answers[fault.Invalid].codes[Directory]
		body.Details = append(body.Details, errorDetail{"ObjectConflict", f.Target, f.Text})
	}
	switch {
	case f.Code == "" || f.Code == body.Code || f.Code == "ObjectConflict":
	case isGraphs(f.Code):
		body.Code = f.Code
	default:
		body.Details = append(body.Details, errorDetail{f.Code, f.Target, f.Text})
	}
	return status, body
}

// isGraphs reports whether code is spelled as only Graph's are, such as Conflict and
// Request_UnsupportedQuery; it is then answered as it is. Our own are lowerCamelCase.
func isGraphs(code string) bool {
	return strings.Contains(code, "_") || 'A' <= code[0] && code[0] <= 'Z'
}

func writeError(w http.ResponseWriter, status int, body errorBody, family Family, ids IDs) {
	body.Inner = innerError{Date: ids.At.Format("2006-01-02T15:04:05"), Request: ids.Request, Client: ids.Client}
	if family == Methods {
		body.Inner.Message = body.Message
	}
	data, _ := encode(map[string]errorBody{"error": body}) // strings alone always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // fails only when the caller has gone
}
