package device

import (
	"crypto"
	"time"

	"github.com/google/uuid"
)

// The grants of a sign-in with a device PIN.
const (
	GrantChallenge = "srv_challenge"                               // a nonce
	GrantPIN       = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523
)

// An Assertion says that a person typed their PIN at a device.
type Assertion struct {
	Method   string // id of the windowsHelloForBusinessMethod
	User     string // object id
	DeviceID string
	Issuer   string
	Nonce    string // of the server
}

// assertionLifetime is how long an assertion works; the server takes five minutes at most.
const assertionLifetime = 4 * time.Minute

// Assert signs a with the key of the PIN. Now is the server's time, as far as the device knows.
func Assert(key crypto.Signer, a Assertion, now time.Time) (string, error) {
	return SignJWT(key, map[string]any{"typ": "JWT", "alg": "ES256", "kid": a.Method}, map[string]any{
		"iss": a.User, "sub": a.User, "aud": a.Issuer, "nonce": a.Nonce, "jti": uuid.NewString(),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(), "device_id": a.DeviceID,
	})
}
