package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func webhookCommand() *cobra.Command {
	return program.Noun("webhook", "Services outside that are told of cases and passes", webhookList(), webhookShow(), webhookCreate(), webhookSet(), webhookDelete(),
		webhookRotate(), webhookTest(), webhookDeliveries(), webhookAgain())
}

// webhookID returns the id of the webhook that is named by id or display name.
func (e *env) webhookID(name string) (string, error) {
	return e.idOf("webhook", name, func(yield func(graphclient.Object, error) bool) {
		for one, err := range e.graph.Webhooks(e.command.Context()) {
			if (err != nil || one.Text("displayName") == name) && !yield(one, err) {
				return
			}
		}
	})
}

func webhookList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List webhooks", Args: cobra.NoArgs}
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Webhooks(c.Context()), 0,
			column{"NAME", "displayName"}, column{"ID", "id"}, column{"ENABLED", "isEnabled"}, column{"URL", "url"}, column{"FAILED IN A ROW", "failedInARow"})
	})
}

func webhookShow() *cobra.Command {
	c := &cobra.Command{Use: "show WEBHOOK", Short: "Show a webhook, by name or id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.webhookID(args[0])
		if err != nil {
			return err
		}
		w, err := e.graph.Webhook(c.Context(), id)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(w)
		}
		return e.object(w, "id", "displayName", "url", "events", "isEnabled", "failedInARow", "pausedUntilDateTime", "previousSecretUntilDateTime", "createdDateTime")
	})
}

func webhookCreate() *cobra.Command {
	var name string
	var events []string
	c := &cobra.Command{
		Use: "create URL --name NAME --event EVENT…", Short: "Tell a service of events; its secret is printed once", Args: cobra.ExactArgs(1),
		Example: "  postern webhook create https://siem.example/postern --name SIEM --event case.opened --event case.disputed",
	}
	c.Flags().StringVar(&name, "name", "", "a `NAME` for people")
	c.Flags().StringSliceVar(&events, "event", nil, "tell of this `EVENT`; may be given often")
	return verb(c, func(e *env, args []string) error {
		w, err := e.graph.CreateWebhook(c.Context(), graphclient.Object{"displayName": name, "url": args[0], "events": events})
		if err != nil {
			return err
		}
		return e.secretOf(w)
	})
}

// secretOf prints a webhook's secret alone on stdout, so that scripts can pipe it.
func (e *env) secretOf(w graphclient.Object) error {
	if e.json {
		return e.printJSON(w)
	}
	if err := e.result(w.Text("secret")); err != nil {
		return err
	}
	e.say("Give this secret to the receiver of webhook %s. It is not shown again.", w.Text("id"))
	return nil
}

func webhookSet() *cobra.Command {
	var name, url string
	var events []string
	var enabled bool
	c := &cobra.Command{Use: "set WEBHOOK", Short: "Change a webhook, or turn it on or off", Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&name, "name", "", "a new `NAME`")
	c.Flags().StringVar(&url, "url", "", "a new `URL`")
	c.Flags().StringSliceVar(&events, "event", nil, "tell of this `EVENT`, and of no other than those that are given")
	c.Flags().BoolVar(&enabled, "enabled", true, "whether anything is sent")
	return verb(c, func(e *env, args []string) error {
		change := graphclient.Object{}
		for flag, value := range map[string]any{"name": name, "url": url, "event": events, "enabled": enabled} {
			if c.Flags().Changed(flag) {
				change[map[string]string{"name": "displayName", "url": "url", "event": "events", "enabled": "isEnabled"}[flag]] = value
			}
		}
		id, err := e.webhookID(args[0])
		if err != nil {
			return err
		}
		return e.graph.PatchWebhook(c.Context(), id, change)
	})
}

func webhookDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete WEBHOOK", Short: "End a webhook; its log goes, too", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.webhookID(args[0])
		if err != nil {
			return err
		}
		return e.graph.DeleteWebhook(c.Context(), id)
	})
}

func webhookRotate() *cobra.Command {
	var hours int
	c := &cobra.Command{Use: "rotate WEBHOOK", Short: "Make a new secret; the old one signs, too, for a while", Args: cobra.ExactArgs(1)}
	c.Flags().IntVar(&hours, "overlap", 24, "how many `HOURS` both sign; 0 where the old one leaked")
	return verb(c, func(e *env, args []string) error {
		id, err := e.webhookID(args[0])
		if err != nil {
			return err
		}
		w, err := e.graph.RotateWebhook(c.Context(), id, hours)
		if err != nil {
			return err
		}
		return e.secretOf(w)
	})
}

func webhookTest() *cobra.Command {
	c := &cobra.Command{Use: "test WEBHOOK", Short: "Send a message that tells of nothing", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.webhookID(args[0])
		if err != nil {
			return err
		}
		d, err := e.graph.TestWebhook(c.Context(), id)
		if err != nil {
			return err
		}
		e.say("It is on its way. See what came of it with: postern webhook deliveries %q %s", args[0], d.Text("id"))
		return nil
	})
}

func webhookDeliveries() *cobra.Command {
	var state string
	var top int
	c := &cobra.Command{
		Use: "deliveries WEBHOOK [DELIVERY]", Short: "Show what was sent; with a DELIVERY every try, and what it said", Args: cobra.RangeArgs(1, 2),
	}
	c.Flags().StringVar(&state, "state", "", "only those in this `STATE`: waiting, delivered or failed")
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, args []string) error {
		id, err := e.webhookID(args[0])
		if err != nil {
			return err
		}
		if len(args) == 2 {
			d, err := e.graph.WebhookDelivery(c.Context(), id, args[1])
			if err != nil {
				return err
			}
			return e.printJSON(d)
		}
		return e.table(e.graph.WebhookDeliveries(c.Context(), id, state), top,
			column{"DELIVERY", "id"}, column{"EVENT", "event"}, column{"WHEN", "createdDateTime"}, column{"STATE", "state"},
			column{"TRIES", "attempts"}, column{"ANSWER", "lastStatusCode"}, column{"WHY", "lastError"})
	})
}

func webhookAgain() *cobra.Command {
	c := &cobra.Command{Use: "again WEBHOOK DELIVERY", Short: "Send a message again, with the same id", Args: cobra.ExactArgs(2)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.webhookID(args[0])
		if err != nil {
			return err
		}
		return e.graph.SendWebhookAgain(c.Context(), id, args[1])
	})
}
