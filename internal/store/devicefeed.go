package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
)

// tellDevices numbers what devices are to read again because of e. Changes that touch no
// device, such as a new pass, take nothing here.
func (tx *Tx) tellDevices(ctx context.Context, e audit.Event) error {
	c := e.Change
	if c == nil || c.Result == audit.Failure {
		return nil
	}
	tenant := directory.TenantID(e.Tenant)
	switch {
	case c.Activity == audit.CertifyDevice, // the device asked for it itself
		c.Activity == audit.SetJoinPolicy: // is not about devices that have joined
		return nil
	case c.Category == audit.CategoryGroupManagement && c.Operation != audit.OperationUpdate && hasTarget(c, audit.TargetDevice):
		return tx.tellMember(ctx, tenant, c, e.At)
	case c.Category == audit.CategoryPolicy, c.Category == audit.CategoryGroupManagement:
		if err := tx.tell(ctx, tenant, device.FeedChange{Change: device.PolicyChanged}, e.At); err != nil {
			return err
		}
	case c.Category == audit.CategoryUserManagement && c.Service == audit.ServiceCoreDirectory && c.Operation != audit.OperationAdd:
	case c.Category == audit.CategoryDevice:
	default:
		return nil
	}
	for _, t := range c.Targets {
		var err error
		switch t.Type {
		case audit.TargetUser:
			if c.Activity == audit.RegisterDevice { // nothing of their account changed
				continue
			}
			err = tx.tellAccount(ctx, tenant, t.ID, e.At)
		case audit.TargetDevice:
			err = tx.tell(ctx, tenant, device.FeedChange{Change: device.DeviceChanged, Device: t.ID}, e.At)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func hasTarget(c *audit.Change, kind string) bool {
	return slices.ContainsFunc(c.Targets, func(t audit.Target) bool { return t.Type == kind })
}

// tellMember tells a device that came into a group or left one: nobody else's policy changed.
func (tx *Tx) tellMember(ctx context.Context, tenant directory.TenantID, c *audit.Change, at time.Time) error {
	for _, t := range c.Targets {
		if t.Type != audit.TargetDevice {
			continue
		}
		if err := tx.tell(ctx, tenant, device.FeedChange{Change: device.PolicyChanged, Device: t.ID}, at); err != nil {
			return err
		}
	}
	return nil
}

// tellAccount tells the devices on which a person signed in.
func (tx *Tx) tellAccount(ctx context.Context, tenant directory.TenantID, user string, at time.Time) error {
	rows, err := tx.q.QueryContext(ctx, `SELECT device_id FROM device_user WHERE tenant_id = $1 AND user_id = $2 ORDER BY device_id`, tenant, user)
	devices, err := collect(rows, err, scanOne[string])
	if err != nil {
		return err
	}
	for _, d := range devices {
		if err := tx.tell(ctx, tenant, device.FeedChange{Change: device.AccountChanged, Device: d, Subject: user}, at); err != nil {
			return err
		}
	}
	return nil
}

// tell numbers one change. A tenant without devices has no feed, and nobody to tell.
func (tx *Tx) tell(ctx context.Context, tenant directory.TenantID, c device.FeedChange, at time.Time) error {
	err := tx.q.QueryRowContext(ctx, `UPDATE device_feed SET version = version + 1 WHERE tenant_id = $1 RETURNING version`, tenant).Scan(&c.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO device_change (tenant_id, version, change, device_id, subject, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		tenant, c.Version, c.Change, c.Device, c.Subject, micros(at))
	return err
}

// FeedVersion implements deviceapi.FeedStore.
func (db *DB) FeedVersion(ctx context.Context, tenant directory.TenantID) (int64, error) {
	var version int64
	err := db.read.QueryRowContext(ctx, `SELECT version FROM device_feed WHERE tenant_id = $1`, tenant).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// FeedChanges implements deviceapi.FeedStore.
func (db *DB) FeedChanges(ctx context.Context, tenant directory.TenantID, after int64, limit int) ([]device.FeedChange, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT version, change, device_id, subject FROM device_change
		WHERE tenant_id = $1 AND version > $2 ORDER BY version LIMIT $3`, tenant, after, limit)
	return collect(rows, err, func(r *sql.Rows) (device.FeedChange, error) {
		var c device.FeedChange
		err := r.Scan(&c.Version, &c.Change, &c.Device, &c.Subject)
		return c, err
	})
}

// SaveDeviceStatus implements deviceapi.Store.
func (db *DB) SaveDeviceStatus(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, s device.Status, at time.Time) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := deviceBy(ctx, tx.q, tenant, "id", string(id)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `
			INSERT INTO device_status (tenant_id, device_id, at, body) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, device_id) DO UPDATE SET at = excluded.at, body = excluded.body`, tenant, id, micros(at), string(body))
		return err
	})
}

// DeviceStatus returns what a device last said of itself and when; the zero time when it said
// nothing yet.
func (db *DB) DeviceStatus(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (device.Status, time.Time, error) {
	var s device.Status
	var at int64
	var body string
	err := db.read.QueryRowContext(ctx, `SELECT at, body FROM device_status WHERE tenant_id = $1 AND device_id = $2`, tenant, id).Scan(&at, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return s, time.Time{}, nil
	}
	if err != nil {
		return s, time.Time{}, err
	}
	err = json.Unmarshal([]byte(body), &s)
	return s, fromMicros(at), err
}
