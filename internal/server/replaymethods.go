package server

import (
	"context"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/password"
)

// methodAgain removes or freezes the method of which e says that it was.
func (s *Server) methodAgain(ctx context.Context, e audit.Event) error {
	what, _ := method.What(e)
	if what != method.Removed && what != method.Frozen {
		return errNoRemoval
	}
	c, err := s.db.Credential(ctx, directory.TenantID(e.Tenant), detailOf(e, method.DetailMethod))
	if err != nil {
		return err
	}
	if what == method.Removed {
		return s.db.RemoveCredential(ctx, c, s.now(), s.again(e))
	}
	if c.Frozen() {
		return errNoRemoval
	}
	c.FrozenAt = e.At
	return s.db.FreezeCredential(ctx, c, s.now(), s.again(e))
}

// passwordAgain removes the password that was replaced by e: the log does not have the new one.
func (s *Server) passwordAgain(ctx context.Context, e audit.Event) error {
	all, err := s.db.Credentials(ctx, directory.TenantID(e.Tenant), directory.UserID(targetOf(e, audit.TargetUser)))
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Kind == password.MethodID {
			again := s.again(e)
			again.Change.Activity, again.Change.Operation = audit.AdminDeletedSecurityInfo, audit.OperationDelete
			return s.db.RemoveCredential(ctx, c, s.now(), again)
		}
	}
	return errNoRemoval
}

// deviceAgain deletes the device that e deleted, or switches off the one that e switched off.
func (s *Server) deviceAgain(ctx context.Context, e audit.Event) error {
	tenant, id := directory.TenantID(e.Tenant), directory.DeviceObjectID(targetOf(e, audit.TargetDevice))
	if e.Change.Activity != audit.UpdateDevice {
		return s.db.RemoveDevice(ctx, tenant, id, s.now(), s.again(e))
	}
	if !switchedOff(e) {
		return errNoRemoval
	}
	d, err := s.db.Device(ctx, tenant, id)
	if err != nil || !d.AccountEnabled {
		return noRemovalOr(err)
	}
	d.AccountEnabled = false
	return s.db.UpdateDevice(ctx, d, s.now(), s.again(e))
}

func noRemovalOr(err error) error {
	if err == nil {
		return errNoRemoval
	}
	return err
}

// switchedOff reports whether e switched its target off.
func switchedOff(e audit.Event) bool {
	for _, t := range e.Change.Targets {
		for _, m := range t.Modified {
			if strings.EqualFold(m.DisplayName, "accountEnabled") && strings.Trim(m.NewValue, "[]") == "false" {
				return true
			}
		}
	}
	return false
}
