package graphclient

import (
	"context"
	"iter"
	"net/http"
	"strings"
)

// methodSets are where methods of each type are, by the type's name.
var methodSets = map[string]string{
	"#microsoft.graph.fido2AuthenticationMethod":                   "fido2Methods",
	"#microsoft.graph.microsoftAuthenticatorAuthenticationMethod":  "microsoftAuthenticatorMethods",
	"#microsoft.graph.softwareOathAuthenticationMethod":            "softwareOathMethods",
	"#microsoft.graph.temporaryAccessPassAuthenticationMethod":     passes,
	"#microsoft.graph.windowsHelloForBusinessAuthenticationMethod": "windowsHelloForBusinessMethods",
	"#microsoft.graph.platformCredentialAuthenticationMethod":      "platformCredentialMethods",
	"#microsoft.graph.phoneAuthenticationMethod":                   "phoneMethods",
	"#microsoft.graph.emailAuthenticationMethod":                   "emailMethods",
	"#microsoft.graph.passwordAuthenticationMethod":                "passwordMethods",
}

// Methods yields the registered methods of a user, by id or UPN, with what Postern adds to
// Graph's properties if own is set.
func (c *Client) Methods(ctx context.Context, user string, own bool) iter.Seq2[Object, error] {
	q := Query{}
	if own {
		q.Select = "id,displayName,createdDateTime,isUsable,methodUsabilityReason,postern_stoppedBecause,postern_displayName,postern_lastUsedDateTime,postern_lastUsedOn,postern_frozenDateTime," +
			"postern_registeredWith,postern_registeredUnderPass,postern_registeredFrom,postern_registeredOn,postern_registeredBy,postern_isUnreadable"
	}
	return c.list(ctx, q, "users", user, "authentication", "methods")
}

// RemoveMethod removes a method that Methods yielded, or is ErrMethodType for a type that
// Graph removes nothing of.
func (c *Client) RemoveMethod(ctx context.Context, user string, method Object) error {
	set := methodSets[method.Text("@odata.type")]
	if set == "" {
		return ErrMethodType.With("", "There is no way to remove a "+strings.TrimPrefix(method.Text("@odata.type"), "#microsoft.graph.")+".")
	}
	return c.at(ctx, http.MethodDelete, nil, nil, "users", user, "authentication", set, method.Text("id"))
}

// SetMethodFrozen keeps a method from signing anybody in, or lets it again. Only Postern can.
func (c *Client) SetMethodFrozen(ctx context.Context, user, id string, frozen bool) error {
	verb := "thaw"
	if frozen {
		verb = "freeze"
	}
	return c.at(ctx, http.MethodPost, Object{}, nil, "postern", "users", user, "methods", id, verb)
}

var methodConfigurations = []string{"policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations"}

// MethodPolicies yields the authenticationMethodConfigurations.
func (c *Client) MethodPolicies(ctx context.Context) iter.Seq2[Object, error] {
	return c.list(ctx, Query{}, methodConfigurations...)
}

// ownSettings are what Postern adds to the configurations of methods, by their ids in lower case.
var ownSettings = map[string]string{
	"fido2":    "id,state,isAttestationEnforced,isSelfServiceRegistrationAllowed,keyRestrictions,includeTargets,excludeTargets,postern_attestation",
	"password": "id,state,includeTargets,excludeTargets,postern_minimumLength,postern_bannedWords,postern_selfServiceReset",
}

// MethodPolicy returns the configuration of one method, such as Fido2, with what Postern adds to
// Graph's properties if own is set. Passes have [Client.PassPolicy].
func (c *Client) MethodPolicy(ctx context.Context, id string, own bool) (Object, error) {
	path, err := segments(append(methodConfigurations[:3:3], id)...)
	if err != nil {
		return nil, err
	}
	if own {
		path += Query{Select: ownSettings[strings.ToLower(id)]}.encode()
	}
	var o Object
	err = c.call(ctx, http.MethodGet, path, nil, &o)
	return o, err
}

// PatchMethodPolicy changes the properties in change and leaves the others.
func (c *Client) PatchMethodPolicy(ctx context.Context, id string, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, append(methodConfigurations[:3:3], id)...)
}

// ResetMethodPolicy puts a configuration back to what a new tenant has.
func (c *Client) ResetMethodPolicy(ctx context.Context, id string) error {
	return c.at(ctx, http.MethodDelete, nil, nil, append(methodConfigurations[:3:3], id)...)
}

// SignInPolicy returns the signInMethodsPolicy: which methods may be used where.
func (c *Client) SignInPolicy(ctx context.Context) (Object, error) {
	var o Object
	err := c.at(ctx, http.MethodGet, nil, &o, signInPolicy...)
	return o, err
}

// PatchSignInPolicy changes the properties in change and leaves the others.
func (c *Client) PatchSignInPolicy(ctx context.Context, change Object) error {
	return c.at(ctx, http.MethodPatch, change, nil, signInPolicy...)
}

var signInPolicy = []string{"postern", "signInMethodsPolicy"}

// PreviewMethodPolicy says what PatchMethodPolicy with the same change would come to; an empty
// change tells whom the policy is about. Only Postern can.
func (c *Client) PreviewMethodPolicy(ctx context.Context, id string, change Object) (Object, error) {
	var o Object
	err := c.at(ctx, http.MethodPost, change, &o, "postern", "policies", "methods", id, "preview")
	return o, err
}
