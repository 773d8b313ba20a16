package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

const userColumns = `id, body, manager_id, sessions_valid_from, version, external_id, source`

func scanUser(tenant directory.TenantID, scan func(...any) error) (directory.User, error) {
	u := directory.User{Tenant: tenant}
	var body string
	var validFrom int64
	var id directory.UserID
	var externalID string
	var source directory.Source
	if err := scan(&id, &body, &u.Manager, &validFrom, &u.Version, &externalID, &source); err != nil {
		return u, err
	}
	if err := json.Unmarshal([]byte(body), &u); err != nil {
		return u, fmt.Errorf("read user %s: %w", id, err)
	}
	u.ID, u.SessionsValidFrom = id, fromMicros(validFrom)
	u.ExternalID, u.Source = externalID, source // a program of the first release leaves them out of the document
	return u, nil
}

// User returns the user with the given id, or directory.ErrUserUnknown.
func (db *DB) User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error) {
	return userBy(ctx, db.read, tenant, "id", string(id))
}

// UserByName returns the user with that UPN, in any case, or directory.ErrUserUnknown.
func (db *DB) UserByName(ctx context.Context, tenant directory.TenantID, upn string) (directory.User, error) {
	return userBy(ctx, db.read, tenant, "user_principal_name", strings.ToLower(upn))
}

func userBy(ctx context.Context, q querier, tenant directory.TenantID, column, value string) (directory.User, error) {
	row := q.QueryRowContext(ctx, `SELECT `+userColumns+` FROM directory_user WHERE tenant_id = $1 AND `+column+` = $2`, tenant, value)
	u, err := scanUser(tenant, row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return u, directory.ErrUserUnknown
	}
	return u, err
}

// CreateUser stores u and records events, or neither; directory.ErrUPNTaken,
// directory.ErrExternalIDTaken, and directory.ErrUserUnknown for a manager who is not there.
func (db *DB) CreateUser(ctx context.Context, u directory.User, events ...audit.Event) error {
	err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if u.Manager != "" {
			if _, err := userBy(ctx, tx.q, u.Tenant, "id", string(u.Manager)); err != nil {
				return err
			}
		}
		if err := tx.insertUser(ctx, u); err != nil {
			return err
		}
		return tx.appendAll(ctx, events)
	})
	if err == nil {
		db.grown(ctx)
	}
	return err
}

// UpdateUser stores u with its manager if its version is still u.Version, ends what must end
// when the account was disabled, and records events.
func (db *DB) UpdateUser(ctx context.Context, u directory.User, at time.Time, events ...audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.updateUser(ctx, u, at); err != nil {
			return err
		}
		return tx.appendAll(ctx, events)
	})
}

func (tx *Tx) updateUser(ctx context.Context, u directory.User, at time.Time) error {
	old, err := userBy(ctx, tx.q, u.Tenant, "id", string(u.ID))
	if err != nil {
		return err
	}
	if old.AccountEnabled && !u.AccountEnabled {
		if err := tx.guardLastAdministrator(ctx, u.Tenant, u.ID); err != nil {
			return err
		}
		if err := tx.endAllOf(ctx, u.Tenant, u.ID, at, "accountDisabled"); err != nil {
			return err
		}
	}
	if err := tx.replaceUser(ctx, u); err != nil {
		return err
	}
	if u.Manager != old.Manager {
		if err := tx.setManager(ctx, u.Tenant, u.ID, u.Manager); err != nil {
			return err
		}
	}
	if err := tx.noteAddresses(ctx, old, u, at); err != nil {
		return err
	}
	return tx.noteContacts(ctx, old, u, at)
}

func (tx *Tx) insertUser(ctx context.Context, u directory.User) error {
	body, err := json.Marshal(u)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		INSERT INTO directory_user (tenant_id, id, user_principal_name, display_name, given_name,
			surname, mail, mail_nickname, employee_id, department, job_title, user_type,
			account_enabled, employee_hire_at, on_premises_sync, employee_leave_at, created_at, manager_id,
			sessions_valid_from, body, external_id, source)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
		ON CONFLICT (tenant_id, user_principal_name) DO NOTHING`,
		append(append([]any{u.Tenant, u.ID}, userIndex(u)...), micros(u.CreatedDateTime), u.Manager, micros(u.SessionsValidFrom), string(body), u.ExternalID, u.Source)...)
	if isDuplicate(err) && violates(err, "external_id") {
		return directory.ErrExternalIDTaken
	}
	if err != nil {
		return fmt.Errorf("insert user: %w", err)
	}
	if n == 0 {
		return directory.ErrUPNTaken
	}
	return tx.setWords(ctx, u.Tenant, directory.KindUser, string(u.ID), u.Words())
}

// userIndex returns the values of the columns that users are found by, in the order of the
// statements above and below.
func userIndex(u directory.User) []any {
	lower := strings.ToLower
	return []any{
		lower(u.UserPrincipalName), lower(u.DisplayName), lower(u.GivenName), lower(u.Surname), lower(u.Mail),
		lower(u.MailNickname), lower(u.EmployeeID), lower(u.Department), lower(u.JobTitle), lower(u.UserType),
		u.AccountEnabled, micros(u.EmployeeHireDate), u.OnPremisesSyncEnabled, micros(u.EmployeeLeaveDateTime),
	}
}

func (tx *Tx) replaceUser(ctx context.Context, u directory.User) error {
	body, err := json.Marshal(u)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `
		UPDATE directory_user SET user_principal_name = $1, display_name = $2, given_name = $3,
			surname = $4, mail = $5, mail_nickname = $6, employee_id = $7, department = $8,
			job_title = $9, user_type = $10, account_enabled = $11, employee_hire_at = $12,
			on_premises_sync = $13, employee_leave_at = $14, body = $15, external_id = $16, source = $17, version = version + 1
		WHERE tenant_id = $18 AND id = $19 AND version = $20`,
		append(userIndex(u), string(body), u.ExternalID, u.Source, u.Tenant, u.ID, u.Version)...)
	switch {
	case isDuplicate(err) && violates(err, "external_id"):
		return directory.ErrExternalIDTaken
	case isDuplicate(err):
		return directory.ErrUPNTaken
	case err != nil:
		return fmt.Errorf("update user: %w", err)
	case n == 0:
		return directory.ErrChanged
	}
	return tx.setWords(ctx, u.Tenant, directory.KindUser, string(u.ID), u.Words())
}

// setWords replaces the words that $search finds an object by.
func (tx *Tx) setWords(ctx context.Context, tenant directory.TenantID, kind directory.ObjectKind, id string, words map[string][]string) error {
	if _, err := tx.exec(ctx, `DELETE FROM object_word WHERE tenant_id = $1 AND object_id = $2`, tenant, id); err != nil {
		return err
	}
	for property, all := range words {
		for _, word := range all {
			if _, err := tx.exec(ctx, `
				INSERT INTO object_word (tenant_id, kind, property, word, object_id)
				VALUES ($1, $2, $3, $4, $5)`, tenant, kind, property, word, id); err != nil {
				return fmt.Errorf("index words: %w", err)
			}
		}
	}
	return nil
}

// endAllOf ends every session and token family of a user and removes their pass.
func (tx *Tx) endAllOf(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time, reason string) error {
	if err := tx.endSessionsOf(ctx, tenant, user, "", at, reason); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM tap WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
	return err
}
