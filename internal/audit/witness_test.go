package audit_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/postern-id/postern/internal/audit"
)

func TestFileWitnessKeepsWhatVerifyNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "witness")
	l := newLog(t)
	l.batch(t, 2)
	c := l.courier(&audit.FileWitness{Path: path})
	bring(t, c)
	l.batch(t, 1)
	l.restore(t)
	l.batch(t, 3)
	bring(t, c)
	got := readFile(t, path)
	if len(got) != 4 || !bytes.Equal(got[3], l.lastNote()) {
		t.Fatalf("the witness has %q", got)
	}
	if r, err := l.verify(t, got...); err != nil || r.Witnessed != 7 {
		t.Fatalf("Verify = %+v, %v; want 7 witnessed entries", r, err)
	}
}

func readFile(t *testing.T, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return readNotes(t, f)
}

func readNotes(t *testing.T, r io.Reader) [][]byte {
	t.Helper()
	var found [][]byte
	for n, err := range audit.ReadCheckpoints(r) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, n)
	}
	return found
}

func TestFileWitnessIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	path := filepath.Join(t.TempDir(), "witness")
	if err := (&audit.FileWitness{Path: path}).Publish(t.Context(), contoso, []byte("note\n")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestFileWitnessGoesOnAfterACrashCutACheckpointAnywhere(t *testing.T) {
	l := newSealedLog(t)
	first, last := l.state().checkpoints[0].Note, l.lastNote()
	for n := range last {
		path := filepath.Join(t.TempDir(), "witness")
		w := &audit.FileWitness{Path: path}
		if err := os.WriteFile(path, slices.Concat(first, []byte("\n"), last[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.Publish(t.Context(), contoso, last); err != nil {
			t.Fatal(err)
		}
		if r, err := l.verify(t, readFile(t, path)...); err != nil || r.Witnessed != 13 {
			t.Fatalf("cut after %d bytes, Verify = %+v, %v", n, r, err)
		}
	}
}

func TestFileWitnessSaysThatItCannotWrite(t *testing.T) {
	w := &audit.FileWitness{Path: filepath.Join(t.TempDir(), "missing", "witness")}
	if err := w.Publish(t.Context(), contoso, []byte("note\n")); err == nil {
		t.Fatal("Publish went well")
	}
}

func TestReadCheckpointsPassesOverWhatIsNone(t *testing.T) {
	l := newSealedLog(t)
	first, last := string(l.state().checkpoints[0].Note), string(l.lastNote())
	for name, file := range map[string]string{
		"remarks":        strings.Join([]string{"# a remark", first, "postern/", last, "postern/" + contoso}, "\n"),
		"no last line":   first + "\n" + strings.TrimSuffix(last, "\n"),
		"Windows' lines": strings.ReplaceAll(first+"\n"+last, "\n", "\r\n"),
		"much between":   first + "postern/" + strings.Repeat("\nxxxxxxxxxxx", 100_000) + "\n" + last,
	} {
		if got := readNotes(t, strings.NewReader(file)); len(got) != 2 || string(got[0]) != first || string(got[1]) != last {
			t.Errorf("%s: ReadCheckpoints = %q", name, got)
		}
	}
	for range audit.ReadCheckpoints(strings.NewReader(first + last)) {
		break
	}
}

func TestReadCheckpointsPassesOnThatItCannotRead(t *testing.T) {
	var last error
	for _, err := range audit.ReadCheckpoints(iotest.ErrReader(io.ErrUnexpectedEOF)) {
		last = err
	}
	if last == nil {
		t.Fatal("no error")
	}
}
