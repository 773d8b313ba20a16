package devicepolicy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/devicepolicy"
)

// row is what the table of docs/device-policy.md says of a setting.
func row(s devicepolicy.Setting) string {
	var values string
	switch s.Type {
	case devicepolicy.Choice:
		var all []string
		for _, o := range s.Options {
			all = append(all, fmt.Sprintf("%d %s", o.Value, o.Name))
		}
		values = strings.Join(all, "; ")
	case devicepolicy.Int:
		values = fmt.Sprintf("%d to %d", s.Min, s.Max)
	case devicepolicy.Bool:
		values = "true, false"
	case devicepolicy.List:
		values = "list"
	case devicepolicy.Text:
		values = "text"
	}
	initial := s.Default.String()
	if initial == "" {
		initial = "empty"
	}
	var marks []string
	if len(s.Platforms) == 1 {
		marks = append(marks, map[devicepolicy.Platform]string{devicepolicy.Windows: "Windows only", devicepolicy.Linux: "Linux only"}[s.Platforms[0]])
	}
	if s.LockScreen {
		marks = append(marks, "lock screen")
	}
	if s.User {
		marks = append(marks, "per person")
	}
	if s.Stricter != nil {
		marks = append(marks, "stricter wins")
	}
	return fmt.Sprintf("| %s<br>`%s` | %s | %s | %s | %s |", s.Name, s.URI, values, initial, strings.Join(marks, ", "), s.Description)
}

func TestThePageOfDevicePolicyAgreesWithTheCatalog(t *testing.T) {
	raw, err := os.ReadFile("../../docs/device-policy.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, s := range devicepolicy.Catalog() {
		if !strings.Contains(page, row(s)+"\n") {
			t.Errorf("docs/device-policy.md lacks this row:\n%s", row(s))
		}
	}
	if got := strings.Count(page, "<br>`./"); got != len(devicepolicy.Catalog()) {
		t.Errorf("docs/device-policy.md has %d settings, want %d", got, len(devicepolicy.Catalog()))
	}
	for _, r := range []devicepolicy.Reason{
		devicepolicy.NothingSet, devicepolicy.OnlyOne, devicepolicy.DeviceFirst, devicepolicy.GroupFirst, devicepolicy.StricterFirst,
		devicepolicy.OlderFirst, devicepolicy.SetLocally, devicepolicy.PairImpossible, devicepolicy.SharedDevice, devicepolicy.JoinedDevice,
		devicepolicy.ManagedOverrule,
	} {
		if !strings.Contains(page, "| `"+string(r)+"` |") {
			t.Errorf("docs/device-policy.md does not explain the reason %s", r)
		}
	}
}
