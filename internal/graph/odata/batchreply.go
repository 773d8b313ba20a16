package odata

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// reply is one answer in the answer to a batch.
type reply struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"`
}

// recorder keeps the answer to one request of a batch.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
}

func (r *recorder) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(data)
}

// reply returns what was recorded: JSON as it is, text as a string, the rest as base64.
func (r *recorder) reply(id string) reply {
	r.WriteHeader(http.StatusOK)
	out := reply{ID: id, Status: r.status, Headers: map[string]string{}}
	for name, values := range r.header {
		if name != "Set-Cookie" {
			out.Headers[name] = strings.Join(values, ", ")
		}
	}
	data, kind := r.body.Bytes(), r.header.Get("Content-Type")
	switch {
	case len(data) == 0:
	case isJSONType(kind) && json.Valid(data):
		out.Body = json.RawMessage(data)
	case strings.HasPrefix(kind, "text/"):
		out.Body = string(data)
	default:
		out.Body = data // encoding/json writes bytes as base64
	}
	return out
}

// dependencyFailed is the answer to a request that did not run because another failed.
func dependencyFailed(id string, ids IDs) reply {
	rec := &recorder{header: http.Header{}}
	body := errorBody{Code: "FailedDependency", Message: "This request did not run, because one that it depends on failed."}
	writeError(rec, http.StatusFailedDependency, body, Directory, ids)
	return rec.reply(id)
}
