package dpop

import (
	"net/url"
	"regexp"
	"strings"
)

// sameURL reports whether two absolute http or https URLs are the same without query
// and fragment, after the normalisation that RFC 9449 section 4.3 recommends.
func sameURL(a, b string) bool {
	x, ok := normal(a)
	y, fine := normal(b)
	return ok && fine && x == y
}

var (
	// urlCharacters are those that RFC 3986 lets appear in a URI.
	urlCharacters = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$`)
	// hostForm is a name, an address or an address in brackets, and perhaps a port:
	// nothing that was encoded.
	hostForm = regexp.MustCompile(`^([a-z0-9\-._~]+|\[[0-9a-f:.]+\])(:[0-9]+)?$`)
)

// normal returns the normal form of s (RFC 3986 sections 6.2.2 and 6.2.3) without query
// and fragment, and whether s is an absolute http or https URL without user information.
func normal(s string) (string, bool) {
	if !urlCharacters.MatchString(s) {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		return "", false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Host, ":"))
	if !hostForm.MatchString(host) {
		return "", false
	}
	switch u.Scheme { // Parse has made it lower case
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	return u.Scheme + "://" + host + withoutDots(normalEncoding(u.EscapedPath())), true
}

// normalEncoding decodes the unreserved characters of a path and writes the other
// encodings in capitals. Each percent sign in path is followed by two digits.
func normalEncoding(path string) string {
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			out.WriteByte(path[i])
			continue
		}
		triplet := path[i : i+3]
		if text, err := url.PathUnescape(triplet); err == nil && isUnreserved(text[0]) {
			out.WriteString(text)
		} else {
			out.WriteString(strings.ToUpper(triplet))
		}
		i += 2
	}
	return out.String()
}

func isUnreserved(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("-._~", b) >= 0
}

// withoutDots removes the dot segments of path (RFC 3986 section 5.2.4). The result
// begins with a slash.
func withoutDots(path string) string {
	var kept []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}
