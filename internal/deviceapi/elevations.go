package deviceapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
)

// Elevations keep what devices say of administrator rights.
type Elevations interface {
	// RecordNew records the events whose ids are not in the log yet.
	RecordNew(ctx context.Context, tenant directory.TenantID, events ...audit.Event) error
}

// elevations serves POST /device/v1/{tenant}/elevations: who got administrator rights on the
// device. It is the device's word; the sign-in that proved the person has the same correlation
// id when there was a connection. People whom the device may not know are passed over.
func (a *API) elevations(c *call) (int, any, error) {
	var in device.Elevations
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	if len(in.Elevations) > device.MostElevations {
		return 0, nil, ErrMalformed
	}
	var events []audit.Event
	for _, one := range in.Elevations {
		if _, err := uuid.Parse(one.ID); err != nil || !one.Valid() {
			return 0, nil, ErrMalformed
		}
		user, err := a.Store.User(c.Context(), c.Tenant.ID, directory.UserID(one.User))
		if err != nil || !mayKnow(c.device, user.ID) {
			continue
		}
		events = append(events, a.elevated(c, user, one))
	}
	return http.StatusNoContent, nil, a.Store.RecordNew(c.Context(), c.Tenant.ID, events...)
}

// elevated is the event of an elevation. Its id follows from the device's, so that one which is
// told twice is recorded once, and no device can name another one's.
func (a *API) elevated(c *call, user directory.User, one device.Elevation) audit.Event {
	e := a.event(c, user, c.device, audit.Elevated, audit.OperationAssign)
	e.ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(string(c.Tenant.ID)+" "+string(c.device.ID)+" "+one.ID)).String()
	e.CorrelationID = one.ID
	e.Change.Category, e.Change.Service = audit.CategoryAuthentication, audit.ServicePostern
	e.Change.By.User.IPAddress = c.Facts().Address.String()
	e.Change.Details = []audit.KeyValue{
		{Key: "Device Id", Value: c.device.DeviceID},
		{Key: "Service", Value: one.Service},
		{Key: "Authorised by", Value: one.By},
		{Key: "Terminal", Value: one.TTY},
		{Key: "Elevated at", Value: one.At.UTC().Format(time.RFC3339)},
		{Key: "Offline", Value: strconv.FormatBool(one.Offline)},
	}
	return e
}
