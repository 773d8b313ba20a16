package pages

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/design"
)

// TestGallery writes every page to the folder named by POSTERN_GALLERY, to be looked at
// in a browser. Icons need a server in front of the folder, as they come from a file of
// their own.
func TestGallery(t *testing.T) {
	folder := os.Getenv("POSTERN_GALLERY")
	if folder == "" {
		t.Skip("POSTERN_GALLERY names no folder")
	}
	v := newView(t)
	for _, lang := range design.Languages {
		for name, p := range samples(lang) {
			w := httptest.NewRecorder()
			if err := v.Render(w, 200, p); err != nil {
				t.Fatal(err)
			}
			relative := bytes.ReplaceAll(w.Body.Bytes(), []byte(`"`+design.Root), []byte(`"assets/`))
			write(t, filepath.Join(folder, name+"."+lang+".html"), relative)
		}
	}
	for path, content := range assets.All() {
		write(t, filepath.Join(folder, path), content)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
