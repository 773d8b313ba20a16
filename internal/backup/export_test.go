package backup

import (
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"filippo.io/age"
)

// EasyPassphrases makes passphrases cheap for the length of a test.
func EasyPassphrases(t *testing.T) {
	before := scryptWork
	scryptWork = 10
	t.Cleanup(func() { scryptWork = before })
}

// Packed makes a file of text.
func Packed(t testing.TB, text []byte, to age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	sealed, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(sealed)
	_, err = z.Write(text)
	if err := errors.Join(err, z.Close(), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
