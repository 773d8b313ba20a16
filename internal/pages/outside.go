package pages

import (
	"net/http"
	"net/url"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

// ErrForeign says that another site sent a form in a person's name.
var ErrForeign = &fault.Error{
	Kind: fault.Forbidden, Code: "foreignForm",
	Text: "This form came from another site.", Remedy: "Open the page here and try again.",
}

// ShowForeign refuses a form that another site sent.
func (s *Site) ShowForeign(w http.ResponseWriter, r *http.Request) {
	s.ShowError(w, r, ErrForeign, directory.Tenant{})
}

// ShowFormPost posts values to an application's redirect URI: by itself, or with a button
// where scripts are off (OAuth 2.0 Form Post Response Mode).
func (s *Site) ShowFormPost(w http.ResponseWriter, r *http.Request, to string, values url.Values) error {
	page := formPostPage{frame: s.frame(r, directory.Tenant{})}
	page.Action, page.FormTargets, page.Form, page.KeepOpener = to, []string{to}, map[string]string{}, true
	for name := range values {
		page.Form[name] = values.Get(name)
	}
	s.render(w, r, http.StatusOK, page)
	return nil
}

// ShowSignOut asks whether to sign out; the answer is posted to action.
func (s *Site) ShowSignOut(w http.ResponseWriter, r *http.Request, tenant directory.Tenant, action string) {
	page := signOutPage{frame: s.frame(r, tenant), StayHref: "/security-info"}
	page.Action = action
	if all := s.accounts(r); len(all) > 0 {
		page.Username = all[0].user.UserPrincipalName
	}
	s.render(w, r, http.StatusOK, page)
}

// backAfter is how many seconds applications have to learn of a logout before the browser
// goes back to where it came from.
const backAfter = 3
