package password

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func textOf(t testing.TB, s string) Text {
	t.Helper()
	p, ok := Parse(s)
	if !ok {
		t.Fatalf("%q can't be a password", s)
	}
	return p
}

var contoso = Rules{
	MinimumLength: 12, Banned: []string{"Leuchtturm"},
	About: []string{"sam.taylor@contoso.example", "Sam Taylor", "Contoso GmbH"},
}

func TestAPasswordThatIsEasilyGuessedIsRefused(t *testing.T) {
	for _, row := range []struct {
		name, typed string
		want        error
	}{
		{"eleven characters", "kufzmeigpan", ErrShort},
		{"twelve characters", "kufzmeigpanr", nil},
		{"words that nobody put together before", "vier Tassen mit Blattgrün", nil},
		{"a word of the list", "passwordpassword", ErrWeak},
		{"with a year", "Password2026!", ErrWeak},
		{"with lookalikes", "P@$$w0rd2026!", ErrWeak},
		{"with dots between", "p.a.s.s.w.o.r.d.1.2", ErrWeak},
		{"with wide letters", "ｐａｓｓｗｏｒｄ２０２６", ErrWeak},
		{"with marks on letters", "pässwörd-2026", ErrWeak},
		{"with marks that combine", "pa\u0308sswo\u0308rd-2026", ErrWeak},
		{"with Cyrillic letters", "раsswоrd2026!", ErrWeak},
		{"with mathematical letters", "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝𝟐𝟎𝟐𝟔", ErrWeak},
		{"a season and the year", "Sommer2026!!", ErrWeak},
		{"a row of keys", "qwertzuiop12", ErrWeak},
		{"a row backwards", "987654321098", ErrWeak},
		{"one character, often", "zzzzzzzzzzzzzz", ErrWeak},
		{"a few characters, often", "xkqvxkqvxkqv", ErrWeak},
		{"digits by chance", "482915736042", nil},
		{"the name of the tenant", "Contoso-12345", ErrWeak},
		{"the tenant and the person", "contoso.sam.taylor", ErrWeak},
		{"the UPN", "sam.taylor@contoso.example", ErrWeak},
		{"the tenant's own word, in disguise", "L3uchtturm#2026", ErrWeak},
		{"a name among other words", "taylor kufzmeigpan", nil},
	} {
		if err := contoso.Check(textOf(t, row.typed)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

func TestOneLetterMoreMakesNoBannedWordGood(t *testing.T) {
	r := Rules{MinimumLength: 8, Banned: []string{"Kufzmeigpanro"}}
	for _, typed := range []string{"kufzmeigpanro", "kufzmeigpanr", "kufzmeigpanroo", "kufzmeigpamro", "xkufzmeigpanro"} {
		if err := r.Check(textOf(t, typed)); !errors.Is(err, ErrWeak) {
			t.Errorf("%s: %v", typed, err)
		}
	}
	if err := r.Check(textOf(t, "kufzmeigp")); err != nil {
		t.Errorf("a part of the word: %v", err)
	}
}

func TestDisguiseChangesNothing(t *testing.T) {
	disguise := map[rune][]string{'a': {"A", "@", "4", "ä", "á"}, 'o': {"0", "Ö", "ó"}, 's': {"$", "5", "S"}, 'e': {"3", "€", "É"}, 'i': {"1", "!", "|", "l"}, 't': {"7", "+"}}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(common()).Draw(t, "word")
		var typed strings.Builder
		for _, r := range word {
			options := append(disguise[r], string(r))
			typed.WriteString(rapid.SampledFrom(options).Draw(t, "letter"))
			typed.WriteString(rapid.SampledFrom([]string{"", "", ".", " ", "-"}).Draw(t, "between"))
		}
		if got := fold(typed.String()); got != word {
			t.Fatalf("%q folds to %q, want %q", typed.String(), got, word)
		}
	})
}

func TestAGeneratedPasswordKeepsTheRules(t *testing.T) {
	for _, least := range []int{LeastLength, 12, MostLength} {
		p, err := Generate(rand.Reader, Rules{MinimumLength: least})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Reveal()) < max(least, 19) {
			t.Errorf("%d characters for a minimum of %d", len(p.Reveal()), least)
		}
		if fmt.Sprint(p) != "[password]" || fmt.Sprintf("%v %+v", p, struct{ P Text }{p}) != "[password] {P:[password]}" {
			t.Error("a password prints itself")
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "kufz meigpanr", "pa\u0308ss", "\x00", "a\u200bb", strings.Repeat("ä", 200), "\xff\xfe", "１２３４", "🙂🙂🙂"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		p, ok := Parse(typed)
		if !ok {
			return
		}
		if again, ok := Parse(p.Reveal()); !ok || again.Reveal() != p.Reveal() {
			t.Errorf("%q is %q, and that is %q", typed, p.Reveal(), again.Reveal())
		}
		if len(p.Reveal()) > maxTyped {
			t.Errorf("%d bytes", len(p.Reveal()))
		}
		_ = contoso.Check(p)
	})
}
