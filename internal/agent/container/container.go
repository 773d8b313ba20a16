// Package container is the device PIN of one person on this device: a key in the TPM that
// the PIN opens, the file that says where it is, and the rules around it. The key never
// leaves the TPM; the file holds its wrapping and no secret.
//
//	          Create                 Register
//	(none) ──────────▶ pending ─────────────────▶ ready ──▶ Unlock, Change, Reset
//	                      │                         │
//	                      └──────── Remove ◀────────┘
//
// A pending container is one whose key the server has not acknowledged; it opens nothing, and
// making it again starts over. Each step that matters is one file replaced whole, so that a
// power cut leaves the state before it or the one after it (docs/device-pin.md).
package container

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/pinkey"
)

// State says how far a container is.
type State string

// The states of a container.
const (
	Pending State = "pending"
	Ready   State = "ready"
)

// A Container is the file of one person's device PIN. Its key is worthless elsewhere.
type Container struct {
	Version int              `json:"version"` // of this file's form
	IDs     pinkey.Container `json:"ids"`
	State   State            `json:"state"`
	Method  string           `json:"method,omitempty"` // id of the windowsHelloForBusinessMethod
	Key     tpm.Key          `json:"key,omitzero"`
	Salt    []byte           `json:"salt,omitempty"`
	Counter tpm.Counter      `json:"counter,omitzero"` // wrong PINs in a row, in the TPM's memory
	// Reset is the key that may authorise a new PIN, and the version of the root that it is
	// derived from.
	Reset        []byte    `json:"reset,omitempty"` // TPMT_PUBLIC
	ResetVersion int       `json:"resetVersion,omitempty"`
	CreatedAt    time.Time `json:"createdAt"`
	SetAt        time.Time `json:"setAt"`             // when the PIN was last chosen
	History      *History  `json:"history,omitempty"` // former PINs; nil where none are kept

	Next *Successor `json:"next,omitempty"` // while it is not known whether the server took it

	// Software is the key on a device without a TPM, where Key, Salt, Counter, Reset and
	// History are not used; package soft guards it.
	Software *Software `json:"software,omitempty"`
}

// Software is a key in a file. What is encrypted says by what; package soft has the picture.
type Software struct {
	Public      []byte `json:"public"`      // PKIX
	RecoveryKey []byte `json:"recoveryKey"` // HPKE, of the server for this container
	Salt        []byte `json:"salt"`        // of Argon2id; the server never has it
	ByPIN       []byte `json:"byPin"`       // key of the box, by PIN and the server's share
	Offline     []byte `json:"offline,omitempty"`
	Recovery    []byte `json:"recovery"`   // recovery secret, by RecoveryKey
	ByRecovery  []byte `json:"byRecovery"` // key of the box, by the recovery secret
	Key         []byte `json:"key"`        // private key, by the key of the box
	Former      []byte `json:"former,omitempty"`
}

// New is a container that was made at now.
func New(ids pinkey.Container, now time.Time) Container {
	return Container{Version: fileVersion, IDs: ids, State: Pending, CreatedAt: now, SetAt: now}
}

// PublicKey returns the public part of the container's key, or ErrBroken.
func (c Container) PublicKey() (*ecdsa.PublicKey, error) {
	if c.Software == nil {
		key, err := c.Key.PublicKey()
		if err != nil {
			return nil, ErrBroken
		}
		return key, nil
	}
	key, err := x509.ParsePKIXPublicKey(c.Software.Public)
	if err != nil {
		return nil, ErrBroken
	}
	ecc, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, ErrBroken
	}
	return ecc, nil
}

// fileVersion is the form of the file that this program writes.
const fileVersion = 1

// MaxWrong is how many wrong PINs in a row a container takes (docs/threat-model.md, rule 17).
const MaxWrong = 5

// Faults of device PINs.
var (
	ErrNoPIN = &fault.Error{
		Kind: fault.NotFound, Code: "pinNone", Text: "There is no PIN for this person on this device.", Remedy: "Use web sign-in, then set one up.",
	}
	ErrStopped = &fault.Error{
		Kind: fault.Forbidden, Code: "pinStopped",
		Text: "Too many wrong PINs were typed.", Remedy: "Use web sign-in and choose a new PIN.",
	}
	ErrBroken = &fault.Error{
		Kind: fault.Conflict, Code: "pinBroken",
		Text: "The PIN on this device is damaged.", Remedy: "Use web sign-in, then set up a new PIN.",
	}
)

// Files keeps the files of containers; package disk has the real one. A missing file is
// fs.ErrNotExist. Replace is durable when it returns.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
	Remove(name string) error
	Names() ([]string, error)
}

// Chip is what a container needs of a TPM; package tpm has the real one.
type Chip interface {
	NewPINKey(policy pinkey.Policy, auth []byte, attestation tpm.Key, challenge []byte) (tpm.Key, pinkey.Creation, error)
	ChangePIN(k tpm.Key, policy pinkey.Policy, former, auth []byte) (tpm.Key, error)
	Sign(k tpm.Key, auth, digest []byte) ([]byte, error)
	Holds(k tpm.Key) error
	StartReset() (*tpm.Reset, error)
	Seal(data, auth []byte) (tpm.Key, error)
	Unseal(k tpm.Key, auth []byte) ([]byte, error)
	NewCounter() (tpm.Counter, error)
	Counters() ([]uint32, error) // handles
	Count(c tpm.Counter) (uint64, error)
	Add(c tpm.Counter) (uint64, error)
	Set(c tpm.Counter, n uint64) error
	RemoveCounter(c tpm.Counter) error
}

// Registry says what the server knows.
type Registry interface {
	// Registered returns the key that the server has for c, PKIX.
	Registered(ctx context.Context, c pinkey.Container) ([]byte, error)
}

// Server is what a container needs of the server.
type Server interface {
	Registry

	// Register has the server check how the key was made and keep it, and returns the id of
	// the method. A person has one key on a device: a new one replaces the former there.
	Register(ctx context.Context, c pinkey.Container, creation pinkey.Creation) (method string, err error)
	// SignReset has the server authorise one change of the PIN over a nonce of the TPM.
	SignReset(ctx context.Context, c pinkey.Container, nonce []byte, lifetime time.Duration) (tpm2.TPMTSignature, error)
	// Remove has the server forget the method. One that is gone is no error.
	Remove(ctx context.Context, c pinkey.Container) error
}

// Store keeps the containers of a device. Every field is required.
type Store struct {
	Files       Files
	Chip        Chip
	Attestation tpm.Key // attestation key of this device
	Now         func() time.Time
	Rand        io.Reader

	making sync.Mutex // one container is made at a time
	locks  sync.Map   // user to *sync.Mutex: one thing at a time with a person's container
}

// lock holds a person's container until unlock is called; others go on.
func (s *Store) lock(user string) (unlock func()) {
	one, _ := s.locks.LoadOrStore(user, &sync.Mutex{})
	mu := one.(*sync.Mutex) //nolint:errcheck,forcetypeassert // only mutexes are stored
	mu.Lock()
	return mu.Unlock
}

func fileOf(user string) string { return user + ".json" }

// Users returns the object ids of the people who have a PIN here.
func (s *Store) Users() ([]string, error) {
	names, err := s.Files.Names()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range names {
		if user, ok := strings.CutSuffix(name, ".json"); ok {
			all = append(all, user)
		}
	}
	return all, nil
}

// Find returns a person's container, ErrNoPIN when there is none, or ErrBroken when it can't
// be read.
func (s *Store) Find(user string) (Container, error) {
	data, err := s.Files.Read(fileOf(user))
	if errors.Is(err, fs.ErrNotExist) {
		return Container{}, ErrNoPIN
	}
	if err != nil {
		return Container{}, fmt.Errorf("read a container: %w", err)
	}
	var c Container
	if err := json.Unmarshal(data, &c); err != nil || c.Version != fileVersion || c.IDs.User != user {
		return Container{}, ErrBroken
	}
	return c, nil
}

func (s *Store) save(c Container) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return s.Files.Replace(fileOf(c.IDs.User), data)
}

// policy returns the ADMIN policy of c and its reset key.
func (c Container) policy() (pinkey.Policy, *ecdsa.PublicKey, error) {
	reset, err := (tpm.Key{Public: c.Reset}).PublicKey()
	if err != nil {
		return pinkey.Policy{}, nil, ErrBroken
	}
	p, err := pinkey.NewPolicy(c.IDs, reset)
	return p, reset, err
}
