package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestTheStoryPlaysItself plays the recovery of a broken PIN against the real parts.
func TestTheStoryPlaysItself(t *testing.T) {
	if _, err := exec.LookPath("swtpm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("swtpm is missing; install the package swtpm")
		}
		t.Skip("swtpm is missing; install the package swtpm")
	}
	var out, problems bytes.Buffer
	code := run(t.Context(), []string{"dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--story"}, strings.NewReader(""), &out, &problems)
	if code != exitDone || !strings.Contains(out.String(), "The story ended well") {
		t.Errorf("left with %d\n%s%s", code, out.String(), problems.String())
	}
	for _, step := range []string{
		"software TPM", "pinBroken", "issued it through Graph", "6 files of the person are as they were",
		"change   Admin registered security info, by Dana Novak: PIN damaged",
	} {
		if !strings.Contains(out.String(), step) {
			t.Errorf("the story does not tell of %q\n%s", step, out.String())
		}
	}
}

func TestTheStoryIsForPeopleToRead(t *testing.T) {
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"dev", "--json", "--story"}, strings.NewReader(""), &out, &problems); code != exitUsage {
		t.Errorf("with --json it left with %d", code)
	}
}
