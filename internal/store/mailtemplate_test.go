package store_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox/letter"
	"github.com/postern-id/postern/internal/store"
)

func TestOfManyWhoChangeAMailTemplateOneWins(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		f := fixture{open(t, c), c}
		tenant, other := directory.TenantID(uuid.NewString()), directory.TenantID(uuid.NewString())
		f.addUser(t, member(tenant, directory.UserID(uuid.NewString())))
		save := func(version int64) (won int) {
			var wait sync.WaitGroup
			results := make(chan error, 8)
			for i := range cap(results) {
				wait.Go(func() {
					results <- f.SaveMailTemplate(t.Context(), tenant, letter.Template{Kind: "pinReset", Language: "de", Subject: strconv.Itoa(i), Body: "b", Notice: "n", ModifiedAt: nine, Version: version}, change(tenant))
				})
			}
			wait.Wait()
			close(results)
			for err := range results {
				if err == nil {
					won++
				} else if !errors.Is(err, directory.ErrChanged) {
					t.Error(err)
				}
			}
			return won
		}
		for version := range int64(3) {
			if won := save(version); won != 1 {
				t.Errorf("version %d: %d won", version, won)
			}
		}
		if err := f.SaveMailTemplate(t.Context(), tenant, letter.Template{Kind: "pinReset", Language: "default", Subject: "s", Body: "b", ModifiedAt: nine}, change(tenant)); err != nil {
			t.Fatal(err)
		}
		if err := f.SaveMailTemplate(t.Context(), tenant, letter.Template{Kind: "pinSetUp", Language: "de", Subject: "s", Body: "b", ModifiedAt: nine}, change(tenant)); err != nil {
			t.Fatal(err)
		}
		all, err := f.MailTemplates(t.Context(), tenant, "pinReset")
		if err != nil || len(all) != 2 || all[0].Language != "de" || all[0].Version != 3 || all[0].Body != "b" || all[0].Notice != "n" || !all[0].ModifiedAt.Equal(nine) {
			t.Errorf("kept are %+v, %v", all, err)
		}
		if all, err := f.MailTemplates(t.Context(), tenant, ""); err != nil || len(all) != 3 {
			t.Errorf("of all kinds: %+v, %v", all, err)
		}
		if all, err := f.MailTemplates(t.Context(), other, ""); err != nil || len(all) != 0 {
			t.Errorf("another tenant has %+v, %v", all, err)
		}
		old := all[0]
		old.Version--
		if err := f.DeleteMailTemplate(t.Context(), tenant, old, change(tenant)); !errors.Is(err, directory.ErrChanged) {
			t.Errorf("an old version was reset: %v", err)
		}
		if err := f.DeleteMailTemplate(t.Context(), tenant, all[0], change(tenant)); err != nil {
			t.Error(err)
		}
	})
}
