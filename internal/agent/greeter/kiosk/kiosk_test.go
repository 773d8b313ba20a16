package kiosk_test

import (
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
)

func policy(t *testing.T, text []byte, err error) map[string]any {
	t.Helper()
	var p map[string]any
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func list(t *testing.T, p map[string]any, name string) []string {
	t.Helper()
	all, _ := p[name].([]any)
	var out []string
	for _, one := range all {
		text, _ := one.(string)
		out = append(out, text)
	}
	return out
}

func TestThePolicyOfWebSignIn(t *testing.T) {
	text, err := kiosk.SignInPolicy(kiosk.Site{
		Server: "https://id.contoso.example:8443/", Redirect: "http://localhost", Hosts: []string{"idp.example.com", "=login.example.net"},
		Camera: []string{"idp.example.com", "=login.example.net"}, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("der")}),
	})
	p := policy(t, text, err)
	for name, want := range map[string][]string{
		"URLBlocklist":              {"*"},
		"URLAllowlist":              {"https://.id.contoso.example:8443", "http://.localhost", "https://idp.example.com", "https://.login.example.net"},
		"CACertificates":            {"ZGVy"},
		"VideoCaptureAllowedUrls":   {"https://idp.example.com", "https://[*.]idp.example.com", "https://login.example.net"},
		"ExtensionInstallBlocklist": {"*"},
	} {
		if got := list(t, p, name); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if proxy, _ := p["ProxySettings"].(map[string]any); proxy["ProxyServer"] != "127.0.0.1:8000" || proxy["ProxyBypassList"] != "<-loopback>" || proxy["ProxyMode"] != "fixed_servers" {
		t.Errorf("proxy: %v", p["ProxySettings"])
	}
	for name, want := range map[string]any{
		"DeveloperToolsAvailability": 2.0, "DownloadRestrictions": 3.0, "DefaultPopupsSetting": 2.0, "PrintingEnabled": false,
		"AllowFileSelectionDialogs": false, "PasswordManagerEnabled": false, "SSLErrorOverrideAllowed": false, "QuicAllowed": false,
	} {
		if p[name] != want {
			t.Errorf("%s: %v", name, p[name])
		}
	}
}

func TestAServerThatIsAnAddress(t *testing.T) {
	text, err := kiosk.SignInPolicy(kiosk.Site{Server: "https://127.0.0.1:8443", Redirect: "http://localhost"})
	if got := list(t, policy(t, text, err), "URLAllowlist"); got[0] != "https://127.0.0.1:8443" {
		t.Errorf("%q", got)
	}
}

func TestTheLockScreensBrowserOpensTheLockScreen(t *testing.T) {
	text, err := kiosk.ScreenPolicy()
	p := policy(t, text, err)
	if got := list(t, p, "URLAllowlist"); !slices.Equal(got, []string{"http://.localhost:8000"}) {
		t.Errorf("%q", got)
	}
	if p["ProxySettings"] != nil || p["CACertificates"] != nil {
		t.Error("it is given more than it needs")
	}
}

func TestABrowserSeesLittleOfTheMachine(t *testing.T) {
	args := kiosk.Sandbox{
		Bwrap: "/usr/bin/bwrap", Chromium: "/usr/lib/chromium/chromium", Self: "/usr/bin/postern-agent", URL: "https://id.contoso.example/", Name: kiosk.Web,
	}.Args()
	line := strings.Join(args, " ")
	for _, want := range []string{"--unshare-all", "--die-with-parent", "--clearenv", "--tmpfs /tmp", "--ro-bind-data 4 /etc/chromium/policies/managed/postern.json"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	for _, never := range []string{"--share-net", "--no-sandbox", "/run/postern", "/run/user", "wayland-1", "/var", "/proc/self", "/etc/passwd", "/etc/postern", "--ro-bind / ", "--ro-bind /run ", "/dev/input", "remote-debugging"} {
		if strings.Contains(line, never) {
			t.Errorf("%s in %s", never, line)
		}
	}
	// The addresses that the compositor tells the two browsers apart by.
	if args[len(args)-1] != "--app=https://id.contoso.example/" {
		t.Error(args[len(args)-1])
	}
}
