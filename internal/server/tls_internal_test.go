package server

import (
	"crypto/x509"
	"os"
	"testing"
	"time"
)

func TestLeavesOfTheOwnCARenewByThemselves(t *testing.T) {
	dir, nine := t.TempDir(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	if err := ensureCA(dir, nine); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(CAFile(dir))
	if err != nil || !roots.AppendCertsFromPEM(ca) {
		t.Fatal(err)
	}
	var last string
	for _, step := range []struct {
		what  string
		url   string
		after time.Duration
		fresh bool
	}{
		{"the first", "https://id.contoso.example", 0, true},
		{"a day later", "https://id.contoso.example", 24 * time.Hour, false},
		{"more than a month before its end", "https://id.contoso.example", leafLifetime - renewBefore - time.Hour, false},
		{"a month before its end", "https://id.contoso.example", leafLifetime - renewBefore, true},
		{"under another name", "https://sso.contoso.example", leafLifetime - renewBefore, true},
		{"years later", "https://sso.contoso.example", 5 * 365 * 24 * time.Hour, true},
	} {
		now := nine.Add(step.after)
		pair, err := localCertificate(dir, step.url, now)
		if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		serial := pair.Leaf.SerialNumber.String()
		if (serial != last) != step.fresh {
			t.Errorf("%s: a new one: %t", step.what, serial != last)
		}
		last = serial
		for _, host := range []string{step.url[len("https://"):], "localhost", "127.0.0.1"} {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: now}); err != nil {
				t.Errorf("%s: %s: %v", step.what, host, err)
			}
		}
	}
	if again, err := os.ReadFile(CAFile(dir)); err != nil || string(again) != string(ca) {
		t.Errorf("the CA changed: %v", err)
	}
}
