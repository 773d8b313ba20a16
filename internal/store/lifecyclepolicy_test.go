package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/store"
)

func TestAWorkflowMakesNoPassThatTheRecoveryPolicyForbids(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		for _, one := range []struct {
			name      string
			cases     []recovery.Class // that are required
			hands     []recovery.Hand
			scheduled bool
			why       string
		}{
			{"to begin with, by its dates", nil, nil, true, ""},
			{"to begin with, on demand", nil, nil, false, ""},
			{"cases for who has power", []recovery.Class{recovery.WithRole, recovery.Privileged}, nil, false, ""},
			{"cases for everyone, by its dates", []recovery.Class{recovery.Everyone}, nil, true, ""},
			{"cases for everyone, on demand", []recovery.Class{recovery.Everyone}, nil, false, "The recovery policy wants a case"},
			{"by the manager among others", nil, []recovery.Hand{recovery.HandSlip, recovery.HandManager}, true, ""},
			{"not by the manager, by its dates", nil, []recovery.Hand{recovery.HandSlip}, true, "The recovery policy does not let"},
			{"not by the manager, on demand", nil, []recovery.Hand{recovery.HandRead, recovery.HandPerson}, false, "The recovery policy does not let"},
		} {
			p, err := h.RecoveryPolicy(t.Context(), h.tenant)
			must(t, err)
			p.CaseRequired, p.Rules = one.cases, recovery.DefaultPolicy().Rules
			p.Rules[0].Hands = one.hands
			must(t, h.SaveRecoveryPolicy(t.Context(), h.tenant, p, change(h.tenant)))

			u := member(h.tenant, directory.UserID(uuid.NewString()))
			u.Manager, u.Department, u.EmployeeHireDate = h.boss.ID, one.name, h.all.Now().Add(36*time.Hour)
			h.addUser(t, u)
			w := h.workflow
			w.ID = uuid.NewString()
			if one.scheduled {
				w.OnDemandOnly, w.Scheduled = false, true
				w.Rule, w.Attribute, w.Offset = "department eq '"+one.name+"'", lifecycle.HireDate, -1
			}
			w = w.Saved(lifecycle.Workflow{}, h.all.Now())
			must(t, h.CreateWorkflow(t.Context(), w, change(h.tenant)))
			if one.scheduled {
				h.all.pass(24 * time.Hour)
				must(t, h.engine.Schedule(t.Context()))
			} else {
				_, err := h.engine.Activate(t.Context(), w, []directory.UserID{u.ID}, map[directory.UserID]bool{u.ID: true}, change(h.tenant))
				must(t, err)
			}
			h.work(u.ID)
			passed, _ := h.work(u.ID) // the first time, the people are looked for
			people, _, err := h.ListPeople(t.Context(), h.tenant, w.ID, "", nil, 9)
			must(t, err)
			if len(people) != 1 {
				t.Fatalf("%s: it was about %d people", one.name, len(people))
			}
			why := people[0].Tasks[0].FailureReason
			if passed != (one.why == "") || (why == "") != (one.why == "") || !strings.HasPrefix(why, one.why) {
				t.Errorf("%s: a pass %v, %q", one.name, passed, why)
			}
		}
	})
}
