package greeter

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// barWords are what stands in the bar above the page of web sign-in, by language: the hosts,
// the policy that lists them, and the way back. Browsers name a host that they do not open, but
// not who says so.
var barWords = map[string]string{
	"en": "Opens HOSTS only (policy POLICY)     ←  Back (Esc)",
	"de": "Öffnet nur HOSTS (Richtlinie POLICY)     ←  Zurück (Esc)",
}

const mostHosts = 3 // that the bar has room for

// bar is the text of the bar.
func bar(s kiosk.Site, lang string) string {
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
	return strings.NewReplacer("HOSTS", strings.Join(hosts, ", "), "POLICY", path.Base(devicepolicy.WebSignInAllowedURLs)).Replace(words)
}
