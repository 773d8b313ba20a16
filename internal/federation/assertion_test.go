package federation_test

import (
	"errors"
	"testing"

	"github.com/postern-id/postern/internal/federation"
)

func TestALetterThatFoldsToAnotherIsNotThatLetter(t *testing.T) {
	c := federation.Usual(federation.OIDC)
	c.Domain = "kontoso.example"
	for name, want := range map[string]error{
		"Kim@Kontoso.example":       nil,
		"\u212aim@kontoso.example":  federation.ErrOther,
		"kim@\u212aontoso.example":  federation.ErrOther,
		"kim\u017f@kontoso.example": federation.ErrOther,
		"kim@contoso.example":       federation.ErrForeign,
	} {
		if _, err := c.Name(federation.Assertion{Claims: map[string][]string{"preferred_username": {name}}}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
	if federation.SameName("\u212aim@kontoso.example", "kim@kontoso.example") || !federation.SameName("KIM@kontoso.example", "kim@Kontoso.example") {
		t.Error("names are compared by more than the case of ASCII letters")
	}
}
