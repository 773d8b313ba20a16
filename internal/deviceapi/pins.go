package deviceapi

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/signin"
)

// Sessions are where the people of tokens signed in.
type Sessions interface {
	// SessionByID returns a living session and its user, or signin.ErrGone.
	SessionByID(ctx context.Context, tenant directory.TenantID, id string, at time.Time) (signin.Session, directory.User, error)
}

// pinRequest is who asks about a PIN: the person of the access token, at this device.
func (a *API) pinRequest(c *call) (hello.Request, error) {
	access, user, err := a.person(c)
	if err != nil {
		return hello.Request{}, err
	}
	r := hello.Request{Device: c.device, User: user}
	// A token that was got by device code names no session: the person was elsewhere.
	if access.Session == "" || access.Protocol == audit.ProtocolDeviceCode {
		return r, hello.ErrStale
	}
	session, owner, err := a.Store.SessionByID(c.Context(), c.Tenant.ID, access.Session, a.Now())
	if access.Device != "" && access.Device != c.device.DeviceID {
		return r, hello.ErrStale
	}
	if errors.Is(err, signin.ErrGone) || err == nil && owner.ID != user.ID {
		return r, hello.ErrStale
	}
	if err != nil {
		return r, err
	}
	r.Session = session
	if access.Purpose != "" { // the token's own stays, whatever became of the session
		r.Session.Purpose = signin.Purpose(access.Purpose)
	}
	settings, err := a.effective(c.Context(), c.device, user.ID)
	r.Settings = pinSettings(settings)
	return r, err
}

func pinSettings(s device.Settings) hello.Settings {
	value := func(uri string) devicepolicy.Value { return s.Settings[uri].Value }
	return hello.Settings{
		Allowed: value(devicepolicy.UsePassportForWork).Bool(), RequireTPM: value(devicepolicy.RequireSecurityDevice).Bool(),
		Recovery: value(devicepolicy.EnablePINRecovery).Bool(), ResetProofs: value(devicepolicy.ResetProofs).List(),
	}
}

// beginPIN serves POST /device/v1/{tenant}/containers: what a PIN is made from.
func (a *API) beginPIN(c *call) (int, any, error) {
	r, err := a.pinRequest(c)
	if err != nil {
		return 0, nil, err
	}
	box, reset, err := a.PINs.Begin(c.Context(), r)
	if err != nil {
		return 0, nil, err
	}
	out, err := a.madeFrom(c, box, reset)
	return http.StatusCreated, out, err
}

// madeFrom is what a PIN's key is made from.
func (a *API) madeFrom(c *call, box hello.Container, reset hello.ResetKey) (device.ContainerAnswer, error) {
	key, err := x509.MarshalPKIXPublicKey(reset.Public)
	if err != nil {
		return device.ContainerAnswer{}, err
	}
	out := device.ContainerAnswer{ID: box.ID, ResetKey: key, ResetVersion: box.Version, Challenge: box.Challenge}
	if c.device.KeyStorage == hello.InFile {
		out.RecoveryKey, err = a.PINs.Signer.RecoveryKey(c.Context(), box.IDs(), box.Root)
	}
	return out, err
}

// registerPIN serves PUT /device/v1/{tenant}/containers/{id}/key: the key behind a PIN.
func (a *API) registerPIN(c *call) (int, any, error) {
	var in device.KeyRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	r, err := a.pinRequest(c)
	if err != nil {
		return 0, nil, err
	}
	events := hello.Events{
		Registered: func(box hello.Container) audit.Event {
			return a.pinEvent(c, r.User, box, audit.Change{
				Activity: audit.UserRegisteredSecurityInfo, Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationAdd,
				ResultReason: audit.ReasonUserRegisteredHello,
			})
		},
		Ended: func(user directory.UserID, pass string) audit.Event { return a.bootstrapEnded(c, r.User, user, pass) },
	}
	if in.Guard != nil {
		box, share, err := a.PINs.RegisterSoftware(c.Context(), r, c.Request.PathValue("id"),
			hello.SoftwareKey{Public: in.Public, Proof: in.Signature, Guard: *in.Guard}, events)
		return http.StatusOK, device.KeyAnswer{MethodID: box.Method, Share: share}, err
	}
	creation := pinkey.Creation{Public: in.Public, CertifyInfo: in.CertifyInfo, Signature: in.Signature}
	box, err := a.PINs.Register(c.Context(), r, c.Request.PathValue("id"), creation, events)
	return http.StatusOK, device.KeyAnswer{MethodID: box.Method}, err
}

// resetPIN serves POST /device/v1/{tenant}/containers/{id}/reset: one change of a forgotten PIN.
func (a *API) resetPIN(c *call) (int, any, error) {
	var in device.ResetRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	r, err := a.pinRequest(c)
	if err != nil {
		return 0, nil, err
	}
	if in.Lifetime < 1 || in.Lifetime > int(pinkey.MaxReset/time.Second) {
		return 0, nil, pinkey.ErrReset
	}
	signature, err := a.PINs.Reset(c.Context(), r, c.Request.PathValue("id"), in.Nonce, time.Duration(in.Lifetime)*time.Second,
		func(what hello.Reset) audit.Event { return a.resetEvent(c, what) })
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, device.ResetAnswer{Signature: signature}, nil
}

// removePIN serves DELETE /device/v1/{tenant}/containers/{id}. The device removes what is its
// own, so that it needs no person for it.
func (a *API) removePIN(c *call) (int, any, error) {
	return http.StatusNoContent, nil, a.PINs.Remove(c.Context(), c.device, c.Request.PathValue("id"), func(box hello.Container) audit.Event {
		return a.pinEvent(c, directory.User{ID: box.User}, box, audit.Change{
			Activity: audit.UserDeletedSecurityInfo, Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationDelete,
			ResultReason: audit.ReasonDeviceDeletedHello,
		})
	})
}

// pinEvent is an event about a person's PIN at the device of c. Its targets are the person and
// the device, so that the feed of either has it.
func (a *API) pinEvent(c *call, user directory.User, box hello.Container, change audit.Change) audit.Event {
	e := a.event(c, user, c.device, change.Activity, change.Operation)
	e.Change.Category, e.Change.Service, e.Change.ResultReason = audit.CategoryUserManagement, change.Service, change.ResultReason
	if user.UserPrincipalName == "" {
		e.Change.By = audit.Actor{} // the device itself
	}
	e.Change.Targets = append([]audit.Target{{
		ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName,
	}}, e.Change.Targets...)
	e.Change.Details = append([]audit.KeyValue{
		{Key: hello.DetailMethod, Value: box.Method},
		{Key: "Container", Value: box.ID},
		{Key: "Key strength", Value: box.Strength()},
		{Key: "Key storage", Value: box.Storage()},
	}, e.Change.Details...)
	return e
}

// resetEvent names what authorised a reset, and when that was a pass who issued it.
func (a *API) resetEvent(c *call, what hello.Reset) audit.Event {
	e := a.pinEvent(c, what.User, what.Container, audit.Change{
		Activity: audit.PINReset, Service: audit.ServicePostern, Operation: audit.OperationUpdate,
	})
	e.Change.Details = append(e.Change.Details, audit.KeyValue{Key: "Authorised by", Value: what.Proof.Combination})
	if pass := what.Proof.Pass; pass != nil {
		e.Change.Details = append(e.Change.Details,
			audit.KeyValue{Key: "temporaryAccessPassMethodId", Value: pass.ID}, audit.KeyValue{Key: "Pass issued by", Value: what.Issuer})
	}
	return e
}

// bootstrapEnded says that a bootstrap pass is needed no more.
func (a *API) bootstrapEnded(c *call, by directory.User, user directory.UserID, pass string) audit.Event {
	change := audit.Change{
		Activity: audit.PassRemoved, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationDelete,
		Result: audit.Success, ResultReason: "A Global Administrator has a strong method now, so that the bootstrap pass has ended",
		Targets: []audit.Target{{ID: string(user), Type: audit.TargetUser}},
		Details: []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: pass}},
	}
	change.By.User = &audit.UserActor{ID: string(by.ID), DisplayName: by.DisplayName, UserPrincipalName: by.UserPrincipalName}
	return audit.Event{
		Tenant: string(c.Tenant.ID), ID: uuid.NewString(), At: a.Now(), CorrelationID: c.Facts().CorrelationID, Change: &change,
	}
}

// PINSettings are the policies on PINs that hold for a person at a device.
func (a *API) PINSettings(ctx context.Context, d directory.Device, user directory.UserID) (hello.Settings, error) {
	settings, err := a.effective(ctx, d, user)
	return pinSettings(settings), err
}
