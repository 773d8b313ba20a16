package readiness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func paper(rows int) []byte {
	d := document{title: "Ways back in – Contoso", note: "2026-11-27", page: "Page"}
	for i := range rows {
		d.row(false, columns{{0, fmt.Sprintf("Zoë (%d) \\ Smith", i)}, {150, strings.Repeat("long", 40)}, {400, "Łódź …"}})
	}
	var out bytes.Buffer
	d.write(&out)
	return out.Bytes()
}

func TestAPDFHasItsObjectsWhereItSays(t *testing.T) {
	for _, rows := range []int{0, 1, 500} {
		file := paper(rows)
		found := regexp.MustCompile(`(?m)^(\d{10}) 00000 n `).FindAllSubmatch(file, -1)
		for i, one := range found {
			at, err := strconv.Atoi(string(one[1]))
			if want := fmt.Sprintf("%d 0 obj\n", i+1); err != nil || !bytes.HasPrefix(file[at:], []byte(want)) {
				t.Errorf("%d rows: object %d is not at %d", rows, i+1, at)
			}
		}
		if len(found) < 6 || bytes.Contains(file, []byte("Łódź")) || rows > 0 && !bytes.Contains(file, []byte(`Zo\353 \(0\) \\ Smith`)) {
			t.Errorf("%d rows: %d objects, or text that is not escaped", rows, len(found))
		}
	}
}

func TestAPDFIsReadByOthers(t *testing.T) {
	reader, err := exec.LookPath("gs")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no Ghostscript: install ghostscript")
		}
		t.Skip("there is no Ghostscript: install ghostscript")
	}
	name := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(name, paper(200), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), reader, "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=txtwrite", "-o", "-", name).CombinedOutput()
	if err != nil || !bytes.Contains(text, []byte(`Zoë (199) \ Smith`)) {
		t.Errorf("%v: %s", err, text)
	}
}
