// Package kiosk runs the two browsers of the sign-in screen, which share nothing (rule 22 of
// docs/threat-model.md): each in namespaces of its own (bwrap(1)), with a profile that lives in
// memory as long as it does, a policy that nothing else on the machine sees, and two doors: the
// sockets where it loads pages and shows windows, at which the greeter listens. Web sign-in's
// has a user of its own, as whom the service manager starts it (Serve).
//
//	┌ bwrap: user, mount, pid, net, ipc, uts ─────┐
//	│ postern-agent greeter inside                │
//	│   └ chromium ─┬─ 127.0.0.1:8000 ────────────┼──▶ greeter: the lock screen, or the fence
//	│               └─ /run/kiosk/wayland-0 ──────┼──▶ greeter ─▶ compositor
//	└─────────────────────────────────────────────┘
package kiosk

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Port is where pages come from, on the loopback of the browser's own network: it is the
// lock screen for one browser, and the proxy for the other.
const Port = 8000

// Screen is the origin of the lock screen in its own browser.
var Screen = "http://localhost:" + strconv.Itoa(Port)

// ScreenPolicy is the policy of the lock screen's browser: it opens the lock screen.
func ScreenPolicy() ([]byte, error) {
	p := closed()
	p["URLAllowlist"] = []string{exactly(Screen)}
	return json.MarshalIndent(p, "", "  ")
}

// A Site is what web sign-in may open.
type Site struct {
	Server   string   // URL of the server
	Hosts    []string // of the policy: a name covers its subdomains, one with a leading = only itself
	Camera   []string // likewise: whose pages may use the camera
	Redirect string   // URL
	CA       []byte   // PEM, trusted beside the system's
}

// SignInPolicy is the policy of web sign-in's browser.
// https://chromeenterprise.google/policies/
func SignInPolicy(s Site) ([]byte, error) {
	p := closed()
	allowed := []string{exactly(s.Server), exactly(s.Redirect)}
	for _, host := range s.Hosts {
		allowed = append(allowed, pattern(host))
	}
	p["URLAllowlist"] = allowed
	var roots []string
	for rest := s.CA; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		roots = append(roots, base64.StdEncoding.EncodeToString(block.Bytes))
	}
	if roots != nil {
		p["CACertificates"] = roots
	}
	p["ProxySettings"] = map[string]string{
		"ProxyMode": "fixed_servers", "ProxyServer": net.JoinHostPort("127.0.0.1", strconv.Itoa(Port)),
		"ProxyBypassList": "<-loopback>", // not even this machine without the proxy
	}
	var cameras []string
	for _, host := range s.Camera {
		name, only := strings.CutPrefix(host, "=")
		cameras = append(cameras, "https://"+name)
		if !only {
			cameras = append(cameras, "https://[*.]"+name)
		}
	}
	if cameras != nil {
		p["VideoCaptureAllowedUrls"] = cameras
	}
	return json.MarshalIndent(p, "", "  ")
}

// pattern is a host of a policy of ours as Chromium has it: there a leading dot is for hosts
// without their subdomains.
func pattern(host string) string {
	if name, only := strings.CutPrefix(host, "="); only {
		return "https://." + name
	}
	return "https://" + host
}

// exactly is the pattern for one origin.
func exactly(origin string) string {
	scheme, rest, _ := strings.Cut(strings.TrimRight(origin, "/"), "://")
	host := rest
	if name, _, err := net.SplitHostPort(rest); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return scheme + "://" + rest // an address has no subdomains
	}
	return scheme + "://." + rest
}

const off = 2 // for the policies where it is neither 0 nor false

// closed is a policy with nothing that a sign-in does not need.
func closed() map[string]any {
	return map[string]any{
		"URLBlocklist":                       []string{"*"},
		"DeveloperToolsAvailability":         off,
		"DownloadRestrictions":               3,
		"AllowFileSelectionDialogs":          false,
		"PrintingEnabled":                    false,
		"ExtensionInstallBlocklist":          []string{"*"},
		"SSLErrorOverrideAllowed":            false,
		"TaskManagerEndProcessEnabled":       false,
		"ForceEphemeralProfiles":             true,
		"BrowserAddPersonEnabled":            false,
		"BrowserGuestModeEnabled":            false,
		"IncognitoModeAvailability":          1,
		"BrowserSignin":                      0,
		"SyncDisabled":                       true,
		"PasswordManagerEnabled":             false,
		"AutofillAddressEnabled":             false,
		"AutofillCreditCardEnabled":          false,
		"SavingBrowserHistoryDisabled":       true,
		"TranslateEnabled":                   false,
		"SpellcheckEnabled":                  false,
		"SearchSuggestEnabled":               false,
		"EditBookmarksEnabled":               false,
		"BackgroundModeEnabled":              false,
		"PromotionsEnabled":                  false,
		"AllowDinosaurEasterEgg":             false,
		"DefaultPopupsSetting":               off,
		"DefaultNotificationsSetting":        off,
		"DefaultGeolocationSetting":          off,
		"DefaultSensorsSetting":              off,
		"DefaultClipboardSetting":            off,
		"DefaultWebUsbGuardSetting":          off,
		"DefaultWebHidGuardSetting":          off,
		"DefaultSerialGuardSetting":          off,
		"DefaultWebBluetoothGuardSetting":    off,
		"DefaultFileSystemReadGuardSetting":  off,
		"DefaultFileSystemWriteGuardSetting": off,
		"DefaultWindowManagementSetting":     off,
		"DefaultLocalFontsSetting":           off,
		"AudioCaptureAllowed":                false,
		"VideoCaptureAllowed":                false,
		"ScreenCaptureAllowed":               false,
		// Nobody else is talked to.
		"MetricsReportingEnabled":      false,
		"SafeBrowsingProtectionLevel":  0,
		"ComponentUpdatesEnabled":      false,
		"NetworkPredictionOptions":     2,
		"DnsOverHttpsMode":             "off",
		"BuiltInDnsClientEnabled":      false,
		"QuicAllowed":                  false,
		"WebRtcIPHandling":             "disable_non_proxied_udp",
		"DefaultSearchProviderEnabled": false,
	}
}
