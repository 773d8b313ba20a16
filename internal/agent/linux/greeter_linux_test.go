package linux

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/agent/greeter"
)

func TestWhichSessionIsStarted(t *testing.T) {
	folder := t.TempDir()
	if _, err := session("", folder); !errors.Is(err, greeter.ErrNoSession) {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"a.desktop": "[Desktop Entry]\nExec=hidden\nHidden=true\n",
		"b.desktop": "[Desktop Entry]\nName=No command\n",
		"c.desktop": "[Desktop Entry]\nExec=sway %U\n",
		"d.desktop": "[Desktop Action x]\nExec=other\n[Desktop Entry]\nName=Sway\nExec = sway --unsupported-gpu\nDesktopNames=sway;wlroots;\n",
		"e.desktop": "[Desktop Entry]\nExec=later\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := session("", folder)
	if err != nil || !slices.Equal(got.Cmd, []string{"sway --unsupported-gpu"}) ||
		!slices.Equal(got.Env, []string{"XDG_SESSION_TYPE=wayland", "XDG_CURRENT_DESKTOP=sway:wlroots"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := session("startplasma-wayland", folder); err != nil || !slices.Equal(got.Cmd, []string{"startplasma-wayland"}) {
		t.Errorf("%+v, %v", got, err)
	}
}
