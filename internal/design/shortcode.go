package design

import "github.com/google/uuid"

// spoken are letters and digits that are not taken for each other when they are read aloud:
// those of passes.
const spoken = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// ShortCode returns eight characters that can be said over a phone for a correlation id: its
// first 40 bits. It is no secret and need not be unique.
func ShortCode(correlationID string) string {
	id, err := uuid.Parse(correlationID)
	if err != nil {
		return ""
	}
	bits := uint64(0)
	for _, b := range id[:5] {
		bits = bits<<8 | uint64(b)
	}
	code := make([]byte, 8)
	for i := range code {
		code[i] = spoken[bits>>(35-5*i)&31]
	}
	return string(code)
}
