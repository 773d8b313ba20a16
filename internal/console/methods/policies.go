package methods

import (
	"cmp"
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
	// told says that Postern tells what was changed before, and watched that it tells what a change comes to, too.
	told, watched bool
	// at is the page's address where it is not below that of methods, and reads and writes what is needed there.
	at, reads, writes string
	history           []string // where Graph has what was changed, if not with the methods
}

func configuration(id, icon string, fields ...field) policy {
	return policy{
		Key: id, Icon: icon, path: []string{"policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations", id},
		fields: append([]field{{Path: "state", Kind: kindChoice, Options: []string{"enabled", "disabled"}}}, fields...), targets: true, told: true, watched: true,
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
		Key: "signin", Icon: "place", path: []string{"postern", "signInMethodsPolicy"}, told: true, history: methodHistory("signInMethodsPolicy"),
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
		told:   true, history: methodHistory("authenticationMethodsRegistrationCampaign"),
		fields: []field{
			{Path: "state", Kind: kindChoice, Options: []string{"enabled", "default", "disabled"}},
			{Path: "snoozeDurationInDays", Kind: kindNumber},
			{Path: "enforceRegistrationAfterAllowedSnoozes", Kind: kindCheck},
			{Path: "postern_allowedSnoozes", Kind: kindNumber},
			{Path: "postern_afterPass", Kind: kindChoice, Options: []string{"offered", "required", "none"}},
		},
	},
	joining: {
		Key: joining, Icon: "device", path: []string{"policies", "deviceRegistrationPolicy"},
		at: joiningAt, reads: "readJoinPolicy", writes: "writeJoinPolicy", told: true, history: []string{"postern", "policies", "deviceRegistrationPolicy", "history"},
		fields: []field{
			{Path: "azureADJoin/allowedToJoin", Kind: kindWho, Options: []string{"all", "selected", "none"}},
			{Path: "azureADRegistration/allowedToRegister", Kind: kindWho, Options: []string{"all", "selected", "none"}},
			{Path: "multiFactorAuthConfiguration", Kind: kindChoice, Options: []string{"required", "notRequired"}},
			{Path: "postern_approval", Kind: kindChoice, Options: []string{"none", "joined", "all"}},
			{Path: "userDeviceQuota", Kind: kindNumber},
		},
	},
}

// Who may join devices is on a page among those of devices.
const (
	joining   = "joining"
	joiningAt = console.Root + "/devices/joining"
)

func methodHistory(name string) []string {
	return []string{"postern", "policies", "methods", name, "history"}
}

var signInMethods = []string{"temporaryAccessPass", "fido2", "microsoftAuthenticator", "softwareOath", "password"}

// named returns the policy that the path of a page names.
func named(c *console.Call) (policy, error) {
	p, ok := policies[c.R.PathValue("policy")]
	if strings.HasPrefix(c.R.URL.Path, joiningAt) {
		p, ok = policies[joining], true
	} else if p.at != "" {
		ok = false
	}
	if !ok || c.Foreign() && (p.at != "" || p.path[0] == "postern") {
		return policy{}, console.ErrNowhere
	}
	if c.Foreign() {
		p.watched, p.told = false, false
		p.fields = slices.DeleteFunc(slices.Clone(p.fields), func(f field) bool { return strings.HasPrefix(f.Path, "postern_") })
	}
	return p, nil
}

// Targeted and Told are for pages.
func (p policy) Targeted() bool { return p.targets }
func (p policy) Told() bool     { return p.told }

// Href is the policy's page, Section the part of the console that it is in, and Above that part's page.
func (p policy) Href() string    { return cmp.Or(p.at, root+"/"+p.Key) }
func (p policy) Above() string   { return p.Href()[:strings.LastIndex(p.Href(), "/")] }
func (p policy) Section() string { return strings.TrimPrefix(p.Above(), console.Root+"/") }

func (p policy) mayWrite(c *console.Call) bool { return c.May(cmp.Or(p.writes, "writeMethodsPolicy")) }

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
