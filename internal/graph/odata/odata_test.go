package odata_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

var nine = time.Date(2026, 2, 3, 9, 0, 0, 0, time.UTC)

// zeros is a source of randomness that makes every UUID zeroID.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

const zeroID = "00000000-0000-4000-8000-000000000000"

// serve sends r to h behind Tag and returns the answer.
func serve(h http.HandlerFunc, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	odata.Tag(h, zeros{}, func() time.Time { return nine }).ServeHTTP(w, r)
	return w
}

var quiet = slog.New(slog.DiscardHandler)

// graphError is the envelope as a client reads it.
type graphError struct {
	Code, Message, Target string
	Details               []struct{ Code, Target, Message string }
	InnerError            map[string]string
}

func decodeError(t testing.TB, body io.Reader) graphError {
	t.Helper()
	var e struct{ Error graphError }
	if err := json.NewDecoder(body).Decode(&e); err != nil {
		t.Fatalf("the answer is no error envelope: %v", err)
	}
	return e.Error
}

// refusal fails the test unless err is the fault want; it returns the fault for its words.
func refusal(t testing.TB, err error, want *fault.Error) *fault.Error {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %s", err, want.Code)
	}
	f, _ := errors.AsType[*fault.Error](err)
	return f
}

func post(body string) *http.Request {
	r := httptest.NewRequest("POST", "/v1.0/users", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}
