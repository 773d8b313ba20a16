package store

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
)

// ContactChanges implements recovery.People.
func (db *DB) ContactChanges(ctx context.Context, tenant directory.TenantID, user directory.UserID) (map[string]time.Time, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT property, changed_at FROM contact_change WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]time.Time{}
	for rows.Next() {
		var property string
		var at int64
		if err := rows.Scan(&property, &at); err != nil {
			return nil, err
		}
		all[property] = fromMicros(at)
	}
	return all, rows.Err()
}

// noteContacts notes which contact data of a person differs, and which of what credentials are
// compared with.
func (tx *Tx) noteContacts(ctx context.Context, before, after directory.User, at time.Time) error {
	changes := recovery.IdentityChanges(before, after)
	for property, same := range map[string]bool{
		recovery.ContactMobile:     before.MobilePhone == after.MobilePhone,
		recovery.ContactPhone:      slices.Equal(before.BusinessPhones, after.BusinessPhones),
		recovery.ContactMail:       slices.Equal(before.OtherMails, after.OtherMails),
		recovery.ContactManager:    before.Manager == after.Manager,
		recovery.ContactDepartment: before.Department == after.Department,
	} {
		if !same {
			changes = append(changes, property)
		}
	}
	for _, property := range changes {
		if err := tx.noteChange(ctx, before, property, at); err != nil {
			return err
		}
	}
	return nil
}

// noteChange notes that a property changed. Of managers and mail addresses it notes whether it is the
// first one of a new account.
func (tx *Tx) noteChange(ctx context.Context, before directory.User, property string, at time.Time) error {
	tenant, user, first := before.Tenant, before.ID, false
	switch property {
	case recovery.ContactManager:
		first = before.Manager == ""
	case "mail":
		first = before.Mail == ""
	default:
		return tx.noteContact(ctx, tenant, user, property, at)
	}
	var changes int
	if err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM contact_change WHERE tenant_id = $1 AND user_id = $2 AND property = $3`,
		tenant, user, property).Scan(&changes); err != nil {
		return err
	}
	if first && changes == 0 && recovery.New(before, at) {
		if err := tx.noteContact(ctx, tenant, user, recovery.First(property), at); err != nil {
			return err
		}
	} else if _, err := tx.exec(ctx, `DELETE FROM contact_change WHERE tenant_id = $1 AND user_id = $2 AND property = $3`,
		tenant, user, recovery.First(property)); err != nil {
		return err
	}
	return tx.noteContact(ctx, tenant, user, property, at)
}

func (tx *Tx) noteContact(ctx context.Context, tenant directory.TenantID, user directory.UserID, property string, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO contact_change (tenant_id, user_id, property, changed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, user_id, property) DO UPDATE SET changed_at = excluded.changed_at`, tenant, user, property, micros(at))
	return err
}
