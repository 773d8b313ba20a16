package cli

import (
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/graphclient"
)

// accessWords tells a Conditional Access policy in words. Without name it counts where it would
// have to look names up.
type accessWords struct {
	policy graphclient.Object
	name   func(kind, id string) (string, error)
	err    error // the first of name
}

// texts are the strings in a JSON array.
func texts(v any) []string {
	var all []string
	list, _ := v.([]any)
	for _, one := range list {
		if text, ok := one.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// at returns the strings at a path of members.
func (w *accessWords) at(path ...string) []string {
	o := w.policy
	for _, name := range path[:len(path)-1] {
		inner, _ := o[name].(map[string]any)
		o = inner
	}
	return texts(o[path[len(path)-1]])
}

// several names ids, or counts them.
func (w *accessWords) several(kind, many string, ids []string) []string {
	if w.name == nil {
		switch len(ids) {
		case 0:
			return nil
		case 1:
			return []string{"1 " + kind}
		}
		return []string{fmt.Sprintf("%d %s", len(ids), many)}
	}
	var all []string
	for _, id := range ids {
		name, err := w.name(kind, id)
		if err != nil && w.err == nil {
			w.err = err
		}
		all = append(all, name)
	}
	return all
}

// instead takes words that stand for many out of ids.
func instead(ids []string, words map[string]string) (said, rest []string) {
	for _, id := range ids {
		if word, ok := words[id]; ok {
			said = append(said, word)
		} else {
			rest = append(rest, id)
		}
	}
	return said, rest
}

func (w *accessWords) people(which string) []string {
	said, users := instead(w.at("conditions", "users", which+"Users"), map[string]string{"All": "everybody", "None": "nobody", "GuestsOrExternalUsers": "guests"})
	said = append(said, w.several("user", "people", users)...)
	said = append(said, w.several("group", "groups", w.at("conditions", "users", which+"Groups"))...)
	said = append(said, w.several("role", "roles", w.at("conditions", "users", which+"Roles"))...)
	if w.policy.Text("conditions/users/"+which+"GuestsOrExternalUsers/guestOrExternalUserTypes") != "" {
		said = append(said, "guests")
	}
	return said
}

// except says what is in and what is out.
func except(in, out []string) string {
	text := strings.Join(in, ", ")
	if len(out) > 0 {
		text += " but not " + strings.Join(out, ", ")
	}
	return text
}

func (w *accessWords) who() string {
	if all := w.at("conditions", "clientApplications", "includeServicePrincipals"); len(all) > 0 {
		said, rest := instead(all, map[string]string{"ServicePrincipalsInMyTenant": "every application by itself"})
		return except(append(said, w.several("service principal", "service principals", rest)...), w.several("service principal", "service principals", w.at("conditions", "clientApplications", "excludeServicePrincipals")))
	}
	return except(w.people("include"), w.people("exclude"))
}

func (w *accessWords) what() string {
	words := map[string]string{"All": "everything", "None": "nothing", "MicrosoftAdminPortals": "administration"}
	in, rest := instead(w.at("conditions", "applications", "includeApplications"), words)
	in = append(in, w.several("application", "applications", rest)...)
	actions, _ := instead(w.at("conditions", "applications", "includeUserActions"), map[string]string{
		"urn:user:registersecurityinfo": "registering ways to sign in", "urn:user:registerdevice": "joining a device",
	})
	in = append(append(in, actions...), w.at("conditions", "applications", "includeAuthenticationContextClassReferences")...)
	out, rest := instead(w.at("conditions", "applications", "excludeApplications"), words)
	return except(in, append(out, w.several("application", "applications", rest)...))
}

// when says the conditions beside who and what.
func (w *accessWords) when() string {
	var all []string
	add := func(what string, in, out []string) {
		if len(in)+len(out) > 0 {
			all = append(all, what+" "+except(in, out))
		}
	}
	places := map[string]string{"All": "anywhere", "AllTrusted": "trusted places"}
	in, rest := instead(w.at("conditions", "locations", "includeLocations"), places)
	out, outRest := instead(w.at("conditions", "locations", "excludeLocations"), places)
	add("from", append(in, w.several("place", "places", rest)...), append(out, w.several("place", "places", outRest)...))
	add("on", w.at("conditions", "platforms", "includePlatforms"), w.at("conditions", "platforms", "excludePlatforms"))
	if types := w.at("conditions", "clientAppTypes"); len(types) > 0 && types[0] != "all" {
		add("with", types, nil)
	}
	if rule := w.policy.Text("conditions/devices/deviceFilter/rule"); rule != "" {
		all = append(all, "devices "+w.policy.Text("conditions/devices/deviceFilter/mode")+"d by "+rule)
	}
	add("user risk", w.at("conditions", "userRiskLevels"), nil)
	add("sign-in risk", w.at("conditions", "signInRiskLevels"), nil)
	if flow := w.policy.Text("conditions/authenticationFlows/transferMethods"); flow != "" {
		all = append(all, "by "+flow)
	}
	return strings.Join(all, "; ")
}

// then says what the policy asks for.
func (w *accessWords) then() string {
	controls, rest := instead(w.at("grantControls", "builtInControls"), map[string]string{
		"block": "blocked", "mfa": "two factors", "compliantDevice": "a compliant device", "domainJoinedDevice": "a hybrid-joined device",
	})
	controls = append(controls, rest...)
	if name := w.policy.Text("grantControls/authenticationStrength/displayName"); name != "" {
		controls = append(controls, "strength "+name)
	}
	joint := " or "
	if w.policy.Text("grantControls/operator") == "AND" {
		joint = " and "
	}
	var all []string
	if len(controls) > 0 {
		all = append(all, strings.Join(controls, joint))
	}
	session := "sessionControls/"
	if w.policy.Text(session+"signInFrequency/isEnabled") == "true" {
		if w.policy.Text(session+"signInFrequency/frequencyInterval") == "everyTime" {
			all = append(all, "sign in every time")
		} else {
			all = append(all, "sign in again after "+w.policy.Text(session+"signInFrequency/value")+" "+w.policy.Text(session+"signInFrequency/type"))
		}
	}
	if w.policy.Text(session+"persistentBrowser/isEnabled") == "true" {
		all = append(all, w.policy.Text(session+"persistentBrowser/mode")+" stay signed in")
	}
	return strings.Join(all, "; ")
}
