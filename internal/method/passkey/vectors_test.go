package passkey_test

import (
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/method/passkey"
)

// vectors are test vectors of WebAuthn Level 3, section 16
// (https://www.w3.org/TR/webauthn-3/#sctn-test-vectors), in hex.
//
//go:embed testdata/vectors.json
var vectors []byte

type vector struct {
	Section      string `json:"section"`
	CredentialID string `json:"credentialId"`
	Registration struct {
		Challenge         string `json:"challenge"`
		ClientData        string `json:"clientDataJSON"`
		AttestationObject string `json:"attestationObject"`
	} `json:"registration"`
	Authentication struct {
		Challenge         string `json:"challenge"`
		ClientData        string `json:"clientDataJSON"`
		AuthenticatorData string `json:"authenticatorData"`
		Signature         string `json:"signature"`
	} `json:"authentication"`
}

func readVectors(t testing.TB) (root []byte, all []vector) {
	t.Helper()
	var file struct {
		Root    string   `json:"root"`
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(vectors, &file); err != nil {
		t.Fatal(err)
	}
	return unhex(t, file.Root), file.Vectors
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func url64(t testing.TB, text string) string {
	return base64.RawURLEncoding.EncodeToString(unhex(t, text))
}

func (v vector) creation(t testing.TB) []byte {
	raw, err := json.Marshal(map[string]any{"id": url64(t, v.CredentialID), "response": map[string]string{
		"clientDataJSON": url64(t, v.Registration.ClientData), "attestationObject": url64(t, v.Registration.AttestationObject),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (v vector) assertion(t testing.TB) string {
	raw, err := json.Marshal(map[string]any{
		"id": url64(t, v.CredentialID), "rawId": url64(t, v.CredentialID), "type": "public-key",
		"response": map[string]string{
			"clientDataJSON": url64(t, v.Authentication.ClientData), "authenticatorData": url64(t, v.Authentication.AuthenticatorData),
			"signature": url64(t, v.Authentication.Signature),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestTheVectorsOfTheSpecification takes every vector whose person was verified, and refuses
// the others, which the specification leaves to each relying party.
func TestTheVectorsOfTheSpecification(t *testing.T) {
	root, all := readVectors(t)
	makers, err := passkey.LoadMakers(nil, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), nil)
	if err != nil {
		t.Fatal(err)
	}
	w3c := passkey.NewRelyingParty("https://example.org")
	taken := 0
	for _, v := range all {
		t.Run(v.Section, func(t *testing.T) {
			r := passkey.Registration{Party: w3c, Policy: passkey.DefaultPolicy(), Makers: makers, Challenge: unhex(t, v.Registration.Challenge)}
			key, _, err := r.Register(v.creation(t))
			authData := unhex(t, v.Authentication.AuthenticatorData)
			switch crossed := strings.Contains(v.Section, "Cross"); {
			case errors.Is(err, passkey.ErrUnverified):
				return
			case crossed:
				if !errors.Is(err, passkey.ErrResponse) {
					t.Errorf("from another site: %v", err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			taken++
			if strings.Contains(v.Section, "Packed Attestation") != key.Attested && !strings.Contains(v.Section, "Self") {
				t.Errorf("attested: %v", key.Attested)
			}
			said, err := passkey.ParseAssertion(v.assertion(t))
			if err != nil {
				t.Fatal(err)
			}
			_, err = said.Verify(w3c, unhex(t, v.Authentication.Challenge), key)
			if verified := authData[32]&4 != 0; verified != (err == nil) {
				t.Errorf("the person was verified: %v; the answer: %v", verified, err)
			}
		})
	}
	if taken < 3 {
		t.Errorf("only %d vectors were taken", taken)
	}
}

func FuzzRegister(f *testing.F) {
	_, all := readVectors(f)
	w3c := passkey.NewRelyingParty("https://example.org")
	for _, v := range all {
		f.Add(v.creation(f), unhex(f, v.Registration.Challenge))
	}
	f.Add([]byte(`{"id":"AA"}`), []byte{})
	f.Fuzz(func(t *testing.T, response, challenge []byte) {
		key, _, err := passkey.Registration{Party: w3c, Policy: passkey.DefaultPolicy(), Challenge: challenge}.Register(response)
		if err == nil && (len(key.CredentialID) == 0 || len(key.PublicKey) == 0 || key.Attested) {
			t.Errorf("taken as %+v", key)
		}
	})
}

// FuzzAttestation changes the CBOR alone, so that it is reached through sound JSON.
func FuzzAttestation(f *testing.F) {
	_, all := readVectors(f)
	w3c := passkey.NewRelyingParty("https://example.org")
	for _, v := range all {
		f.Add(unhex(f, v.Registration.AttestationObject), unhex(f, v.Registration.ClientData))
	}
	f.Fuzz(func(t *testing.T, object, client []byte) {
		v := vector{CredentialID: all[0].CredentialID}
		v.Registration.AttestationObject, v.Registration.ClientData = hex.EncodeToString(object), hex.EncodeToString(client)
		key, _, err := passkey.Registration{Party: w3c, Policy: passkey.DefaultPolicy(), Challenge: make([]byte, 32)}.Register(v.creation(t))
		if err == nil {
			t.Errorf("taken without the challenge as %+v", key)
		}
	})
}

func FuzzAssertion(f *testing.F) {
	_, all := readVectors(f)
	w3c := passkey.NewRelyingParty("https://example.org")
	for _, v := range all {
		f.Add(v.assertion(f), unhex(f, v.CredentialID), []byte{0xa5, 1, 2, 3, 0x26, 0x20, 1})
	}
	f.Fuzz(func(t *testing.T, text string, id, public []byte) {
		said, err := passkey.ParseAssertion(text)
		if err != nil {
			return
		}
		said.Owner()
		if _, err := said.Verify(w3c, make([]byte, 32), passkey.Key{CredentialID: id, PublicKey: public, RPID: w3c.ID}); err == nil {
			t.Error("taken without the challenge")
		}
	})
}
