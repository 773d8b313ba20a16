// Package fence is the one way out of the browser that shows the identity provider's page at
// the lock screen (rule 22 of docs/threat-model.md): a proxy that opens the configured server,
// the hosts that policy names, and nothing else. The browser's own policy says the same, but
// stops navigation only, not what a page loads.
//
//	browser ─▶ CONNECT host:443 ─▶ Rules ─▶ resolve once ─▶ public? ─▶ dial that address
//	        └▶ GET http://localhost/?code=… ─▶ Returned
package fence

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
)

// Faults of what a page asks for.
var (
	// ErrHost names the host, and the policy that would have to list it.
	ErrHost = &fault.Error{
		Kind: fault.Forbidden, Code: "webSignInHost",
		Text:   "Web sign-in may not open this page.",
		Remedy: "Ask your administrator: the policy " + devicepolicy.WebSignInAllowedURLs + " lists the hosts that it may open.",
	}
	// ErrAddress says that a name that policy lists stands for a machine inside.
	ErrAddress = &fault.Error{
		Kind: fault.Forbidden, Code: "webSignInAddress",
		Text:   "Web sign-in may not open this page: its address is inside this machine or network.",
		Remedy: "Ask your administrator. Of addresses inside, web sign-in opens the organisation's server alone.",
	}
)

// Rules say what web sign-in may open.
type Rules struct {
	Server   string   // host:port of the configured server, whatever its address is
	Hosts    []string // of the policy: a name covers its subdomains, one with a leading = only itself
	Redirect string   // where web sign-in comes back to, such as http://localhost
}

// A Target is where a tunnel may lead.
type Target struct {
	Host   string // a name, or an address without brackets
	Port   uint16
	Inside bool // may be an address inside: it is the configured server
}

const tlsPort = 443

// Target judges the authority of a CONNECT (RFC 9110 section 9.3.6). It understands one
// spelling of each: a proxy that is liberal here can be made to mean another host than its
// list does.
func (r Rules) Target(authority string) (Target, error) {
	refused := ErrHost.With("", "Web sign-in may not open "+shown(authority)+".")
	t, ok := split(authority)
	if !ok {
		return Target{}, refused
	}
	if server, ok := split(r.Server); ok && server == t {
		t.Inside = true
		return t, nil
	}
	if t.Port != tlsPort || !r.Lists(t.Host) {
		return Target{}, ErrHost.With("", "Web sign-in may not open "+t.Host+".")
	}
	return t, nil
}

// Authority is the host and port of a server's URL.
func Authority(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("%q is no address of a server", address)
	}
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(tlsPort)
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// Lists reports whether the policy has host. Policy knows names only, no addresses.
func (r Rules) Lists(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	for _, one := range r.Hosts {
		one = strings.ToLower(one)
		exact, only := strings.CutPrefix(one, "=")
		if host == exact || !only && one != "" && strings.HasSuffix(host, "."+one) {
			return true
		}
	}
	return false
}

// split reads host:port, in the one spelling that browsers send.
func split(authority string) (Target, bool) {
	at := strings.LastIndexByte(authority, ':')
	if at < 0 {
		return Target{}, false
	}
	host, digits := authority[:at], authority[at+1:]
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != digits {
		return Target{}, false
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		inner, closed := strings.CutSuffix(inner, "]")
		a, err := netip.ParseAddr(inner)
		if !closed || err != nil || !a.Is6() || a.Zone() != "" {
			return Target{}, false
		}
		return Target{Host: a.String(), Port: uint16(port)}, true
	}
	host = strings.ToLower(host)
	if !isName(host) {
		return Target{}, false
	}
	return Target{Host: host, Port: uint16(port)}, true
}

// isName reports whether host is letters, digits, hyphens and single dots, as DNS has them.
func isName(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// shown is what a page wrote, as far as it is fit to be shown.
func shown(text string) string {
	text = strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' {
			return '?'
		}
		return c
	}, text)
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return text
}

// Public reports whether an address is one of the internet, not one of this machine, this
// link, or a network inside: the special-purpose registries of IANA (RFC 6890), and what
// leads to IPv4 addresses in disguise.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carriers' inside, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),        // IPv4 in disguise, RFC 4291 section 2.5.5.1
	netip.MustParsePrefix("64:ff9b::/96"), // and RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // Teredo and others
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"),
}
