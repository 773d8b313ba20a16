package arch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// declared finds the code of each declared fault.
var declared = regexp.MustCompile(`(?s)&fault\.Error\{[^{}]*?Code:\s*"([^"]+)".*?\}`)

// sentences finds what a fault says, which /errors/{code} shows from the list.
var sentences = regexp.MustCompile(`(?:Text|Remedy):\s*("(?:[^"\\]|\\.)*")`)

func TestEveryCodeIsInTheListOfErrors(t *testing.T) {
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	look := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
			found++
			row := regexp.MustCompile("(?m)^\\| `" + m[1] + "` \\|.*$").FindString(string(page))
			if row == "" {
				t.Errorf("%s declares %q, which docs/errors.md lacks", path, m[1])
			}
			for _, said := range sentences.FindAllStringSubmatch(m[0], -1) {
				if text, err := strconv.Unquote(said[1]); err != nil || !strings.Contains(row, "| "+text+" |") {
					t.Errorf("%s says %s of %s, and docs/errors.md does not", path, said[1], m[1])
				}
			}
		}
		return nil
	}
	if err := errors.Join(filepath.WalkDir("..", look), filepath.WalkDir("../../cmd", look)); err != nil {
		t.Fatal(err)
	}
	if found < 100 {
		t.Errorf("only %d codes were found", found)
	}
}
