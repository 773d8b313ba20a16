package method

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// A Campaign asks people to register a method between signing in and the application, in the
// words of Graph's authenticationMethodsRegistrationCampaign; what starts with postern_ is ours.
// https://learn.microsoft.com/graph/api/resources/authenticationmethodsregistrationcampaign
type Campaign struct {
	State          string           `json:"state"`                                  // default, enabled or disabled
	SnoozeDuration int              `json:"snoozeDurationInDays"`                   // 0 to 14; 0 asks at every sign-in
	Enforce        bool             `json:"enforceRegistrationAfterAllowedSnoozes"` // no Later once the snoozes are used up
	Include        []CampaignTarget `json:"includeTargets"`
	Exclude        []Target         `json:"excludeTargets"`

	// AllowedSnoozes is how often Later may be said before Enforce.
	AllowedSnoozes int `json:"postern_allowedSnoozes"`
	// AfterPass says what follows a sign-in with a pass by somebody who has nothing else:
	// offered, with a Later that is never used up; required, without one; or none.
	AfterPass string `json:"postern_afterPass"`
}

// A CampaignTarget is a group or a person, and the method that they are to register.
type CampaignTarget struct {
	ID         string `json:"id"`
	TargetType string `json:"targetType"`                   // group or user
	Method     string `json:"targetedAuthenticationMethod"` // a name of Targeted
}

// CampaignID is the id under which a tenant's campaign is kept.
const CampaignID = "registrationCampaign"

// Values of [Campaign.AfterPass].
const (
	AfterPassOffered  = "offered"
	AfterPassRequired = "required"
	AfterPassNone     = "none"
)

// Targeted are the methods that a campaign can ask for, by Graph's names.
var Targeted = map[string]signin.MethodID{
	"fido2": "passkey", "microsoftAuthenticator": "authenticator", "softwareOath": "otc",
}

// MostSnoozeDays bounds [Campaign.SnoozeDuration], as in Entra.
const MostSnoozeDays = 14

// DefaultCampaign is that of a new tenant: nobody is asked but who has only a pass.
func DefaultCampaign() Campaign {
	return Campaign{
		State: "default", SnoozeDuration: 1, AllowedSnoozes: 3, AfterPass: AfterPassOffered,
		Include: []CampaignTarget{{ID: directory.AllUsers, TargetType: "group", Method: "microsoftAuthenticator"}}, Exclude: []Target{},
	}
}

// Check reports the first rule that c breaks, naming property and allowed values.
func (c Campaign) Check() error {
	switch {
	case !slices.Contains([]string{"default", "enabled", "disabled"}, c.State):
		return ErrPolicy.With("state", "state is default, enabled or disabled.")
	case c.SnoozeDuration < 0 || c.SnoozeDuration > MostSnoozeDays:
		return ErrPolicy.With("snoozeDurationInDays", "snoozeDurationInDays is 0 to 14.")
	case c.AllowedSnoozes < 0 || c.AllowedSnoozes > 100:
		return ErrPolicy.With("postern_allowedSnoozes", "postern_allowedSnoozes is 0 to 100.")
	case !slices.Contains([]string{AfterPassOffered, AfterPassRequired, AfterPassNone}, c.AfterPass):
		return ErrPolicy.With("postern_afterPass", "postern_afterPass is offered, required or none.")
	case len(c.Include) > 100:
		return ErrPolicy.With("includeTargets", "includeTargets has more than 100 entries.")
	}
	for _, t := range c.Include {
		if t.TargetType != "group" && t.TargetType != "user" || !directory.IsID(t.ID) && (t.ID != directory.AllUsers || t.TargetType != "group") {
			return ErrPolicy.With("includeTargets", "A target of a campaign is the id of a group or user, or all_users.")
		}
		if _, ok := Targeted[t.Method]; !ok {
			return ErrPolicy.With("includeTargets", "targetedAuthenticationMethod is microsoftAuthenticator, fido2 or softwareOath.")
		}
	}
	return checkPeople("excludeTargets", c.Exclude)
}

func checkPeople(name string, targets []Target) error {
	if len(targets) > 100 {
		return ErrPolicy.With(name, name+" has more than 100 entries.")
	}
	for _, t := range targets {
		if t.TargetType != "group" && t.TargetType != "user" || !directory.IsID(t.ID) {
			return ErrPolicy.With(name, name+" must hold ids of groups or users.")
		}
	}
	return nil
}

// Snoozes are how often, and when last, a person said Later.
type Snoozes struct {
	Count int
	Last  time.Time
}

// Facts are what [Campaign.Ask] needs to know of a person who has just signed in, or asks for
// an application with the session that they have.
type Facts struct {
	Session signin.Session
	User    directory.UserID
	Groups  map[directory.GroupID]bool
	// Ways are what they can sign in with, but for the pass; Open what they may add themselves.
	Ways, Open []signin.MethodID
	// Strong says that one of the ways is enough by itself.
	Strong bool
	// Helps says that what they may add would be enough, with what they have.
	Helps   bool
	Snoozes Snoozes
}

// An Asking says whether to ask somebody to register a method.
type Asking struct {
	Ask   bool
	Later bool // they may say Later
	Left  int  // how often they still may; -1 for always
	// Wanted is the method that is asked for; empty for any.
	Wanted signin.MethodID
}

// Ask decides what stands between a sign-in and the application. At a device nothing does,
// and neither does it for a pass with a purpose: that gives no way to register. Nobody is asked
// for what policy does not let them add.
func (c Campaign) Ask(f Facts, now time.Time) Asking {
	if f.Session.Device != nil || f.Session.Purpose != "" || f.Session.Method != "" || len(f.Open) == 0 {
		return Asking{}
	}
	// Who said Later is let through with the sessions that they had then, also by the last one.
	said := !f.Snoozes.Last.IsZero() && !f.Snoozes.Last.Before(f.Session.AuthTime())
	a := c.afterPass(f)
	if wanted, ok := c.wanted(f); ok && !said && (!a.Ask || a.Later) {
		left := c.AllowedSnoozes - f.Snoozes.Count
		b := Asking{Ask: true, Later: !c.Enforce || left > 0, Left: -1, Wanted: wanted}
		if c.Enforce {
			b.Left = max(left, 0)
		}
		if !a.Ask || !b.Later {
			a = b
		}
	}
	if a.Later && (said || now.Sub(f.Snoozes.Last) < time.Duration(c.SnoozeDuration)*24*time.Hour) {
		return Asking{}
	}
	return a
}

func (c Campaign) afterPass(f Facts) Asking {
	if f.Session.PassID == "" || f.Strong || !f.Helps || c.AfterPass == AfterPassNone {
		return Asking{}
	}
	return Asking{Ask: true, Later: c.AfterPass != AfterPassRequired, Left: -1}
}

// wanted is the first method that the campaign asks this person for, which they may add and
// have not.
func (c Campaign) wanted(f Facts) (signin.MethodID, bool) {
	if c.State != "enabled" || slices.ContainsFunc(c.Exclude, func(t Target) bool { return f.in(t.ID, t.TargetType) }) {
		return "", false
	}
	for _, t := range c.Include {
		id := Targeted[t.Method]
		if f.in(t.ID, t.TargetType) && slices.Contains(f.Open, id) && !slices.Contains(f.Ways, id) {
			return id, true
		}
	}
	return "", false
}

func (f Facts) in(id, kind string) bool {
	if kind == "user" {
		return id == string(f.User)
	}
	return id == directory.AllUsers || f.Groups[directory.GroupID(id)]
}

// Campaigns keeps what people said to campaigns.
type Campaigns interface {
	Policies
	// Snoozes returns how often and when a person said Later.
	Snoozes(ctx context.Context, tenant directory.TenantID, user directory.UserID) (Snoozes, error)
	// Snooze counts one more Later at at and records e, unless one was said since since.
	Snooze(ctx context.Context, tenant directory.TenantID, user directory.UserID, since, at time.Time, e audit.Event) error
}

// CampaignOf returns the tenant's campaign.
func CampaignOf(ctx context.Context, p Policies, tenant directory.TenantID) (Campaign, Revision, error) {
	c := DefaultCampaign()
	r, err := p.MethodPolicy(ctx, tenant, CampaignID, &c)
	return c, r, err
}
