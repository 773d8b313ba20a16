package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/request"
)

// What the console itself refuses. The words that people see are in its catalog under
// console_{code}.
var (
	ErrSignedOut = &fault.Error{
		Kind: fault.Unauthorized, Code: "consoleSignedOut",
		Text: "Your sign-in to the console has ended.", Remedy: "Sign in again. What you sent was not done.",
	}
	ErrSignInRefused = &fault.Error{
		Kind: fault.Forbidden, Code: "consoleSignInRefused",
		Text: "The sign-in server did not let you into the console.", Remedy: "Ask an administrator whether you may use it.",
	}
	ErrStaleSignIn = &fault.Error{
		Kind: fault.Invalid, Code: "consoleSignInStale",
		Text: "This answer belongs to a sign-in that this browser did not begin, or that took too long.", Remedy: "Open the console again.",
	}
	ErrNoRole = &fault.Error{
		Kind: fault.Forbidden, Code: "consoleNoRole",
		Text: "Your account has no administrator role.", Remedy: "Ask an administrator for one; your own ways to sign in are on your security info page.",
	}
	ErrNotYours = &fault.Error{
		Kind: fault.Forbidden, Code: "consoleNotYours",
		Text: "None of your roles opens this page.", Remedy: "Ask whoever sent you the address, or an administrator.",
	}
	ErrNowhere = &fault.Error{
		Kind: fault.NotFound, Code: "consoleNowhere",
		Text: "There is no page at this address.", Remedy: "It may have been moved or deleted.",
	}
	ErrTaken = &fault.Error{
		Kind: fault.Gone, Code: "consoleShownOnce",
		Text: "This was shown once and can't be shown again.", Remedy: "Make a new one if it was not read.",
	}
)

func asError[E error](err error, target *E) bool { return errors.As(err, target) }

// failedPage says why there is nothing else to see.
type failedPage struct {
	Frame
	Kind   string // key of its words: failed_{kind}
	Detail *Trouble
	// AgainHref, if set, is where to try again.
	AgainHref string
	SignedIn  bool
}

func (failedPage) File() string { return "failed.html" }

// fail writes the page that fits err. What is no refusal of anybody is logged.
func (c *Console) fail(call *Call, err error) {
	page := failedPage{SignedIn: call.Person.ID != ""}
	page.Frame = call.Frame("")
	page.Detail = Explain(err)
	var refused *graphclient.Error
	var f *fault.Error
	var tooLarge *http.MaxBytesError
	var status int
	switch {
	case errors.Is(err, ErrSignedOut), errors.Is(err, graphclient.ErrNotSignedIn), errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		c.ended(call)
		return
	case errors.As(err, &tooLarge):
		page.Kind, status = "large", http.StatusRequestEntityTooLarge
	case errors.As(err, &refused):
		page.Kind, status = kindOf(refused)
	case errors.As(err, &f):
		page.Kind, status = "refused", statusOf(f)
		switch {
		case errors.Is(err, ErrNoRole), errors.Is(err, ErrNotYours):
			page.Kind = "forbidden"
		case errors.Is(err, ErrNowhere):
			page.Kind = "missing"
		case errors.Is(err, graphclient.ErrUnreachable), errors.Is(err, graphclient.ErrCertificate):
			page.Kind, status = "away", http.StatusBadGateway
		}
	case call.Context().Err() != nil:
		return // the browser is gone
	case errors.Is(err, context.DeadlineExceeded):
		page.Kind, status = "away", http.StatusGatewayTimeout
	default:
		page.Kind, status = "ours", http.StatusInternalServerError
	}
	if status >= http.StatusInternalServerError {
		c.Log.Log(call.Context(), slog.LevelError, "console page failed", "path", call.R.URL.Path,
			"correlation_id", request.From(call.Context()).CorrelationID, "err", err)
	}
	if call.R.Method == http.MethodGet && (page.Kind == "busy" || page.Kind == "away" || page.Kind == "ours") {
		page.AgainHref = call.R.URL.RequestURI()
	}
	if f != nil && f.RetryAfter > 0 {
		call.W.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	c.render(call, status, page)
}

func kindOf(e *graphclient.Error) (string, int) {
	switch {
	case e.Status == http.StatusForbidden:
		return "forbidden", e.Status
	case e.Status == http.StatusNotFound:
		return "missing", e.Status
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusServiceUnavailable:
		return "busy", e.Status
	case e.Status >= http.StatusInternalServerError:
		return "away", http.StatusBadGateway
	}
	return "refused", e.Status
}

func statusOf(f *fault.Error) int {
	if status, ok := request.Status(f.Kind); ok && status != http.StatusUnauthorized {
		return status
	}
	return http.StatusBadRequest
}

// again is how soon after a sign-in the next one needs a click: a token that Graph never takes
// must not send a browser round and round.
const again = 10 * time.Second

// ended takes a session away that Graph no longer accepts. A page begins a new sign-in; a form
// says that nothing was done.
func (c *Console) ended(call *Call) {
	justBegun := false
	if k, err := parseKey(browser.Console(call.R)); err == nil {
		row, err := c.Sessions.TakeConsole(call.Context(), k.tenant, k.id(sessionRow), c.Now())
		justBegun = err == nil && row.EndsAt.Add(-maxSession).After(c.Now().Add(-again))
	}
	browser.KeepConsole(call.W, "")
	if call.R.Method == http.MethodGet && !justBegun {
		c.begin(call.W, call.R)
		return
	}
	page := failedPage{Frame: call.Frame(""), Kind: "ended", Detail: Explain(ErrSignedOut), AgainHref: Root + "/"}
	c.render(call, http.StatusForbidden, page)
}
