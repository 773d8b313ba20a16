package deviceapi

import (
	"crypto/ecdsa"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/token"
)

// about serves GET /device/v1/{tenant}: what an agent has to know before it joins.
func (a *API) about(_ *http.Request, tenant directory.Tenant) (any, error) {
	return a.aboutTenant(tenant), nil
}

func (a *API) aboutTenant(t directory.Tenant) device.About {
	about := device.About{
		Version: device.Version, TenantID: string(t.ID), DisplayName: t.DisplayName, Issuer: a.PublicURL + "/" + string(t.ID) + "/v2.0",
		ClientID: string(directory.AgentAppID), TimeZone: t.TimeZone, Numbers: device.Numbers{First: firstNumber, Last: lastNumber},
		DefaultDomain: t.DefaultDomain(),
		Helpdesk:      device.Helpdesk{Phone: t.Helpdesk.Phone, Hours: t.Helpdesk.Hours, Mail: t.Helpdesk.Mail},
	}
	for _, d := range t.Domains {
		about.Domains = append(about.Domains, d.Name)
	}
	return about
}

var trustTypes = map[device.JoinType]directory.TrustType{
	device.Registered: directory.TrustRegistered, device.Joined: directory.TrustJoined, device.HybridJoined: directory.TrustHybrid,
}

// join serves POST /device/v1/{tenant}/join.
func (a *API) join(c *call) (int, any, error) {
	var in device.JoinRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	access, user, err := a.person(c)
	if err == nil && access.Purpose != "" { // none is for joining
		err = directory.ErrPurposeBound
	}
	if err == nil {
		err = freshToJoin(access, a.Now())
	}
	if err != nil {
		return 0, nil, err
	}
	key, err := device.KeyOf(c.Proof.Key)
	if err != nil {
		return 0, nil, err
	}
	policy, err := a.Store.JoinPolicy(c.Context(), c.Tenant.ID)
	if err != nil {
		return 0, nil, err
	}
	d, err := a.newDevice(c, in, user)
	if err == nil {
		err = a.mayJoin(c, policy, d, access)
	}
	if err == nil {
		err = a.SignIn.Certify(c.Context(), c.Tenant.ID, c.Proof.Thumbprint, user.ID)
	}
	if err != nil {
		return 0, nil, err
	}
	d.Approval = policy.Awaits(d.TrustType)
	d.JoinedIn, d.JoinedWith, d.JoinedBy = access.Session, access.PassID, access.Family
	joined, err := a.Store.JoinDevice(c.Context(), d, policy.Quota, func(d directory.Device) audit.Event {
		return a.registered(c, user, d)
	})
	if err != nil {
		return 0, nil, err
	}
	return a.welcome(c, joined, user, key)
}

// registered is the event of a join. The person is a target, too, so that they see it.
func (a *API) registered(c *call, user directory.User, d directory.Device) audit.Event {
	e := a.event(c, user, d, audit.RegisterDevice, audit.OperationAdd)
	e.Change.Targets = append(e.Change.Targets, audit.Target{
		ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName,
	})
	return e
}

// mayJoin asks the tenant's policy whether the owner of d may join it.
func (a *API) mayJoin(c *call, p directory.JoinPolicy, d directory.Device, access token.Access) error {
	groups, err := a.Store.GroupsOf(c.Context(), c.Tenant.ID, string(d.Owner))
	if err != nil {
		return err
	}
	return p.May(d.Owner, groups, d.TrustType, access.AMR)
}

// newDevice returns the device that in asks for, checked.
func (a *API) newDevice(c *call, in device.JoinRequest, user directory.User) (directory.Device, error) {
	now := a.Now()
	d := directory.Device{
		Tenant: c.Tenant.ID, ID: directory.DeviceObjectID(uuid.NewString()), DeviceID: uuid.NewString(), AccountEnabled: true,
		DisplayName: strings.TrimSpace(in.DisplayName), OperatingSystem: in.OperatingSystem, OperatingSystemVersion: in.OperatingSystemVersion,
		TrustType: trustTypes[in.JoinType], Manufacturer: in.Manufacturer, Model: in.Model, DomainName: in.Domain,
		RegisteredAt: now, SeenAt: now, KeyThumbprint: c.Proof.Thumbprint, KeyStorage: string(in.Storage), Owner: user.ID,
	}
	if err := d.Check(); err != nil {
		return d, err
	}
	if user.UserType == "Guest" && d.TrustType != directory.TrustRegistered {
		return d, directory.ErrGuestDevice
	}
	if in.Attestation == nil {
		if in.Storage == device.TPM {
			return d, directory.ErrDeviceInvalid.With("attestation", "A device that keeps its key in a TPM shows what the TPM says of it.")
		}
		return d, nil
	}
	err := a.attested(c, &d, *in.Attestation)
	return d, err
}

// welcome answers a join with all that the first lock screen needs.
func (a *API) welcome(c *call, d directory.Device, user directory.User, key *ecdsa.PublicKey) (int, any, error) {
	chain, err := a.CA.Issue(c.Context(), &d, key)
	if err != nil {
		return 0, nil, err
	}
	if err := a.Store.UpdateDevice(c.Context(), d, a.Now(), a.event(c, user, d, audit.CertifyDevice, audit.OperationUpdate)); err != nil {
		return 0, nil, err
	}
	policy, keys, err := a.signedPolicy(c, d, "")
	if err != nil {
		return 0, nil, err
	}
	account, err := a.accountOf(c, user)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, device.JoinAnswer{
		DeviceID: d.DeviceID, ObjectID: string(d.ID), Certificate: chain, RenewAt: d.CertificateEndsAt.Add(-renewBefore),
		Tenant: a.aboutTenant(c.Tenant), Policy: policy, PolicyKeys: keys, Accounts: []device.Account{account}, Attested: d.Attested,
		Approval: string(d.Approval),
	}, nil
}

// renew serves POST /device/v1/{tenant}/renew: a new certificate for the same key.
func (a *API) renew(c *call) (int, any, error) {
	key, err := device.KeyOf(c.Proof.Key)
	if err != nil {
		return 0, nil, err
	}
	if err := a.SignIn.Certify(c.Context(), c.Tenant.ID, c.Proof.Thumbprint, ""); err != nil {
		return 0, nil, err
	}
	d := c.device
	chain, err := a.CA.Issue(c.Context(), &d, key)
	if err != nil {
		return 0, nil, err
	}
	d.SeenAt = a.Now()
	if err := a.Store.UpdateDevice(c.Context(), d, a.Now(), a.event(c, directory.User{}, d, audit.CertifyDevice, audit.OperationUpdate)); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, device.RenewAnswer{Certificate: chain, RenewAt: d.CertificateEndsAt.Add(-renewBefore)}, nil
}

// leave serves POST /device/v1/{tenant}/leave: the device is forgotten.
func (a *API) leave(c *call) (int, any, error) {
	e := a.event(c, directory.User{}, c.device, audit.UnregisterDevice, audit.OperationDelete)
	return http.StatusNoContent, nil, a.Store.RemoveDevice(c.Context(), c.Tenant.ID, c.device.ID, a.Now(), e)
}

// event is an event about a device; with no user the device itself acted.
func (a *API) event(c *call, by directory.User, d directory.Device, activity, operation string) audit.Event {
	f := c.Facts()
	change := audit.Change{
		Activity: activity, Category: audit.CategoryDevice, Service: audit.ServiceDeviceRegistration, Operation: operation, Result: audit.Success,
		Targets: []audit.Target{{ID: string(d.ID), Type: audit.TargetDevice, DisplayName: d.DisplayName}},
		Details: []audit.KeyValue{
			{Key: "Device Id", Value: d.DeviceID},
			{Key: "Device trust type", Value: string(d.TrustType)},
			{Key: "Device OS", Value: d.OperatingSystem},
			{Key: "Key storage", Value: d.KeyStorage},
			{Key: "Approval", Value: d.Approval.String()},
		},
	}
	if by.ID != "" {
		change.By.User = &audit.UserActor{ID: string(by.ID), DisplayName: by.DisplayName, UserPrincipalName: by.UserPrincipalName, IPAddress: f.Address.String()}
	}
	return audit.Event{Tenant: string(c.Tenant.ID), ID: uuid.NewString(), At: a.Now(), CorrelationID: f.CorrelationID, Change: &change}
}
