//go:build unix

package account

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileThatOthersReachIsRefused(t *testing.T) {
	tests := map[string]func(t *testing.T, path string){
		"readable by the group": func(t *testing.T, path string) { chmod(t, path, 0o640) },
		"readable by all":       func(t *testing.T, path string) { chmod(t, path, 0o604) },
		"writable by all":       func(t *testing.T, path string) { chmod(t, path, 0o602) },
		"a link to somewhere": func(t *testing.T, path string) {
			there := filepath.Join(t.TempDir(), "there")
			if err := errors.Join(os.Rename(path, there), os.Symlink(there, path)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			folder, a := Folder{t.TempDir()}, newAuthority(t).account()
			if err := folder.Save(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			open(t, folder.file(a.Server))
			if _, err := folder.Load(a.Server); !errors.Is(err, ErrUnsafe) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
