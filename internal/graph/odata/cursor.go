package odata

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"github.com/postern-id/postern/internal/fault"
)

// ErrBadSkipToken reports a $skiptoken that was not made here for this very query.
var ErrBadSkipToken = &fault.Error{
	Kind: fault.Invalid, Code: "badSkipToken", Target: "$skiptoken",
	Text:   "This $skiptoken does not belong to this query.",
	Remedy: "Start again with the first page and follow @odata.nextLink as it is.",
}

const (
	maxSkipToken = 4096 // characters
	minCursorKey = 32   // bytes
)

// Cursor makes and reads the skiptokens of one query. A token is the position in the order
// of the result, readable by whoever holds it, and an HMAC-SHA-256 over that position and
// all that the position depends on: tenant, path, filter, order and search.
type Cursor struct {
	key   []byte
	bound []string
}

// NewCursor returns the cursor of the query o on path, in tenant (its id). The key is
// secret, the same on all replicas, and has at least 32 bytes.
func NewCursor(key []byte, tenant, path string, o Options) Cursor {
	return Cursor{key, []string{"postern skiptoken v1", tenant, path, o.Filter, o.OrderBy, o.Search}}
}

// Seal returns the token for position, which is what the store needs to go on: the sort
// values and the id of the last item. Position is kept as JSON.
func (c Cursor) Seal(position any) (string, error) {
	if len(c.key) < minCursorKey {
		return "", errShortKey
	}
	data, err := json.Marshal(position)
	if err != nil {
		return "", err
	}
	token := base64.RawURLEncoding.EncodeToString(append(c.mac(data), data...))
	if len(token) > maxSkipToken {
		return "", errors.New("position is too long for a skiptoken")
	}
	return token, nil
}

// Open puts the position of token into position, a pointer, or returns ErrBadSkipToken.
func (c Cursor) Open(token string, position any) error {
	if len(c.key) < minCursorKey {
		return errShortKey
	}
	if len(token) > maxSkipToken {
		return ErrBadSkipToken
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	// Decoding ignores line breaks and spare bits, so only the spelling of Seal counts.
	if err != nil || len(raw) < sha256.Size || base64.RawURLEncoding.EncodeToString(raw) != token {
		return ErrBadSkipToken
	}
	mac, data := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(mac, c.mac(data)) || json.Unmarshal(data, position) != nil {
		return ErrBadSkipToken
	}
	return nil
}

var errShortKey = errors.New("the key for skiptokens has fewer than 32 bytes")

// mac covers each part with its length in front, so that no two lists of parts are alike.
func (c Cursor) mac(data []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	for _, part := range append(slices.Clip(c.bound), string(data)) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
