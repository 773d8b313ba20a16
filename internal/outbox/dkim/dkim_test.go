package dkim

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

const mail = "From: \"Contoso\" <postern@contoso.example>\r\nTo: Mira <mira@contoso.example>\r\nSubject: =?utf-8?q?Z=C3=BCrich?=\r\n of  a pass\r\nDate: Mon, 02 Nov 2026 09:00:00 +0000\r\n" +
	"Message-ID: <1@contoso.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain;\r\n charset=UTF-8\r\nReceived: by nobody\r\n\r\nHello  Mira, \r\n\r\n.dot\r\n\t\r\n\r\n"

func newKey(t *testing.T) Key {
	t.Helper()
	text, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	private, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return Key{Domain: "contoso.example", Selector: "p1", Private: private}
}

func sign(t *testing.T, k Key, message string) string {
	t.Helper()
	value, err := k.Sign([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return Header + ": " + value + "\r\n" + message
}

// dkimpy verifies mail from stdin against a record; nobody here wrote it.
const dkimpy = `
import sys, dkim
record = open(sys.argv[1], "rb").read()
ok = dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: record if name == sys.argv[2].encode() + b"." or name == sys.argv[2].encode() else None)
sys.exit(0 if ok else 3)
`

func TestAnotherProgramVerifiesWhatWasSignedAndNothingElse(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import dkim").Run(); err != nil {
		t.Skip("python3-dkim is not installed")
	}
	k := newKey(t)
	name, text, err := k.Record()
	if err != nil || name != "p1._domainkey.contoso.example" {
		t.Fatalf("%s: %v", name, err)
	}
	record := filepath.Join(t.TempDir(), "record")
	if err := os.WriteFile(record, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	good := sign(t, k, mail)
	for line := range strings.SplitSeq(good, "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	for _, c := range []struct {
		name, mail string
		want       bool
	}{
		{"as it was signed", good, true},
		{"with a server's header on top", "Received: from a by b\r\n" + good, true},
		{"with other spaces", strings.Replace(good, "Hello  Mira, ", "Hello Mira,", 1), true},
		{"with another subject", strings.Replace(good, "a pass", "a gift", 1), false},
		{"with another body", strings.Replace(good, "Hello", "Hallo", 1), false},
		{"with a second sender", "From: eve@fabrikam.example\r\n" + good, false},
		{"with a second subject", strings.Replace(good, "Received: by nobody", "Subject: Pay me", 1), false},
		{"with another key", sign(t, newKey(t), mail), false},
	} {
		found, err := dkim.VerifyWithOptions(strings.NewReader(c.mail), &dkim.VerifyOptions{LookupTXT: func(string) ([]string, error) { return []string{text}, nil }})
		if byLibrary := err == nil && len(found) == 1 && found[0].Err == nil; byLibrary != c.want {
			t.Errorf("%s, by the library: %v %+v", c.name, err, found)
		}
		verify := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", dkimpy, record, name)
		verify.Stdin = bytes.NewReader([]byte(c.mail))
		out, err := verify.CombinedOutput()
		if (err == nil) != c.want {
			t.Errorf("%s: %v %s", c.name, err, out)
		}
	}
}

func TestOnlyAKeyIsAKeyAndANameAName(t *testing.T) {
	for _, text := range []string{"", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	for name, want := range map[string]bool{
		"p1": true, "contoso.example": true, "a-b.example": true, "": false, "a b": false, "a;d=evil": false, "-a": false, "a..b": false, "a\r\nb": false, "a_b": false,
	} {
		if IsName(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}
