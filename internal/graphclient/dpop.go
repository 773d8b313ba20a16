package graphclient

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

// A Key binds tokens to this machine (RFC 9449): who has only the token can't use it.
type Key struct{ private *ecdsa.PrivateKey }

// NewKey makes a key.
func NewKey() (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &Key{private}, err
}

// String hides the key from fmt.
func (*Key) String() string { return "[key]" }

// Export returns the private key as a JWK (RFC 7517).
func (k *Key) Export() ([]byte, error) { return jose.JSONWebKey{Key: k.private}.MarshalJSON() }

// ImportKey reads what Export wrote.
func ImportKey(raw []byte) (*Key, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil {
		return nil, errors.New("the key is malformed")
	}
	private, ok := jwk.Key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is of another kind")
	}
	return &Key{private}, nil
}

// Thumbprint names the key (RFC 7638).
func (k *Key) Thumbprint() (string, error) {
	jwk := jose.JSONWebKey{Key: k.private.Public()}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// Proof returns a proof for one request, with an access token if that is not empty.
func (k *Key) Proof(method, address, access string, now time.Time) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", ErrAddress
	}
	u.RawQuery, u.Fragment = "", ""
	claims := map[string]any{"jti": uuid.NewString(), "htm": method, "htu": u.String(), "iat": now.Unix()}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	options := &jose.SignerOptions{EmbedJWK: true}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, options.WithType("dpop+jwt"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
