package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/cli/program"
)

// TestTheStoryPlaysItself plays the recovery of a broken PIN against the real parts, on a
// device with a TPM and on one without.
func TestTheStoryPlaysItself(t *testing.T) {
	for _, test := range []struct {
		name, storage string
		tpm           bool
	}{{"with a TPM", "software TPM", true}, {"without a TPM", "no TPM", false}} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := exec.LookPath("swtpm"); err != nil && test.tpm {
				if os.Getenv("CI") == "true" {
					t.Fatal("swtpm is missing; install the package swtpm")
				}
				t.Skip("swtpm is missing; install the package swtpm")
			}
			if !test.tpm {
				t.Setenv("PATH", t.TempDir()) // where no swtpm is
			}
			var out, problems bytes.Buffer
			code := run(t.Context(), []string{"dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--story"}, strings.NewReader(""), &out, &problems)
			if code != program.Done || !strings.Contains(out.String(), "The story ended well") {
				t.Errorf("left with %d\n%s%s", code, out.String(), problems.String())
			}
			for _, step := range []string{
				test.storage, "pinBroken", "issued it through Graph", "6 files of the person are as they were",
				"change   Admin registered security info, by Dana Novak: PIN damaged", "sign-in  on LAP-0417, by web sign-in: done",
			} {
				if !strings.Contains(out.String(), step) {
					t.Errorf("the story does not tell of %q\n%s", step, out.String())
				}
			}
		})
	}
}

func TestTheStoryIsForPeopleToRead(t *testing.T) {
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"dev", "--json", "--story"}, strings.NewReader(""), &out, &problems); code != program.WrongUse {
		t.Errorf("with --json it left with %d", code)
	}
}
