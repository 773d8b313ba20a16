// Package identity is what a device is to its tenant, as the device keeps it: its key, its
// certificate, and where the server is. It is one file, replaced whole:
//
//	      Begin              Finish             Forget
//	(none) ─────▶ joining ─────────▶ joined ─────────▶ (none)
//
// The key is on the disk before the server hears of it, so that a join that was cut off goes
// on with the same key, and the server answers the same.
package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

// State says how far the device is.
type State string

// The states of a device.
const (
	Joining State = "joining"
	Joined  State = "joined"
)

// Identity is the file. Without a TPM it holds the device's secret key.
type Identity struct {
	Version int    `json:"version"` // of the file's form
	State   State  `json:"state"`
	Server  string `json:"server"`       // https://id.contoso.example
	CA      []byte `json:"ca,omitempty"` // PEM, trusted beside the system's

	Storage     device.Storage `json:"storage"`
	Key         tpm.Key        `json:"key,omitzero"`
	Attestation tpm.Key        `json:"attestation,omitzero"`
	Software    []byte         `json:"software,omitempty"` // PKCS 8

	JoinType    device.JoinType `json:"joinType,omitempty"`
	DeviceID    string          `json:"deviceId,omitempty"`
	ObjectID    string          `json:"objectId,omitempty"`
	DisplayName string          `json:"displayName,omitempty"`
	Tenant      device.About    `json:"tenant,omitzero"`
	Certificate []string        `json:"certificate,omitempty"` // PEM, the device's first
	RenewAt     time.Time       `json:"renewAt,omitzero"`
	Attested    bool            `json:"attested,omitempty"`
	JoinedAt    time.Time       `json:"joinedAt,omitzero"`
	PolicyKeys  json.RawMessage `json:"policyKeys,omitempty"` // JWK set
	// Ended is the code with which the server said that it knows the device no more, or has
	// switched it off; empty while all is well.
	Ended string `json:"ended,omitempty"`
}

const (
	file        = "device.json"
	fileVersion = 1
)

// Faults of a device's identity.
var (
	ErrNotJoined = &fault.Error{
		Kind: fault.NotFound, Code: "deviceNotJoined",
		Text: "This device has not joined an organisation.", Remedy: "Run: postern-agent join",
	}
	ErrBroken = &fault.Error{
		Kind: fault.Conflict, Code: "deviceStateBroken",
		Text: "What this device keeps of its registration can't be read.", Remedy: "Join it again.",
	}
)

// Files keeps the file; package disk has the real one.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
	Remove(name string) error
}

// Load returns the identity, ErrNotJoined when there is none, or ErrBroken.
func Load(files Files) (Identity, error) {
	data, err := files.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, ErrNotJoined
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read the registration: %w", err)
	}
	var i Identity
	if err := json.Unmarshal(data, &i); err != nil || i.Version != fileVersion {
		return Identity{}, ErrBroken
	}
	return i, nil
}

// Save keeps i.
func Save(files Files, i Identity) error {
	i.Version = fileVersion
	data, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return files.Replace(file, data)
}

// Forget removes the identity.
func Forget(files Files) error { return files.Remove(file) }

// NewKey gives i a fresh key: in chip, or in the file where chip is nil.
func (i *Identity) NewKey(chip *tpm.TPM) error {
	i.Key, i.Attestation, i.Software = tpm.Key{}, tpm.Key{}, nil
	var err error
	if chip != nil {
		i.Storage = device.TPM
		if i.Key, err = chip.NewDeviceKey(); err != nil {
			return err
		}
		i.Attestation, err = chip.NewAttestationKey()
		return err
	}
	i.Storage = device.Software
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	i.Software, err = x509.MarshalPKCS8PrivateKey(key)
	return err
}

// Signer is the device's key. With a TPM chip must be the one that made it: another one is
// told at the first signature, as tpm.ErrForeign.
func (i Identity) Signer(chip *tpm.TPM) (crypto.Signer, error) {
	if i.Storage == device.TPM {
		if chip == nil {
			return nil, tpm.ErrNone
		}
		return chip.Signer(i.Key, nil)
	}
	key, err := x509.ParsePKCS8PrivateKey(i.Software)
	if err != nil {
		return nil, ErrBroken
	}
	signer, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, ErrBroken
	}
	return signer, nil
}

// CertificateEnds returns when the device's certificate ends; zero when there is none.
func (i Identity) CertificateEnds() time.Time {
	if len(i.Certificate) == 0 {
		return time.Time{}
	}
	block, _ := pem.Decode([]byte(i.Certificate[0]))
	if block == nil {
		return time.Time{}
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter
}
