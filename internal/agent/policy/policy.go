// Package policy keeps what the server says that holds on this device: signed, so that
// nobody edits it on the disk, and never exchanged for an older one. Where no policy says
// anything, the machine's owner may (a file of local values); what such a file can't do is
// reported. docs/agent.md tells administrators about it.
package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
)

// Faults of a kept policy.
var (
	ErrUntrusted = &fault.Error{
		Kind: fault.Conflict, Code: "policyUntrusted",
		Text: "The policy on this device is not one that the server signed for it.", Remedy: "Connect the device, or run postern-agent repair.",
	}
	ErrOlder = &fault.Error{
		Kind: fault.Conflict, Code: "policyOlder",
		Text: "This policy is older than the one that is kept.", Remedy: "Nothing is to be done: the newer one stays.",
	}
	ErrNone = &fault.Error{
		Kind: fault.NotFound, Code: "policyNone",
		Text: "This device has no policy yet.", Remedy: "Connect it to the network.",
	}
)

// Want says whose policy is taken.
type Want struct {
	Issuer, Tenant, Device string
	User                   string // empty for the device's own
}

// Verify returns the settings in signed if a key of the JWK set keys signed them for want.
func Verify(signed string, keys []byte, want Want) (device.Settings, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keys, &set); err != nil {
		return device.Settings{}, ErrUntrusted
	}
	jws, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return device.Settings{}, ErrUntrusted
	}
	header := jws.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != device.TypePolicy {
		return device.Settings{}, ErrUntrusted
	}
	for _, key := range set.Key(header.KeyID) {
		body, err := jws.Verify(key)
		if err != nil {
			continue
		}
		var s device.Settings
		if err := json.Unmarshal(body, &s); err != nil {
			return s, ErrUntrusted
		}
		if s.Issuer != want.Issuer || s.TenantID != want.Tenant || s.DeviceID != want.Device || s.UserID != want.User {
			return device.Settings{}, ErrUntrusted.With("", "The policy is another device's or another person's.")
		}
		return s, nil
	}
	return device.Settings{}, ErrUntrusted
}

// Files keeps the file; package disk has the real one.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
	Remove(name string) error
}

// Keeper keeps the policies of a device. Open it.
type Keeper struct {
	files Files
	want  Want

	mu    sync.RWMutex
	kept  kept
	known map[string]device.Settings // by user; the device's own under ""
	local map[string]devicepolicy.Value
}

// kept is the file: the keys, and each policy as it was signed, by user.
type kept struct {
	Keys   json.RawMessage   `json:"keys"`
	Signed map[string]string `json:"signed"`
}

const file = "policy.json"

// Open reads what is kept. keys are those that came with the join, and count instead of
// those in the file, which is trusted with nothing. A file that was edited is ErrUntrusted;
// the keeper works, and knows no policy.
func Open(files Files, want Want, keys []byte) (*Keeper, error) {
	k := &Keeper{files: files, want: want, known: map[string]device.Settings{}, kept: kept{Keys: keys, Signed: map[string]string{}}}
	data, err := files.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return k, ErrNone
	}
	if err != nil {
		return k, fmt.Errorf("read the policy: %w", err)
	}
	var from kept
	if err := json.Unmarshal(data, &from); err != nil {
		return k, ErrUntrusted
	}
	for user, signed := range from.Signed {
		want.User = user
		s, verifyErr := Verify(signed, keys, want)
		if verifyErr != nil {
			err = verifyErr
			continue
		}
		k.known[user], k.kept.Signed[user] = s, signed
	}
	if _, ok := k.known[""]; !ok && err == nil {
		err = ErrNone
	}
	return k, err
}

// Take keeps a policy that the server sent, and reports whether anything that it says
// differs from before. An older one is ErrOlder.
func (k *Keeper) Take(answer device.PolicyAnswer, user string) (changed bool, err error) {
	want := k.want
	want.User = user
	s, err := Verify(answer.Policy, answer.PolicyKeys, want)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	former, had := k.known[user]
	if had && s.Version < former.Version {
		return false, ErrOlder
	}
	next := kept{Keys: answer.PolicyKeys, Signed: maps.Clone(k.kept.Signed)}
	next.Signed[user] = answer.Policy
	data, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return false, err
	}
	if err := k.files.Replace(file, data); err != nil {
		return false, err
	}
	k.kept, k.known[user] = next, s
	return !had || !same(former, s), nil
}

// Keys returns the keys that sign policies, as the server sent them last.
func (k *Keeper) Keys() []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.kept.Keys
}

func same(a, b device.Settings) bool {
	return maps.EqualFunc(a.Settings, b.Settings, func(x, y device.Setting) bool {
		return x.Value.Equal(y.Value) && x.Source == y.Source && x.Reason == y.Reason && x.PolicyID == y.PolicyID
	})
}

// SignedAt returns when the server signed the device's own policy, which is the last time
// that it is known to have had; zero without a policy.
func (k *Keeper) SignedAt() time.Time {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.known[""]
	if !ok {
		return time.Time{}
	}
	return time.Unix(s.IssuedAt, 0).UTC()
}

// Version returns the version of the device's own policy.
func (k *Keeper) Version() int64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.known[""].Version
}

// Forget removes what is kept.
func (k *Keeper) Forget() error { return Forget(k.files) }

// Forget removes the policies that files keeps.
func Forget(files Files) error { return files.Remove(file) }

// SetLocal sets the values of the machine's owner.
func (k *Keeper) SetLocal(local map[string]devicepolicy.Value) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.local = local
}

// Effective returns what holds for a person, or on the lock screen when user is empty. A
// person whose policy is not known yet gets the device's. Without any, what holds is
// careful: web sign-in is on, since the server decides there, and nothing works offline.
func (k *Keeper) Effective(user string) Settings {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.known[user]
	if !ok {
		s, ok = k.known[""]
	}
	out := Settings{}
	if !ok {
		return careful()
	}
	maps.Copy(out, s.Settings)
	out.apply(k.local)
	return out
}
