package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func caseCommand() *cobra.Command {
	return program.Noun("case", "Recovery cases: people who can't get in", caseList(), caseShow(), caseTimeline(), caseOpen(), caseProve(), caseApprove(), caseIssue(),
		caseStep("vouch", "Vouch for a colleague", "You vouch in case %s."),
		caseStep("cancel", "Give a case up; a pass that was not used goes", "Case %s is cancelled."),
		caseStep("refuse", "End a case: you don't believe that the right person asks", "Case %s is refused."),
		caseStep("dispute", "Freeze a case: pass and sessions end, and what was registered can't be used", "Case %s is frozen."),
		caseStep("release", "End a dispute that was wrong: what was registered works again", "Case %s is released."),
		caseStep("revert", "End a dispute that was right: what was registered goes", "Case %s is reverted."))
}

func caseList() *cobra.Command {
	var state, user string
	var top int
	c := &cobra.Command{
		Use: "list", Short: "List cases, the newest first", Args: cobra.NoArgs,
		Example: "  postern case list --state open\n  postern case list --user mira@contoso.example",
	}
	c.Flags().StringVar(&state, "state", "", "only those in this `STATE`")
	c.Flags().StringVar(&user, "user", "", "only those of this `UPN`")
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		var filters []string
		if state != "" {
			filters = append(filters, "state eq '"+strings.ReplaceAll(state, "'", "''")+"'")
		}
		if user != "" {
			id, err := e.userID(user)
			if err != nil {
				return err
			}
			filters = append(filters, "userId eq "+id)
		}
		found, err := collect(e.graph.RecoveryCases(c.Context(), graphclient.Query{Filter: strings.Join(filters, " and ")}), top)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(map[string]any{"value": found})
		}
		for _, one := range found {
			hideNumber(one)
		}
		e.nameUsers(found)
		return e.rows(found, []column{
			{"CASE", "number"}, {"STATE", "state"}, {"USER", "userPrincipalName|userId"}, {"OPENED", "createdDateTime"}, {"BY", "openedBy/displayName"},
		})
	})
}

func caseShow() *cobra.Command {
	c := &cobra.Command{Use: "show CASE", Short: "Show a case, and what the rules say of it now", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		one, err := e.graph.RecoveryCase(c.Context(), args[0])
		if err != nil {
			return err
		}
		return e.recoveryCase(one)
	})
}

// hideNumber puts the id of a case in the place of its number while somebody waits at the sign-in page: the
// number is theirs to say.
func hideNumber(one graphclient.Object) {
	if one.Text("openedAs") == "self" && slices.Contains([]string{"open", "proven", "approved"}, one.Text("state")) {
		one["number"] = one.Text("id")
	}
}

// recoveryCase prints what of a case is told in a line; --json has the rest.
func (e *env) recoveryCase(one graphclient.Object) error {
	if e.json {
		return e.printJSON(one)
	}
	hideNumber(one)
	var proofs []string
	for _, p := range one.Objects("proofs") {
		proofs = append(proofs, p.Text("kind")+" by "+first(p.Text("by/displayName"), "the person"))
	}
	var approvals []string
	for _, p := range one.Objects("approvals") {
		approvals = append(approvals, p.Text("by/displayName")+" as "+p.Text("as"))
	}
	lost, _ := one["lost"].([]any)
	var failed []string
	for _, f := range lost {
		failed = append(failed, fmt.Sprint(f))
	}
	one["failures"], one["opener"] = strings.Join(failed, ", "), strings.TrimSpace(one.Text("openedBy/displayName")+" as "+one.Text("openedAs"))
	one["proof"], one["approvedBy"], one["passId"] = strings.Join(proofs, ", "), strings.Join(approvals, ", "), one.Text("pass/id")
	properties := []string{
		"number", "state", "outcome", "userPrincipalName", "targetClass", "opener", "channel", "failures", "deviceId", "assuranceLevel", "proof", "approvedBy", "missingApprovals", "readyDateTime",
		"passId", "createdDateTime", "expirationDateTime", "usedDateTime", "closedDateTime", "why",
	}
	return e.object(one, properties...)
}

func caseTimeline() *cobra.Command {
	c := &cobra.Command{Use: "timeline CASE", Short: "Show what happened in a case, refused steps too", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		return e.table(e.graph.RecoveryTimeline(c.Context(), args[0]), 0,
			column{"TIME", "activityDateTime"}, column{"STEP", "activityDisplayName"}, column{"RESULT", "result"}, column{"BY", "initiatedBy/user/userPrincipalName|initiatedBy/user/displayName|initiatedBy/app/displayName"}, column{"WHY", "resultReason"})
	})
}

func caseOpen() *cobra.Command {
	in := graphclient.Object{}
	var lost []string
	texts := map[string]*string{}
	c := &cobra.Command{
		Use: "open UPN", Short: "Open a case, and print its number", Args: cobra.ExactArgs(1),
		Long:    "Opens a case for somebody who can't get in, and prints its number, which is no secret.",
		Example: "  postern case open mira@contoso.example --channel phone --lost phoneLost --ticket HD-21034",
	}
	for flag, what := range map[string]string{
		"channel": "`HOW` they reached you: phone, inPerson, chat, mail or api", "device": "`ID` of the device that it is about",
		"note": "`TEXT` for who goes on with it", "ticket": "`NUMBER` in your own system", "as": "`PART` in which you open it: agent, manager or automation",
	} {
		texts[flag] = c.Flags().String(flag, "", what)
	}
	c.Flags().StringSliceVar(&lost, "lost", nil, "`WHAT` failed, such as phoneLost or newDevice; may be given again")
	return verb(c, func(e *env, args []string) error {
		if e.wantsChannel(*texts["channel"], *texts["as"]) {
			return program.Usagef("--channel says how they reached you: phone, inPerson, chat or mail.")
		}
		in["userId"] = args[0]
		for flag, name := range map[string]string{"channel": "channel", "device": "deviceId", "note": "note", "ticket": "ticket", "as": "openedAs"} {
			if *texts[flag] != "" {
				in[name] = *texts[flag]
			}
		}
		if len(lost) > 0 {
			in["lost"] = lost
		}
		one, err := e.graph.OpenRecoveryCase(c.Context(), in)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(one)
		}
		return e.result(one.Text("number"))
	})
}

// wantsChannel reports whether a case can't be opened without saying how the person reached us: only of an
// application it goes without saying.
func (e *env) wantsChannel(channel, as string) bool {
	return channel == "" && as != "automation" && e.secret == ""
}

func caseProve() *cobra.Command {
	var contact, note string
	c := &cobra.Command{
		Use: "prove CASE KIND", Short: "Attest how you know who asks", Args: cobra.ExactArgs(2),
		Long: "Attests how you know who asks: inPerson or video with a document, or callBack at the number on file. A\n" +
			"number that was changed a short time ago does not count.",
		Example: "  postern case prove R-7K4MQ2 callBack --contact mobilePhone",
	}
	c.Flags().StringVar(&contact, "contact", "", "`WHICH` number you called: mobilePhone or businessPhones")
	c.Flags().StringVar(&note, "note", "", "`TEXT` that is kept with it")
	theirs := theirNumber(c)
	return verb(c, func(e *env, args []string) error {
		return e.step(args[0], "prove", noted(graphclient.Object{"kind": args[1]}, "contact", contact, "note", note, "caseNumber", *theirs))
	})
}

func caseApprove() *cobra.Command {
	var as, note string
	c := &cobra.Command{
		Use: "approve CASE", Short: "Approve a case as a second person", Args: cobra.ExactArgs(1),
		Long: "Approves a case that you had no part in. It takes a sign-in by passkey or another phishing-resistant method,\nnot older than the policy says: sign in anew for it.",
	}
	c.Flags().StringVar(&as, "as", "", "`PART` in which you approve: approver, or manager of the person")
	c.Flags().StringVar(&note, "note", "", "`TEXT` that is kept with it")
	theirs := theirNumber(c)
	return verb(c, func(e *env, args []string) error {
		return e.step(args[0], "approve", noted(graphclient.Object{}, "as", as, "note", note, "caseNumber", *theirs))
	})
}

// theirNumber adds the flag for the number that who asks reads out.
func theirNumber(c *cobra.Command) *string {
	return c.Flags().String("number", "", "`NUMBER` of the case as they read it from their own screen; with it the pass can be shown there")
}

// noted is o with those of the named texts that are not empty.
func noted(o graphclient.Object, namesAndTexts ...string) graphclient.Object {
	for pair := range slices.Chunk(namesAndTexts, 2) {
		if pair[1] != "" {
			o[pair[0]] = pair[1]
		}
	}
	return o
}

// step takes a step and prints the case.
func (e *env) step(name, step string, in graphclient.Object) error {
	one, err := e.graph.StepRecoveryCase(e.command.Context(), name, step, in)
	if err != nil {
		return err
	}
	return e.recoveryCase(one)
}

func caseStep(step, short, said string) *cobra.Command {
	var note string
	c := &cobra.Command{Use: step + " CASE", Short: short, Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&note, "note", "", "`TEXT` that is kept with it")
	theirs := new(string)
	if step == "vouch" {
		theirs = theirNumber(c)
	}
	return verb(c, func(e *env, args []string) error {
		one, err := e.graph.StepRecoveryCase(c.Context(), args[0], step, noted(graphclient.Object{}, "note", note, "caseNumber", *theirs))
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(one)
		}
		hideNumber(one)
		e.say(said, cmp.Or(one.Text("number"), args[0])) // a colleague is not told it
		return nil
	})
}
