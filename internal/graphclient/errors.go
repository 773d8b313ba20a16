package graphclient

import (
	"encoding/json"
	"net/http"
)

// Error is a refusal, in Graph's envelope or in OAuth's.
type Error struct {
	Status    int    // of HTTP
	Code      string // the most exact: such as caseRequired, Request_ResourceNotFound or invalid_client; may be empty
	Message   string // a sentence for people, from the server
	Target    string // property or parameter at fault; may be empty
	RequestID string // to find the request in the server's log; may be empty
}

// Error returns the message, or the status where the server said nothing.
func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = "The server answered " + http.StatusText(e.Status) + "."
	}
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	return text
}

// decodeError reads either envelope; an answer that has neither keeps its status only.
// https://learn.microsoft.com/graph/errors and RFC 6749 section 5.2.
func decodeError(res *http.Response, answer []byte) *Error {
	e := &Error{Status: res.StatusCode, RequestID: res.Header.Get("request-id")}
	var outer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		TraceID     string          `json:"trace_id"`
	}
	if json.Unmarshal(answer, &outer) != nil {
		return e
	}
	if json.Unmarshal(outer.Error, &e.Code) == nil {
		e.Message = outer.Description
		if e.RequestID == "" {
			e.RequestID = outer.TraceID
		}
		return e
	}
	var inner struct {
		Code, Message, Target string
		Details               []struct{ Code string }
	}
	if json.Unmarshal(outer.Error, &inner) == nil {
		e.Code, e.Message, e.Target = inner.Code, inner.Message, inner.Target
	}
	for _, d := range inner.Details {
		if d.Code != "" && 'a' <= d.Code[0] && d.Code[0] <= 'z' { // a code of Postern's own, under a family's of Graph
			e.Code = d.Code
		}
	}
	return e
}
