package agent

import (
	"errors"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/policy"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/fault"
)

// Status is what `postern-agent status` shows, and with --json prints.
type Status struct {
	JoinType    device.JoinType `json:"joinType"` // empty before joining
	DeviceID    string          `json:"deviceId"`
	TenantID    string          `json:"tenantId"`
	Tenant      string          `json:"tenant"`
	Server      string          `json:"server"`
	DisplayName string          `json:"displayName"`
	ObjectID    string          `json:"objectId"`
	KeyStorage  device.Storage  `json:"keyStorage"`
	Attested    bool            `json:"attested"`
	// CertificateEndsAt is the end of the device's certificate, which renews by itself before.
	CertificateEndsAt time.Time `json:"certificateEndsAt,omitzero"`
	// LastContactAt is the last time that the server signed for this device.
	LastContactAt time.Time          `json:"lastContactAt,omitzero"`
	Running       bool               `json:"running"` // whether the agent runs
	Online        bool               `json:"online"`  // whether the server answered just now; only while it runs
	Policy        map[string]Setting `json:"policy"`  // by URI
	PolicyVersion int64              `json:"policyVersion,omitempty"`
	Users         []User             `json:"users"`
	Helpdesk      device.Helpdesk    `json:"helpdesk"`
	Problems      []Problem          `json:"problems"`
}

// Setting is what holds, where it comes from, and why.
type Setting struct {
	Value  devicepolicy.Value  `json:"value"`
	Source devicepolicy.Source `json:"source"`
	Reason devicepolicy.Reason `json:"reason"`
	Policy string              `json:"policy,omitempty"` // name of the policy that sets it
}

// User is a person who has been at this device.
type User struct {
	UPN         string          `json:"upn"`
	UserName    string          `json:"userName"`
	DisplayName string          `json:"displayName"`
	ID          string          `json:"id"`
	UID         uint32          `json:"uid"`
	PIN         device.PINState `json:"pin"`
	PINStorage  device.Storage  `json:"pinStorage,omitempty"` // where the PIN's key is: tpm or software
	PINEndsAt   time.Time       `json:"pinEndsAt,omitzero"`   // when it has to be changed, where policy lets PINs expire
	Enabled     bool            `json:"enabled"`
}

// Problem is something that is wrong.
type Problem struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// onlineFor is how long an answer of the server counts as just now.
const onlineFor = 90 * time.Second

// Status returns how the device is.
func (a *Agent) Status() Status {
	s := Status{Policy: map[string]Setting{}, Users: []User{}, Problems: []Problem{}}
	d, err := a.Device()
	if err != nil {
		if i, loadErr := identity.Load(a.files); loadErr == nil && i.State == identity.Joined {
			s.identify(i)
		}
		if !errors.Is(err, identity.ErrNotJoined) {
			s.Problems = append(s.Problems, problem(err))
		}
		return s
	}
	i := d.Identity()
	s.identify(i)
	s.LastContactAt, s.PolicyVersion = d.Policy.SignedAt(), d.Policy.Version()
	if heard := d.Link.Heard(); !heard.IsZero() {
		s.Online = a.options.Now().Sub(heard) < onlineFor
	}
	for uri, one := range d.Policy.Effective("") {
		s.Policy[uri] = Setting{one.Value, one.Source, one.Reason, one.PolicyName}
	}
	for _, one := range d.Accounts.All() {
		s.Users = append(s.Users, User{
			UPN: one.UPN, UserName: one.UserName, DisplayName: one.DisplayName, ID: one.ID, UID: one.UID, PIN: d.PINState(one.ID),
			PINStorage: d.pinStorage(one.ID), PINEndsAt: d.PINEnds(one.ID), Enabled: one.Enabled,
		})
	}
	for _, err := range d.troubles() {
		s.Problems = append(s.Problems, problem(err))
	}
	return s
}

func (s *Status) identify(i identity.Identity) {
	s.JoinType, s.DeviceID, s.ObjectID, s.DisplayName = i.JoinType, i.DeviceID, i.ObjectID, i.DisplayName
	s.TenantID, s.Tenant, s.Server, s.Helpdesk = i.Tenant.TenantID, i.Tenant.DisplayName, i.Server, i.Tenant.Helpdesk
	s.KeyStorage, s.Attested, s.CertificateEndsAt = i.Storage, i.Attested, i.CertificateEnds()
}

// ErrOverruled says that a local value does not count.
var ErrOverruled = &fault.Error{
	Kind: fault.Conflict, Code: "localOverruled",
	Text: "A local value does not count: a policy sets it.", Remedy: "Remove it from the file, or ask the administrator of the policy.",
}

func problem(err error) Problem {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return Problem{f.Code, err.Error()}
	}
	return Problem{"", err.Error()}
}

// troubles are what is wrong with the device as far as it knows.
func (d *Device) troubles() []error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var all []error
	if d.identity.Ended != "" {
		all = append(all, ended(d.identity.Ended))
	}
	if d.policyTrouble != nil {
		all = append(all, d.policyTrouble)
	}
	all = append(all, d.localTrouble...)
	for uri, one := range d.Policy.Effective("") {
		if one.Reason == devicepolicy.ManagedOverrule {
			all = append(all, ErrOverruled.With("", "The local value of "+uri+" does not count: a policy sets it."))
		}
	}
	return all
}

// PINState says how a person's PIN is.
func (d *Device) PINState(user string) device.PINState {
	c, err := d.PINs.Containers.Find(user)
	if err != nil || c.State != container.Ready {
		return device.PINNone
	}
	if left, _, err := d.PINs.Containers.Left(c); err != nil || left == 0 {
		return device.PINLocked
	}
	return device.PINSet
}

// PINDamaged reports whether there is something of a PIN that opens nothing any more.
func (d *Device) PINDamaged(user string) bool {
	_, err := d.PINs.Containers.Find(user)
	return errors.Is(err, container.ErrBroken)
}

func (d *Device) pinStorage(user string) device.Storage {
	switch {
	case d.PINState(user) == device.PINNone:
		return ""
	case d.soft != nil:
		return device.Software
	}
	return device.TPM
}

// report is the status for the server.
func (a *Agent) report(d *Device) device.Status {
	s := device.Status{AgentVersion: a.options.Version, PolicyApplied: d.Policy.Version(), Users: []device.UserStatus{}}
	p := patient{agent: a, device: d, identity: d.Identity(), chip: d.chip, offset: d.Link.Offset()} // the server has just answered
	s.Prerequisites = p.diagnose().Checks
	for _, one := range d.Accounts.All() {
		s.Users = append(s.Users, device.UserStatus{ID: one.ID, PIN: d.PINState(one.ID)})
	}
	for _, err := range d.troubles() {
		s.Problems = append(s.Problems, say(err))
	}
	return s
}

// Settings returns what holds for a person, or on the lock screen when user is empty.
func (d *Device) Settings(user string) policy.Settings { return d.Policy.Effective(user) }

// WebSignInHosts are the hosts that policy lets web sign-in open.
func (s Status) WebSignInHosts() []string {
	return s.Policy[devicepolicy.WebSignInAllowedURLs].Value.List()
}

// CameraHosts are those whose pages may use the camera there.
func (s Status) CameraHosts() []string { return s.Policy[devicepolicy.WebcamDomains].Value.List() }
