package odata

import (
	"encoding/base64"
	"strings"
)

// Challenge wraps a refusal and says in the WWW-Authenticate header how to get a better
// token (RFC 6750 section 3, RFC 9449 section 7.1, and "Claims challenges" in the
// documentation of the Microsoft identity platform).
type Challenge struct {
	Err          error  // why; a fault of kind Unauthorized as a rule
	Scheme       string // Bearer, or DPoP; empty means Bearer
	AuthorizeURL string // where people sign in; may be empty
	Code         string // the error parameter: invalid_token, insufficient_claims …; may be empty
	Claims       string // JSON of the claims request parameter; may be empty
}

// Error returns what the wrapped error says.
func (c *Challenge) Error() string { return c.Err.Error() }

// Unwrap returns the wrapped error.
func (c *Challenge) Unwrap() error { return c.Err }

func (c *Challenge) header() string {
	scheme := c.Scheme
	if scheme != "DPoP" {
		scheme = "Bearer"
	}
	claims := ""
	if c.Claims != "" {
		claims = base64.StdEncoding.EncodeToString([]byte(c.Claims))
	}
	h := scheme + ` realm=""`
	for _, p := range [][2]string{{"authorization_uri", c.AuthorizeURL}, {"error", c.Code}, {"claims", claims}} {
		if p[1] != "" && quotable(p[1]) {
			h += ", " + p[0] + `="` + p[1] + `"`
		}
	}
	return h
}

// quotable reports whether s fits between the quotes of a header parameter as it is.
func quotable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
}
