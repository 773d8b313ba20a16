package cli

import (
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// A question is a sign-in that is assumed, as flags have it.
type question struct {
	user, app, action, context         string
	address, country, platform, client string
	device, risk                       string
	compliant, byCode, all             bool
	shown, drafts                      []string
}

// userActions by the words of the command line.
var userActions = map[string]string{"register": "registerSecurityInformation", "join": "registerOrJoinDevices"}

// clientTypes by the words of the command line.
var clientTypes = map[string]string{"browser": "browser", "app": "mobileAppsAndDesktopClients", "other": "other"}

func accessWhatIf() *cobra.Command {
	var q question
	c := &cobra.Command{
		Use: "what-if --user UPN", Short: "Say whether a sign-in would get in, and which policy decides", Args: cobra.NoArgs,
		Long: "Says what a sign-in would come to today, with the policies that only report, and with drafts. What no flag says is not\n" +
			"known: it meets only what asks for nothing. --all lists every policy and why it applies or not.",
		Example: "  postern policy ca what-if --user ann@contoso.example --app \"Postern Console\" --platform windows --shown password\n" +
			"  postern policy ca what-if --user ann@contoso.example --draft policy.json --shown temporaryAccessPassOneTime",
	}
	f := c.Flags()
	f.StringVar(&q.user, "user", "", "`UPN` or id of who signs in")
	f.StringVar(&q.app, "app", "Postern Console", "`APPLICATION` that is signed in to: name or app id")
	f.StringVar(&q.action, "action", "", "register (a method) or join (a device), in the place of an application")
	f.StringVar(&q.context, "context", "", "authentication context, such as c1, in the place of an application")
	f.StringVar(&q.address, "address", "", "`IP` address")
	f.StringVar(&q.country, "country", "", "country of two letters, if the server doesn't know that of the address")
	f.StringVar(&q.platform, "platform", "", "windows, macOS, linux, iOS or android")
	f.StringVar(&q.client, "client", "browser", "browser, app or other")
	f.StringVar(&q.device, "device", "", "`ID` of a joined device (deviceId)")
	f.BoolVar(&q.compliant, "compliant", false, "the device is compliant, whatever it reported")
	f.BoolVar(&q.byCode, "device-code", false, "by a code on another device")
	f.StringVar(&q.risk, "risk", "", "risk of the sign-in: low, medium or high")
	f.StringArrayVar(&q.shown, "shown", nil, "`METHOD` that was used, such as password, softwareOath, fido2, temporaryAccessPassOneTime; may be given again")
	f.StringArrayVar(&q.drafts, "draft", nil, "`FILE` with a policy that is not saved; may be given again")
	f.BoolVar(&q.all, "all", false, "list every policy")
	_ = c.MarkFlagRequired("user")
	return verb(c, func(e *env, _ []string) error {
		body, err := e.question(q)
		if err != nil {
			return err
		}
		said, err := e.graph.WhatIf(c.Context(), body)
		if err != nil || e.json {
			return errorOr(err, func() error { return e.printJSON(said) })
		}
		return e.whatIf(said, q.all)
	})
}

// whatIf prints a line for each set of rules, or one for each of its policies.
func (e *env) whatIf(said graphclient.Object, all bool) error {
	var rows []graphclient.Object
	for _, under := range []struct{ member, word string }{{"today", "today"}, {"reportOnly", "with report-only"}, {"drafts", "with drafts"}} {
		one := inner(said, under.member)
		if one == nil {
			continue
		}
		if !all {
			rows = append(rows, graphclient.Object{"under": under.word, "result": one["result"], "message": one["message"]})
			continue
		}
		for _, p := range one.Objects("policies") {
			p["under"], p["on"] = under.word, stateWord(p.Text("state"))
			p["why"] = first(p.Text("note"), strings.Join(texts(p["enforcedGrantControls"]), ", "))
			if p["policyApplies"] != true {
				p["why"] = "not for this: " + strings.ReplaceAll(p.Text("analysisReasons"), ",", ", ")
			}
			if p["decides"] == true {
				p["result"] = p.Text("result") + " (decides)"
			}
			rows = append(rows, p)
		}
	}
	if all {
		return e.rows(rows, []column{{"UNDER", "under"}, {"NAME", "displayName"}, {"STATE", "on"}, {"RESULT", "result"}, {"WHY", "why"}})
	}
	return e.rows(rows, []column{{"UNDER", "under"}, {"RESULT", "result"}, {"WHY", "message"}})
}

// inner is the object in a member; nil if there is none.
func inner(o graphclient.Object, member string) graphclient.Object {
	one, _ := o[member].(map[string]any)
	return one
}

// question is q as Graph asks it.
func (e *env) question(q question) (graphclient.Object, error) {
	context := graphclient.Object{}
	switch {
	case q.action != "":
		action, ok := userActions[q.action]
		if !ok {
			return nil, program.Usagef("The action is register or join, not %q.", q.action)
		}
		context["userAction"] = action
	case q.context != "":
		context["authenticationContextValue"] = q.context
	default:
		app, err := e.appIDOf(q.app)
		if err != nil {
			return nil, err
		}
		context["includeApplications"] = []string{app}
	}
	client, ok := clientTypes[q.client]
	if !ok {
		return nil, program.Usagef("The client is browser, app or other, not %q.", q.client)
	}
	conditions := graphclient.Object{"clientAppType": client}
	for name, value := range map[string]string{"ipAddress": q.address, "country": q.country, "devicePlatform": q.platform, "signInRiskLevel": q.risk} {
		if value != "" {
			conditions[name] = value
		}
	}
	if q.byCode {
		conditions["authenticationFlow"] = graphclient.Object{"transferMethod": "deviceCodeFlow"}
	}
	if q.device != "" || q.compliant {
		device := graphclient.Object{"deviceId": q.device}
		if q.compliant {
			device["isCompliant"] = true
		}
		conditions["deviceInfo"] = device
	}
	proofs := []graphclient.Object{}
	for _, way := range q.shown {
		proofs = append(proofs, graphclient.Object{"method": way})
	}
	drafts, err := e.drafts(q.drafts)
	return graphclient.Object{
		"signInIdentity": graphclient.Object{"userId": q.user}, "signInContext": context, "signInConditions": conditions, "proofs": proofs, "drafts": drafts,
	}, err
}

// appIDOf is the app id of an application by its name, which is among the tenant's presences.
func (e *env) appIDOf(name string) (string, error) {
	if uuid.Validate(name) == nil {
		return name, nil
	}
	found, err := collect(e.graph.ServicePrincipals(e.command.Context(), named(name)), 2)
	switch {
	case err != nil:
		return "", err
	case len(found) != 1:
		return "", program.Usagef("There is not one application called %q; say which by its app id.", name)
	}
	return found[0].Text("appId"), nil
}

// drafts are policies in files. One with the id or name of a policy that is there changes that one.
func (e *env) drafts(files []string) ([]graphclient.Object, error) {
	all := []graphclient.Object{}
	for _, file := range files {
		in, err := readObject(e.command.InOrStdin(), file)
		if err != nil {
			return nil, err
		}
		id, err := e.whichPolicy(in)
		if err != nil {
			return nil, err
		}
		delete(in, "id")
		if id != "" {
			in["id"] = id
		}
		all = append(all, in)
	}
	return all, nil
}

func accessImpact() *cobra.Command {
	var days int
	var files []string
	c := &cobra.Command{
		Use: "impact", Short: "Say what drafts, or else policies that only report, would have done to past sign-ins", Args: cobra.NoArgs,
		Long: "Replays the sign-ins of the last days: who would be blocked, who would be asked for more, and who could not get in any more with\n" +
			"the methods that they have.",
		Example: "  postern policy ca impact --days 14 --draft policy.json",
	}
	c.Flags().IntVar(&days, "days", 7, "`NUMBER` of days, 30 at most")
	c.Flags().StringArrayVar(&files, "draft", nil, "`FILE` with a policy that is not saved; may be given again")
	return verb(c, func(e *env, _ []string) error {
		drafts, err := e.drafts(files)
		if err != nil {
			return err
		}
		said, err := e.graph.AccessImpact(c.Context(), graphclient.Object{"days": days, "drafts": drafts})
		if err != nil || e.json {
			return errorOr(err, func() error { return e.printJSON(said) })
		}
		blocked, asked := inner(said, "blocked"), inner(said, "askedForMore")
		e.say("Of %s sign-ins of %s people %s would be blocked (%s people) and %s asked for more (%s people); %s people could not get in any more.",
			said.Text("signIns"), said.Text("people"), blocked.Text("signIns"), blocked.Text("people"), asked.Text("signIns"), asked.Text("people"), said.Text("lockedOutPeople"))
		if said["complete"] != true {
			e.say("There were more sign-ins than are looked at: it goes back to %s.", said.Text("lookedBackTo"))
		}
		return e.rows(said.Objects("affected"), []column{{"USER", "userPrincipalName"}, {"LOCKED OUT", "lockedOut"}, {"BLOCKED", "blockedSignIns"}, {"ASKED FOR MORE", "askedForMoreSignIns"}, {"POLICY", "policyId"}})
	})
}
