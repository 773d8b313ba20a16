package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/graphclient"
)

func deviceCommand() *cobra.Command {
	return noun("device", "Devices that joined", deviceList(), deviceShow(),
		deviceSwitch("disable DEVICE", "Switch a device off: its sessions end, and nobody signs in on it", false, "%s is switched off."),
		deviceSwitch("enable DEVICE", "Switch a device on again", true, "%s is switched on."),
		deviceDelete())
}

// deviceID returns the object id of a device that is named by object id or display name.
func (e *env) deviceID(name string) (string, error) {
	return e.idOf("device", name, e.graph.Devices(e.command.Context(), named(name)))
}

func deviceList() *cobra.Command {
	var q graphclient.Query
	var top int
	c := &cobra.Command{Use: "list", Short: "List devices", Args: cobra.NoArgs}
	c.Flags().StringVar(&q.Filter, "filter", "", "list those that meet this `FILTER`, such as \"accountEnabled eq false\"")
	c.Flags().IntVar(&top, "top", 0, "list this `NUMBER` at most")
	return verb(c, func(e *env, _ []string) error {
		return e.table(e.graph.Devices(c.Context(), asked(q)), top, column{"NAME", "displayName"}, column{"ID", "id"},
			column{"ENABLED", "accountEnabled"}, column{"SYSTEM", "operatingSystem"}, column{"JOIN", "trustType"}, column{"SEEN", "approximateLastSignInDateTime"})
	})
}

func deviceShow() *cobra.Command {
	c := &cobra.Command{Use: "show DEVICE", Short: "Show a device, by name or object id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.deviceID(args[0])
		if err != nil {
			return err
		}
		d, err := e.graph.Device(c.Context(), id)
		if err != nil {
			return err
		}
		return e.object(d, "id", "deviceId", "displayName", "accountEnabled", "trustType", "operatingSystem", "operatingSystemVersion",
			"manufacturer", "model", "registrationDateTime", "approximateLastSignInDateTime")
	})
}

func deviceSwitch(use, short string, on bool, words string) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.deviceID(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.UpdateDevice(c.Context(), id, graphclient.Object{"accountEnabled": on}); err != nil {
			return err
		}
		e.say(words, args[0])
		return nil
	})
}

func deviceDelete() *cobra.Command {
	c := &cobra.Command{Use: "delete DEVICE", Short: "Delete a device for good, with its sessions and PINs", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.deviceID(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.DeleteDevice(c.Context(), id); err != nil {
			return err
		}
		e.say("%s is deleted. It has to join again.", args[0])
		return nil
	})
}
