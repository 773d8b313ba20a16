package server

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

// maxForm bounds the body of a form, in bytes; the console's carry whole policies.
const (
	maxForm        = 64 << 10
	maxConsoleForm = 1 << 20
)

// Faults of requests that no part needs to see.
var (
	ErrNotText = &fault.Error{
		Kind: fault.Invalid, Code: "notText", AADSTS: 9002313,
		Text: "The request has bytes that are no text.", Remedy: "Send UTF-8 without NUL.",
	}
	ErrForm = &fault.Error{
		Kind: fault.Invalid, Code: "formUnreadable", AADSTS: 9002313,
		Text: "The form can't be read.", Remedy: "Send it as application/x-www-form-urlencoded, plain.",
	}
)

// wellFormed refuses what is no text, before anything is looked up by it, and forms that are
// too large or can't be read. PostgreSQL takes neither NUL nor what is not UTF-8.
func wellFormed(refuse func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := checkAddress(r.URL)
		if err == nil {
			err = checkForm(w, r)
		}
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func checkAddress(u *url.URL) error {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		query = "" // whoever reads it says what is wrong
	}
	if !isText(u.Path) || !isText(query) {
		return ErrNotText
	}
	return nil
}

// checkForm parses the form of r, if it has one. Handlers find it parsed.
func checkForm(w http.ResponseWriter, r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || r.Method != http.MethodPost:
		return nil //nolint:nilerr // whoever needs a type says that it is wrong
	case kind == "multipart/form-data" && isConsole(r):
		return nil // the console takes files, and reads them once it knows from whom
	case kind == "multipart/form-data":
		return ErrForm
	case kind != "application/x-www-form-urlencoded" || isGraph(r):
		return nil
	case r.Header.Get("Content-Encoding") != "":
		return ErrForm
	}
	most := int64(maxForm)
	if isConsole(r) {
		most = maxConsoleForm
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	err = r.ParseForm()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return odata.ErrBodyTooLarge
	}
	if err != nil {
		return ErrForm
	}
	for name, values := range r.PostForm {
		if !isText(name) || !isText(strings.Join(values, "")) {
			return ErrNotText
		}
	}
	return nil
}

// isGraph reports whether r is for Graph, which reads its bodies itself.
func isGraph(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/v1.0/") || strings.HasPrefix(r.URL.Path, "/beta/")
}

func isConsole(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, console.Root+"/") }

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
