package saml

import (
	"testing"

	"github.com/beevik/etree"
)

// SignedForTest signs a document as it is.
func SignedForTest(t testing.TB, raw []byte, by Signer) []byte {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	el := doc.Root()
	if err := by.sign(el); err != nil {
		t.Fatal(err)
	}
	out, err := text(el)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// InflateLimit is what a message may be at most.
const InflateLimit = MaxMessage
