package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/device"
)

func TestABrowserThatDoesNotStartFails(t *testing.T) {
	for script, want := range map[string]device.Check{"echo Chromium 156.0": device.Pass, "exit 1": device.Fail, "kill -SEGV $$": device.Fail} {
		path := filepath.Join(t.TempDir(), "chromium")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if state, detail, fix := tryBrowser(path); state != want || detail == "" || (fix == "") != (want == device.Pass) {
			t.Errorf("%q: %s %s %s", script, state, detail, fix)
		}
	}
}
