package habits_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/habits"
)

func TestHabitsSurviveARestartAndDamage(t *testing.T) {
	path := t.TempDir()
	must(t, os.Chmod(path, 0o700))
	files, err := disk.Open(path)
	must(t, err)
	open := func() *habits.Book {
		t.Helper()
		b, err := habits.Open(files)
		must(t, err)
		return b
	}
	b := open()
	must(t, b.Note("mira", "web", func(string) bool { return true }))
	must(t, b.Note("ada", "pin", func(string) bool { return true }))
	if b = open(); b.Last() != "ada" || b.Way("ada") != "pin" || b.Way("mira") != "web" {
		t.Errorf("after a restart: %q, %q, %q", b.Last(), b.Way("ada"), b.Way("mira"))
	}
	must(t, b.Note("ada", "pin", func(id string) bool { return id == "ada" })) // mira's account went
	if b = open(); b.Way("mira") != "" {
		t.Error("somebody who is not known here any more is remembered")
	}
	for _, text := range []string{"", "{", "[]", `{"last":7}`, `{"ways":{"ada":{}}}`} {
		must(t, os.WriteFile(filepath.Join(path, "habits.json"), []byte(text), 0o600))
		if b = open(); b.Last() != "" || b.Way("ada") != "" {
			t.Errorf("%q is %q, %q", text, b.Last(), b.Way("ada"))
		}
		must(t, b.Note("ada", "web", func(string) bool { return true }))
	}
	must(t, habits.Forget(files))
	if b = open(); b.Last() != "" {
		t.Error("a device that has left remembers")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
