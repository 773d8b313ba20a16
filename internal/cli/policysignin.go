package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func policySignIn() *cobra.Command {
	return program.Noun("signin", "Policy of which methods may be used where", policySignInShow(), policySignInSet())
}

// signInLists are the lists of the signInMethodsPolicy, by the flag that sets each.
var signInLists = []struct{ flag, property, use string }{
	{"browser", "browserMethods", "`METHOD` that signs in in a browser, or all; may be given again"},
	{"lock-screen", "lockScreenMethods", "`METHOD` that signs in at a lock screen, or all; may be given again"},
	{"console", "consoleMethods", "`METHOD` that signs in to the administrators' console, or all; may be given again"},
	{"text-console", "textConsoleMethods", "`METHOD` that signs in at a text console, or all; may be given again"},
	{"break-glass", "breakGlassMethods", "`METHOD` that no restriction takes away, \"\" for none; may be given again"},
}

func policySignInShow() *cobra.Command {
	c := &cobra.Command{Use: "show", Short: "Show which methods may be used where", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		policy, err := e.graph.SignInPolicy(c.Context())
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(policy)
		}
		var names []string
		for _, one := range signInLists {
			names = append(names, one.property)
		}
		return e.object(policy, names...)
	})
}

func policySignInSet() *cobra.Command {
	c := &cobra.Command{
		Use: "set", Short: "Change which methods may be used where", Args: cobra.NoArgs,
		Long: "Changes what is said and leaves the rest. A METHOD is temporaryAccessPass, fido2, microsoftAuthenticator,\n" +
			"softwareOath, password or windowsHelloForBusiness. What breaks the glass works everywhere, whatever is said.",
		Example: "  postern policy signin set --console fido2 --break-glass temporaryAccessPass\n" +
			"  postern policy signin set --console all",
	}
	f := c.Flags()
	for _, one := range signInLists {
		f.StringArray(one.flag, nil, one.use)
	}
	return verb(c, func(e *env, _ []string) error {
		change := graphclient.Object{}
		for _, one := range signInLists {
			if !f.Changed(one.flag) {
				continue
			}
			given, err := f.GetStringArray(one.flag)
			if err != nil {
				return err
			}
			methods := []string{}
			for _, name := range given {
				if name != "" {
					methods = append(methods, name)
				}
			}
			change[one.property] = methods
		}
		if len(change) == 0 {
			return program.Usagef("Say what to change; see `postern policy signin set --help`.")
		}
		if err := e.graph.PatchSignInPolicy(c.Context(), change); err != nil {
			return err
		}
		e.say("The policy is changed.")
		return nil
	})
}
