// Package design is what every page of this product looks like and how it speaks: the style
// sheets and icons, files that are kept for ever, and words in the language of who reads.
// It decides nothing and knows no page; packages pages and lockscreen build theirs with it.
package design

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"iter"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed assets
var shared embed.FS

// Root is the path below which assets are served.
const Root = "/assets/"

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
	packed  func() []byte // with gzip, made when somebody first asks for it
}

// Assets are the files of a set of pages: those that all share, and their own.
type Assets struct {
	root           string
	byName, byPath map[string]asset
	symbols        map[string]bool
}

// Collect returns the shared assets and those in the folder assets of own, which are served below
// Root. It panics when one can't be read: the files are part of the program.
func Collect(own ...fs.FS) *Assets { return CollectAt(Root, own...) }

// CollectAt is Collect for assets that are served below root, which ends in a slash.
func CollectAt(root string, own ...fs.FS) *Assets {
	a := &Assets{root: root, byName: map[string]asset{}, byPath: map[string]asset{}}
	for _, from := range append([]fs.FS{shared}, own...) {
		if err := a.read(from); err != nil {
			panic(err)
		}
	}
	a.symbols = iconSymbols(a.byName[icons].content)
	return a
}

func (a *Assets) read(from fs.FS) error {
	entries, err := fs.ReadDir(from, "assets")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(from, "assets/"+entry.Name())
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(entry.Name())
		one := asset{a.root + strings.TrimSuffix(entry.Name(), ext) + "." + hex.EncodeToString(sum[:8]) + ext, content, sync.OnceValue(func() []byte { return pack(content) })}
		a.byName[entry.Name()], a.byPath[one.path] = one, one
	}
	return nil
}

// iconSymbols returns the names of the symbols in an SVG sprite.
func iconSymbols(sprite []byte) map[string]bool {
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`<symbol id="([a-z]+)"`).FindAllSubmatch(sprite, -1) {
		names[string(match[1])] = true
	}
	return names
}

// Path returns where the named asset is served.
func (a *Assets) Path(name string) (string, error) {
	one, ok := a.byName[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return one.path, nil
}

// All returns every asset by its path.
func (a *Assets) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for path, one := range a.byPath {
			if !yield(path, one.content) {
				return
			}
		}
	}
}

const icons = "icons.svg"

// Icon draws a symbol of icons.svg beside words. States are classes: "good", "turns".
func (a *Assets) Icon(symbol string, states ...string) (template.HTML, error) {
	if !a.symbols[symbol] {
		return "", fmt.Errorf("no icon %q", symbol)
	}
	classes := strings.Join(append([]string{"icon"}, states...), " ")
	return template.HTML(`<svg class="` + classes + `" aria-hidden="true"><use href="` + a.byName[icons].path + `#` + symbol + `"/></svg>`), nil
}

// ServeHTTP serves GET and HEAD of /assets/{name}.{hash}.{ext}. Other paths are not found.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	one, ok := a.byPath[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentTypes[path.Ext(one.path)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Add("Vary", "Accept-Encoding")
	if takesGzip(r) {
		packed := one.packed()
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(packed)))
		_, _ = w.Write(packed) // who asked has gone
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(one.content))
}

// pack is for files alone, which are the same for everybody. What is made for one person must not be packed:
// its length would tell what secrets in it have in common with text that others choose (https://breachattack.com).
func pack(content []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is one
	}
	_, _ = z.Write(content) // a buffer takes it
	_ = z.Close()
	return b.Bytes()
}

// takesGzip reports whether gzip is among the encodings that r names, and not refused by a weight of zero.
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(one, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, given := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		n, err := strconv.ParseFloat(q, 64)
		return !given || err == nil && n > 0
	}
	return false
}
