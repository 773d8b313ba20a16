package access

import (
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// Words of Graph's that stand for many.
const (
	all        = "All"
	trusted    = "AllTrusted"
	guestsWord = "GuestsOrExternalUsers"
	adminPages = "MicrosoftAdminPortals"
	ownApps    = "ServicePrincipalsInMyTenant"

	registering = "urn:user:registersecurityinfo"
	joining     = "urn:user:registerdevice"
)

// States, in Graph's words.
const (
	stateOn     = "enabled"
	stateOff    = "disabled"
	stateReport = "enabledForReportingButNotEnforced"
)

// A draft is a policy as the form has it.
type draft struct {
	ID, Name, State string
	Tag             string
	In, Out         whom

	// Works says that it is for applications that sign in by themselves, and not for people.
	Works, AllWork bool
	Work, NotWork  []string // ids of service principals

	Aim           string // all, apps, register, join or context
	Apps, NotApps []string
	Contexts      []string

	Where             string // anywhere, untrusted or chosen
	Places, NotPlaces []string
	Platforms         []string
	Clients           []string
	Mode, Rule        string // of the device filter
	UserRisk, Risk    []string
	ByCode            bool // device code flow

	Outcome  string // block, ask or nothing
	Controls []string
	Strength string
	Every    bool // all controls, not one of them

	Frequency string // never, always, hours or days
	Span      string
	Stay      string // always, never, or nothing

	// Other says that the policy has something that this form does not.
	Other bool
}

// whom are people.
type whom struct {
	Everybody, Guests    bool
	Users, Groups, Roles []string
}

func (w whom) empty() bool {
	return !w.Everybody && !w.Guests && len(w.Users)+len(w.Groups)+len(w.Roles) == 0
}

func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, one := range list {
		if text, ok := one.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

func inside(o graphclient.Object, path ...string) graphclient.Object {
	for _, name := range path {
		inner, _ := o[name].(map[string]any)
		o = inner
	}
	return o
}

// without takes words out of a list and says which were there.
func without(list []string, words ...string) (rest, had []string) {
	for _, one := range list {
		if slices.Contains(words, one) {
			had = append(had, one)
		} else {
			rest = append(rest, one)
		}
	}
	return rest, had
}

func whomOf(users graphclient.Object, which string) whom {
	var w whom
	rest, had := without(texts(users[which+"Users"]), all, guestsWord, "None")
	w.Users, w.Everybody, w.Guests = rest, slices.Contains(had, all), slices.Contains(had, guestsWord)
	w.Groups, w.Roles = texts(users[which+"Groups"]), texts(users[which+"Roles"])
	w.Guests = w.Guests || inside(users, which+"GuestsOrExternalUsers") != nil
	return w
}

// draftOf reads a policy as Graph shows it.
func draftOf(o graphclient.Object) draft {
	c := inside(o, "conditions")
	d := draft{ID: o.Text("id"), Name: o.Text("displayName"), State: o.Text("state"), Tag: o.Text("@odata.etag"), Where: "anywhere", Outcome: "nothing", Frequency: "never"}
	d.In, d.Out = whomOf(inside(c, "users"), "include"), whomOf(inside(c, "users"), "exclude")
	apps := inside(c, "applications")
	d.Apps, d.NotApps, d.Contexts = texts(apps["includeApplications"]), texts(apps["excludeApplications"]), texts(apps["includeAuthenticationContextClassReferences"])
	actions := texts(apps["includeUserActions"])
	switch {
	case slices.Contains(actions, registering):
		d.Aim = "register"
	case slices.Contains(actions, joining):
		d.Aim = "join"
	case len(d.Contexts) > 0:
		d.Aim = "context"
	case slices.Contains(d.Apps, all):
		d.Aim, d.Apps = "all", nil
	default:
		d.Aim = "apps"
	}
	if l := inside(c, "locations"); l != nil {
		d.Places, d.NotPlaces, d.Where = texts(l["includeLocations"]), texts(l["excludeLocations"]), "chosen"
		if slices.Equal(d.Places, []string{all}) && slices.Equal(d.NotPlaces, []string{trusted}) {
			d.Where = "untrusted"
		}
	}
	d.Platforms, d.Clients = texts(inside(c, "platforms")["includePlatforms"]), texts(c["clientAppTypes"])
	if slices.Contains(d.Platforms, "all") {
		d.Platforms = nil
	}
	if slices.Contains(d.Clients, "all") {
		d.Clients = nil
	}
	d.Mode, d.Rule = c.Text("devices/deviceFilter/mode"), c.Text("devices/deviceFilter/rule")
	d.UserRisk, d.Risk = texts(c["userRiskLevels"]), texts(c["signInRiskLevels"])
	d.ByCode = strings.Contains(c.Text("authenticationFlows/transferMethods"), "deviceCodeFlow")
	d.readControls(o)
	if w := inside(c, "clientApplications"); w != nil {
		rest, had := without(texts(w["includeServicePrincipals"]), ownApps, "None")
		d.Works, d.AllWork, d.Work, d.NotWork = true, slices.Contains(had, ownApps), rest, texts(w["excludeServicePrincipals"])
	}
	d.Other = len(texts(inside(c, "platforms")["excludePlatforms"])) > 0
	return d
}

func (d *draft) readControls(o graphclient.Object) {
	if g := inside(o, "grantControls"); g != nil {
		d.Controls, d.Outcome, d.Strength, d.Every = texts(g["builtInControls"]), "ask", g.Text("authenticationStrength/id"), g.Text("operator") == "AND"
		switch {
		case slices.Contains(d.Controls, "block"):
			d.Outcome, d.Controls = "block", nil
		case len(d.Controls) == 0 && d.Strength == "":
			d.Outcome = "nothing"
		}
	}
	s := inside(o, "sessionControls")
	if f := inside(s, "signInFrequency"); f.Text("isEnabled") == "true" {
		d.Frequency, d.Span = f.Text("type"), f.Text("value")
		if f.Text("frequencyInterval") == "everyTime" {
			d.Frequency, d.Span = "always", ""
		}
	}
	if b := inside(s, "persistentBrowser"); b.Text("isEnabled") == "true" {
		d.Stay = b.Text("mode")
	}
}

// typedDraft reads the form.
func typedDraft(c *console.Call) draft {
	list := func(name string) []string {
		return slices.DeleteFunc(slices.Clone(c.R.Form[name]), func(s string) bool { return s == "" })
	}
	read := func(side string) whom {
		return whom{
			Everybody: c.Form(side+"Everybody") != "", Guests: c.Form(side+"Guests") != "",
			Users: list(side + "User"), Groups: list(side + "Group"), Roles: list(side + "Role"),
		}
	}
	d := draft{
		ID: c.R.PathValue("id"), Name: c.Form("name"), State: c.Form("state"), Tag: c.Form("etag"), In: read("in"), Out: read("out"),
		Aim: c.Form("aim"), Apps: list("app"), NotApps: list("notApp"), Contexts: list("context"),
		Works: c.Form("whose") == "works", AllWork: c.Form("allWork") != "", Work: list("work"), NotWork: list("notWork"),
		Where: c.Form("where"), Places: list("place"), NotPlaces: list("notPlace"), Platforms: list("platform"), Clients: list("client"),
		Mode: c.Form("mode"), Rule: c.Form("rule"), UserRisk: list("userRisk"), Risk: list("risk"), ByCode: c.Form("byCode") != "",
		Outcome: c.Form("outcome"), Controls: list("control"), Strength: c.Form("strength"), Every: c.Form("every") == "all",
		Frequency: c.Form("frequency"), Span: c.Form("span"), Stay: c.Form("stay"),
	}
	return d
}

// body is d as Graph takes it. Every member that the form has is said, so that what was taken
// out is gone.
func (d draft) body() graphclient.Object {
	users := graphclient.Object{}
	for _, one := range []struct {
		which string
		w     whom
	}{{"include", d.In}, {"exclude", d.Out}} {
		ids := list(one.w.Users)
		if one.w.Everybody {
			ids = []string{all}
		} else if one.w.Guests {
			ids = append(ids, guestsWord)
		}
		users[one.which+"Users"], users[one.which+"Groups"], users[one.which+"Roles"] = ids, list(one.w.Groups), list(one.w.Roles)
		users[one.which+"GuestsOrExternalUsers"] = nil
	}
	conditions := graphclient.Object{
		"clientApplications": nil, "users": users, "applications": d.applications(), "locations": d.locations(), "platforms": nil, "devices": nil,
		"clientAppTypes": []string{"all"}, "userRiskLevels": list(d.UserRisk), "signInRiskLevels": list(d.Risk), "authenticationFlows": nil,
	}
	if d.Works {
		include := list(d.Work)
		if d.AllWork {
			include = []string{ownApps}
		}
		conditions["clientApplications"] = graphclient.Object{"includeServicePrincipals": include, "excludeServicePrincipals": list(d.NotWork)}
		conditions["users"] = graphclient.Object{"includeUsers": []string{"None"}, "excludeUsers": []string{}, "includeGroups": []string{}, "excludeGroups": []string{}, "includeRoles": []string{}, "excludeRoles": []string{}}
	}
	if len(d.Platforms) > 0 {
		conditions["platforms"] = graphclient.Object{"includePlatforms": d.Platforms, "excludePlatforms": []string{}}
	}
	if len(d.Clients) > 0 {
		conditions["clientAppTypes"] = d.Clients
	}
	if d.Rule != "" {
		conditions["devices"] = graphclient.Object{"deviceFilter": graphclient.Object{"mode": d.Mode, "rule": d.Rule}}
	}
	if d.ByCode {
		conditions["authenticationFlows"] = graphclient.Object{"transferMethods": "deviceCodeFlow"}
	}
	return graphclient.Object{"displayName": d.Name, "state": d.State, "conditions": conditions, "grantControls": d.grant(), "sessionControls": d.session()}
}

func list(s []string) []string { return append([]string{}, s...) } // never null

func (d draft) applications() graphclient.Object {
	a := graphclient.Object{"includeApplications": []string{}, "excludeApplications": []string{}, "includeUserActions": []string{}, "includeAuthenticationContextClassReferences": []string{}}
	switch d.Aim {
	case "register":
		a["includeUserActions"] = []string{registering}
	case "join":
		a["includeUserActions"] = []string{joining}
	case "context":
		a["includeAuthenticationContextClassReferences"] = list(d.Contexts)
	case "all":
		a["includeApplications"], a["excludeApplications"] = []string{all}, list(d.NotApps)
	default:
		a["includeApplications"], a["excludeApplications"] = list(d.Apps), list(d.NotApps)
	}
	return a
}

func (d draft) locations() any {
	switch d.Where {
	case "untrusted":
		return graphclient.Object{"includeLocations": []string{all}, "excludeLocations": []string{trusted}}
	case "chosen":
		in := list(d.Places)
		if len(in) == 0 {
			in = []string{all}
		}
		return graphclient.Object{"includeLocations": in, "excludeLocations": list(d.NotPlaces)}
	}
	return nil
}

func (d draft) grant() any {
	operator := map[bool]string{true: "AND", false: "OR"}[d.Every]
	switch d.Outcome {
	case "block":
		return graphclient.Object{"operator": "OR", "builtInControls": []string{"block"}, "authenticationStrength": nil}
	case "ask":
		g := graphclient.Object{"operator": operator, "builtInControls": list(d.Controls), "authenticationStrength": nil}
		if d.Strength != "" {
			g["authenticationStrength"] = graphclient.Object{"id": d.Strength}
		}
		return g
	}
	return nil
}

func (d draft) session() any {
	s := graphclient.Object{"signInFrequency": nil, "persistentBrowser": nil}
	switch d.Frequency {
	case "always":
		s["signInFrequency"] = graphclient.Object{"isEnabled": true, "frequencyInterval": "everyTime", "authenticationType": "primaryAndSecondaryAuthentication", "value": nil, "type": nil}
	case "hours", "days":
		s["signInFrequency"] = graphclient.Object{"isEnabled": true, "frequencyInterval": "timeBased", "authenticationType": "primaryAndSecondaryAuthentication", "value": number(d.Span), "type": d.Frequency}
	}
	if d.Stay != "" {
		s["persistentBrowser"] = graphclient.Object{"isEnabled": true, "mode": d.Stay}
	}
	if s["signInFrequency"] == nil && s["persistentBrowser"] == nil {
		return nil
	}
	return s
}

// number is what was typed; what is none is 0, which Graph refuses.
func number(typed string) int {
	n, err := strconv.Atoi(typed)
	if err != nil {
		return 0
	}
	return n
}
