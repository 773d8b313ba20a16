package server

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/postern-id/postern/internal/deviceapi"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
	"github.com/postern-id/postern/internal/recovery/drill"
	"github.com/postern-id/postern/internal/store"
)

// letterPractice asks somebody to practise.
const letterPractice = "recoveryDrill"

// drills rehearse recovery.
func (s *Server) drills() drill.Service {
	return drill.Service{
		Store: s.db, People: s.db, Passes: s.db, Devices: drillDevices{s.db}, Secrets: bound{s.ring, s.db.Incarnation}, Now: s.now, Rand: rand.Reader,
		PINs: s.pins(), Letters: s.practiceLetters,
	}
}

// drillDevices implements drill.Devices.
type drillDevices struct{ db *store.DB }

// Device implements drill.Devices.
func (d drillDevices) Device(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID) (directory.Device, error) {
	return d.db.Device(ctx, tenant, id)
}

// UpToDate implements drill.Devices.
func (d drillDevices) UpToDate(ctx context.Context, tenant directory.TenantID, id directory.DeviceObjectID, now time.Time) (bool, error) {
	status, at, err := d.db.DeviceStatus(ctx, tenant, id)
	return status.Compliant(at, now), err
}

// PINSettings implements drill.Devices.
func (d drillDevices) PINSettings(ctx context.Context, dev directory.Device, user directory.UserID) (hello.Settings, error) {
	api := deviceapi.API{Store: d.db}
	return api.PINSettings(ctx, dev, user)
}

// practiceLetters ask a person to practise. The practice pass is not in it: people are not to learn
// that codes come by mail.
func (s *Server) practiceLetters(ctx context.Context, p drill.Practice, u directory.User) ([]outbox.Item, error) {
	tenant, err := s.db.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	letter, err := s.view.Practice(pages.LanguageOf(u.PreferredLanguage), tenant.Location(), pages.PracticeLetter{
		Reader: u.DisplayName, Tenant: tenant.DisplayName, EndsAt: p.EndsAt, AtLockScreen: p.Where == drill.AtLockScreen,
		Link: s.options.PublicURL + pages.PracticePath, ID: p.Drill,
	})
	if err != nil {
		return nil, err
	}
	u.OtherMails = nil // it is about work
	return s.letters(ctx, letterPractice, p.Drill, tenant, u, letter), nil
}
