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
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/recovery"
)

const containerColumns = `id, device_id, user_id, method_id, created_at, body`

func scanContainer(tenant directory.TenantID, scan func(...any) error) (hello.Container, error) {
	c := hello.Container{Tenant: tenant}
	var created int64
	var body string
	if err := scan(&c.ID, &c.Device, &c.User, &c.Method, &created, &body); err != nil {
		return c, err
	}
	c.CreatedAt = fromMicros(created)
	whole := c
	if err := json.Unmarshal([]byte(body), &whole); err != nil {
		c.RegisteredAt, c.Unreadable = c.CreatedAt, true
		return c, &unreadable{"container", c.ID}
	}
	return whole, nil
}

// listedContainer scans the rows of a list.
func listedContainer(tenant directory.TenantID) func(*sql.Rows) (hello.Container, error) {
	return func(r *sql.Rows) (hello.Container, error) {
		c, err := scanContainer(tenant, r.Scan)
		return c, listed(err)
	}
}

func containerBy(ctx context.Context, q querier, tenant directory.TenantID, column, value string) (hello.Container, error) {
	if value == "" { // what is begun has no method
		return hello.Container{}, hello.ErrNone
	}
	row := q.QueryRowContext(ctx, `SELECT `+containerColumns+` FROM pin_container WHERE tenant_id = $1 AND `+column+` = $2`, tenant, value)
	c, err := scanContainer(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, hello.ErrNone
	}
	return c, err
}

// Container implements hello.Store.
func (db *DB) Container(ctx context.Context, tenant directory.TenantID, id string) (hello.Container, error) {
	return containerBy(ctx, db.read, tenant, "id", id)
}

// ContainerOf implements hello.Store.
func (db *DB) ContainerOf(ctx context.Context, tenant directory.TenantID, method string) (hello.Container, error) {
	return containerBy(ctx, db.read, tenant, "method_id", method)
}

// ContainersOf implements hello.Store.
func (db *DB) ContainersOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]hello.Container, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+containerColumns+` FROM pin_container
		WHERE tenant_id = $1 AND user_id = $2 AND method_id <> '' ORDER BY method_id`, tenant, user)
	return collect(rows, err, listedContainer(tenant))
}

// BeginContainer implements hello.Store.
func (db *DB) BeginContainer(ctx context.Context, c hello.Container) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.owners(ctx, c); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `
			DELETE FROM pin_container WHERE tenant_id = $1 AND device_id = $2 AND user_id = $3 AND method_id = ''`,
			c.Tenant, c.Device, c.User); err != nil {
			return err
		}
		return tx.putContainer(ctx, c)
	})
}

// owners touches the person of c, so that changes of their PINs are decided one after the
// other, and reports when person or device is gone or switched off.
func (tx *Tx) owners(ctx context.Context, c hello.Container) error {
	if err := tx.touchUser(ctx, c.Tenant, c.User); err != nil {
		return err
	}
	user, err := userBy(ctx, tx.q, c.Tenant, "id", string(c.User))
	if err != nil {
		return err
	}
	if _, err := deviceBy(ctx, tx.q, c.Tenant, "id", string(c.Device)); err != nil {
		return err
	}
	if !user.AccountEnabled {
		return directory.ErrUserUnknown
	}
	_, _, err = admitting(ctx, tx.q, c.Tenant, c.Device, c.User)
	return err
}

func (tx *Tx) putContainer(ctx context.Context, c hello.Container) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `
		INSERT INTO pin_container (tenant_id, id, device_id, user_id, method_id, created_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant_id, id) DO UPDATE SET method_id = excluded.method_id, body = excluded.body`,
		c.Tenant, c.ID, c.Device, c.User, c.Method, micros(c.CreatedAt), string(body))
	return err
}

// RegisterKey implements hello.Store.
func (db *DB) RegisterKey(ctx context.Context, c hello.Container, e audit.Event, ended func(directory.UserID, string) audit.Event, mails ...outbox.Item) (hello.Container, error) {
	var kept hello.Container
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.owners(ctx, c); err != nil {
			return err
		}
		var err error
		if kept, err = containerBy(ctx, tx.q, c.Tenant, "id", c.ID); err != nil {
			return err
		}
		if kept.Registered() {
			if string(kept.Key) != string(c.Key) {
				return hello.ErrRegistered
			}
			return nil
		}
		if c.Roots, err = tx.rootsOf(ctx, c.Tenant, c.User, c.Origin(), c.RegisteredAt); err != nil {
			return err
		}
		kept = c
		if err := tx.removeFormer(ctx, c); err != nil {
			return err
		}
		if err := tx.putContainer(ctx, c); err != nil {
			return err
		}
		if err := tx.passRegistered(ctx, c.Tenant, c.Pass, recovery.Registered{ID: c.Method, Kind: "hello", At: c.RegisteredAt}); err != nil {
			return err
		}
		if err := tx.endBootstrap(ctx, c.Tenant, c.User, c.RegisteredAt, ended); err != nil {
			return err
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
	return kept, err
}

// removeFormer removes what c replaces.
func (tx *Tx) removeFormer(ctx context.Context, c hello.Container) error {
	rows, err := tx.q.QueryContext(ctx, `
		SELECT `+containerColumns+` FROM pin_container WHERE tenant_id = $1 AND device_id = $2 AND user_id = $3 AND id <> $4`,
		c.Tenant, c.Device, c.User, c.ID)
	all, err := collect(rows, err, listedContainer(c.Tenant))
	if err != nil {
		return err
	}
	for _, former := range all {
		if err := tx.removeContainer(ctx, former, c.RegisteredAt, "pinReplaced"); err != nil {
			return err
		}
	}
	return nil
}

// removeContainer deletes a container, ends what came from its PIN, and tells the device.
func (tx *Tx) removeContainer(ctx context.Context, c hello.Container, at time.Time, reason string) error {
	if _, err := tx.exec(ctx, `DELETE FROM pin_container WHERE tenant_id = $1 AND id = $2`, c.Tenant, c.ID); err != nil {
		return err
	}
	if !c.Registered() {
		return nil
	}
	if err := tx.noteLogout(ctx, at, c.Tenant, `f.method_id = $2`, c.Method); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		UPDATE session SET ended_at = $1 WHERE tenant_id = $2 AND method_id = $3 AND ended_at = 0`, micros(at), c.Tenant, c.Method); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `
		UPDATE token_family SET ended_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND method_id = $4 AND ended_at = 0`, micros(at), reason, c.Tenant, c.Method); err != nil {
		return err
	}
	return tx.tell(ctx, c.Tenant, device.FeedChange{Change: device.PINChanged, Device: string(c.Device), Subject: c.ID}, at)
}

// RemoveContainer implements hello.Store.
func (db *DB) RemoveContainer(ctx context.Context, c hello.Container, at time.Time, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := containerBy(ctx, tx.q, c.Tenant, "id", c.ID)
		if err := listed(err); err != nil {
			return err
		}
		if err := tx.removeContainer(ctx, now, at, "pinRemoved"); err != nil || !now.Registered() {
			return err
		}
		return tx.append(ctx, e)
	})
}

// removeContainersOf removes all containers of a person who is deleted.
func (tx *Tx) removeContainersOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM pin_container WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
	return err
}

// NoteReset implements hello.Counter.
func (db *DB) NoteReset(ctx context.Context, c hello.Container, next *hello.Guard, by method.Renewal, e audit.Event, mails ...outbox.Item) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.owners(ctx, c); err != nil {
			return err
		}
		now, err := containerBy(ctx, tx.q, c.Tenant, "id", c.ID)
		if err == nil && !now.Registered() {
			err = hello.ErrNone
		}
		if err != nil {
			return err
		}
		if len(by.Methods) > 0 {
			e, err := tx.methodsOf(ctx, c.Tenant, c.User)
			if err == nil {
				by, err = by.Rooted(e)
			}
			if err != nil {
				return err
			}
		}
		if now, err = now.Reset(by); err != nil {
			return err
		}
		if err := tx.putContainer(ctx, now.Announced(next)); err != nil {
			return err
		}
		if err := tx.queue(ctx, mails); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// NoteTry implements hello.Counter.
func (db *DB) NoteTry(ctx context.Context, c hello.Container, verifier []byte, next *hello.Guard, stopped audit.Event) (hello.Tried, error) {
	var tried hello.Tried
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.owners(ctx, c); err != nil {
			return err
		}
		now, err := containerBy(ctx, tx.q, c.Tenant, "id", c.ID)
		if err == nil && (!now.Registered() || now.Software == nil) {
			err = hello.ErrNone
		}
		if err != nil {
			return err
		}
		if now.Software.Wrong >= hello.MostWrong {
			tried = hello.Tried{}
			return nil
		}
		now, tried = now.Try(verifier, next)
		if err := tx.putContainer(ctx, now); err != nil || tried.Right || tried.Left > 0 {
			return err
		}
		return tx.append(ctx, stopped)
	})
	return tried, err
}

// KeepTries gives the containers without a TPM that method names, or all of a tenant when it is
// empty, n wrong PINs in a row at least, and records the events. A restore does, which brings an
// older count back.
func (db *DB) KeepTries(ctx context.Context, tenant directory.TenantID, method string, n int, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		rows, err := tx.q.QueryContext(ctx, `
			SELECT `+containerColumns+` FROM pin_container
			WHERE tenant_id = $1 AND method_id <> '' AND ($2 = '' OR method_id = $2) ORDER BY id`, tenant, method)
		all, err := collect(rows, err, listedContainer(tenant))
		if err != nil {
			return err
		}
		if method != "" && len(all) == 0 {
			return hello.ErrNone
		}
		for _, c := range all {
			if c, more := c.Tried(n); more {
				if err := tx.putContainer(ctx, c); err != nil {
					return err
				}
			}
		}
		return tx.appendAll(ctx, events)
	})
}

// madeWithTenant is how long after the tenant its first pass may have been made.
const madeWithTenant = 10 * time.Minute

// endBootstrap ends the bootstrap passes that are needed no more once user, who has a strong
// method now, is a Global Administrator: their own, and the one that init made for the tenant.
// One for many uses stays: it is the owner's, who asked for it (postern recover --multi).
func (tx *Tx) endBootstrap(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time, ended func(directory.UserID, string) audit.Event) error {
	administrators, err := tx.globalAdministrators(ctx, tenant)
	if err != nil || !slices.Contains(administrators, user) {
		return err
	}
	all, err := tx.unusedBootstraps(ctx, tenant, user)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := tx.removePass(ctx, p, at); err != nil {
			return err
		}
		if err := tx.append(ctx, ended(p.User, p.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) unusedBootstraps(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]tap.Pass, error) {
	var created int64
	if err := tx.q.QueryRowContext(ctx, `SELECT created_at FROM tenant WHERE tenant_id = $1`, tenant).Scan(&created); err != nil {
		return nil, err
	}
	rows, err := tx.q.QueryContext(ctx, `
		SELECT `+tapColumns+` FROM tap
		WHERE tenant_id = $1 AND bootstrap AND single_use AND used_at = 0 AND (user_id = $2 OR created_at <= $3)`,
		tenant, user, micros(fromMicros(created).Add(madeWithTenant)))
	return collect(rows, err, listedPass(tenant))
}
