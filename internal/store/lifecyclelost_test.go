package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/store"
)

// postman refuses mail to an address for good.
type postman struct{ refuses string }

func (p postman) Send(_ context.Context, _ string, _ time.Time, m outbox.Mail) error {
	if m.To.Address == p.refuses {
		return fmt.Errorf("%w: 550 5.1.1", outbox.ErrRefused)
	}
	return nil
}

// TestAPassWhoseMailWasRefusedIsNobodysAndItsRunFailed has a manager whose address is wrong, and then
// mended.
func TestAPassWhoseMailWasRefusedIsNobodysAndItsRunFailed(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		u := h.hire(h.boss.ID)
		h.patch(u, func(u *directory.User) { u.EmployeeHireDate = nine.Add(48 * time.Hour) })
		h.workflow.Tasks[0].Arguments = append(h.workflow.Tasks[0].Arguments, lifecycle.Argument{Name: "cc", Value: string(h.another.ID)})
		courier := &outbox.Courier{
			Store: h.DB, Box: h.engine.Box, Now: h.all.Now, Chance: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
		}
		run := func(refuses string) lifecycle.Run {
			t.Helper()
			h.all.pass(time.Minute)
			r, err := h.engine.Activate(t.Context(), h.workflow, []directory.UserID{u}, nil, change(h.tenant))
			must(t, err)
			if passed, _ := h.work(u); !passed {
				t.Fatal("there is no pass")
			}
			h.all.pass(time.Minute)
			courier.Sender = postman{refuses}
			must(t, courier.Deliver(t.Context()))
			r, err = h.DB.Run(t.Context(), h.tenant, h.workflow.ID, r.ID)
			must(t, err)
			return r
		}
		wants := func(what string, r lifecycle.Run, want lifecycle.Status, reason string, waits int) {
			t.Helper()
			people, _, err := h.ListPeople(t.Context(), h.tenant, h.workflow.ID, r.ID, nil, 9)
			must(t, err)
			if len(people) != 1 || r.Status != want || people[0].Status != want || people[0].Tasks[0].Status != want || people[0].Tasks[0].FailureReason != reason {
				t.Errorf("%s: the run is %s, %+v", what, r.Status, people)
			}
			failed := map[bool]int{true: 1}[want == lifecycle.Failed]
			if r.Counts != (lifecycle.Counts{People: 1, Succeeded: 1 - failed, Failed: failed, Tasks: 1, TasksFailed: failed}) || r.CompletedAt.IsZero() {
				t.Errorf("%s: it counts %+v", what, r.Counts)
			}
			found, err := h.Starters(t.Context(), h.tenant, nine, nine.AddDate(0, 0, 14), h.all.Now(), 9)
			if must(t, err); len(found) != waits {
				t.Errorf("%s: who starts without a pass: %+v", what, found)
			}
		}
		wants("a copy that is refused", run(h.another.Mail), lifecycle.Completed, "", 0)
		before := number(t, h.DB, `SELECT COUNT(*) FROM event`)
		lost := run(h.boss.Mail)
		wants("the mail that is refused", lost, lifecycle.Failed, lifecycle.Undelivered+"refused for good: 550 5.1.1", 1)
		if n := number(t, h.DB, `SELECT COUNT(*) FROM event`); n < before+3 {
			t.Errorf("%d events are new", n-before)
		}
		unsent, err := h.UnsentMail(t.Context(), h.tenant, 9)
		must(t, err)
		if len(unsent) != 2 || unsent[0].User != h.boss.ID || unsent[0].ReaderName != h.boss.UserPrincipalName || unsent[0].About != u ||
			!strings.HasPrefix(unsent[0].AboutName, "u"+string(u)) {
			t.Errorf("UnsentMail = %+v", unsent)
		}
		if err := h.SettleMail(t.Context(), unsent[0].Item); !errors.Is(err, outbox.ErrLeaseLost) {
			t.Errorf("it can be settled again: %v", err)
		}
		wants("after the address was mended", run(""), lifecycle.Completed, "", 0)
	})
}
