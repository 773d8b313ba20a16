package branding_test

import (
	"errors"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/directory/branding"
)

func color(t testing.TB, s string) branding.Color {
	t.Helper()
	c, err := branding.ParseColor(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return c
}

func TestContrast(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21}, // the ends of the scale
		{"#ffffff", "#ffffff", 1},
		{"#777777", "#ffffff", 4.48}, // the usual pair on either side of 4.5
		{"#767676", "#ffffff", 4.54},
		{"#ff0000", "#ffffff", 4.00},
		{"#0000ff", "#ffffff", 8.59},
	} {
		a, b := color(t, test.a), color(t, test.b)
		if got := branding.Contrast(a, b); math.Abs(got-test.want) > 0.005 || got != branding.Contrast(b, a) {
			t.Errorf("%s on %s: %.3f, want %.2f", test.a, test.b, got, test.want)
		}
	}
}

func TestColorsAreSixDigits(t *testing.T) {
	for _, bad := range []string{"", "#fff", "0b5768", "#0b576", "#0b57688", "#0b576g", "red", "#0b5768;}", " #0b5768", "#0b5768\n", "url(x)"} {
		if _, err := branding.ParseColor(bad); !errors.Is(err, branding.ErrColor) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got := color(t, "#0B57ff").String(); got != "#0b57ff" {
		t.Errorf("got %s", got)
	}
}

func TestAPaleColorIsRefusedWithTheReason(t *testing.T) {
	for pale, says := range map[string]string{"#ffff33": "contrast of 1.0", "#777777": "contrast of 3.8", "#ffffff": "4.5 are needed"} {
		err := branding.Branding{ActionColor: pale}.Check()
		if !errors.Is(err, branding.ErrContrast) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", pale, err)
		}
	}
}

// Whatever colour is taken, what is read on it and in it is readable, in both themes.
func TestEveryPaletteIsReadable(t *testing.T) {
	ground := func(s string) branding.Color { return color(t, s) }
	light := []branding.Color{ground("#f7f6f3"), ground("#ffffff"), ground("#efede8")}
	dark := []branding.Color{ground("#12181b"), ground("#1a2225"), ground("#0d1214")}
	rapid.Check(t, func(t *rapid.T) {
		c := branding.Color{R: rapid.Byte().Draw(t, "r"), G: rapid.Byte().Draw(t, "g"), B: rapid.Byte().Draw(t, "b")}
		p, err := branding.NewPalette(c)
		if err != nil {
			return
		}
		if p.Light.Action != c {
			t.Fatalf("%s became %s", c, p.Light.Action)
		}
		for _, theme := range []struct {
			branding.Theme
			grounds []branding.Color
		}{{p.Light, light}, {p.Dark, dark}} {
			for _, g := range append(theme.grounds, theme.Wash, theme.On) {
				if has := branding.Contrast(theme.Action, g); has < branding.Needed {
					t.Fatalf("%s: %s on %s has %.2f", c, theme.Action, g, has)
				}
			}
			if has := branding.Contrast(theme.Hover, theme.On); has < branding.Needed {
				t.Fatalf("%s: hovered, %.2f", c, has)
			}
		}
	})
}

func TestTheGroundsAreThoseOfTheTokens(t *testing.T) {
	tokens, err := os.ReadFile("../../design/assets/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("color.go")
	if err != nil {
		t.Fatal(err)
	}
	written := func(hex string) string {
		if hex == "#ffffff" {
			return "white"
		}
		return "{0x" + hex[1:3] + ", 0x" + hex[3:5] + ", 0x" + hex[5:7] + "}"
	}
	for _, name := range []string{"page", "surface", "well", "on-action"} {
		m := regexp.MustCompile(`--` + name + `: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`).FindSubmatch(tokens)
		if m == nil {
			t.Fatalf("no --%s in tokens.css", name)
		}
		for _, hex := range m[1:] {
			if !strings.Contains(string(rules), written(string(hex))) {
				t.Errorf("--%s is %s in tokens.css, and not in color.go", name, hex)
			}
		}
	}
}

func TestOnlyPlainTextsAndPagesAreTaken(t *testing.T) {
	for name, bad := range map[string]branding.Branding{
		"a long text":                  {SignInPageText: strings.Repeat("é", 1025)},
		"a long hint":                  {UsernameHintText: strings.Repeat("x", 65)},
		"a hint of two lines":          {UsernameHintText: "a\nb"},
		"a text that turns its reader": {SignInPageText: "abc\u202edef"},
		"a bell":                       {SignInPageText: "abc\x07"},
		"a script":                     {PrivacyURL: "javascript:alert(1)"},
		"a script in capitals":         {TermsURL: "JaVaScRiPt:alert(1)"},
		"plain http":                   {TermsURL: "http://contoso.example/"},
		"data":                         {TermsURL: "data:text/html,x"},
		"no scheme":                    {TermsURL: "//contoso.example/"},
		"a name before the host":       {TermsURL: "https://login.contoso.example@evil.example/"},
		"no host":                      {TermsURL: "https:///x"},
		"an opaque address":            {TermsURL: "https:contoso.example"},
		"a space":                      {TermsURL: "https://contoso.example/a b"},
		"a quotation mark":             {TermsURL: `https://contoso.example/"onclick=`},
		"more than ASCII":              {TermsURL: "https://contoso.example/ü"},
		"a long address":               {TermsURL: "https://contoso.example/" + strings.Repeat("a", 128)},
	} {
		if err := bad.Check(); !errors.Is(err, branding.ErrText) && !errors.Is(err, branding.ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := branding.Branding{
		ActionColor: "#7a1fa2", BackgroundColor: "#FFFF33", SignInPageText: "<b>Call</b> 1234\r\nday & night ✓", UsernameHintText: "name@contoso.example",
		PrivacyText: "Privacy", PrivacyURL: "https://contoso.example/privacy?lang=en#top",
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

func TestAStyleSheetIsMadeOfItsName(t *testing.T) {
	b := branding.Branding{ActionColor: "#7A1FA2", BackgroundColor: "#203040"}
	file := strings.TrimPrefix(b.StylePath(), branding.Root)
	css, ok := branding.Style(file)
	if !ok || !strings.Contains(css, "--action: light-dark(#7a1fa2, #") || !strings.Contains(css, "--night: #203040;") || strings.Contains(css, "url") {
		t.Errorf("%s: %v\n%s", file, ok, css)
	}
	for _, bad := range []string{"colors-1.ffff33.none.css", "colors-1.7a1fa2.css", "colors-1.7a1fa2.203040.css.js", "colors-1.7a1fa2;.none.css", "colors-2.7a1fa2.none.css", ""} {
		if _, ok := branding.Style(bad); ok {
			t.Errorf("%s is there", bad)
		}
	}
	if p := (branding.Branding{}).StylePath(); p != "" {
		t.Errorf("without colours: %s", p)
	}
}
