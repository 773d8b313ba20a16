package server

import (
	"bytes"
	"io"
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/components"
	"github.com/postern-id/postern/internal/console/site"
	"github.com/postern-id/postern/internal/directory"
)

// console returns the console, whose calls of Graph and of the authorization server go through
// whole, the same handler that everybody's go through.
func (s *Server) console(whole func() http.Handler) (*console.Console, error) {
	sections := site.Sections()
	if s.options.Mail.Mailbox { // postern dev
		sections = append(sections, components.Section())
	}
	return console.New(console.Config{
		Graph: s.options.PublicURL, Authority: s.options.PublicURL, PublicURL: s.options.PublicURL,
		ClientID: string(directory.ConsoleAppID), Tenant: "organizations",
		HTTP: &http.Client{
			Transport:     inProcess{whole},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Sessions: s.db, Sections: sections, Now: s.now, Log: s.options.Log,
	})
}

// inProcess sends requests to a handler of this process. The facts of the browser's request are
// in their context.
type inProcess struct{ handler func() http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	defer func() {
		if r.Body != nil {
			_ = r.Body.Close() // it was read, or nobody wants it
		}
	}()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = r.URL.RequestURI(), r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &answer{header: http.Header{}}
	t.handler().ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Header: w.sent, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

// An answer is what a handler wrote.
type answer struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter; the first call counts.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.sent = status, a.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}
