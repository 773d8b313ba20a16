package authenticator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// A Phone is a registered phone: a key that its app made and can't give away.
type Phone struct {
	method.Credential
	Facts
}

// Facts are what only this method keeps of a credential.
type Facts struct {
	Key     []byte `json:"key"`               // PKIX; ECDSA on P-256
	System  string `json:"system,omitempty"`  // as its browser says: Android
	Version string `json:"version,omitempty"` // of the app
	// Verifies says that the phone has shown a passkey that verified its user; from then on it
	// approves only with one.
	Verifies bool `json:"verifies,omitempty"`
}

// phoneOf reads a credential of this kind; another one is ErrUnknown.
func phoneOf(c method.Credential) (Phone, error) {
	p := Phone{Credential: c}
	if c.Kind != MethodID {
		return p, ErrUnknown
	}
	if err := json.Unmarshal(c.Data, &p.Facts); err != nil {
		return p, fmt.Errorf("read phone %s: %w", c.ID, err)
	}
	return p, nil
}

// PhoneOf returns the phone that c is.
func PhoneOf(c method.Credential) (Phone, error) { return phoneOf(c) }

// credential returns p as it is stored.
func (p Phone) credential() (method.Credential, error) {
	data, err := json.Marshal(p.Facts)
	p.Data = data
	return p.Credential, err
}

// CheckKey returns key as PKIX if a phone may have it, else ErrKey.
func CheckKey(key any) ([]byte, error) {
	ecc, ok := key.(*ecdsa.PublicKey)
	if !ok || ecc.Curve != elliptic.P256() {
		return nil, ErrKey
	}
	return x509.MarshalPKIXPublicKey(ecc)
}

// A View is a request as a phone shows it. The number is not in it.
type View struct {
	ID          string
	EndsAt      time.Time
	Application string // empty where policy hides it
	Address     string // likewise
	Device      string // likewise; by its own account unless Joined
	Joined      bool   // Device is a joined device, which proved itself
	Verify      bool   // the phone has to verify its user to approve
}

// view is r for a phone of somebody in the given groups.
func (r Request) view(p Policy, phone Phone, groups map[directory.GroupID]bool) View {
	v := View{ID: r.ID, EndsAt: r.EndsAt, Verify: phone.Verifies}
	if p.Features.Application.Shown(groups) {
		v.Application = r.Application
	}
	if p.Features.Location.Shown(groups) {
		v.Address, v.Device, v.Joined = r.Address, r.Device, r.Joined
	}
	return v
}
