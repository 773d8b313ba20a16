//go:build linux

package virtual_test

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/virtual/visitor"
	"github.com/postern-id/postern/internal/graphclient"
)

func TestADeviceIsAsItWasAfterARestart(t *testing.T) {
	w := newWorld(t)
	tab := w.desktop(0)
	before := w.devices
	device, err := os.ReadFile(filepath.Join(w.dir, "devices", "LAP-0418", "agent", "device.json"))
	w.must(err)
	w.stop()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(w.siteOf(before[1].URL), "http://"))
	w.must(err)
	taken, err := net.Listen("tcp", "127.0.0.1:"+port) // by another program, meanwhile
	w.must(err)
	defer taken.Close()
	w.start()
	if w.devices[0].URL != before[0].URL {
		t.Errorf("the lock screen moved from %s to %s", before[0].URL, w.devices[0].URL)
	}
	if w.devices[1].URL == before[1].URL {
		t.Error("two programs have one port")
	}
	now, err := os.ReadFile(filepath.Join(w.dir, "devices", "LAP-0418", "agent", "device.json"))
	w.must(err)
	if string(now) == string(device) {
		t.Error("the device did not notice that the server has another address")
	}
	w.browser(1)                      // and it shows a lock screen
	w.must(tab.Open(w.site(0) + "/")) // a tab that was left open
	w.at(tab, "lock")
}

func (w *world) siteOf(address string) string {
	w.t.Helper()
	u, err := url.Parse(address)
	w.must(err)
	return u.Scheme + "://" + u.Host
}

// TestOnTheBench breaks devices and finds the way back, each time on one of two.
func TestOnTheBench(t *testing.T) {
	for _, pair := range [][2]struct {
		name string
		play func(t *testing.T, w *world, device int)
	}{
		{{"unplugged, the PIN works and the globe does not", unplugged}, {"a clock that is ahead locks nobody out", ahead}},
		{{"a device whose TPM was cleared joins again", cleared}, {"what the agent says holds no secret", said}},
		{{"a device that was switched off at the server ends its session", switchedOff}, {"one that was restarted knows its browser and its PINs", restarted}},
		{{"a crashed browser is told, and its answer is worth nothing", crashed}, {"a PIN that was wiped is not there", wiped}},
	} {
		t.Run("", func(t *testing.T) {
			w := newWorld(t)
			for device, one := range pair {
				t.Run(one.name, func(t *testing.T) { one.play(t, w.in(t), device) })
			}
		})
	}
}

func unplugged(t *testing.T, w *world, device int) {
	t.Helper()
	b := w.desktop(device)
	w.press(device, "unplug")
	w.must(b.Fill(map[string]string{"do": "lock"}))
	w.at(b, "lock")
	w.typePIN(b)
	w.at(b, "desktop")
	if !strings.Contains(b.Text(), "without the server") {
		t.Errorf("the desktop does not say so: %s", b.Text())
	}
	w.must(b.Fill(map[string]string{"do": "lock"}))
	if b.Has(map[string]string{"person": ""}) && b.Press("/web") == nil && b.At.Scheme == "https" {
		t.Error("web sign-in began without a network")
	}
	w.press(device, "plug")
	b = w.browser(device)
	w.webSignIn(b)
	w.at(b, "desktop")
}

func ahead(t *testing.T, w *world, device int) {
	t.Helper()
	b := w.desktop(device)
	w.press(device, "ahead")
	w.must(b.Fill(map[string]string{"do": "lock"}))
	w.typePIN(b)
	w.at(b, "desktop")
	w.must(b.Fill(map[string]string{"do": "signout"}))
	w.webSignIn(b)
	w.at(b, "desktop")
	w.press(device, "back")
	w.must(b.Fill(map[string]string{"do": "lock"}))
	w.typePIN(b)
	w.at(b, "desktop")
}

func cleared(t *testing.T, w *world, device int) {
	t.Helper()
	if _, err := exec.LookPath("swtpm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("swtpm is missing; install the package swtpm")
		}
		t.Skip("swtpm is missing; install the package swtpm")
	}
	w.desktop(device)
	if code := w.press(device, "clear"); code != "" {
		t.Fatalf("clearing the TPM: %s", code)
	}
	b := w.browser(device)
	if err := b.Press("/web"); err == nil && b.At.Scheme == "https" {
		t.Error("a device without its key began a web sign-in")
	}
	if code := w.press(device, "join"); code != "" {
		t.Fatalf("joining again: %s", code)
	}
	b = w.browser(device)
	w.webSignIn(b)
	w.at(b, "register")
	w.must(b.Fill(map[string]string{"pin": pin, "repeat": pin}))
	w.at(b, "desktop")
}

func crashed(t *testing.T, w *world, device int) {
	t.Helper()
	if code := w.press(device, "crash"); code != "benchNoBrowser" {
		t.Errorf("without a sign-in: %q", code)
	}
	b := w.browser(device)
	w.must(b.Press("/web"))
	crashed := *b // it may come back yet
	if code := w.press(device, "crash"); code != "" {
		t.Errorf("during a sign-in: %q", code)
	}
	window := w.browserAt(device, "/web")
	if window.Trouble() != "lockBrowser" {
		t.Errorf("the lock screen says %q: %s", window.Trouble(), window.Text())
	}
	if err := crashed.SignIn(w.created.Administrator, w.created.Pass); err == nil || crashed.Trouble() != "lockForeign" {
		t.Errorf("a browser that had crashed led to %s (%s): %v", crashed.Step(), crashed.Trouble(), err)
	}
	w.must(window.Press("/web"))
	w.must(window.SignIn(w.created.Administrator, w.created.Pass))
	w.at(window, "register")
}

func wiped(t *testing.T, w *world, device int) {
	t.Helper()
	if code := w.press(device, "wipe"); code != "benchNoPIN" {
		t.Errorf("without a PIN: %q", code)
	}
	b := w.desktop(device)
	w.press(device, "wipe")
	if len(w.containers(device)) != 0 {
		t.Error("it is still there")
	}
	w.must(b.Open("/desktop"))
	if !b.Has(map[string]string{"do": "pin"}) {
		t.Errorf("the desktop offers no new PIN: %s", b.Text())
	}
	w.must(b.Fill(map[string]string{"do": "pin"}))
	w.webSignIn(b)
	w.at(b, "register")
}

func said(t *testing.T, w *world, device int) {
	t.Helper()
	b := w.desktop(device)
	w.press(device, "corrupt")
	w.must(b.Fill(map[string]string{"do": "lock"}))
	if !strings.Contains(b.Text(), "damaged") || strings.Contains(b.Text(), "not set up") {
		t.Errorf("the lock screen says of a damaged PIN: %s", b.Text())
	}
	w.must(b.Follow("PIN"))
	bench := w.browserAt(device, "/bench")
	for name, secret := range map[string]string{"PIN": pin, "pass": w.created.Pass} {
		if strings.Contains(bench.Text(), secret) || strings.Contains(w.log.String(), secret) {
			t.Errorf("it tells the %s", name)
		}
	}
	for _, said := range []string{"Session opened", "Session locked", "One byte of the PIN container was flipped", "The device has joined"} {
		if !strings.Contains(bench.Text(), said) {
			t.Errorf("it does not say %q: %s", said, bench.Text())
		}
	}
}

func switchedOff(t *testing.T, w *world, device int) {
	t.Helper()
	b := w.desktop(device)
	graph, err := visitor.Graph(t.Context(), w.client, w.created.PublicURL, w.created.TenantID, w.created.Administrator, w.created.Pass)
	w.must(err)
	for one, err := range graph.Devices(t.Context(), graphclient.Query{Filter: "displayName eq '" + w.devices[device].Name + "'"}) {
		w.must(err)
		w.must(graph.UpdateDevice(t.Context(), one.Text("id"), graphclient.Object{"accountEnabled": false}))
	}
	for end := time.Now().Add(10 * time.Second); b.Step() == "desktop"; <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the session goes on")
		}
		w.must(b.Open("/desktop"))
	}
	if b.Step() != "lock" || b.Has(map[string]string{"pin": ""}) || b.Press("/web") == nil {
		t.Errorf("the lock screen lets people in: %s", b.Text())
	}
}

func restarted(t *testing.T, w *world, device int) {
	t.Helper()
	b := w.desktop(device)
	w.must(b.Fill(map[string]string{"do": "lock"}))
	w.must(b.Open("/power"))
	w.must(b.Fill(map[string]string{"action": "restart"}))
	w.at(b, "lock")
	if !strings.Contains(b.Text(), "Other user") {
		t.Errorf("a session outlived the restart: %s", b.Text())
	}
	w.typePIN(b)
	w.at(b, "desktop")
}

func TestADeviceDoesWithoutATPMThatDoesNotStart(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "swtpm"), []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", path)
	w := newWorld(t)
	if got := w.devices[0].Storage; !strings.HasPrefix(got, "no TPM") || !strings.Contains(w.log.String(), "does not start") {
		t.Errorf("its keys are in %q", got)
	}
	w.desktop(0)
}
