package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed assets
var assetFiles embed.FS

const assetRoot = "/assets/"

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// An asset is a file that pages refer to. Its path contains its hash, so that it never
// changes and may be kept for ever.
type asset struct {
	path    string
	content []byte
}

var (
	assets  = readAssets()
	symbols = iconSymbols(assets["icons.svg"].content)
)

func readAssets() map[string]asset {
	found := map[string]asset{}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // the files are part of the program
	}
	for _, entry := range entries {
		content, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(entry.Name())
		stem := strings.TrimSuffix(entry.Name(), ext)
		found[entry.Name()] = asset{assetRoot + stem + "." + hex.EncodeToString(sum[:8]) + ext, content}
	}
	return found
}

// iconSymbols returns the names of the symbols in an SVG sprite.
func iconSymbols(sprite []byte) map[string]bool {
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`<symbol id="([a-z]+)"`).FindAllSubmatch(sprite, -1) {
		names[string(match[1])] = true
	}
	return names
}

// assetPath returns where the named asset is served.
func assetPath(name string) (string, error) {
	a, ok := assets[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return a.path, nil
}

// Assets serves GET and HEAD of /assets/{name}.{hash}.{ext}. Other paths are not found.
func Assets() http.Handler {
	byPath := map[string]asset{}
	for _, a := range assets {
		byPath[a.path] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		a, ok := byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentTypes[path.Ext(a.path)])
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
	})
}
