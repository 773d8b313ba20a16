package totp

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// RFC 6238 appendix B has codes of eight digits; ours are their last six.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	one := Key{SHA1, []byte("12345678901234567890")}
	two := Key{SHA256, []byte("12345678901234567890123456789012")}
	for _, row := range []struct {
		at           int64
		sha1, sha256 string
	}{
		{59, "94287082", "46119246"},
		{1111111109, "07081804", "68084774"},
		{1111111111, "14050471", "67062674"},
		{1234567890, "89005924", "91819424"},
		{2000000000, "69279037", "90698825"},
		{20000000000, "65353130", "77737706"},
	} {
		step := Step(time.Unix(row.at, 0))
		if got := one.Code(step); got != row.sha1[2:] {
			t.Errorf("SHA-1 at %d: %s, want %s", row.at, got, row.sha1[2:])
		}
		if got := two.Code(step); got != row.sha256[2:] {
			t.Errorf("SHA-256 at %d: %s, want %s", row.at, got, row.sha256[2:])
		}
	}
}

// oathtool, which nobody here wrote, reads the same secret and says the same code.
func TestOathtoolSaysTheSameCodes(t *testing.T) {
	if _, err := exec.LookPath("oathtool"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("oathtool is not installed")
		}
		t.Skip("oathtool is not installed: apt-get install oathtool")
	}
	for _, a := range []Algorithm{SHA1, SHA256} {
		k, err := NewKey(rand.Reader, a)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 3, 2, 7, 0, 29, 0, time.UTC)
		out, err := exec.CommandContext(t.Context(), "oathtool", "--totp="+string(a), "--base32", "--now="+at.Format("2006-01-02 15:04:05 UTC"), k.Text()).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.TrimSpace(string(out)), k.Code(Step(at)); got != want {
			t.Errorf("%s: oathtool says %s, we say %s for %s", a, got, want, hex.EncodeToString(k.Secret))
		}
	}
}

func TestACodeWorksOneStepEarlyAndOneStepLate(t *testing.T) {
	k, err := NewKey(rand.Reader, SHA1)
	if err != nil {
		t.Fatal(err)
	}
	nine := time.Date(2026, 11, 12, 9, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name string
		at   time.Time
		ok   bool
	}{
		{"a second before the step before", nine.Add(-31 * time.Second), false},
		{"at the start of the step before", nine.Add(-30 * time.Second), true},
		{"in its step", nine, true},
		{"at the end of its step", nine.Add(29 * time.Second), true},
		{"at the end of the step after", nine.Add(59 * time.Second), true},
		{"two steps late", nine.Add(60 * time.Second), false},
		{"with the clock an hour wrong", nine.Add(time.Hour), false},
	} {
		step, ok := k.Match(k.Code(Step(nine)), row.at)
		if ok != row.ok || ok && step != Step(nine) {
			t.Errorf("%s: step %d, %v", row.name, step, ok)
		}
	}
}

func TestTheURIBringsTheKeyToTheApp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom([]Algorithm{SHA1, SHA256}).Draw(t, "algorithm")
		k := Key{a, rapid.SliceOfN(rapid.Byte(), 20, 32).Draw(t, "secret")}
		issuer := rapid.StringMatching(`[A-Za-zäß&?#%+:/ ]{1,20}`).Draw(t, "issuer")
		u, err := url.Parse(k.URI(issuer, "sam@contoso.example"))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		secret, err := text32.DecodeString(q.Get("secret"))
		if err != nil || string(secret) != string(k.Secret) || q.Get("issuer") != issuer || q.Get("algorithm") != string(a) || u.Host != "totp" {
			t.Fatalf("read back %v from %s", q, u)
		}
		if label, account, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), ":"); !ok || account != "sam@contoso.example" || label != strings.ReplaceAll(issuer, ":", " ") {
			t.Fatalf("label %q", u.Path)
		}
		if strings.ReplaceAll(k.Text(), " ", "") != q.Get("secret") {
			t.Fatalf("typed %s, scanned %s", k.Text(), q.Get("secret"))
		}
	})
}

func FuzzParseCode(f *testing.F) {
	for _, seed := range []string{"123456", "123 456", " 123-456\n", "١٢٣٤٥٦", "１２３４５６", "12345", "1234567", "12345a", strings.Repeat("1", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ParseCode(typed)
		if !ok {
			return
		}
		if len(code) != Digits || strings.Trim(code, "0123456789") != "" {
			t.Errorf("ParseCode(%q) = %q", typed, code)
		}
		if again, ok := ParseCode(code); !ok || again != code {
			t.Errorf("ParseCode(%q) = %q, %v", code, again, ok)
		}
	})
}

func TestWhatApplicationsShowCanBeTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", "123 456": "123456", "123-456": "123456", " 123456\n": "123456", "١٢٣٤٥٦": "123456", "１２３ ４５６": "123456",
		"12345": "", "1234567": "", "12345x": "", "": "",
	} {
		code, ok := ParseCode(typed)
		if ok != (want != "") || ok && code != want {
			t.Errorf("ParseCode(%q) = %q, %v", typed, code, ok)
		}
	}
}
