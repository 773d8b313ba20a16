package methods

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// allUsers is Graph's target that stands for everybody.
const allUsers = "all_users"

// A policy is one form: where Graph has it, and the settings of it that are shown.
type policy struct {
	Key    string   // in the address and in words: Graph's id of the method
	Icon   string   // of the list
	path   []string // below Graph's root
	inside []string // where its settings are in what is there
	fields []field
	// targets says that it is for groups, modes that each has what its people may approve with.
	targets, modes bool
	// watched says that Postern tells what a change comes to, and what was changed before.
	watched bool
}

func configuration(id, icon string, fields ...field) policy {
	return policy{
		Key: id, Icon: icon, path: []string{"policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations", id},
		fields: append([]field{{Path: "state", Kind: kindChoice, Options: []string{"enabled", "disabled"}}}, fields...), targets: true, watched: true,
	}
}

const (
	features = "featureSettings/display"
	ofState  = "InformationRequiredState/state"
)

var policies = map[string]policy{
	"TemporaryAccessPass": configuration("TemporaryAccessPass", "pass",
		field{Path: "maximumLifetimeInMinutes", Kind: kindLife},
		field{Path: "defaultLifetimeInMinutes", Kind: kindLife},
		field{Path: "minimumLifetimeInMinutes", Kind: kindLife},
		field{Path: "defaultLength", Kind: kindNumber},
		field{Path: "isUsableOnce", Kind: kindChoice, Options: []string{"false", "true"}, Boolean: true},
		field{Path: "postern_registrationWindowInMinutes", Kind: kindNumber},
		field{Path: "postern_hideIssuer", Kind: kindCheck},
		field{Path: "postern_notifyPerson", Kind: kindCheck},
	),
	"Fido2": configuration("Fido2", "passkey",
		field{Path: "isSelfServiceRegistrationAllowed", Kind: kindCheck},
		field{Path: "isAttestationEnforced", Kind: kindCheck},
		field{Path: "keyRestrictions/isEnforced", Kind: kindCheck},
		field{Path: "keyRestrictions/enforcementType", Kind: kindChoice, Options: []string{"allow", "block"}},
		field{Path: "keyRestrictions/aaGuids", Kind: kindLines},
		field{Path: "postern_attestation", Kind: kindPick, Options: []string{"", "none", "indirect", "direct", "enterprise"}},
	),
	"MicrosoftAuthenticator": func() policy {
		p := configuration("MicrosoftAuthenticator", "phone",
			field{Path: features + "App" + ofState, Kind: kindChoice, Options: []string{"enabled", "default", "disabled"}},
			field{Path: features + "Location" + ofState, Kind: kindChoice, Options: []string{"enabled", "default", "disabled"}},
			field{Path: "isSoftwareOathEnabled", Kind: kindCheck},
		)
		p.modes = true
		return p
	}(),
	"SoftwareOath": configuration("SoftwareOath", "clock"),
	"Password": configuration("Password", "keypad",
		field{Path: "postern_minimumLength", Kind: kindNumber},
		field{Path: "postern_bannedWords", Kind: kindLines},
		field{Path: "postern_selfServiceReset", Kind: kindCheck},
	),
	"signin": {
		Key: "signin", Icon: "place", path: []string{"postern", "signInMethodsPolicy"},
		fields: []field{
			{Path: "browserMethods", Kind: kindSet, Options: signInMethods},
			{Path: "consoleMethods", Kind: kindSet, Options: signInMethods},
			{Path: "lockScreenMethods", Kind: kindSet, Options: slices.Concat(signInMethods, []string{"windowsHelloForBusiness"})},
			{Path: "textConsoleMethods", Kind: kindSet, Options: []string{"temporaryAccessPass", "softwareOath", "password"}},
			{Path: "breakGlassMethods", Kind: kindSome, Options: signInMethods},
		},
	},
	"campaign": {
		Key: "campaign", Icon: "plus", path: []string{"policies", "authenticationMethodsPolicy"},
		inside: []string{"registrationEnforcement", "authenticationMethodsRegistrationCampaign"},
		fields: []field{
			{Path: "state", Kind: kindChoice, Options: []string{"enabled", "default", "disabled"}},
			{Path: "snoozeDurationInDays", Kind: kindNumber},
			{Path: "enforceRegistrationAfterAllowedSnoozes", Kind: kindCheck},
			{Path: "postern_allowedSnoozes", Kind: kindNumber},
			{Path: "postern_afterPass", Kind: kindChoice, Options: []string{"offered", "required", "none"}},
		},
	},
}

var signInMethods = []string{"temporaryAccessPass", "fido2", "microsoftAuthenticator", "softwareOath", "password"}

// named returns the policy that the path of a page names.
func named(c *console.Call) (policy, error) {
	p, ok := policies[c.R.PathValue("policy")]
	if !ok || c.Foreign() && (len(p.path) == 0 || p.path[0] == "postern") {
		return policy{}, console.ErrNowhere
	}
	if c.Foreign() {
		p.watched = false
		p.fields = slices.DeleteFunc(slices.Clone(p.fields), func(f field) bool { return strings.HasPrefix(f.Path, "postern_") })
	}
	return p, nil
}

// Targeted and Watched are for pages.
func (p policy) Targeted() bool { return p.targets }
func (p policy) Watched() bool  { return p.watched }

func (p policy) href() string { return root + "/" + p.Key }

// read returns the settings as Graph has them, and the tag of that version.
func (p policy) read(c *console.Call) (graphclient.Object, string, error) {
	var names []string
	if len(p.inside) > 0 {
		names = append(names, p.inside[0])
	}
	for _, f := range p.fields {
		if len(p.inside) == 0 {
			top, _, _ := strings.Cut(f.Path, "/")
			if !slices.Contains(names, top) {
				names = append(names, top)
			}
		}
	}
	if p.targets {
		names = append(names, "includeTargets", "excludeTargets")
	}
	if c.Foreign() {
		names = nil // it tells all, and takes no query
	}
	o, err := c.Graph.Select(c.Context(), strings.Join(names, ","), p.path...)
	if err != nil {
		return nil, "", err
	}
	tag := o.Text(graphclient.ETag)
	for _, name := range p.inside {
		inner, _ := o[name].(map[string]any)
		o = inner
	}
	return o, tag, nil
}

// save changes settings, if the version is still the one of tag.
func (p policy) save(c *console.Call, tag string, changed graphclient.Object) error {
	for i := range p.inside {
		changed = graphclient.Object{p.inside[len(p.inside)-1-i]: changed}
	}
	if c.Foreign() {
		changed["@odata.type"] = p.configuration()
	}
	_, err := c.Graph.Matching(tag).Do(c.Context(), "PATCH", changed, p.path...)
	return err
}

// configuration is the type of the policy. Entra refuses a change that does not say it.
// https://learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethodconfiguration-update
func (p policy) configuration() string {
	id := p.path[len(p.path)-1]
	return "#microsoft.graph." + strings.ToLower(id[:1]) + id[1:] + "AuthenticationMethodConfiguration"
}
