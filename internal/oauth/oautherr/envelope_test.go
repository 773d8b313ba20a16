package oautherr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/oauth/oautherr"
)

var ids = oautherr.IDs{
	Trace:       "8c2f0e5c-3f0e-4f7f-9d5e-0a5a3b1c2d00",
	Correlation: "41b7cf1e-5f0b-4d5e-8f5a-1c2d3e4f5a6b",
	At:          time.Date(2026, 3, 2, 9, 1, 5, 0, time.FixedZone("", 3600)),
	HelpURL:     "https://login.contoso.example/errors/",
}

var expired = &fault.Error{
	Kind: fault.Unauthorized, Code: "tapExpired", AADSTS: 130504,
	Text: "The access pass has expired.", Remedy: "Ask your helpdesk for a new one.",
}

func write(t *testing.T, r *http.Request, err error) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	oautherr.WriteError(w, r, err, ids)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return w, body
}

func post() *http.Request {
	return httptest.NewRequest(http.MethodPost, "/common/oauth2/v2.0/token", nil)
}

func TestWriteError(t *testing.T) {
	w, body := write(t, post(), fmt.Errorf("redeem: %w", expired))
	want := map[string]any{
		"error": "invalid_grant",
		"error_description": "AADSTS130504: The access pass has expired. Ask your helpdesk for a new one." +
			" Trace ID: 8c2f0e5c-3f0e-4f7f-9d5e-0a5a3b1c2d00 Correlation ID: 41b7cf1e-5f0b-4d5e-8f5a-1c2d3e4f5a6b Timestamp: 2026-03-02 08:01:05Z",
		"error_codes": []any{130504.0}, "timestamp": "2026-03-02 08:01:05Z",
		"trace_id": "8c2f0e5c-3f0e-4f7f-9d5e-0a5a3b1c2d00", "correlation_id": "41b7cf1e-5f0b-4d5e-8f5a-1c2d3e4f5a6b",
		"error_uri": "https://login.contoso.example/errors/tapExpired",
	}
	if !maps.EqualFunc(body, want, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("body = %v\nwant   %v", body, want)
	}
	if w.Code != http.StatusBadRequest {
		t.Errorf("status = %d, want 400", w.Code)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
}

func TestWriteErrorStatus(t *testing.T) {
	withBasic := post()
	withBasic.SetBasicAuth("client", "secret")
	busy := &fault.Error{Kind: fault.TooMany, Code: "busy", Text: "The server is busy."}
	tests := []struct {
		name             string
		r                *http.Request
		err              error
		status           int
		value            string
		retry, challenge string
	}{
		{"most faults", post(), oautherr.ErrCodeUsed, 400, "invalid_grant", "", ""},
		{"a wrong secret in the body", post(), oautherr.ErrWrongSecret, 401, "invalid_client", "", ""},
		{"a wrong secret in the header", withBasic, oautherr.ErrWrongSecret, 401, "invalid_client", "", `Basic realm="Postern", charset="UTF-8"`},
		{"another fault with a secret in the header", withBasic, oautherr.ErrCodeUsed, 400, "invalid_grant", "", ""},
		{"too many requests", post(), busy.After(7), 429, "temporarily_unavailable", "7", ""},
		{"too many requests, without a time", post(), busy, 429, "temporarily_unavailable", "", ""},
		{"an outage that is known", post(), &fault.Error{Kind: fault.Unavailable, Code: "x", Text: "Down."}, 503, "temporarily_unavailable", "", ""},
		{"waiting for the person, which clients expect as 400", post(), oautherr.ErrAuthorizationPending, 400, "authorization_pending", "", ""},
		{"polling too fast, which clients expect as 400", post(), oautherr.ErrSlowDown, 400, "slow_down", "", ""},
		{"a bug", post(), errors.New("x"), 500, "server_error", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, body := write(t, tt.r, tt.err)
			if w.Code != tt.status || body["error"] != tt.value {
				t.Errorf("answer = %d %v, want %d %s", w.Code, body["error"], tt.status, tt.value)
			}
			if got := w.Header().Get("Retry-After"); got != tt.retry {
				t.Errorf("Retry-After = %q, want %q", got, tt.retry)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != tt.challenge {
				t.Errorf("WWW-Authenticate = %q, want %q", got, tt.challenge)
			}
		})
	}
}

func TestWriteErrorTellsNothingOfABug(t *testing.T) {
	w, body := write(t, post(), errors.New("dial postgres://postern:secret@db: refused"))
	if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "postgres") {
		t.Errorf("the answer tells the cause: %s", w.Body)
	}
	if body["error_codes"] != nil || body["error_uri"] != nil {
		t.Errorf("body = %v", body)
	}
	if !strings.Contains(fmt.Sprint(body["error_description"]), ids.Correlation) {
		t.Errorf("the answer lacks the correlation id: %v", body)
	}
}

func TestDescribeKeepsToTheCharactersOfTheRFC(t *testing.T) {
	evil := oautherr.ErrMissingParameter.With("a\"b\\c\r\nSet-Cookie: x=1\x00\u202e<script>é", "")
	e, _ := oautherr.Describe(evil, oautherr.IDs{Trace: "\"\\", Correlation: "<\n>", At: ids.At})
	// RFC 6749 section 5.2.
	if !regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`).MatchString(e.Description) {
		t.Errorf("Description = %q", e.Description)
	}
}

func TestDescribeNamesTheParameter(t *testing.T) {
	e, _ := oautherr.Describe(oautherr.ErrMissingParameter.With("grant_type", ""), ids)
	if !strings.HasPrefix(e.Description, "AADSTS900144: This request lacks a parameter. Parameter: grant_type. Trace ID: ") {
		t.Errorf("Description = %q", e.Description)
	}
}

func TestDescribeWithoutANumber(t *testing.T) {
	e, _ := oautherr.Describe(oautherr.ErrSlowDown, ids)
	if strings.Contains(e.Description, "AADSTS") || e.Codes != nil {
		t.Errorf("Describe = %+v", e)
	}
}

func TestDescribeWithoutHelp(t *testing.T) {
	e, _ := oautherr.Describe(expired, oautherr.IDs{})
	if e.URI != "" {
		t.Errorf("URI = %q", e.URI)
	}
}

func TestChallenge(t *testing.T) {
	const challenge = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	err := fmt.Errorf("refresh: %w", &oautherr.Challenge{Err: oautherr.ErrMFARequired, Suberror: "basic_action", Claims: challenge})
	_, body := write(t, post(), err)
	if body["error"] != "interaction_required" || body["suberror"] != "basic_action" || body["claims"] != challenge {
		t.Errorf("body = %v", body)
	}
	if !errors.Is(err, oautherr.ErrMFARequired) {
		t.Error("the fault is hidden by its challenge")
	}
}

func TestValuesForARedirect(t *testing.T) {
	e, _ := oautherr.Describe(oautherr.ErrLoginRequired, ids)
	v := e.Values()
	if v.Get("error") != "login_required" || v.Get("error_description") != e.Description || v.Get("error_uri") != e.URI {
		t.Errorf("Values = %v", v)
	}
	if names := slices.Sorted(maps.Keys(v)); !slices.Equal(names, []string{"error", "error_description", "error_uri"}) {
		t.Errorf("Values has %v", names)
	}
	e, _ = oautherr.Describe(&oautherr.Challenge{Err: oautherr.ErrMFARequired, Suberror: "basic_action", Claims: "{}"}, oautherr.IDs{})
	if names := slices.Sorted(maps.Keys(e.Values())); !slices.Equal(names, []string{"claims", "error", "error_description", "error_subcode"}) {
		t.Errorf("Values has %v", names)
	}
}
