package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/store"
)

func TestAVouchIsGoodForTheManagerWhoWasSeenAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		w := h.behindExtension()
		for _, one := range []struct {
			name      string
			meanwhile func(u, manager directory.UserID)
			dies      bool // and is begun anew by somebody who saw nobody
			passes    bool
		}{
			{"nothing changes", func(directory.UserID, directory.UserID) {}, false, true},
			{"the same manager, sent again", func(u, manager directory.UserID) { h.put(u, manager) }, false, true},
			{"another manager", func(u, _ directory.UserID) { h.put(u, h.another.ID) }, false, false},
			{"another manager and the first one again", func(u, manager directory.UserID) {
				h.put(u, h.another.ID)
				h.put(u, manager)
			}, false, false},
			{"another address of the manager", func(_, manager directory.UserID) {
				h.patch(manager, func(m *directory.User) { m.Mail = "evil@contoso.example" })
			}, false, false},
			{"another manager, and it is begun anew", func(u, _ directory.UserID) { h.put(u, h.another.ID) }, true, false},
			{"it is begun anew", func(u, manager directory.UserID) {}, true, false},
		} {
			seen := h.manager()
			u := h.hire(h.boss.ID)
			h.all.pass(2 * 24 * time.Hour)
			h.put(u, seen.ID) // a short time ago: without a vouch the pass waits
			h.all.fail(true)
			run, err := h.engine.Activate(t.Context(), w, []directory.UserID{u}, map[directory.UserID]bool{u: true}, change(h.tenant))
			must(t, err)
			h.work(u)
			for n := 0; one.dies && n < 40; n++ {
				h.all.pass(time.Hour)
				h.work(u)
			}
			h.all.pass(time.Hour)
			one.meanwhile(u, seen.ID)
			h.all.fail(false)
			h.all.pass(time.Hour)
			if one.dies {
				dead, _, err := h.Jobs(t.Context(), h.tenant, jobs.Dead, nil, 99)
				if err != nil || len(dead) != 1 {
					t.Fatal(len(dead), err)
				}
				must(t, h.WakeJob(t.Context(), h.tenant, dead[0].ID, h.all.Now(), change(h.tenant)))
			}
			passed := false
			for range 3 { // the extension is down now and then
				passed, _ = h.work(u)
				h.all.pass(2 * time.Minute)
			}
			people, _, err := h.ListPeople(t.Context(), h.tenant, w.ID, run.ID, nil, 9)
			must(t, err)
			if passed != one.passes || !passed && people[0].HeldFor == "" {
				t.Errorf("%s: a pass %v, %+v", one.name, passed, people[0])
			}
		}
	})
}

func TestAJobOfAnEarlierVersionIsVouchedForByNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		u := h.hire(h.boss.ID)
		h.put(u, h.another.ID)
		_, err := h.engine.Activate(t.Context(), h.workflow, []directory.UserID{u}, map[directory.UserID]bool{u: true}, change(h.tenant))
		must(t, err)
		people, _, err := h.ListPeople(t.Context(), h.tenant, h.workflow.ID, "", nil, 9)
		must(t, err)
		must(t, h.Exec(t.Context(), `UPDATE job SET body = $1 WHERE tenant_id = $2 AND kind = $3`,
			`{"person":"`+people[0].ID+`","vouched":true}`, h.tenant, lifecycle.PersonJob))
		if passed, _ := h.work(u); passed {
			t.Error("a manager whom nobody is known to have seen got the pass at once")
		}
		h.all.pass(7 * 24 * time.Hour)
		if passed, _ := h.work(u); !passed {
			t.Error("the job was not done after the wait")
		}
	})
}

// behindExtension is a workflow that makes a pass once somebody outside answered.
func (h *hires) behindExtension() lifecycle.Workflow {
	h.Helper()
	x := lifecycle.Extension{Tenant: h.tenant, ID: uuid.NewString(), DisplayName: "Badge", URL: "https://badge.example", CreatedAt: nine}
	must(h.T, h.PutExtension(h.Context(), x, change(h.tenant)))
	w := h.workflow
	w.ID = uuid.NewString()
	w.Tasks = append([]lifecycle.Task{{
		Definition: lifecycle.RunExtension, DisplayName: "Badge", Enabled: true, Arguments: []lifecycle.Argument{{Name: "customTaskExtensionID", Value: x.ID}},
	}}, h.workflow.Tasks...)
	w = w.Saved(lifecycle.Workflow{}, nine)
	must(h.T, h.CreateWorkflow(h.Context(), w, change(h.tenant)))
	return w
}

// fail has the extension answer nobody, or all but now and then.
func (c *company) fail(down bool) {
	c.mu.Lock()
	c.down = down
	c.mu.Unlock()
}
