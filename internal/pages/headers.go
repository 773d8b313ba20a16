package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// contentPolicy returns the Content-Security-Policy of a page. Forms may post to this
// origin and to the origins of targets; frames are loaded from theirs only. Chromium holds the redirects that follow a POST
// to form-action too, so a page whose POST ends at an application names that application.
func contentPolicy(script bool, targets, frames []string) (string, error) {
	directives := []string{"default-src 'none'", "style-src 'self'", "img-src 'self' data:"}
	if script {
		directives = append(directives, "script-src 'self'")
	}
	if len(frames) > 0 {
		directive := "frame-src"
		for _, f := range frames {
			source, err := formSource(f)
			if err != nil {
				return "", err
			}
			directive += " " + source
		}
		directives = append(directives, directive)
	}
	formAction := "form-action 'self'"
	for _, target := range targets {
		source, err := formSource(target)
		if err != nil {
			return "", err
		}
		formAction += " " + source
	}
	directives = append(directives, formAction, "base-uri 'none'", "frame-ancestors 'none'")
	return strings.Join(directives, "; "), nil
}

var (
	plainScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	plainHost   = regexp.MustCompile(`^[A-Za-z0-9._-]+(:[0-9]+)?$`)
	// inlineSchemes name content instead of a place: nothing is ever posted there.
	inlineSchemes = []string{"javascript", "data", "blob", "filesystem", "about", "view-source"}
)

// formSource returns the source expression (CSP Level 3, section 2.3.1) for the place
// that target names: its origin, or the scheme where that belongs to one application. The
// grammar has no form for IPv6 literals; of these applications have [::1] only (RFC 8252
// section 7.3), by http, which is then named as a whole. Every other host is none.
func formSource(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", fmt.Errorf("form target: %w", err)
	}
	if !plainScheme.MatchString(u.Scheme) || slices.Contains(inlineSchemes, u.Scheme) {
		return "", fmt.Errorf("form target: scheme %q is not allowed", u.Scheme)
	}
	switch {
	case plainHost.MatchString(u.Host):
	case u.Scheme == "https", u.Scheme == "http" && u.Hostname() != "::1":
		return "", fmt.Errorf("form target: host %q is not allowed", u.Host)
	default:
		return u.Scheme + ":", nil
	}
	return u.Scheme + "://" + u.Host, nil
}

// setHeaders sets the headers of every page. keepOpener leaves out the opener policy,
// which would cut a page in a pop-up off from the application that opened it.
func setHeaders(h http.Header, policy string, keepOpener bool) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	if !keepOpener {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}
