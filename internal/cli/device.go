package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

func deviceCommand() *cobra.Command {
	return program.Noun("device", "Devices that joined", deviceList(), deviceShow(),
		deviceSwitch("disable DEVICE", "Switch a device off: its sessions end, and nobody signs in on it", false, "%s is switched off."),
		deviceSwitch("enable DEVICE", "Switch a device on again", true, "%s is switched on."),
		deviceDecide("approve DEVICE", "Approve a device that waits for it", "approved", "%s is approved."),
		deviceDecide("refuse DEVICE", "Refuse a device: nobody signs in on it, and it can't join again by itself", "refused", "%s is refused."),
		devicePrepare(), deviceDelete())
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
	var pending bool
	var unused time.Duration
	c.Flags().BoolVar(&pending, "pending", false, "list those that wait for approval")
	c.Flags().DurationVar(&unused, "unused-for", 0, "list those on which nobody signed in for this `TIME`, such as 2160h")
	return verb(c, func(e *env, _ []string) error {
		q := asked(q)
		if pending {
			q.Filter = both(q.Filter, "postern_approvalState eq 'pending'")
		}
		if unused > 0 {
			q.Filter = both(q.Filter, "approximateLastSignInDateTime le "+time.Now().Add(-unused).UTC().Format(time.RFC3339))
		}
		devices := e.graph.Devices
		columns := []column{
			{"NAME", "displayName"},
			{"ID", "id"},
			{"ENABLED", "accountEnabled"},
			{"SYSTEM", "operatingSystem"},
			{"JOIN", "trustType"},
			{"SEEN", "approximateLastSignInDateTime"},
		}
		if e.own {
			devices = e.graph.OwnDevices
			columns = append(columns, column{"APPROVAL", "postern_approvalState"}, column{"KEY", "postern_keyStorage"}, column{"ATTESTED", "postern_attested"})
		}
		return e.table(devices(c.Context(), q), top, columns...)
	})
}

func deviceShow() *cobra.Command {
	c := &cobra.Command{Use: "show DEVICE", Short: "Show a device, by name or object id", Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.deviceID(args[0])
		if err != nil {
			return err
		}
		read := e.graph.Device
		if e.own {
			read = e.graph.OwnDevice
		}
		d, err := read(c.Context(), id)
		if err != nil {
			return err
		}
		if !e.json {
			d["failedPrerequisites"] = failed(d)
		}
		return e.object(d, "id", "deviceId", "displayName", "accountEnabled", "trustType", "operatingSystem", "operatingSystemVersion",
			"manufacturer", "model", "domainName", "registrationDateTime", "approximateLastSignInDateTime", "isCompliant", "isManaged",
			"postern_approvalState", "postern_preparation/state", "postern_preparation/userId", "postern_preparation/groupId",
			"postern_preparation/preparedBy", "postern_preparation/handedOverDateTime", "postern_keyStorage", "postern_attested", "postern_certificateEndDateTime",
			"postern_status/reportedDateTime", "postern_status/report/agentVersion", "postern_status/report/policyApplied", "failedPrerequisites",
			"postern_status/report/problems")
	})
}

// failed names what the device's agent last found wanting.
func failed(d graphclient.Object) string {
	status, _ := d["postern_status"].(map[string]any)
	report, _ := status["report"].(map[string]any)
	var names []string
	for _, one := range graphclient.Object(report).Objects("prerequisites") {
		if one.Text("state") == "fail" {
			names = append(names, one.Text("name"))
		}
	}
	return strings.Join(names, ", ")
}

// both is a filter that holds where both do.
func both(a, b string) string {
	if a == "" {
		return b
	}
	return "(" + a + ") and " + b
}

func deviceDecide(use, short, state, words string) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	return verb(c, func(e *env, args []string) error {
		id, err := e.deviceID(args[0])
		if err != nil {
			return err
		}
		if err := e.graph.UpdateDevice(c.Context(), id, graphclient.Object{"postern_approvalState": state}); err != nil {
			return err
		}
		e.say(words, args[0])
		return nil
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
	c := &cobra.Command{
		Use: "delete DEVICE…", Short: "Delete devices for good, with their sessions and PINs", Args: cobra.MinimumNArgs(1),
		Long: "Deletes devices, by name or object id. All of them are looked up before the first one is deleted.",
		Example: `  postern device delete LAP-0417
  postern device list --unused-for 4320h --json | jq -r '.value[].id' | xargs -r postern device delete`,
	}
	return verb(c, func(e *env, args []string) error {
		ids := make([]string, len(args))
		for i, name := range args {
			var err error
			if ids[i], err = e.deviceID(name); err != nil {
				return err
			}
		}
		for i, id := range ids {
			if err := e.graph.DeleteDevice(c.Context(), id); err != nil {
				return err
			}
			e.say("%s is deleted. It has to join again.", args[i])
		}
		return nil
	})
}
