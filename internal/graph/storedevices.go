package graph

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
)

// Devices keeps the tenant's devices.
type Devices interface {
	// Devices returns at most limit devices that meet every bound, as Users does for people.
	Devices(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Device, []any, error)
	CountDevices(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error)
	// Device and DeviceByDeviceID return a device, or directory.ErrDeviceUnknown.
	Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error)
	DeviceByDeviceID(ctx context.Context, tenant directory.TenantID, deviceID string) (directory.Device, error)
	// DeviceStatus returns what a device last said of itself, and when; the zero time when it
	// said nothing yet.
	DeviceStatus(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (device.Status, time.Time, error)
	// UpdateDevice stores d if its version is still the stored one, else
	// directory.ErrDeviceChanged. Switching it off ends what came from it.
	UpdateDevice(ctx context.Context, d directory.Device, at time.Time, e audit.Event) error
	// JoinPolicy returns who may join devices, the default where the tenant said nothing.
	JoinPolicy(ctx context.Context, tenant directory.TenantID) (directory.JoinPolicy, error)
	// SaveJoinPolicy stores p if its version is still the stored one, else
	// directory.ErrJoinPolicyChanged.
	SaveJoinPolicy(ctx context.Context, tenant directory.TenantID, p directory.JoinPolicy, e audit.Event) error
	// RemoveDevice deletes a device for good, with all that came from it.
	RemoveDevice(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, at time.Time, e audit.Event) error
}
