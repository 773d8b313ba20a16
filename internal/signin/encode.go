package signin

import (
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// decode reads base64url that this program made; what is not base64url decodes to nothing.
func decode(s string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return raw
}

// AgentWords is what [DescribeAgent] says, in one: Firefox, Linux.
func AgentWords(agent string) string {
	browser, system := DescribeAgent(agent)
	return strings.Trim(browser+", "+system, ", ")
}

// DescribeAgent names browser and operating system for lists that people read. A user
// agent is a claim: nothing is decided by it.
func DescribeAgent(agent string) (browser, system string) {
	for _, known := range []struct{ mark, name string }{
		{"postern-agent", "Postern agent"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	} {
		if strings.Contains(agent, known.mark) {
			browser = known.name
			break
		}
	}
	for _, known := range []struct{ mark, name string }{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(agent, known.mark) {
			system = known.name
			break
		}
	}
	return browser, system
}
