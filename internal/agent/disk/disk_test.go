package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/postern-id/postern/internal/agent/disk"
)

var errPower = errors.New("the power is gone")

func TestAPowerCutLeavesTheOldFileOrTheNewOne(t *testing.T) {
	for cut := 0; ; cut++ {
		path := filepath.Join(t.TempDir(), "state")
		d, err := disk.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Replace("a", []byte("old")); err != nil {
			t.Fatal(err)
		}
		steps := 0
		d.Step = func() error {
			if steps++; steps > cut {
				return errPower
			}
			return nil
		}
		failed := d.Replace("a", []byte("new"))
		again, err := disk.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Read("a")
		if err != nil || string(got) != "old" && string(got) != "new" {
			t.Fatalf("cut before step %d: %q, %v", cut+1, got, err)
		}
		if names, err := again.Names(); err != nil || !slices.Equal(names, []string{"a"}) {
			t.Fatalf("cut before step %d: %v, %v", cut+1, names, err)
		}
		if failed == nil {
			if string(got) != "new" {
				t.Fatal("acknowledged and not there")
			}
			return
		}
	}
}

func TestNamesStayInTheFolder(t *testing.T) {
	d, err := disk.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../a", "a/b", `a\b`, ".hidden"} {
		if err := d.Replace(name, nil); !errors.Is(err, disk.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := d.Read("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := d.Remove("none"); err != nil {
		t.Errorf("removing it: %v", err)
	}
}

func TestAnOpenFolderIsRefused(t *testing.T) {
	path := t.TempDir()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(path); err == nil {
		t.Error("a folder that others can enter was taken")
	}
}
