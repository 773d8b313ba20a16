package token

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func newOpaque(t *testing.T) (Opaque, string) {
	t.Helper()
	o, err := NewOpaque(rand.Reader, uuid.NewString())
	if err != nil {
		t.Fatalf("NewOpaque: %v", err)
	}
	text, err := o.Reveal()
	if err != nil || len(text) != 87 {
		t.Fatalf("Reveal: %d characters, %v; want 87", len(text), err)
	}
	return o, text
}

func TestAnOpaqueTokenComesBack(t *testing.T) {
	o, text := newOpaque(t)
	if got, err := ParseOpaque(text); got != o || err != nil {
		t.Errorf("ParseOpaque = %v, %v; want %v", got, err, o)
	}
}

func TestWhatIsNoOpaqueTokenIsRefused(t *testing.T) {
	_, text := newOpaque(t)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	raw[0] = opaqueVersion + 1
	for name, bad := range map[string]string{
		"empty":             "",
		"cut":               text[:86],
		"one more":          text + "A",
		"padded":            text + "=",
		"a line break":      text[:86] + "\n",
		"another alphabet":  "+" + text[1:],
		"trailing bits":     text[:86] + string(twin(text[86])),
		"another version":   base64.RawURLEncoding.EncodeToString(raw),
		"longer than a URL": strings.Repeat("A", 1<<20),
	} {
		if o, err := ParseOpaque(bad); err == nil {
			t.Errorf("%s: ParseOpaque = %v, want an error", name, o)
		}
	}
}

// twin returns the character whose bits differ from c's in the last one only, which no
// token of 65 bytes uses.
func twin(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

func TestATokenThatWasTamperedWithIsAnotherOne(t *testing.T) {
	o, text := newOpaque(t)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(raw); i++ {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if got, err := ParseOpaque(base64.RawURLEncoding.EncodeToString(bad)); err == nil && got == o {
			t.Errorf("byte %d does not count", i)
		}
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	o, text := newOpaque(t)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %s %q", o, o, o, o)
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("opened", "token", o, "pointer", &o)
	}
	for _, secret := range []string{text, fmt.Sprint(o.Secret), fmt.Sprintf("%x", o.Secret), strings.Trim(strings.ReplaceAll(fmt.Sprint(o.Secret), " ", ","), "[]")} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the secret was printed: %s", out.String())
		}
	}
}
