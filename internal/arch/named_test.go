package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	named = regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]+`)
	tests = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
)

// TestDocumentsNameTestsThatExist holds the pages that say which test shows what.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	known := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range tests.FindAllStringSubmatch(string(source), -1) {
			known[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"oauth-security.md", "threat-model.md", "requirements.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		names := named.FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("docs/%s names only %d tests", page, len(names))
		}
		for _, name := range names {
			if name == "TestName" { // how the pages write one
				continue
			}
			if !known[name] {
				t.Errorf("docs/%s names %s, which is no test", page, name)
			}
		}
	}
}

var requirementRow = regexp.MustCompile(`(?m)^\| (\d+) \| [^|]+ \| ([^|]+) \|`)

// TestEachRequirementHasOneRow holds that the 102 needs are there, in order and once, each with
// a state.
func TestEachRequirementHasOneRow(t *testing.T) {
	text, err := os.ReadFile("../../docs/requirements.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := requirementRow.FindAllStringSubmatch(string(text), -1)
	if len(rows) != 102 {
		t.Errorf("%d rows, want 102", len(rows))
	}
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) {
			t.Fatalf("row %s stands where %d belongs", row[1], i+1)
		}
		if state := row[2]; state != "built" && state != "partly" && state != "not yet" {
			t.Errorf("row %s is %q", row[1], state)
		}
	}
}
