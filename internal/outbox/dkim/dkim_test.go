package dkim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os/exec"
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

// dkimpy verifies mails, a JSON list on stdin, against a record; nobody here wrote it.
const dkimpy = `
import json, sys
try:
    import dkim
except ImportError:
    sys.exit(42)
record = sys.argv[1].encode()
def lookup(name, timeout=5):
    return record if name.rstrip(b".") == sys.argv[2].encode() else None
def ok(mail):
    try:
        return bool(dkim.verify(mail.encode(), dnsfunc=lookup))
    except dkim.DKIMException:
        return False
json.dump([ok(mail) for mail in json.load(sys.stdin)], sys.stdout)
`

// byDkimpy reports which of mails it says are signed, or skips the test where it is not installed.
func byDkimpy(t *testing.T, name, record string, mails []string) []bool {
	t.Helper()
	in, err := json.Marshal(mails)
	if err != nil {
		t.Fatal(err)
	}
	python := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", dkimpy, record, name)
	python.Stdin = bytes.NewReader(in)
	out, err := python.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); errors.Is(err, fs.ErrNotExist) || ok && exit.ExitCode() == 42 {
		t.Skip("python3-dkim is not installed")
	}
	var all []bool
	if err != nil || json.Unmarshal(out, &all) != nil || len(all) != len(mails) {
		t.Fatalf("%v: %s", err, out)
	}
	return all
}

func TestAnotherProgramVerifiesWhatWasSignedAndNothingElse(t *testing.T) {
	k := newKey(t)
	name, text, err := k.Record()
	if err != nil || name != "p1._domainkey.contoso.example" {
		t.Fatalf("%s: %v", name, err)
	}
	good := sign(t, k, mail)
	for line := range strings.SplitSeq(good, "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	cases := []struct {
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
	}
	var mails []string
	for _, c := range cases {
		found, err := dkim.VerifyWithOptions(strings.NewReader(c.mail), &dkim.VerifyOptions{LookupTXT: func(string) ([]string, error) { return []string{text}, nil }})
		if byLibrary := err == nil && len(found) == 1 && found[0].Err == nil; byLibrary != c.want {
			t.Errorf("%s, by the library: %v %+v", c.name, err, found)
		}
		mails = append(mails, c.mail)
	}
	for i, ok := range byDkimpy(t, name, text, mails) {
		if ok != cases[i].want {
			t.Errorf("%s, by dkimpy: %t", cases[i].name, ok)
		}
	}
}

func TestOnlyAKeyIsAKeyAndANameAName(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	ec := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	for _, text := range []string{"", "hello", ec, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	for name, want := range map[string]bool{
		"p1": true, "contoso.example": true, "a-b.example": true, "": false, "a b": false, "a;d=evil": false, "-a": false, "a..b": false, "a\r\nb": false, "a_b": false,
		"1.2.3.4.5.6.7.8.9.a": true, "1.2.3.4.5.6.7.8.9.a.b": false,
	} {
		if IsName(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}
