package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/directory/branding"
	"github.com/postern-id/postern/internal/directory/branding/picture"
)

// brandingOf returns the branding of a tenant, which is empty where nobody said anything.
func (db *DB) brandingOf(ctx context.Context, tenant directory.TenantID) (branding.Branding, error) {
	var b branding.Branding
	var body string
	var modified int64
	err := db.read.QueryRowContext(ctx, `SELECT body, modified_at, version FROM branding WHERE tenant_id = $1`, tenant).
		Scan(&body, &modified, &b.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("read branding: %w", err)
	}
	b.ModifiedAt = fromMicros(modified)
	return decoded(&b, body)
}

// SaveBranding implements graph.Brandings.
func (db *DB) SaveBranding(ctx context.Context, tenant directory.TenantID, b branding.Branding, fresh *picture.Picture, e audit.Event) error {
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `
			INSERT INTO branding (tenant_id, modified_at, version, body) VALUES ($1, $2, 1, $3)
			ON CONFLICT (tenant_id) DO UPDATE SET body = excluded.body, modified_at = excluded.modified_at, version = branding.version + 1
			WHERE branding.version = $4`, tenant, micros(b.ModifiedAt), string(body), b.Version)
		if err := changed(n, err, branding.ErrChanged); err != nil {
			return err
		}
		if err := tx.placeImages(ctx, tenant, b, fresh); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// placeImages keeps the fresh image, and of the others those that b names.
func (tx *Tx) placeImages(ctx context.Context, tenant directory.TenantID, b branding.Branding, fresh *picture.Picture) error {
	if fresh != nil {
		if _, err := tx.exec(ctx, `
			INSERT INTO branding_image (tenant_id, slot, hash, content) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, slot) DO UPDATE SET hash = excluded.hash, content = excluded.content`,
			tenant, string(fresh.Slot), fresh.Hash, base64.RawURLEncoding.EncodeToString(fresh.Content)); err != nil {
			return err
		}
	}
	for _, slot := range branding.Slots {
		if _, ok := b.Images[slot]; ok {
			continue
		}
		if _, err := tx.exec(ctx, `DELETE FROM branding_image WHERE tenant_id = $1 AND slot = $2`, tenant, string(slot)); err != nil {
			return err
		}
	}
	return nil
}

// DeleteBranding implements graph.Brandings.
func (db *DB) DeleteBranding(ctx context.Context, tenant directory.TenantID, version int64, e audit.Event) error {
	return db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `DELETE FROM branding WHERE tenant_id = $1 AND version = $2`, tenant, version)
		if err := changed(n, err, branding.ErrChanged); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM branding_image WHERE tenant_id = $1`, tenant); err != nil {
			return err
		}
		return tx.append(ctx, e)
	})
}

// BrandingImage implements pages.Images and graph.Brandings.
func (db *DB) BrandingImage(ctx context.Context, tenant directory.TenantID, slot branding.Slot, hash string) ([]byte, error) {
	var content string
	err := db.read.QueryRowContext(ctx, `SELECT content FROM branding_image WHERE tenant_id = $1 AND slot = $2 AND hash = $3`,
		tenant, string(slot), hash).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, branding.ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("read an image: %w", err)
	}
	return base64.RawURLEncoding.DecodeString(content)
}
