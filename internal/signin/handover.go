package signin

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

// HandedOver is the event of a hand-over: by the sign-in of user, which signedIn tells, d, as it
// was before, becomes theirs, and pins device PINs of others go.
func HandedOver(d directory.Device, user directory.User, pins int, signedIn audit.Event) audit.Event {
	change := &audit.Change{
		Activity: audit.HandOverDevice, Category: audit.CategoryDevice, Service: audit.ServiceDeviceRegistration,
		Operation: audit.OperationAssign, Result: audit.Success,
		Targets: []audit.Target{
			{ID: string(d.ID), Type: audit.TargetDevice, DisplayName: d.DisplayName},
			{ID: string(user.ID), Type: audit.TargetUser, DisplayName: user.DisplayName, UserPrincipalName: strings.ToLower(user.UserPrincipalName)},
		},
		Details: []audit.KeyValue{
			{Key: "Device Id", Value: d.DeviceID},
			{Key: "Prepared by", Value: string(d.Preparation.By)},
			{Key: "Former owner", Value: string(d.Owner)},
			{Key: "Device PINs of others removed", Value: strconv.Itoa(pins)},
		},
	}
	if d.Owner != "" && d.Owner != user.ID {
		change.Targets = append(change.Targets, audit.Target{ID: string(d.Owner), Type: audit.TargetUser})
	}
	change.By.User = &audit.UserActor{ID: string(user.ID), DisplayName: user.DisplayName, UserPrincipalName: user.UserPrincipalName}
	if signedIn.SignIn != nil {
		change.By.User.IPAddress = signedIn.SignIn.IPAddress
	}
	return audit.Event{Tenant: signedIn.Tenant, ID: uuid.NewString(), At: signedIn.At, CorrelationID: signedIn.CorrelationID, Change: change}
}
