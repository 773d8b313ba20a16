package saml_test

import (
	"crypto"
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/postern-id/postern/internal/saml"
)

func withoutSignature(root *etree.Element) { root.RemoveChild(root.SelectElement("Signature")) }

func decrypter(t *testing.T, s saml.Signer) []crypto.Decrypter {
	t.Helper()
	key, ok := s.Key.(crypto.Decrypter)
	if !ok {
		t.Fatalf("%T opens nothing", s.Key)
	}
	return []crypto.Decrypter{key}
}

func TestEncryptedAssertions(t *testing.T) {
	t.Parallel()
	sealed := func(change func(*saml.Response)) []byte {
		r := response()
		r.EncryptTo = keys.ours().Certificate
		change(&r)
		return sent(t, r, keys.theirs())
	}
	algorithm := func(raw []byte, from, to string) []byte { return []byte(strings.Replace(string(raw), from, to, 1)) }
	signed := sealed(func(*saml.Response) {})
	whole := sealed(func(r *saml.Response) { r.SignResponse, r.SignAssertion = true, false })
	if strings.Contains(string(signed), "amelie") {
		t.Fatal("the name can be read")
	}
	for _, c := range []struct {
		name string
		raw  []byte
		by   saml.Signer
		want error
	}{
		{"signed inside", signed, keys.ours(), nil},
		{"signed outside", whole, keys.ours(), nil},
		{"signed nowhere", edited(t, whole, withoutSignature), keys.ours(), saml.ErrUnsigned},
		{"for another key", signed, keys.evil(), saml.ErrEncryption},
		{"CBC that no signature is around", algorithm(signed, "2009/xmlenc11#aes256-gcm", "2001/04/xmlenc#aes256-cbc"), keys.ours(), saml.ErrAlgorithm},
		{"RSA by PKCS #1 1.5", algorithm(signed, "xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5"), keys.ours(), saml.ErrAlgorithm},
		{"no cipher", algorithm(signed, "xmlenc11#aes256-gcm", "xmlenc11#none"), keys.ours(), saml.ErrAlgorithm},
		{"changed", edited(t, signed, func(root *etree.Element) {
			v := root.FindElement("./EncryptedAssertion/EncryptedData/CipherData/CipherValue")
			v.SetText("AAAA" + v.Text()[4:])
		}), keys.ours(), saml.ErrEncryption},
		{"two keys", edited(t, signed, func(root *etree.Element) {
			k := root.FindElement(".//EncryptedKey")
			k.Parent().AddChild(k.Copy())
		}), keys.ours(), saml.ErrEncryption},
		{"beside one that is not", edited(t, signed, func(root *etree.Element) {
			root.CreateElement("saml:Assertion").CreateAttr("ID", "_evil")
		}), keys.ours(), saml.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := expect()
			x.Keys = decrypter(t, c.by)
			a, err := opened(c.raw, x)
			if !errors.Is(err, c.want) || err == nil && a.Subject.Value != "amelie" {
				t.Errorf("got %v %v, want %v", a.Subject, err, c.want)
			}
		})
	}
}
