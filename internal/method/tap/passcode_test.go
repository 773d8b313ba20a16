package tap

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

func draw(t *testing.T, length int) Passcode {
	t.Helper()
	code, err := NewPasscode(rand.Reader, length)
	if err != nil {
		t.Fatalf("NewPasscode: %v", err)
	}
	return code
}

func TestPasscodesUseTheWholeAlphabetAndNothingElse(t *testing.T) {
	seen := map[rune]int{}
	for range 200 {
		code := draw(t, MostLength).Reveal()
		if len(code) != MostLength {
			t.Fatalf("a passcode has %d characters, want %d", len(code), MostLength)
		}
		for _, r := range code {
			seen[r]++
		}
	}
	if len(Alphabet) != 1<<BitsPerCharacter || len(seen) != len(Alphabet) {
		t.Errorf("%d of %d characters were drawn, want %d", len(seen), len(Alphabet), 1<<BitsPerCharacter)
	}
	for r, n := range seen { // 300 on average; six deviations around it are 200 to 400
		if !strings.ContainsRune(Alphabet, r) || n < 180 || n > 420 {
			t.Errorf("%q was drawn %d times", r, n)
		}
	}
	if strings.ContainsAny(Alphabet, "0O1Iabc") {
		t.Errorf("the alphabet has characters that are misread: %s", Alphabet)
	}
}

func TestParsePasscode(t *testing.T) {
	for _, c := range []struct{ name, typed, want string }{
		{"as it is shown", "ABCD2345", "ABCD2345"},
		{"in lower case", "abcd2345", "ABCD2345"},
		{"with blanks and a dash", " ABCD-23 45\n", "ABCD2345"},
		{"with the dashes and blanks that word processors put", "ABCD\u201323\u00a045", "ABCD2345"},
		{"with 48 characters", strings.Repeat("A", 48), strings.Repeat("A", 48)},
		{"with 49 characters", strings.Repeat("A", 49), ""},
		{"with 7 characters", "ABCD234", ""},
		{"with a character that is never used", "ABCD234O", ""},
		{"with a letter that only looks alike", "АBCD2345", ""},
		{"with a letter whose upper case is in the alphabet", "ABCD234\u017f", "ABCD234S"},
		{"empty", "", ""},
		{"of blanks alone", strings.Repeat(" ", 20), ""},
		{"longer than anybody types", strings.Repeat(" ", 200) + "ABCD2345", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, err := ParsePasscode(c.typed)
			if code.Reveal() != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v; want %q", code.Reveal(), err, c.want)
			}
		})
	}
}

func TestAPasscodeIsNeverPrinted(t *testing.T) {
	code := draw(t, 20)
	held := struct{ Code, hidden Passcode }{code, code}
	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, format, code)
		fmt.Fprintf(&out, format, &code)
		fmt.Fprintf(&out, format, held)
		fmt.Fprintf(&out, format, []Passcode{code})
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("issued", "code", code, "held", held, "pointer", &code)
	}
	if err := json.NewEncoder(&out).Encode(held); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{code.Reveal(), fmt.Sprintf("%x", code.Reveal()), strings.ToLower(code.Reveal())} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the passcode was printed: %s", out.String())
		}
	}
}

// peppers is a Peppers with two keys; the second one is current.
type peppers struct{}

func (peppers) Pepper(_ context.Context, _ directory.TenantID, id string) ([]byte, string, error) {
	if id == "old" {
		return []byte("an old pepper"), id, nil
	}
	return []byte("the pepper"), "new", nil
}

func TestAHashIsWorthNothingElsewhere(t *testing.T) {
	pass := Pass{Tenant: "tenant", User: "user", ID: "pass"}
	code := draw(t, 8)
	hash, err := NewHash(t.Context(), peppers{}, rand.Reader, pass, code)
	if err != nil {
		t.Fatalf("NewHash: %v", err)
	}
	pass.Hash = hash
	for _, c := range []struct {
		name   string
		change func(*Pass, *Passcode)
		want   bool
	}{
		{"its own pass and code", func(*Pass, *Passcode) {}, true},
		{"another code", func(_ *Pass, c *Passcode) { *c = draw(t, 8) }, false},
		{"no code", func(_ *Pass, c *Passcode) { *c = Passcode{} }, false},
		{"another tenant", func(p *Pass, _ *Passcode) { p.Tenant = "other" }, false},
		{"another user", func(p *Pass, _ *Passcode) { p.User = "other" }, false},
		{"another pass", func(p *Pass, _ *Passcode) { p.ID = "other" }, false},
		{"another pepper", func(p *Pass, _ *Passcode) { p.Hash.Pepper = "old" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, typed := pass, code
			c.change(&p, &typed)
			if got, err := Matches(t.Context(), peppers{}, p, typed); got != c.want || err != nil {
				t.Errorf("Matches = %t, %v; want %t", got, err, c.want)
			}
		})
	}
	for _, value := range []string{"", "argon2id$m=1,t=1,p=1$AA$AA", strings.Replace(hash.Value, "argon2id", "plain", 1), hash.Value + "$"} {
		p := pass
		p.Hash.Value = value
		if got, err := Matches(t.Context(), peppers{}, p, code); got || err == nil {
			t.Errorf("Matches with the stored hash %q = %t, %v; want an error", value, got, err)
		}
	}
	again, err := NewHash(t.Context(), peppers{}, rand.Reader, pass, code)
	if err != nil || again.Value == hash.Value {
		t.Errorf("the same code has the same hash twice (%v)", err)
	}
}
