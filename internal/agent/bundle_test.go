//go:build linux

package agent_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/bundle"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/identity"
)

// TestASupportBundleHasNoSecrets lives through a day of a device, with all that is logged, and
// then looks for everything secret that the day brought.
func TestASupportBundleHasNoSecrets(t *testing.T) {
	for name, change := range map[string]func(*agent.Options){"with a TPM": func(*agent.Options) {}, "without": withoutTPM} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			log := &shared{}
			a := w.open(change, func(o *agent.Options) {
				o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			join := w.request()
			pass := w.pass()
			join.SignIn = agent.WithPass(admin, pass)
			if err := a.Join(t.Context(), join); err != nil {
				t.Fatal(err)
			}
			p := w.signedIn(a)
			if err := a.SetPIN(t.Context(), p, firstPIN); err != nil {
				t.Fatal(err)
			}
			_, _ = a.Unlock(t.Context(), p.ID, "190572")
			out, err := a.Unlock(t.Context(), p.ID, firstPIN)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(a.ChangePIN(t.Context(), p.ID, firstPIN, secondPIN), a.Contact(t.Context())); err != nil {
				t.Fatal(err)
			}
			w.running(a)
			w.within("connected", 10*time.Second, a.Connected)
			w.graph("PATCH", "/v1.0/devices/"+w.device(a).Identity().ObjectID, `{"accountEnabled":false}`, 204, nil)
			w.within("the agent logs that the device was switched off", 10*time.Second, func() bool { return len(log.Bytes()) > 0 })

			var file bytes.Buffer
			status := a.Status()
			if err := bundle.Write(&file, bundle.Contents{
				Made: time.Now(), Version: "test", Status: status, Doctor: a.Doctor(t.Context()), Policy: status.Policy, State: w.state, Log: log.Bytes(),
			}); err != nil {
				t.Fatal(err)
			}
			files := unpack(t, file.Bytes())
			for _, want := range []string{"status.json", "doctor.json", "policy.json", "versions.json", "state.txt", "log.txt", "README.txt"} {
				if len(files["postern-support/"+want]) == 0 {
					t.Errorf("%s is missing or empty", want)
				}
			}
			if !strings.Contains(files["postern-support/status.json"], admin) {
				t.Error("it does not say who has been here")
			}
			secrets := map[string]string{
				"a pass": pass.Reveal(), "the PIN": firstPIN, "another PIN": secondPIN, "a wrong PIN": "190572",
				"the token of a pass": p.Access.Reveal(), "the token of a PIN": out.Person.Access.Reveal(),
			}
			var i identity.Identity
			read(t, filepath.Join(w.state, "device.json"), &i)
			var c container.Container
			read(t, filepath.Join(w.state, "containers", p.ID+".json"), &c)
			for what, data := range map[string][]byte{
				"the device's key": i.Software, "the wrapped device's key": i.Key.Private, "the wrapped key of the PIN": c.Key.Private, "a salt": c.Salt,
			} {
				if len(data) > 0 {
					secrets[what] = base64.StdEncoding.EncodeToString(data)
				}
			}
			if c.Software != nil {
				for what, data := range map[string][]byte{"the salt": c.Software.Salt, "the encrypted key": c.Software.Key, "the box": c.Software.ByPIN} {
					secrets[what] = base64.StdEncoding.EncodeToString(data)
				}
			}
			for name, text := range files {
				for what, secret := range secrets {
					if secret == "" || strings.Contains(text, secret) {
						t.Errorf("%s has %s", name, what)
					}
				}
				if strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "eyJ") {
					t.Errorf("%s has a key or a token", name)
				}
			}
		})
	}
}

// shared is a log that is read while it is written.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(line)
}

func (s *shared) Bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.text.Bytes())
}

func read(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, data []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = string(text)
	}
}
