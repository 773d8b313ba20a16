package greeter

import (
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/agent/greeter/fence"
	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// barWords are what stands in the bar above the page of web sign-in, by language: the hosts,
// the policy that lists them, and the way back. Chromium's own page says that it does not open
// something, but neither what nor who says so.
var barWords = map[string]struct{ opens, refuses string }{
	"en": {"Opens HOSTS only (policy POLICY)     ←  Back (Esc)", "Can't open REFUSED: policy POLICY lists HOSTS     ←  Back (Esc)"},
	"de": {"Öffnet nur HOSTS (Richtlinie POLICY)     ←  Zurück (Esc)", "REFUSED öffnet sich nicht: Richtlinie POLICY nennt HOSTS     ←  Zurück (Esc)"},
}

const mostHosts = 3 // that the bar has room for

// bar is the text of the bar. refused is the host of a page that is not opened, if there is one.
func bar(s kiosk.Site, lang, refused string) string {
	words, ok := barWords[lang]
	if !ok {
		words = barWords["en"]
	}
	var hosts []string
	if u, err := url.Parse(s.Server); err == nil {
		hosts = append(hosts, u.Hostname())
	}
	for _, one := range s.Hosts {
		hosts = append(hosts, strings.TrimPrefix(one, "="))
	}
	if len(hosts) > mostHosts {
		hosts = append(slices.Clone(hosts[:mostHosts]), "…")
	}
	text := words.opens
	if refused != "" {
		text = words.refuses
	}
	return strings.NewReplacer("REFUSED", refused, "HOSTS", strings.Join(hosts, ", "), "POLICY", path.Base(devicepolicy.WebSignInAllowedURLs)).Replace(text)
}

// refusedBy returns the host that a window's title names when its browser does not open a page
// there: the title then is the host alone. Pages can have such titles, too, and only make the
// bar say what is true of that host.
func refusedBy(title string, rules fence.Rules) string {
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.'
	}
	if !strings.Contains(title, ".") || len(title) > 80 || strings.ContainsFunc(title, odd) {
		return ""
	}
	if _, err := rules.Target(net.JoinHostPort(title, "443")); err == nil {
		return ""
	}
	return title
}
