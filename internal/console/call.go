package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/request"
)

// KeptFor is how long what was deleted can be restored, as Graph keeps it.
// https://learn.microsoft.com/graph/api/resources/directory
const KeptFor = 30 * 24 * time.Hour

// A Call is one request of a signed-in person.
type Call struct {
	W      http.ResponseWriter
	R      *http.Request
	Person Person
	Graph  *graphclient.Client // with the person's own token

	console *Console
	section string
	key     key
}

// Context is the request's.
func (c *Call) Context() context.Context { return c.R.Context() }

// Now is the time, UTC.
func (c *Call) Now() time.Time { return c.console.Now() }

// May reports whether the person may do an action of package directory to an ordinary object.
// It only hides what would be refused; Graph decides.
func (c *Call) May(action string) bool { return c.Person.Actions[action] }

// Address is where browsers find this server, without a slash at the end.
func (c *Call) Address() string { return c.console.PublicURL }

// Foreign reports whether Graph is not Postern's, so that nothing is below /postern.
func (c *Call) Foreign() bool { return c.console.foreign() }

// Form returns a field of the form, without spaces around it.
func (c *Call) Form(name string) string { return strings.TrimSpace(c.R.FormValue(name)) }

// Frame returns what every page has; nav is the name of the entry that the page is under.
func (c *Call) Frame(nav string) Frame {
	id := request.From(c.Context()).CorrelationID
	f := Frame{
		Person: c.Person, Lang: design.LanguageFor(c.R), Zone: c.Person.Zone, Path: c.R.URL.Path, Query: c.R.URL.Query(),
		CorrelationID: id, ShortCode: design.ShortCode(id), Done: c.R.URL.Query().Get("done"), section: c.section, Foreign: c.Foreign(),
	}
	f.Nav = navigation(c, nav)
	return f
}

// Show writes a page.
func (c *Call) Show(status int, p Page) error {
	c.console.render(c, status, p)
	return nil
}

// Text returns the words for key in the language of the page.
func (c *Call) Text(key string, args ...string) string {
	return c.console.view.Text(design.LanguageFor(c.R), key, args...)
}

// Go leads the browser to a path of the console after a form was taken (303). done, if not
// empty, is the key of what the next page says has happened; args of it follow in pairs.
func (c *Call) Go(path, done string, args ...string) error {
	if done != "" {
		v := url.Values{"done": {done}}
		for i := 0; i+1 < len(args); i += 2 {
			v.Set(args[i], args[i+1])
		}
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		path += separator + v.Encode()
	}
	http.Redirect(c.W, c.R, path, http.StatusSeeOther)
	return nil
}

// Page asks Graph for one page of a list, from where the address says on; 50 items unless q says
// otherwise.
func (c *Call) Page(q graphclient.Query, names ...string) (graphclient.Page, error) {
	if q.SkipToken == "" {
		q.SkipToken = c.R.URL.Query().Get("after")
	}
	if q.Top == 0 {
		q.Top = 50
	}
	return c.Graph.Page(c.Context(), q, names...)
}

// NextHref is the address of the page after p, or "".
func (c *Call) NextHref(p graphclient.Page) string {
	if p.Next == "" {
		return ""
	}
	q := c.R.URL.Query()
	q.Del("done")
	q.Set("after", p.Next)
	return c.R.URL.Path + "?" + q.Encode()
}
