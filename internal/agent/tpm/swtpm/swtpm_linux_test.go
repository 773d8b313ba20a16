package swtpm

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm"
)

// asOwner has the test program be one that starts a TPM in this folder and then hangs.
const asOwner = "POSTERN_TEST_SWTPM_OWNER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asOwner); dir != "" {
		chip, err := New(dir)
		if err != nil {
			panic(err)
		}
		fmt.Println(chip.child.pid)
		select {}
	}
	os.Exit(m.Run())
}

// need skips where there is no swtpm, and fails there in CI.
func need(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrNone) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestATPMKeepsItsKeysUntilItIsCleared(t *testing.T) {
	for name, dir := range map[string]string{"a folder": t.TempDir(), "a folder with a long path": filepath.Join(t.TempDir(), strings.Repeat("long", 30))} {
		t.Run(name, func(t *testing.T) { keepsKeys(t, dir) })
	}
}

func keepsKeys(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m, err := New(dir)
	need(t, err)
	chip, err := tpm.Open(m.Where())
	if err != nil {
		t.Fatal(err)
	}
	key, err := chip.NewDeviceKey()
	if err := errors.Join(err, chip.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	holds := func(m *Machine) error {
		t.Helper()
		chip, err := tpm.Open(m.Where())
		if err != nil {
			t.Fatal(err)
		}
		defer chip.Close()
		return chip.Holds(key)
	}
	if m, err = New(dir); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := holds(m); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if other, err := New(dir); err == nil {
		t.Errorf("two TPMs have one state: %v", other.Close())
	}
	if err := m.Clear(); err != nil {
		t.Fatal(err)
	}
	if err := holds(m); !errors.Is(err, tpm.ErrForeign) {
		t.Errorf("after it was cleared: %v", err)
	}
}

func TestATPMEndsWithTheProgramThatStartedIt(t *testing.T) {
	_, err := exec.LookPath("swtpm")
	if err != nil {
		need(t, ErrNone)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	owner := exec.CommandContext(t.Context(), program)
	owner.Env = append(os.Environ(), asOwner+"="+t.TempDir())
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !runs(pid) {
		t.Fatalf("the TPM does not run: %q %v", line, err)
	}
	_ = owner.Process.Kill() // no chance to tidy up
	_ = owner.Wait()
	for end := time.Now().Add(10 * time.Second); runs(pid); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the TPM %d outlives the program that started it", pid)
		}
	}
}

// runs reports whether a process is there and is no zombie.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
