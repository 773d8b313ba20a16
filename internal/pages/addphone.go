package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
)

// ErrNoPhoneYet says that nothing was added by the code that the page showed.
var ErrNoPhoneYet = &fault.Error{
	Kind: fault.Precondition, Code: "phoneNotYet",
	Text: "No phone was added yet.", Remedy: "Scan the code below: it is a new one.",
}

// addPhonePage is addphone.html: shows the code that adds a phone, as a picture, as a link for
// who reads the page on the phone, and to type. The field added goes on once it is there.
type addPhonePage struct {
	frame
	setup
	AppHref   string // has the code in its fragment, which no server sees
	Code      string // as people type it
	EndsAt    time.Time
	Since     int64 // microseconds
	AskedHref string
}

func (addPhonePage) file() string { return "addphone.html" }

func showAddPhone(s *Site, r *http.Request, reg registration) (page, error) {
	e, code, err := s.Phones.Begin(r.Context(), reg.me.session, reg.place)
	if err != nil {
		return nil, err
	}
	tenant, err := s.tenant(r.Context(), reg.me.session.Tenant)
	if err != nil {
		return nil, err
	}
	reg.Fetches = true
	since := e.CreatedAt.UnixMicro()
	return addPhonePage{
		frame: reg.frame, setup: reg.setup, Code: authenticator.ShowCode(code), EndsAt: e.EndsAt, Since: since,
		AppHref:   s.PublicURL + "/authenticator/#add=" + url.PathEscape(domainOf(tenant)) + "/" + code,
		AskedHref: "/security-info/phone?since=" + strconv.FormatInt(since, 10),
	}, nil
}

// domainOf is how a phone names the tenant.
func domainOf(t directory.Tenant) string {
	for _, d := range t.Domains {
		if d.IsDefault {
			return d.Name
		}
	}
	return string(t.ID)
}

func takeAddPhone(s *Site, r *http.Request, reg registration) (method.Credential, error) {
	c, err := s.phoneSince(r, reg.me, r.PostForm.Get("since"))
	if err == nil && c.ID == "" {
		err = ErrNoPhoneYet
	}
	return c, err
}

// phoneSince returns the newest phone that was added in this session since a time, or the zero
// credential.
func (s *Site) phoneSince(r *http.Request, me knownAccount, since string) (method.Credential, error) {
	micros, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return method.Credential{}, nil //nolint:nilerr // not a time: nothing since
	}
	all, err := s.Phones.Of(r.Context(), me.session.Tenant, me.user.ID)
	if err != nil {
		return method.Credential{}, err
	}
	var newest method.Credential
	for _, p := range all {
		if p.Origin.Session == me.session.ID && p.CreatedAt.UnixMicro() >= micros {
			newest = p.Credential
		}
	}
	return newest, nil
}

// showPhoneAdded serves GET /security-info/phone: whether the page is to go on waiting.
func (s *Site) showPhoneAdded(w http.ResponseWriter, r *http.Request) error {
	all := s.accounts(r)
	if len(all) == 0 {
		return answerJSON(w, map[string]bool{"waiting": true})
	}
	c, err := s.phoneSince(r, all[0], r.URL.Query().Get("since"))
	if err != nil {
		return fmt.Errorf("look for the phone: %w", err)
	}
	return answerJSON(w, map[string]bool{"waiting": c.ID == ""})
}
