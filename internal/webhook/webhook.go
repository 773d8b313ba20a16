// Package webhook tells services outside what happened: which events they asked for, how a message
// is signed, and how it is sent until they have it.
//
//	event ──same transaction──▶ delivery ──job──▶ a try ──▶ delivered
//	                               ▲                │ └───▶ failed, after three days
//	                               └── back-off ────┘
//
// Messages follow Standard Webhooks 1.0 (https://www.standardwebhooks.com): the id stays the same
// at every try, so that a receiver knows what it has already. They hold ids and never names,
// addresses or passes: who needs more asks Graph, which asks who they are. Package sender speaks
// HTTP; calls of lifecycle workflows and of identity proofing go the same way.
package webhook

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/directory"
)

// Bounds of what a tenant may have.
const (
	MostWebhooks = 20
	mostName     = 256
	mostURL      = 2048
)

// A Webhook is a subscription: which events go to which address.
type Webhook struct {
	Tenant      directory.TenantID `json:"-"`
	ID          string             `json:"-"` // UUID
	DisplayName string             `json:"displayName"`
	URL         string             `json:"url"`
	Events      []EventType        `json:"events"` // sorted, each once
	Enabled     bool               `json:"-"`
	CreatedAt   time.Time          `json:"-"`
	ModifiedAt  time.Time          `json:"modifiedAt"`
	Stamp       int64              `json:"-"` // grows with every change

	// Secret and Previous are sealed. Until PreviousUntil messages are signed with both, so
	// that a receiver changes over when it likes.
	Secret        string    `json:"-"`
	Previous      string    `json:"-"`
	PreviousUntil time.Time `json:"-"`

	// Failures are the deliveries that were given up since one arrived, and while PausedUntil has
	// not come nothing is tried: a receiver that is down holds up nobody else.
	Failures    int       `json:"-"`
	PausedUntil time.Time `json:"-"`
}

// Check reports what is wrong with w as a fault, or nil.
func (w Webhook) Check() error {
	if strings.TrimSpace(w.DisplayName) == "" || !isLine(w.DisplayName) {
		return ErrInvalid.With("displayName", "displayName is one line of at most 256 characters.")
	}
	if !IsAddress(w.URL) {
		return ErrInvalid.With("url", "url is an address that begins with https:// and has no name, password or fragment.")
	}
	if len(w.Events) == 0 {
		return ErrInvalid.With("events", "events names at least one event, such as case.opened.")
	}
	for _, e := range w.Events {
		if !slices.Contains(Types(), e) {
			return ErrInvalid.With("events", "There is no event with one of these names. There are: "+strings.Join(typeNames(), ", ")+".")
		}
	}
	return nil
}

// Replaces reports what is wrong with w in the place of old as a fault, or nil. What says who somebody
// is does so from the beginning: who made another webhook, or changed it, has seen its secret.
func (w Webhook) Replaces(old Webhook) error {
	if slices.Contains(w.Events, ProofAsked) && !slices.Contains(old.Events, ProofAsked) {
		return ErrInvalid.With("events", "Only a new webhook is told of proof.asked: more people may have seen the secret of this one.")
	}
	return w.Check()
}

// IsAddress reports whether address is one that messages may go to. Where its name leads is checked
// when it is called, by package outbound.
func IsAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == "" && len(address) <= mostURL
}

// Wants reports whether w is told of t.
func (w Webhook) Wants(t EventType) bool { return w.Enabled && slices.Contains(w.Events, t) }

func isLine(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= mostName && !strings.ContainsFunc(s, unicode.IsControl)
}
