// Package outbound is how this server calls addresses that others name: applications that are
// told of logouts, push services of phones. Who names them could else reach what only this
// server can, metadata services among them.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// ErrForbidden says that a name leads where this server does not send anything.
var ErrForbidden = errors.New("the address is not public, and in no network that is allowed")

// NewClient returns a client that follows no redirect, uses no proxy, and connects to public
// addresses and those in networks only. The check sees the address that is dialed, after the
// name was looked up, so that a name can't change in between. Nil roots are the system's; limit
// is of a whole call.
func NewClient(roots *x509.CertPool, networks []netip.Prefix, limit time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: limit, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !MayCall(at.Addr(), networks) {
			return fmt.Errorf("%s: %w", address, ErrForbidden)
		}
		return nil
	}}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: limit, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{
		Transport: transport, Timeout: limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Cause is what went wrong with a call, without the address, whose path or query may be a secret
// of the one who is called.
func Cause(err error) error {
	if in, ok := errors.AsType[*url.Error](err); ok {
		return in.Err
	}
	return err
}

// notPublic are networks that the methods of netip.Addr don't know as such (the IANA registries
// of special-purpose addresses), and forms of IPv6 that have any IPv4 address in them.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// MayCall reports whether a is public or in one of networks.
func MayCall(a netip.Addr, networks []netip.Prefix) bool {
	a = a.Unmap().WithZone("")
	contains := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(networks, contains) {
		return true
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(notPublic, contains)
}
