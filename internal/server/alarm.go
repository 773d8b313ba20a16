package server

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/pages"
)

const (
	// alarmSpan is how far back a letter counts. It is more than refusals are told late.
	alarmSpan = 25 * time.Hour
	// mostAlarmed bounds how many people are counted for a letter.
	mostAlarmed = 1000
)

// alarm does a [report.AlarmJob]: it writes to who keeps the tenant. Done again, it finds the mail there.
func (s *Server) alarm(ctx context.Context, j jobs.Job) error {
	tenant, err := s.db.Tenant(ctx, j.Tenant)
	if err != nil {
		return err
	}
	people, err := s.db.RefusedOften(ctx, j.Tenant, j.CreatedAt.Add(-alarmSpan), mostAlarmed)
	if err != nil || len(people) == 0 { // they got in after all, or are gone
		return err
	}
	readers, err := s.keepers(ctx, tenant)
	if err != nil {
		return err
	}
	var mails []outbox.Item
	for _, reader := range readers {
		letter, err := s.view.PassesRefused(pages.LanguageOf(reader.PreferredLanguage), tenant.Location(), pages.PassesRefused{
			Reader: reader.DisplayName, Tenant: tenant.DisplayName, People: len(people), At: j.CreatedAt,
		})
		if err != nil {
			return err
		}
		reader.OtherMails = nil
		mails = append(mails, s.letters(ctx, letterRefused, j.Key, tenant, reader, letter)...)
	}
	return s.db.PutMail(ctx, mails)
}

// keepers are whom the tenant names for what concerns its technology, or else its Global Administrators.
func (s *Server) keepers(ctx context.Context, tenant directory.Tenant) ([]directory.User, error) {
	if len(tenant.TechnicalMails) == 0 {
		return s.db.GlobalAdministrators(ctx, tenant.ID)
	}
	var all []directory.User
	for _, address := range tenant.TechnicalMails {
		all = append(all, directory.User{Mail: address})
	}
	return all, nil
}
