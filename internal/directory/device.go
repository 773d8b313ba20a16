package directory

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// DeviceObjectID is the object id of a device; its device id, which tokens and certificates
// carry, is another one, as in Entra.
type DeviceObjectID string

// A Device is a machine that joined the tenant, in the words of Graph's device resource.
// Times are UTC. https://learn.microsoft.com/graph/api/resources/device
type Device struct {
	Tenant TenantID       `json:"-"`
	ID     DeviceObjectID `json:"id"`

	DeviceID               string    `json:"deviceId"`
	DisplayName            string    `json:"displayName"`
	AccountEnabled         bool      `json:"accountEnabled"`
	OperatingSystem        string    `json:"operatingSystem"`
	OperatingSystemVersion string    `json:"operatingSystemVersion,omitempty"`
	TrustType              TrustType `json:"trustType"`
	Manufacturer           string    `json:"manufacturer,omitempty"`
	Model                  string    `json:"model,omitempty"`
	DomainName             string    `json:"domainName,omitempty"` // directory domain of a hybrid-joined device
	RegisteredAt           time.Time `json:"registrationDateTime"`

	// KeyThumbprint names the device's key (RFC 7638); KeyStorage says where it lives.
	KeyThumbprint string `json:"keyThumbprint"`
	KeyStorage    string `json:"keyStorage"` // tpm or software
	// Attested says that the TPM's maker vouches for the key; AttestationKey, PKIX, then speaks
	// for the TPM.
	Attested       bool   `json:"attested,omitempty"`
	AttestationKey []byte `json:"attestationKey,omitempty"`
	// Machine is a hash of the TPM's endorsement key: the same machine joins again as the same
	// device. Empty without a TPM.
	Machine string `json:"machine,omitempty"`

	CertificateThumbprint string    `json:"certificateThumbprint,omitempty"` // SHA-256, hex
	CertificateEndsAt     time.Time `json:"certificateEndsAt,omitzero"`

	// Approval says whether an administrator lets it take part; see [JoinPolicy].
	Approval Approval `json:"approval,omitempty"`

	// JoinedIn is the session in which it joined, JoinedWith the pass behind that session; empty
	// for none.
	JoinedIn   string `json:"joinedIn,omitempty"`
	JoinedWith string `json:"joinedWith,omitempty"`
	// JoinedBy is the family of the token that joined it.
	JoinedBy string `json:"joinedBy,omitempty"`
	// JoinedFor is the recovery case behind the session in which it joined, JoinedByMethods are what proved
	// that session: they are known when it has ended.
	JoinedFor       string   `json:"joinedFor,omitempty"`
	JoinedByMethods []string `json:"joinedByMethods,omitempty"`
	// JoinedFrom is what those methods came from.
	JoinedFrom []Root `json:"joinedFrom,omitempty"`

	// FrozenAt is when the dispute of a recovery case switched it off; zero once somebody decided.
	FrozenAt time.Time `json:"frozenAt,omitzero"`

	Preparation *Preparation `json:"preparation,omitempty"` // nil: prepared for nobody

	Owner   UserID    `json:"-"` // who joined it
	SeenAt  time.Time `json:"-"` // approximateLastSignInDateTime
	Version int64     `json:"-"`

	// Unreadable says that what is stored of it can't be read, but for its id, its owner and when it was
	// seen. Such a device is only ever listed: it signs nobody in.
	Unreadable bool `json:"-"`
}

// ErrUnreadable says that what is stored of a thing can't be read. It is no fault: an operator mends it.
var ErrUnreadable = errors.New("what is stored can't be read")

// TrustType says how a device belongs to the tenant, in Graph's words.
type TrustType string

// The trust types.
const (
	TrustRegistered TrustType = "Workplace"
	TrustJoined     TrustType = "AzureAd"
	TrustHybrid     TrustType = "ServerAd"
)

// DeviceProfile is the profileType of all devices.
const DeviceProfile = "RegisteredDevice"

// Ownership says whose d is, in Graph's words.
func (d Device) Ownership() string {
	if d.TrustType == TrustRegistered {
		return "Personal"
	}
	return "Company"
}

// Faults of devices.
var (
	ErrDeviceUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "deviceUnknown", AADSTS: 50155,
		Text: "The organisation doesn't know this device.", Remedy: "Join it again.",
	}
	ErrDeviceDisabled = &fault.Error{
		Kind: fault.Forbidden, Code: "deviceDisabled", AADSTS: 135011,
		Text: "The organisation has switched this device off.", Remedy: "Ask the helpdesk.",
	}
	ErrDeviceChanged = &fault.Error{
		Kind: fault.Conflict, Code: "deviceChanged",
		Text: "Somebody else changed this device meanwhile.", Remedy: "Read it again, then decide.",
	}
	ErrDevicePending = &fault.Error{
		Kind: fault.Forbidden, Code: "devicePending",
		Text: "This device waits until an administrator approves it.", Remedy: "Ask the helpdesk; once it is approved, it goes on by itself.",
	}
	ErrDeviceRefused = &fault.Error{
		Kind: fault.Forbidden, Code: "deviceRefused",
		Text: "An administrator has refused this device.", Remedy: "Ask the helpdesk.",
	}
	ErrDeviceInvalid = &fault.Error{Kind: fault.Invalid, Code: "deviceInvalid", Text: "The device can't be kept like this."}
	ErrDeviceQuota   = &fault.Error{
		Kind: fault.Forbidden, Code: "deviceQuota",
		Text: "You have joined as many devices as one person may.", Remedy: "Ask the helpdesk to remove one that you no longer use.",
	}
	// ErrDeviceOwned: as in Entra, a device has one owner at a time.
	ErrDeviceOwned = &fault.Error{
		Kind: fault.Invalid, Code: "deviceOwned",
		Text: "This device has an owner.", Remedy: "Remove them first.",
	}
	// ErrGuestDevice: a joined device may look up everybody, which a guest may not.
	ErrGuestDevice = &fault.Error{
		Kind: fault.Forbidden, Code: "guestDevice",
		Text: "A guest can't join a device to the organisation.", Remedy: "Register it as your own, or ask a member to join it.",
	}
)

// Usable reports, as a fault, why nobody can use d: it was switched off, waits for approval,
// or was refused.
func (d Device) Usable() error {
	switch {
	case !d.AccountEnabled:
		return ErrDeviceDisabled
	case d.Approval == Pending:
		return ErrDevicePending
	case d.Approval == Refused:
		return ErrDeviceRefused
	}
	return nil
}

// Decided is d once an administrator has said whether it is on: no end of a dispute undoes that.
func (d Device) Decided() Device {
	d.FrozenAt = time.Time{}
	return d
}

// Check reports what is wrong with d as a fault, or nil.
func (d Device) Check() error {
	for _, text := range []struct{ name, value string }{
		{"displayName", d.DisplayName},
		{"operatingSystem", d.OperatingSystem},
		{"operatingSystemVersion", d.OperatingSystemVersion},
		{"manufacturer", d.Manufacturer},
		{"model", d.Model},
		{"domain", d.DomainName},
	} {
		if utf8.RuneCountInString(text.value) > maxText || !plainText(text.value) {
			return ErrDeviceInvalid.With(text.name, text.name+" is longer than 256 characters or has control characters.")
		}
	}
	switch {
	case strings.TrimSpace(d.DisplayName) == "":
		return ErrDeviceInvalid.With("displayName", "A device has a name.")
	case strings.TrimSpace(d.OperatingSystem) == "":
		return ErrDeviceInvalid.With("operatingSystem", "A device has an operating system.")
	case d.TrustType != TrustRegistered && d.TrustType != TrustJoined && d.TrustType != TrustHybrid:
		return ErrDeviceInvalid.With("joinType", "A device is registered, joined or hybridJoined.")
	case d.KeyStorage != "tpm" && d.KeyStorage != "software":
		return ErrDeviceInvalid.With("storage", "A device keeps its key in a tpm or in software.")
	}
	return nil
}
