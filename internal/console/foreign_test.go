package console_test

import (
	"os"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/console"
)

func TestThePermissionsOfEachPageAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/entra.md")
	if err != nil {
		t.Fatal(err)
	}
	for section, names := range console.Permissions {
		line := ""
		for one := range strings.Lines(string(page)) {
			if strings.HasPrefix(one, "| "+section+" ") {
				line = one
			}
		}
		if want := "`" + strings.Join(names, "`, `") + "`"; !strings.Contains(line, want) {
			t.Errorf("docs/entra.md says %q of %s, want %s", line, section, want)
		}
	}
}
