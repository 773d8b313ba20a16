package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/signin"
)

const deviceColumns = `id, body, owner_id, seen_at, version`

func scanDevice(tenant directory.TenantID, scan func(...any) error) (directory.Device, error) {
	d := directory.Device{Tenant: tenant}
	var body string
	var seen int64
	var id directory.DeviceObjectID
	if err := scan(&id, &body, &d.Owner, &seen, &d.Version); err != nil {
		return d, err
	}
	d.ID, d.SeenAt = id, fromMicros(seen)
	whole := d
	if err := json.Unmarshal([]byte(body), &whole); err != nil {
		d.Unreadable = true
		return d, &unreadable{"device", string(id)}
	}
	whole.ID, whole.SeenAt = d.ID, d.SeenAt
	return whole, nil
}

// listedDevice scans a row of a list.
func listedDevice(tenant directory.TenantID, scan func(...any) error) (directory.Device, error) {
	d, err := scanDevice(tenant, scan)
	return d, listed(err)
}

var devices = listing[directory.Device]{table: "device", columns: deviceColumns, kind: directory.KindDevice, scan: listedDevice}

// Devices implements graph.Store.
func (db *DB) Devices(ctx context.Context, tenant directory.TenantID, match []filter.Bound, order []filter.Order, after []any, limit int) ([]directory.Device, []any, error) {
	return list(ctx, db, tenant, devices, match, order, after, limit)
}

// CountDevices implements graph.Store.
func (db *DB) CountDevices(ctx context.Context, tenant directory.TenantID, match []filter.Bound) (int, error) {
	return count(ctx, db, tenant, devices, match)
}

// Device returns the device with the given object id, or directory.ErrDeviceUnknown.
func (db *DB) Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error) {
	return deviceBy(ctx, db.read, tenant, "id", string(id))
}

// DeviceByKey returns the device whose key has the thumbprint, or directory.ErrDeviceUnknown.
func (db *DB) DeviceByKey(ctx context.Context, tenant directory.TenantID, thumbprint string) (directory.Device, error) {
	return deviceBy(ctx, db.read, tenant, "key_thumbprint", thumbprint)
}

// DeviceByDeviceID returns the device with the given device id, or directory.ErrDeviceUnknown.
func (db *DB) DeviceByDeviceID(ctx context.Context, tenant directory.TenantID, deviceID string) (directory.Device, error) {
	return deviceBy(ctx, db.read, tenant, "device_id", deviceID)
}

func deviceBy(ctx context.Context, q querier, tenant directory.TenantID, column, value string) (directory.Device, error) {
	row := q.QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM device WHERE tenant_id = $1 AND `+column+` = $2`, tenant, value)
	d, err := scanDevice(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return d, directory.ErrDeviceUnknown
	}
	return d, err
}

// JoinDevice stores d with who joined it and records the event that event makes of what was
// stored, or does none of it. A machine that the tenant knows, by d.Machine or by the key,
// keeps its ids and its history. Beyond quota devices a person gets directory.ErrDeviceQuota;
// a device that was switched off is directory.ErrDeviceDisabled and stays off, one that was
// refused is directory.ErrDeviceRefused.
func (db *DB) JoinDevice(ctx context.Context, d directory.Device, quota int, event func(directory.Device) audit.Event) (directory.Device, error) {
	var joined directory.Device
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		joined = d
		if err := tx.touchUser(ctx, d.Tenant, d.Owner); err != nil {
			return err
		}
		if err := tx.joinedIn(ctx, &joined); err != nil {
			return err
		}
		known, err := tx.sameMachine(ctx, d)
		switch {
		case err == nil:
			if !known.AccountEnabled {
				return directory.ErrDeviceDisabled
			}
			joined.ID, joined.DeviceID, joined.RegisteredAt = known.ID, known.DeviceID, known.RegisteredAt
			if joined.Approval = directory.Rejoin(known, d); joined.Approval == directory.Refused {
				return directory.ErrDeviceRefused
			}
			if err := tx.rejoined(ctx, known, &joined); err != nil {
				return err
			}
			if known.Usable() == nil && joined.Usable() != nil {
				if err := tx.endDevice(ctx, known, d.SeenAt, codeOf(joined.Usable())); err != nil {
					return err
				}
			}
		case !errors.Is(err, directory.ErrDeviceUnknown):
			return err
		}
		if err != nil || known.Owner != d.Owner {
			if err := tx.withinQuota(ctx, d, quota); err != nil {
				return err
			}
		}
		if err := tx.putDevice(ctx, joined); err != nil {
			return err
		}
		if err := tx.seenOn(ctx, joined, d.Owner, d.SeenAt); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO device_feed (tenant_id, version) VALUES ($1, 0) ON CONFLICT (tenant_id) DO NOTHING`, d.Tenant); err != nil {
			return err
		}
		if joined, err = deviceBy(ctx, tx.q, d.Tenant, "id", string(joined.ID)); err != nil {
			return err
		}
		e := event(joined)
		if err := tx.append(ctx, e); err != nil {
			return err
		}
		return tx.followDevice(ctx, joined, e)
	})
	return joined, err
}

// joinedIn notes what proved the session in which d joins; signin.ErrGone when it has ended meanwhile.
func (tx *Tx) joinedIn(ctx context.Context, d *directory.Device) error {
	if d.JoinedIn == "" {
		return nil
	}
	s, err := sessionBy(ctx, tx.q, d.Tenant, d.JoinedIn)
	if errors.Is(err, signin.ErrGone) {
		return nil
	}
	if err == nil && !s.EndedAt.IsZero() {
		err = signin.ErrGone
	}
	if err != nil {
		return err
	}
	o := method.OriginOf(s, signin.Place{})
	d.JoinedFor, d.JoinedByMethods = o.Case, o.Methods
	d.JoinedFrom, err = tx.rootsOf(ctx, d.Tenant, s.User, o, d.SeenAt)
	return err
}

// sameMachine returns the device that d was before.
func (tx *Tx) sameMachine(ctx context.Context, d directory.Device) (directory.Device, error) {
	known, err := deviceBy(ctx, tx.q, d.Tenant, "key_thumbprint", d.KeyThumbprint)
	if errors.Is(err, directory.ErrDeviceUnknown) && d.Machine != "" && d.Attested {
		return deviceBy(ctx, tx.q, d.Tenant, "machine", d.Machine)
	}
	return known, err
}

func (tx *Tx) withinQuota(ctx context.Context, d directory.Device, quota int) error {
	var n int
	if err := tx.q.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM device WHERE tenant_id = $1 AND owner_id = $2`, d.Tenant, d.Owner).Scan(&n); err != nil {
		return err
	}
	if n >= quota {
		return directory.ErrDeviceQuota
	}
	return nil
}

func (tx *Tx) putDevice(ctx context.Context, d directory.Device) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO device (tenant_id, id, device_id, display_name, operating_system, trust_type, account_enabled,
			key_thumbprint, machine, owner_id, registered_at, seen_at, body, approval)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (tenant_id, id) DO UPDATE SET display_name = excluded.display_name, operating_system = excluded.operating_system,
			trust_type = excluded.trust_type, account_enabled = excluded.account_enabled, key_thumbprint = excluded.key_thumbprint,
			machine = excluded.machine, owner_id = excluded.owner_id, seen_at = excluded.seen_at, version = device.version + 1, body = excluded.body,
			approval = excluded.approval`,
		d.Tenant, d.ID, d.DeviceID, strings.ToLower(d.DisplayName), strings.ToLower(d.OperatingSystem), strings.ToLower(string(d.TrustType)), d.AccountEnabled,
		d.KeyThumbprint, d.Machine, d.Owner, micros(d.RegisteredAt), micros(d.SeenAt), string(body), d.Approval.String())
	return err
}

// seenOn notes that a person signed in on a device.
func (tx *Tx) seenOn(ctx context.Context, d directory.Device, user directory.UserID, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO device_user (tenant_id, device_id, user_id, first_at, last_at) VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (tenant_id, device_id, user_id) DO UPDATE SET last_at = excluded.last_at`, d.Tenant, d.ID, user, micros(at))
	return err
}

// signInOn notes that a person signed in on a living device, and hands it over if it waited for
// them; else it is directory.ErrDeviceUnknown, or the reason why nobody can use it, or not they. e
// is the event of the sign-in.
func (tx *Tx) signInOn(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, user directory.UserID, at time.Time, e audit.Event) error {
	d, member, err := admitting(ctx, tx.q, tenant, id, user)
	if err != nil {
		return err
	}
	if d.TakenOverBy(user, member) {
		if err := tx.handOver(ctx, d, user, at, e); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, `UPDATE device SET seen_at = $1 WHERE tenant_id = $2 AND id = $3 AND account_enabled`, micros(at), tenant, id); err != nil {
		return err
	}
	return tx.seenOn(ctx, d, user, at)
}

// livingDevice returns a device that is there and can be used.
func livingDevice(ctx context.Context, q querier, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error) {
	d, err := deviceBy(ctx, q, tenant, "id", string(id))
	if err == nil {
		err = d.Usable()
	}
	return d, err
}

// SignedInOn implements signin.Store.
func (db *DB) SignedInOn(ctx context.Context, tenant directory.TenantID, device directory.DeviceObjectID, user directory.UserID) (signin.MethodID, bool, error) {
	return lastMethod(db.read.QueryRowContext(ctx, `
		SELECT method FROM device_user WHERE tenant_id = $1 AND device_id = $2 AND user_id = $3`, tenant, device, user))
}

// UpdateDevice stores d if its version is still d.Version, else it is
// directory.ErrDeviceChanged; ends what came from it when nobody can use it any more, or its
// owner when it is theirs alone, and records e.
func (db *DB) UpdateDevice(ctx context.Context, d directory.Device, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		old, err := deviceBy(ctx, tx.q, d.Tenant, "id", string(d.ID))
		if err != nil {
			return err
		}
		if old.Version != d.Version {
			return directory.ErrDeviceChanged
		}
		if why := d.Usable(); old.Usable() == nil && why != nil {
			if err := tx.endDevice(ctx, old, at, codeOf(why)); err != nil {
				return err
			}
		}
		if (old.TrustType == directory.TrustRegistered || old.HandedOver()) && old.Owner != d.Owner {
			if err := tx.endOwner(ctx, old, at); err != nil {
				return err
			}
		}
		if err := tx.putDevice(ctx, d); err != nil {
			return err
		}
		if err := tx.append(ctx, e); err != nil {
			return err
		}
		return tx.followDevice(ctx, d, e)
	})
}

// RemoveDevice deletes a device with its PINs, ends what came from it, and records e.
func (db *DB) RemoveDevice(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		d, err := deviceBy(ctx, tx.q, tenant, "id", string(id))
		if err := listed(err); err != nil {
			return err
		}
		if err := tx.endDevice(ctx, d, at, "deviceDeleted"); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM pin_container WHERE tenant_id = $1 AND device_id = $2`,
			`DELETE FROM device_user WHERE tenant_id = $1 AND device_id = $2`,
			`DELETE FROM device_status WHERE tenant_id = $1 AND device_id = $2`,
			`DELETE FROM group_link WHERE tenant_id = $1 AND object_id = $2`,
			`DELETE FROM device WHERE tenant_id = $1 AND id = $2`,
		} {
			if _, err := tx.exec(ctx, statement, tenant, id); err != nil {
				return err
			}
		}
		return tx.append(ctx, e)
	})
}

// endDevice ends the sessions that began on the device and the token families that are bound
// to it.
func (tx *Tx) endDevice(ctx context.Context, d directory.Device, at time.Time, reason string) error {
	if err := tx.noteLogout(ctx, at, d.Tenant, `f.device_id = $2`, d.ID); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		UPDATE session SET ended_at = $1 WHERE tenant_id = $2 AND device_id = $3 AND ended_at = 0`, micros(at), d.Tenant, d.ID); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND device_id = $4 AND ended_at = 0`, micros(at), reason, d.Tenant, d.ID)
	return err
}

// endOwner ends what the owner of a registered device, which is theirs alone, has on it.
func (tx *Tx) endOwner(ctx context.Context, d directory.Device, at time.Time) error {
	if err := tx.endDevice(ctx, d, at, "ownerRemoved"); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM pin_container WHERE tenant_id = $1 AND device_id = $2 AND user_id = $3`,
		`DELETE FROM device_user WHERE tenant_id = $1 AND device_id = $2 AND user_id = $3`,
	} {
		if _, err := tx.exec(ctx, statement, d.Tenant, d.ID, d.Owner); err != nil {
			return err
		}
	}
	return nil
}

// codeOf is the code of a fault.
func codeOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Code
	}
	return ""
}

// numberTries bounds how often a number that another replica took meanwhile is drawn again.
const numberTries = 5

// ErrNumbers reports that the tenant's range of numbers is used up.
var ErrNumbers = errors.New("the tenant's range of account numbers is used up")

// AccountNumber returns the number, within [first, last], that stands for an object on devices
// for ever; it gives one out when there is none. A number is never given out twice, whatever
// became of its object.
func (db *DB) AccountNumber(ctx context.Context, tenant directory.TenantID, object string, first, last int64) (int64, error) {
	var number int64
	err := db.read.QueryRowContext(ctx, `SELECT number FROM account_number WHERE tenant_id = $1 AND object_id = $2`, tenant, object).Scan(&number)
	if !errors.Is(err, sql.ErrNoRows) {
		return number, err
	}
	for range numberTries {
		if number, err = db.newNumber(ctx, tenant, object, first, last); !isDuplicate(err) {
			break
		}
	}
	return number, err
}

func (db *DB) newNumber(ctx context.Context, tenant directory.TenantID, object string, first, last int64) (int64, error) {
	var number int64
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `UPDATE tenant SET version = version WHERE tenant_id = $1`, tenant); err != nil {
			return err
		}
		err := tx.q.QueryRowContext(ctx, `SELECT number FROM account_number WHERE tenant_id = $1 AND object_id = $2`, tenant, object).Scan(&number)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := tx.q.QueryRowContext(ctx, `
			SELECT COALESCE(MAX(number) + 1, $1) FROM account_number WHERE tenant_id = $2 AND number >= $1 AND number <= $3`,
			first, tenant, last).Scan(&number); err != nil {
			return err
		}
		if number > last {
			return ErrNumbers
		}
		_, err = tx.exec(ctx, `INSERT INTO account_number (tenant_id, object_id, number) VALUES ($1, $2, $3)`, tenant, object, number)
		return err
	})
	return number, err
}

// ObjectOfNumber returns the id of the object that has a number, or directory.ErrObjectUnknown.
func (db *DB) ObjectOfNumber(ctx context.Context, tenant directory.TenantID, number int64) (string, error) {
	var id string
	err := db.read.QueryRowContext(ctx, `SELECT object_id FROM account_number WHERE tenant_id = $1 AND number = $2`, tenant, number).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", directory.ErrObjectUnknown
	}
	return id, err
}
