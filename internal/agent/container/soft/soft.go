// Package soft is the device PIN of a device without a TPM: the key of one person in a file,
// as far as package pinkey/software and policy allow it. It keeps the promises of package
// container as far as a file can:
//
//	PIN, salt ─ Argon2id ─┬─▶ verifier: the server counts it and answers its share
//	                      └─▶ with the share: opens ByPIN ─▶ box key ─▶ key, former PINs
//	                          alone: opens Offline, which is there only where policy says so
//	recovery secret, which only the server can open: opens ByRecovery ─▶ box key
//
// Who copies the disk has nothing to guess at without the server, which takes five wrong tries,
// unless offline use is on: then Argon2id alone stands between them and the PIN. Who is root on
// the device while a PIN is typed has all of it. docs/device-pin.md says so.
package soft

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/pinkey/software"
)

// Server is what a container needs of the server, with the token of its person where one is
// needed.
type Server interface {
	RegisterSoftware(ctx context.Context, c pinkey.Container, in device.KeyRequest) (device.KeyAnswer, error)
	Try(ctx context.Context, c pinkey.Container, in device.TryRequest) (device.TryAnswer, error)
	Release(ctx context.Context, c pinkey.Container, in device.ReleaseRequest) (device.ReleaseAnswer, error)
	Remove(ctx context.Context, c pinkey.Container) error

	// BeginSoftRotation and RotateSoftware replace a key; see container.Rotator.
	BeginSoftRotation(ctx context.Context, c pinkey.Container) (Plan, error)
	RotateSoftware(ctx context.Context, c pinkey.Container, in device.RotateRequest) error
	container.Registry
}

// Plan is what the server says of a container before it is made.
type Plan struct {
	IDs         pinkey.Container
	RecoveryKey []byte
	Challenge   []byte
	Share       []byte // where the key takes another one's place
}

// ErrAway says that the server has to be asked, and is not there.
var ErrAway = &fault.Error{
	Kind: fault.Unavailable, Code: "pinNeedsServer",
	Text: "Without a security chip this PIN needs the server, which can't be reached.", Remedy: "Connect this device.",
}

// Store keeps the containers of a device. Every field is required.
type Store struct {
	Files container.Files
	Now   func() time.Time
	// Offline says whether a person's PIN may work without the server.
	Offline func(user string) bool

	locks sync.Map // user to *sync.Mutex
}

func (s *Store) lock(user string) (unlock func()) {
	one, _ := s.locks.LoadOrStore(user, &sync.Mutex{})
	mu := one.(*sync.Mutex) //nolint:errcheck,forcetypeassert // only mutexes are stored
	mu.Lock()
	return mu.Unlock
}

// Users returns the object ids of the people who have a PIN here.
func (s *Store) Users() ([]string, error) { return s.asContainers().Users() }

// Find returns a person's container, container.ErrNoPIN or container.ErrBroken.
func (s *Store) Find(user string) (container.Container, error) {
	c, err := s.asContainers().Find(user)
	if err == nil && c.Software == nil {
		err = container.ErrBroken
	}
	return c, err
}

// asContainers reads the files, which are those of package container.
func (s *Store) asContainers() *container.Store { return &container.Store{Files: s.Files} }

func (s *Store) save(c container.Container) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return s.Files.Replace(c.IDs.User+".json", data)
}

// Holds reports whether the file of c is whole, as far as one can tell without the PIN.
func (s *Store) Holds(c container.Container) error {
	if _, err := c.PublicKey(); err != nil || len(c.Software.Salt) != saltSize || len(c.Software.ByPIN) == 0 {
		return container.ErrBroken
	}
	return nil
}

const (
	saltSize = 32
	keySize  = 32
)

// a stretched is what Argon2id makes of a PIN.
type stretched []byte

// memory is that of Argon2id, in KiB. Only the tests of power cuts, which are many, take less.
var memory uint32 = 64 << 10

// stretch is the second recommended option of RFC 9106, section 4.
func stretch(pin string, salt []byte) stretched {
	return argon2.IDKey([]byte(pin), salt, 3, memory, 4, 32)
}

func (p stretched) derive(share []byte, label string) ([]byte, error) {
	return hkdf.Key(sha256.New, p, share, "postern software PIN "+label, keySize)
}

// verifier is for the server. It says nothing about the key of the file.
func (p stretched) verifier() ([]byte, error) { return p.derive(nil, "verifier") }

// seal encrypts for one container and purpose.
func seal(key []byte, c pinkey.Container, what string, data []byte) ([]byte, error) {
	a, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, data, append([]byte(what+"\x00"), c.Ref()...)), nil
}

// open opens what seal made, or is ErrBroken.
func open(key []byte, c pinkey.Container, what string, sealed []byte) ([]byte, error) {
	a, err := gcm(key)
	if err != nil {
		return nil, err
	}
	data, err := a.Open(nil, nil, sealed, append([]byte(what+"\x00"), c.Ref()...))
	if err != nil {
		return nil, container.ErrBroken
	}
	return data, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// A draft is a new PIN, with all that hangs on it drawn anew, before the server gave its share.
type draft struct {
	c                         pinkey.Container
	pin                       stretched
	salt, box, secret, sealed []byte
	recoveryKey               []byte
}

// newDraft also returns what the server gets to watch over the PIN.
func newDraft(c pinkey.Container, recoveryKey []byte, pin string) (*draft, software.Guard, error) {
	d := &draft{c: c, salt: random(saltSize), box: random(keySize), secret: random(software.SecretSize), recoveryKey: recoveryKey}
	d.pin = stretch(pin, d.salt)
	var err error
	if d.sealed, err = software.Seal(recoveryKey, software.Recovery, c, d.secret); err != nil {
		return nil, software.Guard{}, err
	}
	verifier, err := d.pin.verifier()
	return d, software.Guard{Verifier: verifier, Recovery: software.Hash(d.sealed)}, err
}

// finish locks a key up by the new PIN and the server's share, and without that where policy
// allows it.
func (d *draft) finish(key *ecdsa.PrivateKey, former container.Formers, share []byte, offline bool) (*container.Software, error) {
	if len(share) != software.ShareSize {
		return nil, container.ErrBroken
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	raw, err := key.Bytes()
	if err != nil {
		return nil, err
	}
	byPIN, err := d.pin.derive(share, "box")
	if err != nil {
		return nil, err
	}
	out := &container.Software{Public: public, RecoveryKey: d.recoveryKey, Salt: d.salt, Recovery: d.sealed}
	var errs [5]error
	out.Key, errs[0] = seal(d.box, d.c, "key", raw)
	out.ByPIN, errs[1] = seal(byPIN, d.c, "box by PIN", d.box)
	out.ByRecovery, errs[2] = seal(d.secret, d.c, "box by recovery", d.box)
	if offline {
		out.Offline, errs[3] = d.pin.offline(d.c, d.box)
	}
	if len(former.PINs) > 0 {
		out.Former, errs[4] = sealFormer(d.box, d.c, former)
	}
	return out, errors.Join(errs[:]...)
}

func sealFormer(box []byte, c pinkey.Container, former container.Formers) ([]byte, error) {
	text, err := json.Marshal(former)
	if err != nil {
		return nil, err
	}
	return seal(box, c, "former PINs", text)
}

// offline wraps the box by the PIN alone.
func (p stretched) offline(c pinkey.Container, box []byte) ([]byte, error) {
	key, err := p.derive(nil, "box offline")
	if err != nil {
		return nil, err
	}
	return seal(key, c, "box offline", box)
}

// contents are what a box holds.
func contents(c container.Container, box []byte) (*ecdsa.PrivateKey, container.Formers, error) {
	var former container.Formers
	raw, err := open(box, c.IDs, "key", c.Software.Key)
	if err != nil {
		return nil, former, err
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, former, container.ErrBroken
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil || string(public) != string(c.Software.Public) {
		return nil, former, container.ErrBroken
	}
	if text, err := open(box, c.IDs, "former PINs", c.Software.Former); err == nil {
		_ = json.Unmarshal(text, &former) // one that was damaged counts as empty
	}
	return key, former, nil
}

// triesFile counts wrong PINs here, for what is typed offline. Going back to an older disk
// resets it, which is why the server counts, too, and why offline use is off by default.
func triesFile(user string) string { return user + ".tries" }

func (s *Store) tries(user string) (int, error) {
	data, err := s.Files.Read(triesFile(user))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return min(container.MaxWrong, strings.Count(string(data), "x")), nil
}

func (s *Store) setTries(user string, n int) error {
	if now, err := s.tries(user); err == nil && now == n {
		return nil
	}
	return s.Files.Replace(triesFile(user), []byte(strings.Repeat("x", n)))
}

// Left returns how many wrong PINs the container still takes, as far as this device knows.
func (s *Store) Left(c container.Container) (left int, wait time.Duration, err error) {
	n, err := s.tries(c.IDs.User)
	return container.MaxWrong - n, container.WrongAfter(n).Wait, err
}
