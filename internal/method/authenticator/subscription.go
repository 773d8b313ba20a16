package authenticator

import (
	"crypto/ecdh"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4/json" // refuses a member that appears twice, and minds case
)

// A Subscription is where messages for a phone go (https://www.w3.org/TR/push-api/). It comes
// from the phone, and the server calls what it names: see [ParseSubscription].
type Subscription struct {
	Endpoint string           `json:"endpoint"`
	Keys     SubscriptionKeys `json:"keys"`
}

// SubscriptionKeys are what messages are encrypted with (RFC 8291 section 2), base64url.
type SubscriptionKeys struct {
	P256DH string `json:"p256dh"`
	Auth   string `json:"auth"`
}

// maxSubscription bounds what a phone may send, in bytes; push services have addresses of
// some hundred.
const maxSubscription = 4096

// ParseSubscription reads a subscription: an https URL without user or fragment, a point on
// P-256 and a secret of 16 bytes; else ErrSubscription. Where the URL may lead is checked when
// it is called, by address.
func ParseSubscription(raw []byte) (Subscription, error) {
	var s struct {
		Subscription
		ExpirationTime any `json:"expirationTime"` // a browser's; push services tell it by 410
	}
	if len(raw) > maxSubscription || json.Unmarshal(raw, &s) != nil {
		return Subscription{}, ErrSubscription
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return Subscription{}, ErrSubscription
	}
	point, err := decodeKey(s.Keys.P256DH)
	if err != nil {
		return Subscription{}, ErrSubscription
	}
	if _, err := ecdh.P256().NewPublicKey(point); err != nil {
		return Subscription{}, ErrSubscription
	}
	secret, err := decodeKey(s.Keys.Auth)
	if err != nil || len(secret) != 16 {
		return Subscription{}, ErrSubscription
	}
	return Subscription{
		Endpoint: u.String(),
		Keys:     SubscriptionKeys{P256DH: base64.RawURLEncoding.EncodeToString(point), Auth: base64.RawURLEncoding.EncodeToString(secret)},
	}, nil
}

// decodeKey reads base64url; some browsers pad it.
func decodeKey(s string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(s, "="))
}
