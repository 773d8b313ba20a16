package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
)

// ErrSinceLog says that a newer log is of no use for a restore.
var ErrSinceLog = &fault.Error{
	Kind: fault.Invalid, Code: "restoreLog", Target: "since-log",
	Text:   "This export does not continue the log of the backup.",
	Remedy: "Export the whole log again, from the store that ran on after the backup.",
}

// replay does again what an export of the log says was removed after the backup, whose heads
// are before. Each removal is an event of its own, which names the first one.
func (s *Server) replay(ctx context.Context, file string, before map[string]audit.Head, out *Restored) error {
	if file == "" {
		return nil
	}
	export, err := os.Open(file)
	if err != nil {
		return ErrSinceLog.With("", fmt.Sprintf("The newer log can't be read: %v.", err))
	}
	defer func() { _ = export.Close() }() // only read
	past := map[string]audit.Past{}
	for tenant, head := range before {
		keys, err := s.checkpointKeys(ctx, directory.TenantID(tenant))
		if err != nil {
			return err
		}
		past[tenant] = audit.Past{Head: head, Keys: keys, Stored: s.db.Log()}
	}
	err = audit.Continue(ctx, export, past, func(e audit.Entry) error { return s.replayEntry(ctx, e, out) })
	if errors.Is(err, audit.ErrTampered) {
		return ErrSinceLog.With("", fmt.Sprintf("This export does not continue the log of the backup: %v.", err))
	}
	if err == nil && out.Until.IsZero() {
		return ErrSinceLog.With("", "This export has no entry that is newer than the backup.")
	}
	return err
}

func (s *Server) replayEntry(ctx context.Context, entry audit.Entry, out *Restored) error {
	if entry.At.After(out.Until) {
		out.Until = entry.At
	}
	known, err := s.db.Log().Has(ctx, entry.Tenant, entry.ID)
	if err != nil || known { // committed before the backup and sealed after it
		return err
	}
	e, err := audit.Open(entry)
	if err != nil {
		return err
	}
	if e.Change == nil || e.Change.Result != audit.Success {
		return nil
	}
	err = s.removeAgain(ctx, e)
	f, isFault := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		out.Replayed++
	case errors.Is(err, errNoRemoval), isFault && f.Kind == fault.NotFound: // there is nothing to remove
	case isFault || errors.Is(err, errByHand):
		out.Unclear = append(out.Unclear, byHand(e))
	default:
		return fmt.Errorf("do entry %s again: %w", e.ID, err)
	}
	return nil
}

var (
	errNoRemoval = errors.New("this takes nothing away")
	errByHand    = errors.New("this can't be done again by itself")
)

// removeAgain takes away what e says was taken away.
func (s *Server) removeAgain(ctx context.Context, e audit.Event) error {
	tenant, at, again := directory.TenantID(e.Tenant), s.now(), s.again(e)
	switch c := e.Change; c.Activity {
	case audit.DeleteUser, audit.DeleteGroup:
		return s.deleteAgain(ctx, e)
	case audit.HardDeleteUser, audit.HardDeleteGroup:
		if err := s.deleteAgain(ctx, e); err != nil && !errors.Is(err, directory.ErrUserUnknown) && !errors.Is(err, directory.ErrGroupUnknown) {
			return err
		}
		return s.db.Purge(ctx, tenant, targetOf(e, audit.TargetUser, audit.TargetGroup), s.again(e))
	case audit.DisableAccount:
		u, err := s.db.User(ctx, tenant, directory.UserID(targetOf(e, audit.TargetUser)))
		if err != nil {
			return err
		}
		if !u.AccountEnabled {
			return errNoRemoval
		}
		u.AccountEnabled = false
		return s.db.UpdateUser(ctx, u, at, again)
	case audit.RemoveGroupMember, audit.RemoveGroupOwner:
		return s.unlinkAgain(ctx, e)
	case audit.RemoveRoleMember:
		return s.unassignAgain(ctx, e)
	case audit.RevokeSessions, audit.SessionEnded, audit.PassRemoved, audit.PassExpired, audit.TokenReuse:
		return errNoRemoval // nothing of before works anyway
	case audit.AdminDeletedSecurityInfo, audit.UserDeletedSecurityInfo:
		if c.ResultReason == audit.ReasonAdminDeletedPass || c.ResultReason == audit.ReasonUserDeletedPass {
			return errNoRemoval
		}
		if method := detailOf(e, hello.DetailMethod); method != "" {
			return s.removePINAgain(ctx, e, method)
		}
		return s.methodAgain(ctx, e)
	case audit.AdminUpdatedSecurityInfo, audit.UserUpdatedSecurityInfo:
		return s.methodAgain(ctx, e)
	case audit.ResetUserPassword, audit.ResetOwnPassword, audit.ChangeUserPassword:
		return s.passwordAgain(ctx, e)
	case audit.UpdateDevice, audit.DeleteDevice, audit.UnregisterDevice:
		return s.deviceAgain(ctx, e)
	case audit.PassReverted, audit.CaseQuarantined:
		return errNoRemoval // what they took has events of its own
	case audit.PINKeyReplaced: // the former key is back, and the device has the new one
		return s.removePINAgain(ctx, e, detailOf(e, hello.DetailMethod))
	case audit.PINStopped:
		return s.db.KeepTries(ctx, tenant, detailOf(e, hello.DetailMethod), hello.MostWrong, again)
	case audit.UserRegisteredSecurityInfo:
		if c.ResultReason != audit.ReasonUserRegisteredHello {
			return errNoRemoval
		}
		return s.replacePINAgain(ctx, e)
	case audit.UpdateApplication, audit.UpdateApplicationSecrets, audit.UpdateServicePrincipal, audit.RemoveServicePrincipalCredentials,
		audit.MethodsPolicyUpdate, audit.MethodsPolicyReset, audit.UpdatePolicy, audit.RotateSigningKey,
		audit.SetRecoveryPolicy, audit.UpdateWebhook, audit.RotateWebhook, audit.TurnOffWebhook,
		audit.PrepareDevice, audit.HandOverDevice, audit.ErasePersonalData:
		return errByHand // it may have taken something away; the event does not say enough
	default:
		if c.Operation == audit.OperationDelete || c.Operation == audit.OperationUnassign {
			return errByHand
		}
	}
	return errNoRemoval
}

func (s *Server) removePINAgain(ctx context.Context, e audit.Event, method string) error {
	c, err := s.db.ContainerOf(ctx, directory.TenantID(e.Tenant), method)
	if err != nil {
		return err
	}
	return s.removeContainerAgain(ctx, c, e)
}

// replacePINAgain removes the PIN in whose place the one of e came.
func (s *Server) replacePINAgain(ctx context.Context, e audit.Event) error {
	all, err := s.db.ContainersOf(ctx, directory.TenantID(e.Tenant), directory.UserID(targetOf(e, audit.TargetUser)))
	if err != nil {
		return err
	}
	for _, c := range all {
		if string(c.Device) == targetOf(e, audit.TargetDevice) {
			return s.removeContainerAgain(ctx, c, e)
		}
	}
	return errNoRemoval
}

func (s *Server) removeContainerAgain(ctx context.Context, c hello.Container, e audit.Event) error {
	again := s.again(e)
	if again.Change.Operation != audit.OperationDelete { // it went because another key came
		again.Change.Activity, again.Change.Operation = audit.UserDeletedSecurityInfo, audit.OperationDelete
		again.Change.Service, again.Change.ResultReason = audit.ServiceAuthenticationMethods, audit.ReasonDeviceDeletedHello
		again.Change.Details = []audit.KeyValue{again.Change.Details[0], {Key: hello.DetailMethod, Value: c.Method}}
	}
	return s.db.RemoveContainer(ctx, c, s.now(), again)
}

// detailOf returns a detail of a change, or "".
func detailOf(e audit.Event, key string) string {
	for _, d := range e.Change.Details {
		if d.Key == key {
			return d.Value
		}
	}
	return ""
}

func (s *Server) deleteAgain(ctx context.Context, e audit.Event) error {
	tenant := directory.TenantID(e.Tenant)
	if id := targetOf(e, audit.TargetGroup); id != "" {
		g, err := s.db.Group(ctx, tenant, directory.GroupID(id))
		if err != nil {
			return err
		}
		g.Version = directory.AnyVersion // whatever became of it meanwhile
		return s.db.DeleteGroup(ctx, g, s.now(), s.again(e))
	}
	u, err := s.db.User(ctx, tenant, directory.UserID(targetOf(e, audit.TargetUser)))
	if err != nil {
		return err
	}
	u.Version = directory.AnyVersion
	return s.db.DeleteUser(ctx, u, s.now(), s.again(e))
}

func (s *Server) unlinkAgain(ctx context.Context, e audit.Event) error {
	relation := directory.Member
	if e.Change.Activity == audit.RemoveGroupOwner {
		relation = directory.Owner
	}
	// The object comes first and the group last, which may be groups both.
	targets := e.Change.Targets
	if len(targets) != 2 {
		return errByHand
	}
	g, err := s.db.Group(ctx, directory.TenantID(e.Tenant), directory.GroupID(targets[1].ID))
	if err != nil {
		return err
	}
	return s.db.RemoveLink(ctx, g, relation, targets[0].ID, s.again(e))
}

func (s *Server) unassignAgain(ctx context.Context, e audit.Event) error {
	role := targetOf(e, audit.TargetRole)
	if role == "" || e.Change.Targets[0].ID == role {
		return errByHand
	}
	held, err := s.db.RoleAssignments(ctx, directory.TenantID(e.Tenant), e.Change.Targets[0].ID, directory.RoleID(role))
	if err != nil {
		return err
	}
	if len(held) == 0 {
		return directory.ErrAssignmentUnknown
	}
	for _, a := range held {
		if err := s.db.UnassignRole(ctx, a, s.again(e)); err != nil {
			return err
		}
	}
	return nil
}

// again is the event of doing e again: by the server, naming e.
func (s *Server) again(e audit.Event) audit.Event {
	c := *e.Change
	c.By, c.Log = audit.Actor{}, nil
	c.Details = append([]audit.KeyValue{{Key: "doneAgainAfterRestore", Value: e.ID}}, c.Details...)
	return s.ownEvent(directory.TenantID(e.Tenant), c)
}

// targetOf returns the id of the first target of one of the kinds.
func targetOf(e audit.Event, kinds ...string) string {
	for _, t := range e.Change.Targets {
		if slices.Contains(kinds, t.Type) {
			return t.ID
		}
	}
	return ""
}

func byHand(e audit.Event) string {
	text := fmt.Sprintf("%s, %s", e.At.Format(time.RFC3339), e.Change.Activity)
	for _, t := range e.Change.Targets {
		name := t.DisplayName
		if name == "" {
			name = t.ID
		}
		text += fmt.Sprintf(", %s %s", t.Type, name)
	}
	return text + fmt.Sprintf(" (entry %s)", e.ID)
}
