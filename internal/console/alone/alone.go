// Package alone runs the console by itself on a person's machine, in front of any Graph. Its
// sessions are in memory and end with it.
package alone

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/site"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/request"
)

// Options say where Graph is and how the console is known there.
type Options struct {
	Graph     string // base address, such as https://graph.microsoft.com
	Authority string // base address, such as https://login.microsoftonline.com
	ClientID  string // of a public client with the redirect URI http://localhost/console/signin/done
	Tenant    string // id or domain; organizations for whoever signs in
	Listen    string // address of this machine; only its own people reach it
	HTTP      *http.Client
	Log       *slog.Logger
}

// ErrListen says that the console can't be reached there, or should not be.
var ErrListen = &fault.Error{
	Kind: fault.Invalid, Code: "consoleListen",
	Text: "The console listens on this machine only.", Remedy: "Choose a free port of 127.0.0.1, such as 127.0.0.1:8444.",
}

// Serve serves the console until ctx ends; started is called with its address once it answers.
func Serve(ctx context.Context, o Options, started func(url string)) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return ErrListen.With("", "Nothing can listen on "+o.Listen+".")
	}
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return errors.Join(ErrListen, listener.Close())
	}
	at := "http://localhost:" + port
	pages, err := console.New(console.Config{
		Graph: o.Graph, Authority: o.Authority, ClientID: o.ClientID, Tenant: o.Tenant, PublicURL: at, Other: true,
		HTTP: o.HTTP, Sessions: &memory{rows: map[string]console.Row{}}, Sections: site.Sections(), Now: time.Now, Log: o.Log,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	handler := onlyAt(at, http.NewCrossOriginProtection().Handler(pages.Handler()))
	web := &http.Server{
		Handler: request.Middleware(nil, handler), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	started(at + console.Root + "/")
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return web.Close()
	}
}

// onlyAt refuses requests for another host: a page elsewhere whose name leads to this machine
// (DNS rebinding) gets nothing. What is outside the console leads into it.
func onlyAt(at string, next http.Handler) http.Handler {
	u, err := url.Parse(at)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case err != nil || r.Host != u.Host:
			http.Error(w, "The console is at "+at+console.Root+"/", http.StatusMisdirectedRequest)
		case !strings.HasPrefix(r.URL.Path, console.Root):
			http.Redirect(w, r, console.Root+"/", http.StatusSeeOther)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
