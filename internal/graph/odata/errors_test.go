package odata_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

func writeTo(family odata.Family, err error) *httptest.ResponseRecorder {
	return serve(func(w http.ResponseWriter, r *http.Request) { odata.Write(w, r, family, err, quiet) },
		httptest.NewRequest("GET", "/v1.0/users", nil))
}

func TestWriteStatusAndCode(t *testing.T) {
	of := func(k fault.Kind) error { return &fault.Error{Kind: k, Code: "ourCode", Text: "No."} }
	graphs := func(k fault.Kind, code string) error { return &fault.Error{Kind: k, Code: code, Text: "No."} }
	for _, c := range []struct {
		name   string
		family odata.Family
		err    error
		status int
		code   string
	}{
		{"invalid, directory", odata.Directory, of(fault.Invalid), 400, "Request_BadRequest"},
		{"invalid, methods", odata.Methods, of(fault.Invalid), 400, "badRequest"},
		{"invalid, policies", odata.Policies, of(fault.Invalid), 400, "badRequest"},
		{"invalid, logs", odata.Logs, of(fault.Invalid), 400, "BadRequest"},
		{"unsupported", odata.Methods, of(fault.Unsupported), 400, "notSupported"},
		{"unauthorized", odata.Methods, of(fault.Unauthorized), 401, "InvalidAuthenticationToken"},
		{"forbidden, directory", odata.Directory, of(fault.Forbidden), 403, "Authorization_RequestDenied"},
		{"forbidden, methods", odata.Methods, of(fault.Forbidden), 403, "accessDenied"},
		{"forbidden, policies", odata.Policies, of(fault.Forbidden), 403, "AccessDenied"},
		{"not found, directory", odata.Directory, of(fault.NotFound), 404, "Request_ResourceNotFound"},
		{"not found, methods", odata.Methods, of(fault.NotFound), 404, "resourceNotFound"},
		{"not found, policies", odata.Policies, of(fault.NotFound), 404, "ResourceNotFound"},
		{"conflict, methods", odata.Methods, of(fault.Conflict), 409, "Conflict"},
		{"conflict, directory", odata.Directory, of(fault.Conflict), 400, "Request_BadRequest"},
		{"object conflict, directory", odata.Directory, graphs(fault.Conflict, "ObjectConflict"), 400, "Request_BadRequest"},
		{"a conflict that asks for 409, directory", odata.Directory, graphs(fault.Conflict, "Conflict"), 409, "Conflict"},
		{"too large", odata.Directory, of(fault.TooLarge), 413, "RequestEntityTooLarge"},
		{"too many", odata.Directory, of(fault.TooMany), 429, "TooManyRequests"},
		{"unavailable", odata.Directory, of(fault.Unavailable), 503, "serviceNotAvailable"},
		{"media type", odata.Directory, of(fault.MediaType), 415, "UnsupportedMediaType"},
		{"method", odata.Directory, of(fault.Method), 405, "MethodNotAllowed"},
		{"gone", odata.Logs, of(fault.Gone), 410, "resyncRequired"},
		{"precondition", odata.Directory, of(fault.Precondition), 412, "resourceModified"},
		{"a kind nobody knows", odata.Directory, of(0), 400, "Request_BadRequest"},
		{"a code that is Graph's own", odata.Methods, graphs(fault.Unsupported, "Request_UnsupportedQuery"), 400, "Request_UnsupportedQuery"},
		{"a generic code is spelled by the family", odata.Directory, graphs(fault.Forbidden, "accessDenied"), 403, "Authorization_RequestDenied"},
		{"wrapped", odata.Methods, fmt.Errorf("read pass: %w", of(fault.NotFound)), 404, "resourceNotFound"},
		{"no fault", odata.Directory, errors.New("disk on fire"), 500, "generalException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := writeTo(c.family, c.err)
			if e := decodeError(t, w.Body); w.Code != c.status || e.Code != c.code {
				t.Errorf("got %d %s, want %d %s", w.Code, e.Code, c.status, c.code)
			}
		})
	}
}

func TestWriteEnvelope(t *testing.T) {
	err := &fault.Error{
		Kind: fault.Invalid, Code: "lifetimeOutOfRange", Target: "lifetimeInMinutes",
		Text: "The lifetime is too long.", Remedy: "Choose 480 minutes or less.",
	}
	w := writeTo(odata.Methods, err)
	const want = `{"error":{"code":"badRequest","message":"The lifetime is too long. Choose 480 minutes or less.",` +
		`"target":"lifetimeInMinutes","details":[{"code":"lifetimeOutOfRange","target":"lifetimeInMinutes",` +
		`"message":"The lifetime is too long."}],"innerError":{"message":"The lifetime is too long. Choose 480 minutes or less.",` +
		`"date":"2026-02-03T09:00:00","request-id":"` + zeroID + `","client-request-id":"` + zeroID + `"}}}`
	if got := w.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	if inner := decodeError(t, writeTo(odata.Directory, err).Body).InnerError; inner["message"] != "" {
		t.Error("only methods repeat the message inside")
	}
}

func TestWriteConflictKeepsBothCodes(t *testing.T) {
	err := &fault.Error{Kind: fault.Conflict, Code: "upnTaken", Text: "This name is taken.", Target: "userPrincipalName"}
	e := decodeError(t, writeTo(odata.Directory, err).Body)
	if len(e.Details) != 2 || e.Details[0].Code != "ObjectConflict" || e.Details[1].Code != "upnTaken" ||
		e.Details[0].Target != "userPrincipalName" {
		t.Errorf("details are %+v", e.Details)
	}
}

func TestWriteRetryAfter(t *testing.T) {
	busy := &fault.Error{Kind: fault.TooMany, Code: "busy", Text: "Too many tries."}
	if got := writeTo(odata.Directory, busy.After(7)).Header().Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After is %q, want 7", got)
	}
	if got, there := writeTo(odata.Directory, busy).Header()["Retry-After"]; there {
		t.Errorf("Retry-After is %q, want none", got)
	}
}

func TestWriteTellsNothingOfAnInnerError(t *testing.T) {
	var log bytes.Buffer
	r := httptest.NewRequest("GET", "/v1.0/users", nil)
	w := serve(func(w http.ResponseWriter, r *http.Request) {
		odata.Write(w, r, odata.Methods, errors.New("dial db-7.internal"), slog.New(slog.NewJSONHandler(&log, nil)))
	}, r)
	if strings.Contains(w.Body.String(), "db-7") || !strings.Contains(w.Body.String(), zeroID) {
		t.Errorf("the caller reads %s", w.Body)
	}
	for _, want := range []string{"db-7", zeroID, `"level":"ERROR"`, "/v1.0/users"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
}

func TestChallenge(t *testing.T) {
	refused := &fault.Error{Kind: fault.Unauthorized, Code: "tokenExpired", Text: "The token has expired."}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"a plain refusal", refused, `Bearer realm=""`},
		{
			"a claims challenge",
			&odata.Challenge{Err: refused, AuthorizeURL: "https://id.example/o", Code: "insufficient_claims", Claims: `{"access_token":{}}`},
			`Bearer realm="", authorization_uri="https://id.example/o", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="`,
		},
		{"DPoP", &odata.Challenge{Err: refused, Scheme: "DPoP", Code: "use_dpop_nonce"}, `DPoP realm="", error="use_dpop_nonce"`},
		{"a line break is left out", &odata.Challenge{Err: refused, Code: "a\r\nSet-Cookie: b=c"}, `Bearer realm=""`},
		{"a quote is left out", &odata.Challenge{Err: refused, AuthorizeURL: `https://x/" evil="`}, `Bearer realm=""`},
		{"an unknown scheme is Bearer", &odata.Challenge{Err: refused, Scheme: "Basic\r\nX: y"}, `Bearer realm=""`},
		{"wrapped", fmt.Errorf("authenticate: %w", &odata.Challenge{Err: refused, Code: "invalid_token"}), `Bearer realm="", error="invalid_token"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := writeTo(odata.Directory, c.err)
			if got := w.Header().Get("WWW-Authenticate"); w.Code != 401 || got != c.want {
				t.Errorf("got %d %s\nwant 401 %s", w.Code, got, c.want)
			}
			if e := decodeError(t, w.Body); e.Code != "InvalidAuthenticationToken" {
				t.Errorf("code is %s", e.Code)
			}
		})
	}
}
