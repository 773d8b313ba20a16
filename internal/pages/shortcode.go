package pages

import (
	"strconv"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/method/tap"
)

// ShortCode returns eight characters that can be said over a phone for a correlation id:
// its first 40 bits in the alphabet of passes. It is no secret and need not be unique.
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
		code[i] = tap.Alphabet[bits>>(35-5*i)&31]
	}
	return string(code)
}

func seconds(n int) string { return strconv.Itoa(n) }
