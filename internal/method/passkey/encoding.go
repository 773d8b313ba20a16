package passkey

import (
	"encoding/base64"
	"encoding/json"
)

// b64 is base64url without padding, as WebAuthn's JSON has bytes.
var b64 = base64.RawURLEncoding

// Lookup is a credential id as it is stored and looked up.
func Lookup(credentialID []byte) string { return b64.EncodeToString(credentialID) }

// encode writes what is made of our own types, which always has a JSON form.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
