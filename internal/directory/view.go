package directory

import (
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// A View is a list with its filters that a person saved under a name, for themselves.
type View struct {
	Tenant    TenantID
	User      UserID
	ID        string // UUID
	Page      string // which list: logs/signins
	Name      string
	Query     string    // its filters, as the query of an address
	CreatedAt time.Time // UTC
}

// Limits of views.
const (
	MostViews    = 50 // a person
	maxViewName  = 60 // characters
	maxViewQuery = 1000
)

// Faults of saving a view.
var (
	ErrView = &fault.Error{
		Kind: fault.Invalid, Code: "viewInvalid",
		Text: "This view can't be saved.", Remedy: "Send a page such as logs/signins, a name of up to 60 characters, and a query of up to 1000.",
	}
	ErrManyViews = &fault.Error{
		Kind: fault.Conflict, Code: "viewsTooMany",
		Text: "You have 50 saved views.", Remedy: "Remove one that you don't need.",
	}
	ErrViewExists = &fault.Error{
		Kind: fault.Conflict, Code: "viewExists", Target: "name",
		Text: "You have a view with this name.", Remedy: "Choose another name, or remove that view first.",
	}
)

var viewPage = regexp.MustCompile(`^[a-z]+(/[a-z]+)*$`)

// Check returns v without spaces around its name, or ErrView.
func (v View) Check() (View, error) {
	v.Name = strings.TrimSpace(v.Name)
	switch {
	case len(v.Page) > 40 || !viewPage.MatchString(v.Page):
		return v, ErrView.With("page", "The page of a view is written as logs/signins.")
	case v.Name == "" || utf8.RuneCountInString(v.Name) > maxViewName || strings.ContainsFunc(v.Name, unicode.IsControl):
		return v, ErrView.With("name", "A view has a name of at most 60 characters.")
	case len(v.Query) > maxViewQuery || strings.ContainsFunc(v.Query, unicode.IsControl):
		return v, ErrView.With("query", "The query of a view is too long.")
	}
	if _, err := url.ParseQuery(v.Query); err != nil {
		return v, ErrView.With("query", "The query of a view is not that of an address.")
	}
	return v, nil
}
