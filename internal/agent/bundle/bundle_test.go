package bundle_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/bundle"
)

func TestWhatCouldBeASecretIsReplaced(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`msg="no contact" err="connection refused" again=5s`, `msg="no contact" err="connection refused" again=5s`},
		{`"account":"3f0a4b43-9f0e-4d2b-8c4d-5e6f9c1f6f2e"`, `"account":"3f0a4b43-9f0e-4d2b-8c4d-5e6f9c1f6f2e"`},
		{`(pinStopped) code=webSignInOff`, `(pinStopped) code=webSignInOff`},
		{`open /var/lib/postern-agent/containers/somebody.json`, `open /var/lib/postern-agent/containers/somebody.json`},
		{`got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtaXJhIn0.c2ln back`, `got [token] back`},
		{`pass=ABCD-EFGH next`, `pass=[secret] next`},
		{`{"accessToken":"x","access_token":"abc","pin": "246813"}`, `{"accessToken":"x","access_token":[secret],"pin": [secret]}`},
		{`Authorization: Bearer`, `Authorization: [secret]`},
		{"-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\nafter", "[block]\nafter"},
		{"-----BEGIN PRIVATE KEY-----\nMIG, cut off", "[block]"},
		{strings.Repeat("A1", 21) + "==", "[long]"},
	} {
		if got := string(bundle.WithoutSecrets([]byte(c.line))); got != c.want {
			t.Errorf("%s\n is %s\nwant %s", c.line, got, c.want)
		}
	}
}

func FuzzNoTokenSurvives(f *testing.F) {
	const token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtaXJhIn0.c2lnbmF0dXJl"
	f.Add("Bearer ", " rest")
	f.Add("x=", "&y=")
	f.Fuzz(func(t *testing.T, before, after string) {
		if out := bundle.WithoutSecrets([]byte(before + token + after)); bytes.Contains(out, []byte("eyJzdWIiOiJtaXJhIn0")) {
			t.Errorf("%q", out)
		}
	})
}

func TestAFolderThatIsNotThereIsNoReasonForNoBundle(t *testing.T) {
	var out bytes.Buffer
	if err := bundle.Write(&out, bundle.Contents{Made: time.Now(), State: t.TempDir() + "/none"}); err != nil || out.Len() == 0 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}
