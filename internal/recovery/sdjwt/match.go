package sdjwt

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// About reports whether the claims of a credential of i are about somebody with those attributes:
// every claim that i's Match names is there and says what the directory says. An attribute that
// the directory does not have equals nothing.
func (i Issuer) About(claims map[string]any, attributes map[string]string) bool {
	for _, m := range i.Match {
		said, ok := claimAt(claims, m.Claim)
		known := attributes[m.Attribute]
		if !ok || !equal(m.Attribute, said, known) {
			return false
		}
	}
	return len(i.Match) > 0
}

func claimAt(claims map[string]any, path string) (string, bool) {
	var at any = claims
	for name := range strings.SplitSeq(path, "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return "", false
		}
		at = m[name]
	}
	text, ok := at.(string)
	return text, ok
}

// equal compares a claim with an attribute. What two writers of a name may differ in does not count;
// an identifier is itself alone, but for the letters A to Z of an address.
func equal(attribute, said, known string) bool {
	if strings.TrimSpace(said) == "" {
		return false
	}
	switch attribute {
	case "employeeId", "externalId":
		return said == known
	case "userPrincipalName", "mail":
		return strings.Map(lowerASCII, said) == strings.Map(lowerASCII, known)
	}
	return folded(said) == folded(known)
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// folded is text without what two writers of a name may differ in.
func folded(text string) string {
	text = strings.ToLower(norm.NFKC.String(text))
	return strings.Join(strings.FieldsFunc(norm.NFKC.String(text), unicode.IsSpace), " ")
}
