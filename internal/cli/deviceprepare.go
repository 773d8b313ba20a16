package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/bulk"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func devicePrepare() *cobra.Command {
	var user, group string
	var pass passFlags
	var once, noPass, end bool
	c := &cobra.Command{
		Use: "prepare DEVICE", Short: "Prepare a device for somebody, and issue the pass for their first sign-in", Args: cobra.ExactArgs(1),
		Long: "Prepares a device that you joined as yourself. Until its user signs in there, you and they may; their first\n" +
			"sign-in makes it theirs, and ends what everybody else has on it. The pass is printed alone on stdout. It works on\n" +
			"that device alone, and leads to a PIN of their own. With --for-group whoever of the group signs in first gets\n" +
			"the device, by a method that they have. With --end the device is prepared for nobody.",
		Example: `  postern device prepare LAP-0417 --for mira@contoso.example --lifetime 8h` + "\n" +
			"  postern device prepare LAP-0417 --for-group Field\n  postern device prepare LAP-0417 --end",
	}
	c.Flags().StringVar(&user, "for", "", "`UPN` of its user")
	c.Flags().StringVar(&group, "for-group", "", "`GROUP`, by name or id: whoever of it signs in first")
	c.Flags().DurationVar(&pass.lifetime, "lifetime", 0, "how long the pass works, as 1h or 90m")
	c.Flags().BoolVar(&once, "once", false, "make the pass work once; --once=false for many times")
	c.Flags().StringVar(&pass.start, "start", "", "`TIME` from which the pass works, as 2026-03-02T06:00:00Z or \"in 2h\"")
	c.Flags().StringVar(&pass.purpose, "purpose", "resetPin", "`WHAT` the pass is good for: resetPin, or signIn where the device has no PINs")
	c.Flags().BoolVar(&noPass, "no-pass", false, "issue no pass: they have a method, or somebody else issues it")
	c.Flags().BoolVar(&end, "end", false, "prepare it for nobody")
	return verb(c, func(e *env, args []string) error {
		if c.Flags().Changed("once") {
			pass.once = &once
		}
		if (user != "") && (group != "") || end == (user+group != "") {
			return program.Usagef("Say for whom: --for UPN or --for-group GROUP; or --end.")
		}
		if pass.purpose != "resetPin" && pass.purpose != "signIn" {
			return program.Usagef("--purpose is resetPin or signIn.")
		}
		id, err := e.deviceID(args[0])
		if err != nil {
			return err
		}
		if end {
			if err := e.graph.EndPreparation(c.Context(), id); err != nil {
				return err
			}
			e.say("%s is prepared for nobody.", args[0])
			return nil
		}
		return e.prepare(args[0], id, user, group, pass, noPass)
	})
}

// prepare makes a device wait, and issues the pass for a named person.
func (e *env) prepare(name, id, user, group string, flags passFlags, noPass bool) error {
	flags.device = "-" // known once the device waits; the flags are checked before
	if _, err := flags.request(bulk.Person{}, time.Now()); err != nil {
		return err
	}
	whom := graphclient.Object{"userId": user}
	if group != "" {
		groupID, err := e.groupID(group)
		if err != nil {
			return err
		}
		whom = graphclient.Object{"groupId": groupID}
	}
	prepared, err := e.graph.PrepareDevice(e.command.Context(), id, whom)
	if err != nil {
		return err
	}
	if user == "" || noPass {
		if e.json {
			return e.printJSON(prepared)
		}
		e.say("%s waits for %s.", name, first(user, group))
		return nil
	}
	e.say("%s waits for %s. Their pass for it:", name, user)
	flags.device = prepared.Text("deviceId")
	return e.issueOne(user, flags)
}
