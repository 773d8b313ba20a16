package webhook

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// The example of Svix, whose scheme Standard Webhooks is.
// https://docs.svix.com/receiving/verifying-payloads/how-manual
func TestASignatureIsThatOfTheStandard(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`, key); got != want {
		t.Errorf("got %s", got)
	}
	if got := Shown(key); got != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Errorf("the secret is shown as %s", got)
	}
}

func TestOnlyAFreshSignatureOfTheWholeMessageVerifies(t *testing.T) {
	now, key, other := time.Unix(1_800_000_000, 0), []byte("one key of thirty-two bytes, yes"), []byte("another")
	stamp := Stamp(now)
	good := Sign("m1", stamp, "body", key)
	for _, c := range []struct {
		name, id, stamp, body, signatures string
		key                               []byte
		now                               time.Time
		want                              bool
	}{
		{"as it was sent", "m1", stamp, "body", good, key, now, true},
		{"with two keys", "m1", stamp, "body", Sign("m1", stamp, "body", other, key), key, now, true},
		{"just in time", "m1", stamp, "body", good, key, now.Add(Tolerance), true},
		{"late", "m1", stamp, "body", good, key, now.Add(Tolerance + time.Second), false},
		{"from the future", "m1", stamp, "body", good, key, now.Add(-Tolerance - time.Second), false},
		{"another id", "m2", stamp, "body", good, key, now, false},
		{"another time", "m1", Stamp(now.Add(time.Second)), "body", good, key, now, false},
		{"another body", "m1", stamp, "bodY", good, key, now, false},
		{"parts that were moved", "m1." + stamp, stamp, "body", Sign("m1."+stamp, stamp, "body", key), key, now, false},
		{"another key", "m1", stamp, "body", good, other, now, false},
		{"no key", "m1", stamp, "body", Sign("m1", stamp, "body", nil), nil, now, false},
		{"no signature", "m1", stamp, "body", "", key, now, false},
		{"another scheme", "m1", stamp, "body", strings.Replace(good, "v1,", "v1a,", 1), key, now, false},
		{"no time", "m1", "now", "body", Sign("m1", "now", "body", key), key, now, false},
	} {
		if got := Verify(c.id, c.stamp, c.body, c.signatures, c.key, c.now); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
