package authenticator

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func validSubscription(t testing.TB, endpoint string) string {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(Subscription{endpoint, SubscriptionKeys{
		base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), base64.RawURLEncoding.EncodeToString(make([]byte, 16)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOnlySubscriptionsAreTaken(t *testing.T) {
	good := validSubscription(t, "https://push.example/send/1")
	for name, text := range map[string]string{
		"as browsers send it":           good,
		"with an expiration":            strings.Replace(good, `"endpoint"`, `"expirationTime":null,"endpoint"`, 1),
		"with padding":                  strings.Replace(good, `AAAAAAAAAAAAAAAAAAAAAA"`, `AAAAAAAAAAAAAAAAAAAAAA=="`, 1),
		"bad: plain HTTP":               validSubscription(t, "http://push.example/send/1"),
		"bad: a user in the address":    validSubscription(t, "https://a:b@push.example/send/1"),
		"bad: a fragment":               validSubscription(t, "https://push.example/send/1#x"),
		"bad: no host":                  validSubscription(t, "https:///send/1"),
		"bad: not a URL":                validSubscription(t, "send"),
		"bad: a file":                   validSubscription(t, "file:///etc/passwd"),
		"bad: a secret that is short":   strings.Replace(good, "AAAAAAAAAAAAAAAAAAAAAA", "AAAA", 1),
		"bad: a key off the curve":      `{"endpoint":"https://push.example/1","keys":{"p256dh":"` + base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...)) + `","auth":"AAAAAAAAAAAAAAAAAAAAAA"}}`,
		"bad: no keys":                  `{"endpoint":"https://push.example/1"}`,
		"bad: two endpoints":            strings.Replace(good, `{"endpoint"`, `{"endpoint":"https://other.example/","endpoint"`, 1),
		"bad: longer than any there is": validSubscription(t, "https://push.example/"+strings.Repeat("a", maxSubscription)),
		"bad: nothing":                  ``,
	} {
		if _, err := ParseSubscription([]byte(text)); (err != nil) != strings.HasPrefix(name, "bad") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseSubscription(f *testing.F) {
	for _, seed := range []string{
		validSubscription(f, "https://push.example/send/1"), validSubscription(f, "https://[::1]:1/"), `{}`, `[]`, `{"endpoint":"https://a","keys":{}}`,
		`{"endpoint":"https://a","Endpoint":"http://b"}`, "{\"endpoint\":\"https://a\\u0000\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseSubscription(raw)
		if err != nil {
			return
		}
		u, err := url.Parse(s.Endpoint)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			t.Fatalf("endpoint %q", s.Endpoint)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseSubscription(text); err != nil || again != s {
			t.Fatalf("what is kept is not read again: %v, %v", again, err)
		}
	})
}

func FuzzParseCode(f *testing.F) {
	for _, seed := range []string{"ABCD-EFGH-JKLM", "abcd efgh jklm", "ABCDEFGHJKL0", "\x00", strings.Repeat("A-", 40), "ſBCDEFGHJKLM"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ParseCode(typed)
		if ok && (len(code) != codeLength || strings.Trim(code, codeAlphabet) != "") {
			t.Fatalf("ParseCode(%q) = %q", typed, code)
		}
	})
}
