// Package token makes and reads what Postern hands out: opaque tokens (sessions, codes,
// refresh tokens, …) that a row of the store stands behind, and signed JSON Web Tokens.
// docs/tokens.md lists their claims and lifetimes with sources.
package token

import (
	"encoding/base64"
	"errors"
	"io"
	"log/slog"

	"github.com/google/uuid"
)

// Opaque is a token that only the server understands: it names its tenant and row, and
// proves itself by a secret of 256 bits, of which the store keeps a keyed hash.
type Opaque struct {
	Tenant, ID string // UUIDs
	Secret     [32]byte
}

const opaqueSize = 1 + 16 + 16 + 32

// opaqueVersion is the first byte of every opaque token.
const opaqueVersion = 1

// ErrOpaque reports text that is no opaque token.
var ErrOpaque = errors.New("not an opaque token")

// NewOpaque draws a token for a new row of the tenant.
func NewOpaque(rand io.Reader, tenant string) (Opaque, error) {
	id, err := uuid.NewRandomFromReader(rand)
	if err != nil {
		return Opaque{}, err
	}
	o := Opaque{Tenant: tenant, ID: id.String()}
	_, err = io.ReadFull(rand, o.Secret[:])
	return o, err
}

// Reveal returns the token as it is handed out: 87 characters of base64url.
func (o Opaque) Reveal() (string, error) {
	tenant, err := uuid.Parse(o.Tenant)
	if err != nil {
		return "", err
	}
	id, err := uuid.Parse(o.ID)
	if err != nil {
		return "", err
	}
	raw := make([]byte, 0, opaqueSize)
	raw = append(raw, opaqueVersion)
	raw = append(raw, tenant[:]...)
	raw = append(raw, id[:]...)
	raw = append(raw, o.Secret[:]...)
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// ParseOpaque reads a token. It says nothing about whether a row stands behind it.
func ParseOpaque(text string) (Opaque, error) {
	if base64.RawURLEncoding.DecodedLen(len(text)) != opaqueSize {
		return Opaque{}, ErrOpaque
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != opaqueSize || raw[0] != opaqueVersion {
		return Opaque{}, ErrOpaque
	}
	o := Opaque{Tenant: uuid.UUID(raw[1:17]).String(), ID: uuid.UUID(raw[17:33]).String()}
	copy(o.Secret[:], raw[33:])
	return o, nil
}

// String hides the secret.
func (o Opaque) String() string { return "[token " + o.ID + "]" }

// LogValue hides the secret from handlers that don't ask for String, such as slog's JSON.
func (o Opaque) LogValue() slog.Value { return slog.StringValue(o.String()) }
