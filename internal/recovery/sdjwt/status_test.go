package sdjwt_test

import (
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/recovery/sdjwt"
	"github.com/postern-id/postern/internal/recovery/sdjwt/sdjwttest"
)

const listAt = "https://hr.example/lists/1"

// list is a status list of the owner of key.
func list(t *testing.T, key *ecdsa.PrivateKey, bits int, data []byte, change func(map[string]any)) string {
	t.Helper()
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"sub": listAt, "iat": nine.Unix(), "exp": nine.Add(time.Hour).Unix(),
		"status_list": map[string]any{"bits": bits, "lst": base64.RawURLEncoding.EncodeToString(packed.Bytes())},
	}
	if change != nil {
		change(claims)
	}
	return sdjwttest.Sign(t, key, jose.ES256, "statuslist+jwt", claims, "kid", "k1")
}

func TestAStatusListOfTheIssuerSaysWhetherACredentialCounts(t *testing.T) {
	w := newWallet(t)
	c, err := sdjwt.Verify(w.issue(func(p map[string]any) {
		delete(p, "exp")
		p["status"] = map[string]any{"status_list": map[string]any{"uri": listAt, "idx": 9}}
	}).Present(t, us, nonce, nine, nil), w.demand, nine)
	if err != nil || c.Status == nil || *c.Status != (sdjwt.Status{URI: listAt, Index: 9}) {
		t.Fatalf("%+v, %v", c.Status, err)
	}
	counts := func(text string) error { return c.Status.Counts(text, c.Issuer, nine) }
	for name, text := range map[string]string{
		"one bit":    list(t, w.issuer, 1, []byte{0xff, 0xfd}, nil),
		"two bits":   list(t, w.issuer, 2, []byte{0xff, 0xff, 0xf3}, nil),
		"eight bits": list(t, w.issuer, 8, []byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1}, nil),
	} {
		if err := counts(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"revoked":             list(t, w.issuer, 1, []byte{0x00, 0x02}, nil),
		"suspended":           list(t, w.issuer, 2, []byte{0, 0, 0x08}, nil),
		"too short":           list(t, w.issuer, 1, []byte{0}, nil),
		"three bits":          list(t, w.issuer, 3, make([]byte, 9), nil),
		"another signer's":    list(t, w.holder, 1, make([]byte, 9), nil),
		"of another address":  list(t, w.issuer, 1, make([]byte, 9), func(c map[string]any) { c["sub"] = "https://hr.example/lists/2" }),
		"over":                list(t, w.issuer, 1, make([]byte, 9), func(c map[string]any) { c["exp"] = nine.Unix() }),
		"of the future":       list(t, w.issuer, 1, make([]byte, 9), func(c map[string]any) { c["iat"] = nine.Add(time.Hour).Unix() }),
		"not packed":          list(t, w.issuer, 1, nil, func(c map[string]any) { c["status_list"] = map[string]any{"bits": 1, "lst": "AAAA"} }),
		"nothing":             "",
		"another kind of JWT": sdjwttest.Sign(t, w.issuer, jose.ES256, "JWT", map[string]any{"sub": listAt, "iat": nine.Unix()}),
	} {
		if err := counts(text); !errors.Is(err, sdjwt.ErrRevoked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
