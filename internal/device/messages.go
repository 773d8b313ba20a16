// Package device is what an agent and its server say to each other: the messages, the proof
// that comes with each, and the policy that the agent keeps. Both sides import it, so that
// they can't disagree; docs/device-protocol.md tells the conversation. It knows no HTTP
// and no store.
package device

import (
	"time"

	"github.com/postern-id/postern/internal/attestation"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/pinkey/software"
)

// Version is the version of the protocol that this program speaks.
const Version = 1

// JoinType says how a device belongs to the tenant.
type JoinType string

// The ways of joining.
const (
	Registered   JoinType = "registered"   // somebody's own device; Graph's trustType Workplace
	Joined       JoinType = "joined"       // the organisation's; AzureAd
	HybridJoined JoinType = "hybridJoined" // also a member of a directory domain; ServerAd
)

// Storage says where a device keeps its keys.
type Storage string

// The places for keys.
const (
	TPM      Storage = "tpm"
	Software Storage = "software"
)

// About is what anybody may know of a tenant before joining.
type About struct {
	Version     int      `json:"version"`
	TenantID    string   `json:"tenantId"`
	DisplayName string   `json:"displayName"`
	Issuer      string   `json:"issuer"`
	ClientID    string   `json:"clientId"` // of the agent, at the OAuth endpoints
	Domains     []string `json:"domains"`
	// DefaultDomain is what a name without one stands in.
	DefaultDomain string   `json:"defaultDomain,omitempty"`
	Helpdesk      Helpdesk `json:"helpdesk"`
	TimeZone      string   `json:"timeZone"` // IANA name
	Numbers       Numbers  `json:"numbers"`
}

// Numbers is the range of the tenant's uids and gids; an agent refuses every other one.
type Numbers struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
}

// Helpdesk says whom people may call.
type Helpdesk struct {
	Phone string `json:"phone,omitempty"`
	Hours string `json:"hours,omitempty"`
	Mail  string `json:"mail,omitempty"`
}

// AttestationAnswer is a challenge for the TPM that the evidence is about.
type AttestationAnswer struct {
	Token string `json:"token"` // comes back with the join; five minutes
	attestation.Challenge
}

// Attestation shows that the device's key lives in a TPM.
type Attestation struct {
	attestation.Evidence
	Token  string `json:"token"`
	Secret []byte `json:"secret"` // what the challenge held
	// Key is the TPM's statement about the device key, for the SHA-256 of Token.
	Key attestation.Statement `json:"key"`
}

// SignInRequest is one step of a sign-in at a console that has no browser: first the pushed
// request and the name, then the transaction and the pass.
type SignInRequest struct {
	Request     string `json:"request,omitempty"` // request_uri that this key pushed
	Transaction string `json:"transaction,omitempty"`
	Username    string `json:"username,omitempty"`
	AccessPass  string `json:"accesspass,omitempty"`
	OTC         string `json:"otc,omitempty"` // one-time code
	Password    string `json:"password,omitempty"`
}

// SignInAnswer says what is asked next, or where a browser would be sent with the code.
type SignInAnswer struct {
	Transaction string `json:"transaction,omitempty"`
	Step        string `json:"step,omitempty"`
	Redirect    string `json:"redirect,omitempty"`
	// Practice names the key on trial that a practice pass has led to. There is nothing more to answer.
	Practice string `json:"practice,omitempty"`
}

// PracticeParam is the parameter by which an agent says in its pushed request that it makes keys on
// trial (PracticeKey), and by which it is told, in place of a code, which one it is asked for.
const (
	PracticeParam = "postern_practice"
	PracticeKey   = "key"
)

// TrialRequest shows a key on trial, or says why there is none: off, rules, locked, foreign, room or
// failed. Package pinkey says what the key must be.
type TrialRequest struct {
	Public      []byte `json:"public,omitempty"`
	CertifyInfo []byte `json:"certifyInfo,omitempty"`
	Signature   []byte `json:"signature,omitempty"`
	By          []byte `json:"by,omitempty"` // the key's signature of pinkey.TrialDigest, in ASN.1
	Failed      string `json:"failed,omitempty"`
}

// TrialAnswer is how the practice ended.
type TrialAnswer struct {
	Worked bool        `json:"worked"`
	Steps  []TrialStep `json:"steps"`
}

// A TrialStep is one thing that was looked at: docs/drills.md has their names.
type TrialStep struct {
	Name   string `json:"name"`
	Result string `json:"result"` // passed, failed or notTried
	Code   string `json:"code,omitempty"`
	Text   string `json:"text,omitempty"`
}

// JoinRequest asks for a place in the tenant, for the key that the request is proved with.
type JoinRequest struct {
	DisplayName            string       `json:"displayName"`
	JoinType               JoinType     `json:"joinType"`
	OperatingSystem        string       `json:"operatingSystem"`
	OperatingSystemVersion string       `json:"operatingSystemVersion"`
	Manufacturer           string       `json:"manufacturer,omitempty"`
	Model                  string       `json:"model,omitempty"`
	Storage                Storage      `json:"storage"`
	Domain                 string       `json:"domain,omitempty"` // directory domain of a hybrid-joined device
	Attestation            *Attestation `json:"attestation,omitempty"`
}

// JoinAnswer is all that the device needs until its first lock screen is shown.
type JoinAnswer struct {
	DeviceID    string    `json:"deviceId"`
	ObjectID    string    `json:"objectId"`
	Certificate []string  `json:"certificate"` // PEM, the device's first
	RenewAt     time.Time `json:"renewAt"`
	Tenant      About     `json:"tenant"`
	Policy      string    `json:"policy"`     // signed Settings
	PolicyKeys  []byte    `json:"policyKeys"` // JWK set that signs them
	Accounts    []Account `json:"accounts"`   // who joined it
	Attested    bool      `json:"attested"`
	Approval    string    `json:"approval,omitempty"` // pending: nobody can sign in yet; the stream tells
}

// Account is a person of the tenant as an operating system knows people.
type Account struct {
	ID          string         `json:"id"`       // object id
	UserName    string         `json:"userName"` // local part of the UPN
	UPN         string         `json:"upn"`
	DisplayName string         `json:"displayName"`
	UID         uint32         `json:"uid"`
	GID         uint32         `json:"gid"`
	Home        string         `json:"home"`
	Shell       string         `json:"shell"`
	Groups      []AccountGroup `json:"groups"`
	Enabled     bool           `json:"enabled"`
}

// AccountGroup is a group of the tenant as an operating system knows groups.
type AccountGroup struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	GID  uint32 `json:"gid"`
}

// Settings is the policy that holds, as it is signed and kept on the device.
type Settings struct {
	Issuer   string             `json:"iss"`
	TenantID string             `json:"tid"`
	DeviceID string             `json:"deviceid"`
	IssuedAt int64              `json:"iat"` // seconds since 1970
	Version  int64              `json:"version"`
	UserID   string             `json:"user,omitempty"` // whose settings are in it, too
	Settings map[string]Setting `json:"settings"`       // by URI
}

// Setting is the effective value of one setting, and why.
type Setting struct {
	Value      devicepolicy.Value  `json:"value"`
	Source     devicepolicy.Source `json:"source"`
	Reason     devicepolicy.Reason `json:"reason"`
	PolicyID   string              `json:"policyId,omitempty"`
	PolicyName string              `json:"policyName,omitempty"`
	Idle       bool                `json:"idle,omitempty"`
}

// PolicyAnswer is the policy that holds, signed, and the keys to verify it with.
type PolicyAnswer struct {
	Policy     string `json:"policy"`
	PolicyKeys []byte `json:"policyKeys"`
}

// TypePolicy is the type, in the header, of a signed policy.
const TypePolicy = "device-policy+jwt"

// RenewAnswer is a new certificate.
type RenewAnswer struct {
	Certificate []string  `json:"certificate"`
	RenewAt     time.Time `json:"renewAt"`
}

// ContainerAnswer is what a device PIN is made from.
type ContainerAnswer struct {
	ID           string `json:"id"`
	ResetKey     []byte `json:"resetKey"` // PKIX
	ResetVersion int    `json:"resetVersion"`
	Challenge    []byte `json:"challenge"`
	// RecoveryKey is the HPKE key that a device without a TPM seals its recovery secret to.
	RecoveryKey []byte `json:"recoveryKey,omitempty"`
	// Share is of what opens the new key of such a device, where one takes another's place.
	Share []byte `json:"share,omitempty"`
}

// KeyRequest registers the key behind a PIN: package pinkey says what it must be.
// Without a TPM public is SPKI, there is no certifyInfo, signature is that of the key itself
// over software.Proof, and guard is there.
type KeyRequest struct {
	Public      []byte          `json:"public"`
	CertifyInfo []byte          `json:"certifyInfo,omitempty"`
	Signature   []byte          `json:"signature"`
	Guard       *software.Guard `json:"guard,omitempty"`
}

// RotateRequest puts a new key in the place of the one behind a PIN: as KeyRequest has it, and
// by the former key's signature over pinkey.Successor, in ASN.1.
type RotateRequest struct {
	KeyRequest

	By []byte `json:"by"`
}

// KeyAnswer names the method that the key is at the server.
type KeyAnswer struct {
	MethodID string `json:"methodId"`
	Share    []byte `json:"share,omitempty"` // of what opens a key without a TPM
	Key      []byte `json:"key,omitempty"`   // PKIX: the one that counts, for who asks
}

// TryRequest asks whether a PIN is right, at a device without a TPM: with what the device made
// of it, and of the PIN that it is to give way to.
type TryRequest struct {
	Verifier []byte          `json:"verifier"`
	Next     *software.Guard `json:"next,omitempty"`
}

// TryAnswer has the shares for a right one, and how many tries are left.
type TryAnswer struct {
	Right bool   `json:"right"`
	Share []byte `json:"share,omitempty"`
	Next  []byte `json:"next,omitempty"` // share for the next PIN
	Left  int    `json:"left"`
}

// ReleaseRequest asks for the recovery secret of a forgotten PIN.
type ReleaseRequest struct {
	Sealed []byte         `json:"sealed"` // the secret, as the device keeps it
	To     []byte         `json:"to"`     // HPKE public key that was made for this request
	Next   software.Guard `json:"next"`   // of the new PIN
}

// ReleaseAnswer is the secret and the share for the new PIN, sealed to the request.
type ReleaseAnswer struct {
	Sealed []byte `json:"sealed"`
}

// ResetRequest asks for one change of a forgotten PIN.
type ResetRequest struct {
	Nonce    []byte `json:"nonce"`             // of the TPM
	Lifetime int    `json:"lifetimeInSeconds"` // 60 at most
}

// ResetAnswer is the server's word for it.
type ResetAnswer struct {
	Signature []byte `json:"signature"` // TPMT_SIGNATURE
}

// Change tells an agent what to read again.
type Change string

// The changes that the stream tells of.
const (
	PolicyChanged  Change = "policy"
	AccountChanged Change = "account"
	PINChanged     Change = "pin"
	DeviceChanged  Change = "device"
)

// ErrorAnswer is how the server says no.
type ErrorAnswer struct {
	Error Error `json:"error"`
}

// Error is what went wrong, for people and for programs.
type Error struct {
	Code          string `json:"code"` // stable; docs/errors.md
	Message       string `json:"message"`
	Remedy        string `json:"remedy,omitempty"`
	CorrelationID string `json:"correlationId"`
}
