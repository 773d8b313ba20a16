package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var (
	keyA = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("a"), 32))
	keyB = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("b"), 32))
)

func load(t *testing.T, dir, variable string) *MasterKey {
	t.Helper()
	m, err := LoadMaster(dir, variable)
	if err != nil {
		t.Fatalf("LoadMaster = %v", err)
	}
	return m
}

// seal wraps a secret that opens only under m and for context.
func seal(t *testing.T, m *MasterKey, context ...string) string {
	t.Helper()
	sealed, err := m.Wrap([]byte("the secret"), context...)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// opens reports whether m opens sealed, and checks that the answer is one of the two allowed.
func opens(t *testing.T, m *MasterKey, sealed string, context ...string) bool {
	t.Helper()
	secret, err := m.Unwrap(sealed, context...)
	switch {
	case err == nil && string(secret) == "the secret":
		return true
	case errors.Is(err, ErrMasterKeyWrong) && secret == nil:
		return false
	}
	t.Fatalf("Unwrap = %q, %v", secret, err)
	return false
}

func TestCreateMasterIsReadByLoadMaster(t *testing.T) {
	dir := t.TempDir()
	made, err := CreateMaster(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !opens(t, load(t, dir, ""), seal(t, made, "here"), "here") {
		t.Error("the key in the file is not the key that was made")
	}
	info, err := os.Stat(filepath.Join(dir, MasterKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("the file has mode %v, want 0600", info.Mode())
	}
}

func TestCreateMasterNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, MasterKeyFile)
	if err := os.WriteFile(path, []byte(keyA), 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err := CreateMaster(dir, rand.Reader); !errors.Is(err, fs.ErrExist) || m != nil {
		t.Errorf("CreateMaster = %v, %v; want fs.ErrExist", m, err)
	}
	if text, err := os.ReadFile(path); string(text) != keyA {
		t.Errorf("the file says %q, %v; want the old key", text, err)
	}
}

func TestCreateMasterLeavesNothingBehindWhenItFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := CreateMaster(dir, strings.NewReader("only a few bytes")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("CreateMaster = %v, want io.ErrUnexpectedEOF", err)
	}
	if _, err := LoadMaster(dir, ""); !errors.Is(err, ErrNoMasterKey) {
		t.Errorf("LoadMaster = %v, want ErrNoMasterKey", err)
	}
	if _, err := CreateMaster(filepath.Join(dir, "missing"), rand.Reader); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("CreateMaster = %v, want fs.ErrNotExist", err)
	}
}

func TestLoadMasterRefusesWhatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permission bits say nothing there")
	}
	tests := []struct {
		name string
		mode fs.FileMode
		want error
	}{
		{"its owner reads and writes", 0o600, nil},
		{"its owner reads", 0o400, nil},
		{"its group reads", 0o640, ErrMasterKeyOpen},
		{"its group writes", 0o620, ErrMasterKeyOpen},
		{"its group executes", 0o610, ErrMasterKeyOpen},
		{"everybody reads", 0o644, ErrMasterKeyOpen},
		{"others read", 0o604, ErrMasterKeyOpen},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, MasterKeyFile)
			if err := os.WriteFile(path, []byte(keyA), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil { // the umask doesn't count
				t.Fatal(err)
			}
			m, err := LoadMaster(dir, "")
			if !errors.Is(err, test.want) || (m == nil) != (err != nil) {
				t.Errorf("LoadMaster = %v, want %v", err, test.want)
			}
			if _, err := LoadMaster(dir, keyB); err != nil {
				t.Errorf("LoadMaster = %v, although the variable leaves the file alone", err)
			}
		})
	}
}

func TestTheVariableWinsOverTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, MasterKeyFile), []byte(keyA), 0o600); err != nil {
		t.Fatal(err)
	}
	byVariable, byFile := load(t, dir, keyB), load(t, dir, "")
	sealed := seal(t, byVariable, "here")
	if opens(t, byFile, sealed, "here") {
		t.Error("the variable was not used")
	}
	if !opens(t, load(t, t.TempDir(), keyB), sealed, "here") {
		t.Error("the variable means another key where there is no file")
	}
	if _, err := LoadMaster(dir, "nonsense"); !errors.Is(err, ErrMasterKeyBad) {
		t.Errorf("LoadMaster = %v; a bad variable must not fall back to the file", err)
	}
}

func TestTheTextOfAKey(t *testing.T) {
	of := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	tests := []struct {
		name, text string
		want       error
	}{
		{"32 bytes", of(32), nil},
		{"a line end, as in the file", of(32) + "\n", nil},
		{"space around it, as from a copy", " \t" + of(32) + "\r\n", nil},
		{"a byte less", of(31), ErrMasterKeyBad},
		{"a byte more", of(33), ErrMasterKeyBad},
		{"the text cut short", of(32)[:40], ErrMasterKeyBad},
		{"twice", of(32) + of(32), ErrMasterKeyBad},
		{"without its padding", strings.TrimRight(of(32), "="), ErrMasterKeyBad},
		{"base64url", strings.Repeat("-_", 21) + "A=", ErrMasterKeyBad},
		{"hexadecimal", strings.Repeat("0f", 32), ErrMasterKeyBad},
		{"not base64", "the key is under the doormat", ErrMasterKeyBad},
		{"only space", "  \n", ErrMasterKeyBad},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, MasterKeyFile), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, variable := range []string{"", test.text} {
				m, err := LoadMaster(dir, variable)
				if !errors.Is(err, test.want) || (m == nil) != (err != nil) {
					t.Errorf("LoadMaster = %v, want %v", err, test.want)
				}
				if err != nil && strings.Contains(err.Error(), strings.TrimSpace(test.text)) && strings.TrimSpace(test.text) != "" {
					t.Errorf("the error shows the key: %v", err)
				}
			}
		})
	}
	t.Run("an empty file", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, MasterKeyFile), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadMaster(dir, ""); !errors.Is(err, ErrMasterKeyBad) {
			t.Errorf("LoadMaster = %v, want ErrMasterKeyBad", err)
		}
	})
}

func TestNoKeyAnywhere(t *testing.T) {
	if m, err := LoadMaster(t.TempDir(), ""); !errors.Is(err, ErrNoMasterKey) || m != nil {
		t.Errorf("LoadMaster = %v, %v; want ErrNoMasterKey", m, err)
	}
}

func TestASealedValueStaysInItsPlace(t *testing.T) {
	here := []string{"tenant_key", "sealed_key", "tenant", "1"}
	tests := []struct {
		name    string
		context []string
		want    bool
	}{
		{"its own place", here, true},
		{"another table", []string{"application", "sealed_key", "tenant", "1"}, false},
		{"another column", []string{"tenant_key", "public_key", "tenant", "1"}, false},
		{"another tenant", []string{"tenant_key", "sealed_key", "other", "1"}, false},
		{"another row", []string{"tenant_key", "sealed_key", "tenant", "2"}, false},
		{"no place", nil, false},
		{"a part less", here[:3], false},
		{"a part more", append(here[:4:4], ""), false},
		{"parts in another order", []string{"sealed_key", "tenant_key", "tenant", "1"}, false},
		{"the same letters cut elsewhere", []string{"tenant_key", "sealed_key", "tenan", "t1"}, false},
		{"two parts written as one", []string{"tenant_key", "sealed_key", "tenant,1:1"}, false},
		{"upper case", []string{"TENANT_KEY", "sealed_key", "tenant", "1"}, false},
	}
	m := load(t, "", keyA)
	sealed := seal(t, m, here...)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := opens(t, m, sealed, test.context...); got != test.want {
				t.Errorf("it opens: %t, want %t", got, test.want)
			}
		})
	}
}

func TestOnlyWhatWasSealedOpens(t *testing.T) {
	m := load(t, "", keyA)
	sealed := seal(t, m, "here")
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if opens(t, m, base64.RawURLEncoding.EncodeToString(changed), "here") {
			t.Errorf("it opens with byte %d changed", i)
		}
	}
	tests := []struct{ name, sealed string }{
		{"nothing", ""},
		{"less than a nonce", base64.RawURLEncoding.EncodeToString(raw[:8])},
		{"cut by a byte", base64.RawURLEncoding.EncodeToString(raw[:len(raw)-1])},
		{"longer by a byte", base64.RawURLEncoding.EncodeToString(append(raw, 0))},
		{"not base64", "!" + sealed[1:]},
		{"sealed by another key", seal(t, load(t, "", keyB), "here")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if opens(t, m, test.sealed, "here") {
				t.Error("it opens")
			}
		})
	}
}

func TestTheSameSecretIsNeverSealedAlike(t *testing.T) {
	m := load(t, "", keyA)
	first, second := seal(t, m, "here"), seal(t, m, "here")
	if first == second {
		t.Error("two seals are equal, so the nonce was used twice")
	}
}
