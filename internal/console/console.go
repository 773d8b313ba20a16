// Package console is what the pages of the administrators' console share: the session of a
// person in a browser, sign-in, the frame around every page, words and failures. The pages
// themselves are in the packages below it, one for each part; package site lists them.
//
// The console is a client of Graph with the person's own access token and decides nothing: what
// it does not offer Graph refuses, too. The token stays on the server, sealed under a key that
// only the browser's cookie holds (docs/console.md).
package console

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/request"
)

// Root is the path below which the console is.
const Root = "/console"

// A Config says where Graph is and who may be let in. Every field is required but those that
// say otherwise.
type Config struct {
	Graph     string // base address of Graph, without a version
	Authority string // base address of the sign-in server
	ClientID  string // of the console, a public client
	Tenant    string // whose people sign in: id or domain, or organizations
	PublicURL string // where browsers find the console, without a slash at the end
	// HTTP reaches Graph and the sign-in server.
	HTTP     *http.Client
	Sessions Sessions
	Sections []Section
	Now      func() time.Time
	Log      *slog.Logger
	// Other says that Graph may not be Postern's. What it lacks is then left out, and people are
	// asked for the permissions of a page when they open it.
	Other bool
}

// A Section is one part of the console.
type Section struct {
	Name   string // of its folder; it starts the keys of its words
	Routes []Route
	// Files holds its *.html and words/*.{language}.json.
	Files fs.FS
}

// A Route is one address and what it takes to be shown there.
type Route struct {
	Pattern string // of http.ServeMux, with /console
	// Needs lists actions of which a person must be able to do one; none is for everybody with
	// an administrator role. Graph decides again, with the object at hand.
	Needs []string
	Most  int64 // bytes of a form; 0 for maxForm
	Serve func(*Call) error
}

// Console serves the console's pages.
type Console struct {
	Config
	view     *View
	patience time.Duration // for another who renews the same tokens
	streams  streams
	backend  atomic.Int32 // of a Graph that may be another's: not known yet, Postern, or foreign
}

// New returns a console, or says what is wrong with its pages.
func New(cfg Config) (*Console, error) {
	view, err := NewView(cfg.Now, cfg.Sections)
	if err != nil {
		return nil, err
	}
	return &Console{Config: cfg, view: view, patience: 15 * time.Second}, nil
}

// Handler returns the console. What it is mounted behind refuses cross-origin posts.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Root+"/signin/done", c.signedIn)
	mux.HandleFunc("GET "+Root+"/signin/again", c.again)
	mux.HandleFunc("POST "+Root+"/signout", c.signOut)
	mux.Handle("GET "+Root+"/assets/", assets)
	for _, section := range c.Sections {
		for _, route := range section.Routes {
			mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, section, route) })
		}
	}
	mux.HandleFunc(Root+"/", func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, Section{}, Route{Serve: nowhere}) })
	mux.HandleFunc("GET "+Root, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Root+"/", http.StatusSeeOther) })
	return guarded(mux)
}

// guarded sets what every answer has, redirects and files too.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// maxForm bounds the body of a form, in bytes, where its route says nothing.
const maxForm = 1 << 20

// serve answers one request of a person, who signs in first where they have not.
func (c *Console) serve(w http.ResponseWriter, r *http.Request, section Section, route Route) {
	r.Body = http.MaxBytesReader(w, r.Body, cmp.Or(route.Most, maxForm))
	call := &Call{W: w, R: r, console: c, section: section.Name}
	err := c.open(call)
	if errors.Is(err, ErrSignedOut) {
		c.begin(w, r)
		return
	}
	if err == nil {
		err = call.admit(route)
	}
	if err == nil && c.Other {
		missing, failed := c.missing(call, section.Name)
		if err = failed; missing != "" && r.Method == http.MethodGet {
			c.ask(w, r, missing)
			return
		}
	}
	if err == nil {
		err = route.Serve(call)
	}
	if err != nil {
		c.fail(call, err)
	}
}

// open finds the person whose session the browser holds.
func (c *Console) open(call *Call) error {
	key, err := parseKey(browser.Console(call.R))
	if err != nil {
		return ErrSignedOut
	}
	client, err := graphclient.New(graphclient.Config{
		Graph: c.Graph, Tokens: c.tokens(key), HTTP: c.HTTP, Patience: time.Second, Retries: 1,
		Correlation: request.From(call.Context()).CorrelationID,
	})
	if err != nil {
		return err
	}
	call.key, call.Graph = key, client
	call.Person, err = c.person(call.Context(), client)
	if c.foreign() {
		call.Graph = client.Elsewhere()
	}
	if len(call.Person.Roles) == 0 {
		call.Person.Actions = nil // what anybody may do is no affair of the console
	}
	return err
}

// admit refuses who can do none of what route needs.
func (c *Call) admit(route Route) error {
	if len(c.Person.Roles) == 0 {
		return ErrNoRole
	}
	if c.Foreign() && !known(route.Needs) {
		return ErrNowhere
	}
	if !c.mayOne(route.Needs) {
		return ErrNotYours
	}
	return nil
}

func nowhere(*Call) error { return ErrNowhere }

// onlyPath returns where a browser may be led back to: a path of the console.
func onlyPath(path string) string {
	if !strings.HasPrefix(path, Root+"/") || strings.Contains(path, "//") || strings.ContainsAny(path, "\\\r\n") {
		return Root + "/"
	}
	return path
}

// A Person is who is signed in, as Graph sees them now.
type Person struct {
	ID, Name, Username string
	Tenant             string // the display name of the organization
	TenantID           string
	Zone               *time.Location // the organization's; nil is UTC
	Roles              []string       // display names; none: no administrator
	Actions            map[string]bool
}

// person asks Graph who is signed in.
func (c *Console) person(ctx context.Context, client *graphclient.Client) (Person, error) {
	if c.foreign() {
		return foreignPerson(ctx, client)
	}
	me, err := client.Get(ctx, "postern", "me", "actions")
	if refused, ok := asRefused(err); ok && c.Other && c.backend.Load() == unknown && lacking(refused) {
		c.backend.Store(foreign)
		return foreignPerson(ctx, client)
	}
	if err != nil {
		return Person{}, err
	}
	c.backend.Store(postern)
	p := Person{
		ID: me.Text("id"), Name: me.Text("displayName"), Username: me.Text("userPrincipalName"),
		Tenant: me.Text("organization/displayName"), TenantID: me.Text("organization/id"), Actions: map[string]bool{},
	}
	if p.Zone, err = time.LoadLocation(me.Text("organization/timeZone")); err != nil {
		p.Zone = time.UTC
	}
	for _, role := range me.Objects("roles") {
		p.Roles = append(p.Roles, role.Text("displayName"))
	}
	actions, _ := me["actions"].([]any)
	for _, a := range actions {
		if name, ok := a.(string); ok {
			p.Actions[name] = true
		}
	}
	return p, nil
}
