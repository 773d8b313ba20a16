package devices

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// exportDevices serves the list as a file, page after page, with the filters of the address.
func exportDevices(c *console.Call) error {
	q := filterOf(c).query(c.Now())
	q.Top = 200
	page, err := c.Graph.OwnDevicePage(c.Context(), q)
	if err != nil {
		return err
	}
	out := c.CSV("devices.csv", "displayName", "state", "owner", "operatingSystem", "operatingSystemVersion", "trustType", "manufacturer", "model",
		"approximateLastSignInDateTime", "registrationDateTime", "id", "deviceId")
	for {
		for _, o := range page.Items {
			d := deviceOf(o)
			owner := ""
			if len(d.Owners) > 0 {
				owner = d.Owners[0].Text("userPrincipalName")
			}
			out.Row(d.Text("displayName"), d.State(), owner, d.Text("operatingSystem"), d.Text("operatingSystemVersion"), d.Text("trustType"),
				d.Text("manufacturer"), d.Text("model"), d.Text("approximateLastSignInDateTime"), d.Text("registrationDateTime"), d.Text("id"), d.Text("deviceId"))
		}
		if page.Next == "" {
			return out.Close()
		}
		q.SkipToken = page.Next
		if page, err = c.Graph.OwnDevicePage(c.Context(), q); err != nil {
			panic(http.ErrAbortHandler) // the file is not whole, and must not look so
		}
	}
}

// Members of a policy that the server gives it, and that another server refuses.
var given = []string{
	"id", "createdDateTime", "lastModifiedDateTime", "settingCount", "creationSource", "isAssigned", "priorityMetaData", "version",
	"supportsScopeTags", "assignments", "postern_warnings",
}

// exportPolicy serves a policy as a file: in Graph's form, or with OMA-URIs as a custom profile.
func exportPolicy(c *console.Call) error {
	id, form := c.R.PathValue("id"), "graph"
	var o graphclient.Object
	var err error
	if c.R.URL.Query().Get("form") == "oma" {
		form = "oma-uri"
		o, err = c.Graph.CustomProfile(c.Context(), id)
	} else {
		o, err = c.Graph.DevicePolicy(c.Context(), id)
	}
	if err != nil {
		return err
	}
	name := first(o.Text("name"), o.Text("displayName"))
	for _, member := range given {
		delete(o, member)
	}
	for member := range o {
		if strings.Contains(member, "@odata.") && member != "@odata.type" {
			delete(o, member)
		}
	}
	out, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+plain(name)+"."+form+`.json"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = c.W.Write(append(out, '\n')) // the browser is gone, or reads it
	return nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// plain is a name of a file that no system minds.
func plain(name string) string {
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, name)
	out = strings.Trim(out, "-")
	return first(out[:min(len(out), 60)], "policy")
}
