package pages

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var definedStep = regexp.MustCompile(`{{define "step"}}([a-z]+){{end}}`)

// The step of a page is what scripts go by, so the documentation has each.
func TestEveryStepIsInTheDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../../docs/pages.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(markup, "*.html")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	found := 0
	for _, name := range files {
		text, err := markup.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range definedStep.FindAllStringSubmatch(string(text), -1) {
			found++
			if !strings.Contains(string(doc), "`"+step[1]+"`") {
				t.Errorf("docs/pages.md does not have %q of %s", step[1], name)
			}
		}
	}
	if found < 20 {
		t.Errorf("%d steps", found)
	}
}
