package passkey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
)

// metadataOf signs a FIDO metadata BLOB in which models have the maker's root and a status.
func metadataOf(t *testing.T, signer, maker *passkeytest.Maker, status map[uuid.UUID]string) []byte {
	t.Helper()
	var entries []any
	for model, said := range status {
		entries = append(entries, map[string]any{
			"aaguid": model, "timeOfLastStatusChange": "2026-01-01",
			"statusReports": []any{map[string]any{"status": said, "effectiveDate": "2026-01-01"}},
			"metadataStatement": map[string]any{
				"aaguid": model, "description": "Example Key 9", "authenticatorVersion": 1, "protocolFamily": "fido2", "schema": 3,
				"attestationTypes":            []string{"basic_full"},
				"attestationRootCertificates": []string{base64.StdEncoding.EncodeToString(maker.Root())},
			},
		})
	}
	payload, err := json.Marshal(map[string]any{"legalHeader": "test", "no": 1, "nextUpdate": "2030-01-01", "entries": entries})
	if err != nil {
		t.Fatal(err)
	}
	key, leaf, err := signer.Leaf([16]byte{})
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, key, leaf, payload)
}

func sign(t *testing.T, key *ecdsa.PrivateKey, leaf, payload []byte) []byte {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).
		WithHeader("x5c", []string{base64.StdEncoding.EncodeToString(leaf)}))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text + "\n")
}

func newMaker(t *testing.T) *passkeytest.Maker {
	t.Helper()
	m, err := passkeytest.NewMaker("Root", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMetadataSaysWhoseKeysAreTrusted(t *testing.T) {
	certified, broken := uuid.New(), uuid.New()
	alliance, maker := newMaker(t), newMaker(t)
	blob := metadataOf(t, alliance, maker, map[uuid.UUID]string{certified: "FIDO_CERTIFIED", broken: "USER_VERIFICATION_BYPASS"})
	makers, err := passkey.LoadMakers(blob, nil, alliance.Root())
	if err != nil {
		t.Fatal(err)
	}
	enforced := passkey.DefaultPolicy()
	enforced.AttestationEnforced = true
	for _, c := range []struct {
		name  string
		model uuid.UUID
		maker *passkeytest.Maker
		want  error
	}{
		{"a certified model", certified, maker, nil},
		{"a forged one of it", certified, newMaker(t), passkey.ErrRevoked},
		{"a model whose verification can be bypassed", broken, maker, passkey.ErrRevoked},
		{"a model that is not in it", uuid.New(), maker, passkey.ErrNotAttested},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := passkeytest.New(party.Origin)
			a.AAGUID, a.Maker = c.model, c.maker
			key, _, err := ceremony{policy: enforced, makers: makers}.register(t, a)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatal(err)
			}
			if err == nil && (key.Model != "Example Key 9" || !key.Attested) {
				t.Errorf("%+v", key)
			}
		})
	}
}

func TestMetadataThatTheAllianceDidNotSignIsRefused(t *testing.T) {
	alliance, maker := newMaker(t), newMaker(t)
	blob := metadataOf(t, alliance, maker, map[uuid.UUID]string{uuid.New(): "FIDO_CERTIFIED"})
	_, leaf, err := alliance.Leaf([16]byte{})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ blob, roots, signer []byte }{
		"another root":               {blob: blob, signer: maker.Root()},
		"the real root":              {blob: blob},
		"another key than certified": {blob: sign(t, stranger, leaf, []byte(`{}`)), signer: alliance.Root()},
		"no BLOB":                    {blob: []byte("hello"), signer: alliance.Root()},
		"nothing that is PEM":        {roots: []byte("no PEM")},
		"no certificate":             {roots: []byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")},
	} {
		if _, err := passkey.LoadMakers(c.blob, c.roots, c.signer); !errors.Is(err, passkey.ErrMetadata) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m, err := passkey.LoadMakers(nil, nil, nil); err != nil || m.Model(uuid.MustParse("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4")) != "Google Password Manager" {
		t.Error("without files:", err)
	}
}
