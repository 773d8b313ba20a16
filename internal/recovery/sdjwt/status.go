package sdjwt

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"time"
)

// MaxList is how long a status list may be, packed; unpacked it may be 16 times as long.
const MaxList = 2 << 20

// Counts checks that the status list, a signed token that was fetched from s.URI, says that the
// credential of issuer i counts at now (draft-ietf-oauth-status-list section 8.3).
func (s Status) Counts(list string, i Issuer, now time.Time) error {
	jws, h, err := parse(list)
	if len(list) > MaxList || err != nil || h.Type != "statuslist+jwt" {
		return ErrRevoked
	}
	raw := signedBy(jws, i.signers(h, now))
	if raw == nil {
		return ErrRevoked
	}
	var claims struct {
		Subject string `json:"sub"`
		List    struct {
			Bits int    `json:"bits"`
			Data string `json:"lst"`
		} `json:"status_list"`
	}
	var times map[string]any
	if json.Unmarshal(raw, &claims) != nil || json.Unmarshal(raw, &times) != nil || claims.Subject != s.URI {
		return ErrRevoked
	}
	made, dated, ok := numericDate(times, "iat")
	until, ends, ok2 := numericDate(times, "exp")
	if !ok || !ok2 || !dated || made.After(now.Add(skew)) || ends && !now.Before(until) {
		return ErrRevoked
	}
	if value, ok := s.value(claims.List.Data, claims.List.Bits); !ok || value != 0 {
		return ErrRevoked
	}
	return nil
}

// value is what a list says at the place of s.
func (s Status) value(data string, bits int) (byte, bool) {
	if !slices.Contains([]int{1, 2, 4, 8}, bits) {
		return 0, false
	}
	packed, err := base64.RawURLEncoding.DecodeString(data)
	if err != nil {
		return 0, false
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return 0, false
	}
	at := int64(s.Index) * int64(bits)
	if at/8 >= 16*MaxList {
		return 0, false
	}
	if _, err := io.CopyN(io.Discard, z, at/8); err != nil {
		return 0, false
	}
	var one [1]byte
	if _, err := io.ReadFull(z, one[:]); err != nil {
		return 0, false
	}
	return one[0] >> (at % 8) & (1<<bits - 1), true
}
