package redirect

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// uriCharacters are those that RFC 3986 lets appear in a URI, without the number sign.
var uriCharacters = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+$`)

// flaw says in a sentence why uri can't be a redirect URI of kind, or nothing.
func flaw(uri string, kind Kind) string {
	if strings.Contains(uri, "#") {
		return "A redirect URI has no fragment." // RFC 6749 section 3.1.2
	}
	if !uriCharacters.MatchString(uri) {
		return "A redirect URI has only the characters of RFC 3986: no blanks, no backslashes, no control characters."
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return "A redirect URI begins with a scheme, such as https."
	}
	noEncoded := `./\%` // in the path of a URI that a browser follows
	switch {
	case scheme == "https":
		if !strings.HasPrefix(rest, "//") || strings.HasPrefix(rest, "///") {
			return "A redirect URI names a host."
		}
		if strings.HasPrefix(rest, "//[") { // a page's policy has no form for it
			return "A redirect URI names a host, not an IPv6 address."
		}
	case scheme == "http":
		if _, ok := withoutPort(uri); !ok {
			return "http is for localhost, 127.0.0.1 and [::1] only."
		}
	case kind == Public && isPrivateUse(scheme):
		if !strings.HasPrefix(rest, "/") {
			return "A slash follows the scheme."
		}
		noEncoded = "" // Android's brokers send a hash in base64 here
	default:
		return "This scheme is not offered. Use https, or for an installed application a scheme in the form of a reversed domain name."
	}
	return partsFlaw(rest, noEncoded)
}

// partsFlaw looks at what follows the scheme: authority, path and query. No byte of
// noEncoded may stand percent-encoded in the path.
func partsFlaw(rest, noEncoded string) string {
	rest, query, _ := strings.Cut(rest, "?")
	path := rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority, tail, found := strings.Cut(after, "/")
		if path = ""; found {
			path = "/" + tail
		}
		if authority != "" && !isAuthority(authority) {
			return "A redirect URI names a plain host and port: no user information, no wildcards, no encoding."
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "The path has no dot segments."
		}
	}
	if !isCleanlyEncoded(path, noEncoded) || !isCleanlyEncoded(query, "") {
		return "Percent signs encode UTF-8 text without control characters, and in the path no dots, slashes, backslashes or percent signs."
	}
	return ""
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// isAuthority reports whether s is a host name or address, and perhaps a port.
func isAuthority(s string) bool {
	var host, port string
	var hasPort bool
	if strings.HasPrefix(s, "[") {
		address, tail, ok := strings.Cut(s[1:], "]")
		ip, err := netip.ParseAddr(address)
		if !ok || err != nil || !ip.Is6() || ip.Zone() != "" {
			return false
		}
		host, port, hasPort = "address", strings.TrimPrefix(tail, ":"), tail != ""
		if hasPort && tail[0] != ':' {
			return false
		}
	} else {
		host, port, hasPort = strings.Cut(s, ":")
	}
	return hostName.MatchString(host) && (!hasPort || isPort(port))
}

// isPort reports whether s is a port number from 1 to 65535 in its shortest form.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s == strconv.FormatUint(n, 10)
}

// isCleanlyEncoded reports whether the percent signs in s encode UTF-8 text without
// control characters and without any of the bytes in not.
func isCleanlyEncoded(s, not string) bool {
	text, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(text) {
		return false
	}
	for i := range len(s) {
		if s[i] != '%' {
			continue
		}
		b, err := strconv.ParseUint(s[i+1:i+3], 16, 8) // two digits follow: PathUnescape saw them
		if err != nil || b < 0x20 || b == 0x7F || strings.IndexByte(not, byte(b)) >= 0 {
			return false
		}
	}
	return true
}

var (
	reversedDomain = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)
	msalScheme     = regexp.MustCompile(`^msal[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	brokerSchemes  = []string{"msauth", "ms-appx-web"}
)

// isPrivateUse reports whether scheme can belong to one application only: a reversed
// domain name (RFC 8252 section 7.1), or one of the forms that Microsoft's libraries use.
// Schemes that a browser runs or reads itself, such as javascript, are none of these.
func isPrivateUse(scheme string) bool {
	return reversedDomain.MatchString(scheme) || msalScheme.MatchString(scheme) || slices.Contains(brokerSchemes, scheme)
}
