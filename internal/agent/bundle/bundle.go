// Package bundle packs what a helpdesk needs to see of a device into one file, a tar.gz: how it
// is, what holds on it, what runs, and the last lines of the log. It holds no secret: files of
// the agent are listed and never copied, and of the log everything goes that could be one. It
// does hold names of people and of the machine; its README says so.
package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent/machine"
)

// Contents are what goes in.
type Contents struct {
	Made           time.Time
	Version        string // of the agent
	Status, Doctor any    // as the commands print them with --json
	Policy         any    // effective values, by URI
	State          string // folder of the agent's state, to be listed
	Log            []byte // last lines; WithoutSecrets is applied here
}

const readme = `Support bundle of postern-agent, made at %s.

status.json    how this device is, and who has been here
doctor.json    every prerequisite, with what to do
policy.json    every setting that holds, where it comes from and why
versions.json  the agent, its parts, the system
state.txt      the agent's files: names, sizes, times; no contents
log.txt        the last lines of the agent's log

There are no keys, PINs, passes or tokens in it: what could be one was replaced in the log.
There are names: of people and their accounts, of this machine, its server and its networks.
Give it to people who may know them.
`

// Write writes the bundle.
func Write(w io.Writer, c Contents) error {
	list, err := listing(c.State)
	if err != nil {
		return err
	}
	zip := gzip.NewWriter(w)
	out := tar.NewWriter(zip)
	add := func(name string, data []byte) {
		if err == nil {
			err = out.WriteHeader(&tar.Header{Name: "postern-support/" + name, Mode: 0o600, Size: int64(len(data)), ModTime: c.Made})
		}
		if err == nil {
			_, err = out.Write(data)
		}
	}
	addJSON := func(name string, v any) {
		data, jsonErr := json.MarshalIndent(v, "", "  ")
		if err == nil {
			err = jsonErr
		}
		add(name, append(data, '\n'))
	}
	add("README.txt", fmt.Appendf(nil, readme, c.Made.UTC().Format(time.RFC3339)))
	addJSON("status.json", c.Status)
	addJSON("doctor.json", c.Doctor)
	addJSON("policy.json", c.Policy)
	addJSON("versions.json", versions(c.Version))
	add("state.txt", list)
	add("log.txt", WithoutSecrets(c.Log))
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return zip.Close()
}

// versions are what runs here.
func versions(agent string) any {
	f := machine.Read()
	v := struct {
		Agent, Go      string
		System, Kernel string
		Maker, Model   string
		Parts          map[string]string // modules, and their versions
	}{Agent: agent, System: f.System + " " + f.Release, Maker: f.Maker, Model: f.Model, Parts: map[string]string{}}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		v.Kernel = strings.TrimSpace(string(text))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Go = info.GoVersion
		for _, one := range info.Deps {
			v.Parts[one.Path] = one.Version
		}
	}
	return v
}

// listing names the files below a folder.
func listing(folder string) ([]byte, error) {
	var out bytes.Buffer
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			fmt.Fprintf(&out, "%v\n", err)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it went meanwhile
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s %9d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.RFC3339), name)
		return nil
	})
	return out.Bytes(), err
}

var (
	block  = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|$)`)
	jwt    = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*`)
	named  = regexp.MustCompile(`(?i)\b(pass|passcode|passphrase|password|pin|secret|psk|otp|ticket|token|access_token|refresh_token|id_token|assertion|authorization|dpop|verifier|share)(["']?\s*[=:]\s*)("[^"\n]*"|'[^'\n]*'|[^\s,;}"']+)`)
	long   = regexp.MustCompile(`[A-Za-z0-9+/_-]{40,}={0,2}`)
	coding = regexp.MustCompile(`[0-9]`)
)

// WithoutSecrets replaces what could be a secret. The agent logs none: this is for what others
// write into the same log, and for the day on which somebody makes a mistake.
func WithoutSecrets(log []byte) []byte {
	log = block.ReplaceAll(log, []byte("[block]"))
	log = jwt.ReplaceAll(log, []byte("[token]"))
	log = named.ReplaceAll(log, []byte("$1$2[secret]"))
	return long.ReplaceAllFunc(log, func(text []byte) []byte {
		if bytes.HasPrefix(text, []byte("/")) && !coding.Match(text) { // a path
			return text
		}
		return []byte("[long]")
	})
}
