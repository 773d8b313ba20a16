package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestWalksKeepTheirOrder: where SQLite may choose, it reads all links of a tenant for each step of
// a walk through groups, so that a list of fifty people costs what the tenant holds.
func TestWalksKeepTheirOrder(t *testing.T) {
	free := regexp.MustCompile("(?s)\\bJOIN (up|down|`, name, `) ON")
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) != "walks_test.go" && free.Match(text) {
			t.Errorf("%s joins what a walk found in any order; write CROSS JOIN", file)
		}
	}
}
