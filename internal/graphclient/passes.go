package graphclient

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Pass is a temporaryAccessPassAuthenticationMethod.
// https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod
type Pass struct {
	ID                    string    `json:"id"`
	TemporaryAccessPass   *string   `json:"temporaryAccessPass"` // nil but in the answer to CreatePass
	CreatedDateTime       time.Time `json:"createdDateTime"`
	StartDateTime         time.Time `json:"startDateTime"`
	LifetimeInMinutes     int       `json:"lifetimeInMinutes"`
	IsUsableOnce          bool      `json:"isUsableOnce"`
	IsUsable              bool      `json:"isUsable"`
	MethodUsabilityReason string    `json:"methodUsabilityReason"`
	// HandedOver says that it went by a link, in the answer to CreatePass.
	HandedOver *struct {
		ReaderID string    `json:"readerId"`
		End      time.Time `json:"endDateTime"`
		Link     string    `json:"link,omitempty"` // where whoever issued it sends it
	} `json:"postern_handedOver,omitempty"`
	SpokenCode string `json:"postern_spokenCode,omitempty"` // that opens the person's own link
}

// End is when the pass stops working.
func (p Pass) End() time.Time {
	return p.StartDateTime.Add(time.Duration(p.LifetimeInMinutes) * time.Minute)
}

// PassRequest asks for a pass. What is nil or empty is left to the policy.
type PassRequest struct {
	LifetimeInMinutes int        `json:"lifetimeInMinutes,omitempty"`
	IsUsableOnce      *bool      `json:"isUsableOnce,omitempty"`
	StartDateTime     *time.Time `json:"startDateTime,omitempty"`
	Reason            string     `json:"postern_reason,omitempty"`
	Ticket            string     `json:"postern_ticket,omitempty"`
	// Purpose is registerMethods, or signIn or resetPin on the device of DeviceID; empty for any
	// sign-in.
	Purpose  string `json:"postern_purpose,omitempty"`
	DeviceID string `json:"postern_deviceId,omitempty"`
	// Preset is recoverDevice, newDevice or newEmployee: it sets what is not set here.
	Preset string         `json:"postern_preset,omitempty"`
	Check  *IdentityCheck `json:"postern_identityCheck,omitempty"`
	// HandOver is how it reaches the person: read, slip, manager, managerLink or person; empty for read.
	HandOver string `json:"postern_handOver,omitempty"`
}

// IdentityCheck says how somebody knew that the right person asked: inPerson, callBack, manager,
// video or other.
type IdentityCheck struct {
	How  string `json:"how"`
	Note string `json:"note,omitempty"`
}

// A PassPreview is what issuing a pass would do, or why it is refused.
type PassPreview struct {
	Leave
	PassTimes
	Replaces *struct {
		PassTimes
		ID                    string    `json:"id"`
		CreatedDateTime       time.Time `json:"createdDateTime"`
		MethodUsabilityReason string    `json:"methodUsabilityReason"`
		UsedDateTime          time.Time `json:"usedDateTime"`
		Issuer                string    `json:"issuer"`
	} `json:"replaces"`
	IdentityCheck string `json:"identityCheck"` // off, note or required
	EntropyBits   int    `json:"entropyBits"`
	Policy        struct {
		DefaultLifetimeInMinutes int  `json:"defaultLifetimeInMinutes"`
		MinimumLifetimeInMinutes int  `json:"minimumLifetimeInMinutes"`
		MaximumLifetimeInMinutes int  `json:"maximumLifetimeInMinutes"`
		IsUsableOnce             bool `json:"isUsableOnce"`
	} `json:"policy"`
	Presets []struct {
		PassTimes
		ID string `json:"id"`
	} `json:"presets"`
	// OpenCase says whether the caller may open a recovery case for the person.
	OpenCase Leave `json:"openCase"`
}

// A Leave says whether something would be done, or why not and whom to ask.
type Leave struct {
	Allowed bool   `json:"allowed"`
	Code    string `json:"code"` // and what follows: of a refusal
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
	Target  string `json:"target"`
	WhoMay  []struct {
		DisplayName       string `json:"displayName"`
		UserPrincipalName string `json:"userPrincipalName"`
		Role              string `json:"role"`
	} `json:"whoMay"`
}

// PassTimes are when a pass works, and how often.
type PassTimes struct {
	StartDateTime     time.Time `json:"startDateTime"`
	EndDateTime       time.Time `json:"endDateTime"`
	LifetimeInMinutes int       `json:"lifetimeInMinutes"`
	IsUsableOnce      bool      `json:"isUsableOnce"`
}

const passes = "temporaryAccessPassMethods"

// CreatePass issues a pass for a user, by id or UPN. It replaces the pass that they had.
func (c *Client) CreatePass(ctx context.Context, user string, in PassRequest) (Pass, error) {
	var p Pass
	err := c.at(ctx, http.MethodPost, in, &p, "users", user, "authentication", passes)
	return p, err
}

// PreviewPass returns what CreatePass would do. It changes nothing.
func (c *Client) PreviewPass(ctx context.Context, user string, in PassRequest) (PassPreview, error) {
	var p PassPreview
	err := c.at(ctx, http.MethodPost, in, &p, "postern", "users", user, "passes", "preview")
	return p, err
}

// ListPasses yields the pass of a user, if there is one.
func (c *Client) ListPasses(ctx context.Context, user string) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, "users", user, "authentication", passes)
}

// Pass returns one pass of a user, with what Postern adds to Graph's properties if own is set.
func (c *Client) Pass(ctx context.Context, user, id string, own bool) (Object, error) {
	path, err := segments("users", user, "authentication", passes, id)
	if err != nil {
		return nil, err
	}
	if own {
		path += Query{Select: "id,createdDateTime,startDateTime,lifetimeInMinutes,isUsableOnce,isUsable,methodUsabilityReason,postern_stoppedBecause," +
			"postern_reason,postern_ticket,postern_issuer,postern_usedDateTime,postern_identityCheck,postern_purpose,postern_deviceId"}.encode()
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path, nil, &o)
	return o, err
}

// DeletePass deletes a pass; what came from it ends.
func (c *Client) DeletePass(ctx context.Context, user, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, "users", user, "authentication", passes, id)
}

var passPolicy = []string{"policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations", "TemporaryAccessPass"}

// PassPolicy returns the temporaryAccessPassAuthenticationMethodConfiguration, with what Postern
// adds to Graph's properties if own is set.
func (c *Client) PassPolicy(ctx context.Context, own bool) (Object, error) {
	path, err := segments(passPolicy...)
	if err != nil {
		return nil, err
	}
	if own {
		path += Query{Select: "id,state,defaultLifetimeInMinutes,minimumLifetimeInMinutes,maximumLifetimeInMinutes,defaultLength," +
			"isUsableOnce,includeTargets,excludeTargets,postern_hideIssuer,postern_notifyPerson,postern_identityCheck,postern_registrationWindowInMinutes," +
			"postern_entropyBits,postern_guessesPerDay,postern_yearsToGuess"}.encode()
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path, nil, &o)
	return o, err
}

// PatchPassPolicy changes the properties in change and leaves the others.
func (c *Client) PatchPassPolicy(ctx context.Context, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, passPolicy...)
}

// Lineage returns what came from a pass of user, which may be gone.
func (c *Client) Lineage(ctx context.Context, user, pass string) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodGet, nil, &out, "postern", "users", user, "passes", pass, "lineage")
	return out, err
}

// RevertPass undoes what came from a pass of user, if that still is what etag names; with devices
// those that joined with it are switched off.
func (c *Client) RevertPass(ctx context.Context, user, pass, etag string, devices bool) (Object, error) {
	var out Object
	err := c.at(ctx, http.MethodPost, Object{"etag": etag, "disableDevices": devices}, &out, "postern", "users", user, "passes", pass, "revert")
	return out, err
}
