// Package request carries what every handler needs to know of a request itself: where it
// comes from and under which ids it is logged. The facts are set once, by [Middleware], as
// a value that no header can set; the console's calls in the same process hand them on.
package request

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Facts are what is known of a request.
type Facts struct {
	Address   netip.Addr // of the client, behind trusted proxies
	UserAgent string     // at most 512 bytes, printable
	// RequestID is this server's id of the request, CorrelationID the client's where it
	// sent one, else the same.
	RequestID, CorrelationID string

	route *string
}

// SetRoute says which route takes the request; the first one that says so wins. It is for
// handlers that hand a copy of the request to a mux of their own.
func (f Facts) SetRoute(pattern string) {
	if f.route != nil && *f.route == "" {
		*f.route = pattern
	}
}

// Route returns the route that takes the request, or nothing while none does.
func (f Facts) Route() string {
	if f.route == nil {
		return ""
	}
	return *f.route
}

type key struct{}

// With returns a context that carries f.
func With(ctx context.Context, f Facts) context.Context { return context.WithValue(ctx, key{}, f) }

// From returns the facts of the request, or empty ones outside of a request.
func From(ctx context.Context) Facts {
	f, _ := ctx.Value(key{}).(Facts)
	return f
}

// Proxies are the networks whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// Address returns the client's address: the peer, or behind trusted proxies the right-most
// entry of X-Forwarded-For that is none of them. Without trusted proxies the header is ignored.
func (p Proxies) Address(r *http.Request) netip.Addr {
	peer := parse(r.RemoteAddr)
	if !p.Trust(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop := parse(strings.TrimSpace(hop))
		if !hop.IsValid() {
			return peer
		}
		if !p.Trust(hop) {
			return hop
		}
		peer = hop
	}
	return peer
}

// Trust reports whether a is one of the proxies.
func (p Proxies) Trust(a netip.Addr) bool {
	for _, prefix := range p {
		if a.IsValid() && prefix.Contains(a) {
			return true
		}
	}
	return false
}

func parse(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

var clientID = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// Middleware sets the facts of each request and answers with its ids. A call of the same process
// whose context has the facts of a browser's request keeps that address and user agent.
func Middleware(proxies Proxies, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := Facts{Address: proxies.Address(r), UserAgent: printable(r.UserAgent()), RequestID: uuid.NewString(), route: new(string)}
		if handed, ok := r.Context().Value(key{}).(Facts); ok {
			f.Address, f.UserAgent = handed.Address, handed.UserAgent
		}
		f.CorrelationID = f.RequestID
		if id := asked(r); clientID.MatchString(id) {
			f.CorrelationID = strings.ToLower(id)
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), f)))
	})
}

// asked returns the correlation id that the client chose: in a header, or in the address where
// a browser is sent, as Entra's clients do.
func asked(r *http.Request) string {
	if id := r.Header.Get("client-request-id"); id != "" || !strings.Contains(r.URL.RawQuery, "client-request-id=") {
		return id
	}
	return r.URL.Query().Get("client-request-id")
}

func printable(agent string) string {
	if len(agent) > 512 {
		agent = agent[:512]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, agent)
}
