package samlidp

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/saml"
	"github.com/postern-id/postern/internal/signin"
)

// A request is a checked wish for an assertion, or an application that was opened here. It is
// kept, as JSON, in the sign-in that answers it.
type request struct {
	App        directory.AppID `json:"app"`
	Entity     string          `json:"entity"` // as the application calls itself
	Reply      string          `json:"reply"`
	ID         string          `json:"id,omitempty"` // of the AuthnRequest; empty when nobody asked
	RelayState string          `json:"relayState,omitempty"`
	Format     string          `json:"format"` // of the name id
	Contexts   []string        `json:"contexts,omitempty"`
	Comparison string          `json:"comparison,omitempty"`
	Since      time.Time       `json:"since,omitzero"` // proofs from before it count nothing
	IsPassive  bool            `json:"-"`
	Hint       string          `json:"-"` // who is to sign in
}

// newRequest returns what an application asks for, or what is wrong with it as a page.
func newRequest(a application, asked saml.AuthnRequest, relayState string, now time.Time) (request, error) {
	q := request{
		App: a.app.AppID, Entity: asked.Issuer, ID: asked.ID, RelayState: relayState,
		Contexts: asked.Contexts, Comparison: asked.Comparison, IsPassive: asked.IsPassive,
	}
	var err error
	if q.Reply, err = a.reply(asked); err != nil {
		return q, err
	}
	if asked.ForceAuthn {
		q.Since = now
	}
	if strings.Contains(asked.Subject.Value, "@") { // a pairwise name is nothing that anybody types
		q.Hint = asked.Subject.Value
	}
	if q.Format = asked.NameIDFormat; q.Format == "" || q.Format == saml.Unspecified {
		q.Format = formats[a.settings().NameIDFormat]
	}
	return q, nil
}

// named reports whether the format of the name id is one that is offered.
func (q request) named() bool {
	return slices.Contains([]string{saml.EmailAddress, saml.Persistent, saml.Transient}, q.Format)
}

// answeredBy reports whether a session is good enough for q. One with a purpose gives no single
// sign-on (docs/threat-model.md, rule 6).
func (q request) answeredBy(session signin.Session, user directory.User) bool {
	switch {
	case session.Purpose != "", q.Hint != "" && !strings.EqualFold(q.Hint, user.UserPrincipalName):
		return false
	}
	return q.require().MetBySession(session) && q.class(session) != ""
}
