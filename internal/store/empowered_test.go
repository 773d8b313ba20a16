package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/store"
)

func TestWhatWasDecidedBeforeSomebodyGotPowerIsNotStored(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		h.assign(directory.Ref{Kind: directory.KindUser, ID: string(h.boss.ID)}) // somebody has to stay
		for _, one := range []struct {
			name string
			get  func(directory.UserID) func()
		}{
			{"a role", func(u directory.UserID) func() {
				return func() { h.assign(directory.Ref{Kind: directory.KindUser, ID: string(u)}) }
			}},
			{"a role of their group", func(u directory.UserID) func() {
				g := h.roleGroup(directory.Member, u)
				return func() { h.assign(directory.Ref{Kind: directory.KindGroup, ID: string(g.ID)}) }
			}},
			{"a place in a group that can hold roles", func(u directory.UserID) func() {
				g := h.roleGroup(directory.Member)
				return func() { h.join(g, directory.Member, u) }
			}},
			{"a group that can hold roles to own", func(u directory.UserID) func() {
				g := h.roleGroup(directory.Member)
				return func() { h.join(g, directory.Owner, u) }
			}},
			{"a new group that can hold roles", func(u directory.UserID) func() {
				return func() { h.roleGroup(directory.Member, u) }
			}},
			{"a new group that can hold roles to own", func(u directory.UserID) func() {
				return func() { h.roleGroup(directory.Owner, u) }
			}},
			{"their group back that can hold roles", func(u directory.UserID) func() {
				g := h.roleGroup(directory.Member, u)
				must(t, h.DeleteGroup(t.Context(), g, nine, change(h.tenant)))
				return func() { must(t, h.Restore(t.Context(), h.tenant, string(g.ID), change(h.tenant))) }
			}},
		} {
			u := h.hire(h.boss.ID)
			happen := one.get(u)
			read, err := h.User(t.Context(), h.tenant, u)
			must(t, err)
			happen()
			read.DisplayName = "Changed"
			if err := h.UpdateUser(t.Context(), read, nine, change(h.tenant)); !errors.Is(err, directory.ErrChanged) {
				t.Errorf("%s: %v", one.name, err)
			}
			if err := h.DeleteUser(t.Context(), read, nine, change(h.tenant)); !errors.Is(err, directory.ErrChanged) {
				t.Errorf("%s, and is deleted: %v", one.name, err)
			}
		}
	})
}

func (h *hires) assign(to directory.Ref) {
	h.Helper()
	a := directory.RoleAssignment{
		Tenant: h.tenant, ID: uuid.NewString(), Principal: to, Role: directory.GlobalAdministrator, Scope: directory.RootScope, CreatedAt: nine,
	}
	must(h.T, h.AssignRole(h.Context(), a, change(h.tenant)))
}

func (h *hires) join(g directory.Group, as directory.Relation, u directory.UserID) {
	h.Helper()
	must(h.T, h.AddLink(h.Context(), g, as, directory.Ref{Kind: directory.KindUser, ID: string(u)}, change(h.tenant)))
}

// roleGroup creates a group that can hold roles.
func (h *hires) roleGroup(as directory.Relation, people ...directory.UserID) directory.Group {
	h.Helper()
	g := directory.Group{
		Tenant: h.tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "Power", MailNickname: "power", SecurityEnabled: true, IsAssignableToRole: true,
		CreatedDateTime: nine, Version: directory.AnyVersion,
	}
	var all []directory.Ref
	for _, u := range people {
		all = append(all, directory.Ref{Kind: directory.KindUser, ID: string(u)})
	}
	if as == directory.Owner {
		must(h.T, h.CreateGroup(h.Context(), g, nil, all, change(h.tenant)))
	} else {
		must(h.T, h.CreateGroup(h.Context(), g, all, nil, change(h.tenant)))
	}
	return g
}

// betweens is a directory in which something happens after a task found out whom it may touch.
type betweens struct {
	*store.DB
	happen func()
}

func (b *betweens) GroupsOf(ctx context.Context, tenant directory.TenantID, object string) (map[directory.GroupID]bool, error) {
	b.happen()
	return b.DB.GroupsOf(ctx, tenant, object)
}

func (b *betweens) OwnGroups(ctx context.Context, tenant directory.TenantID, user directory.UserID, limit int) ([]directory.Group, error) {
	b.happen()
	return b.DB.OwnGroups(ctx, tenant, user, limit)
}

func TestAWorkflowTouchesNobodyWhoGetsARoleMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		for _, task := range []lifecycle.Task{
			{Definition: lifecycle.GeneratePass, Arguments: []lifecycle.Argument{{Name: "tapLifetimeMinutes", Value: "60"}, {Name: "tapIsUsableOnce", Value: "true"}}},
			{Definition: lifecycle.RemoveAllGroups},
		} {
			u := h.hire(h.boss.ID)
			team := directory.Group{Tenant: h.tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "Team", MailNickname: "team", SecurityEnabled: true, CreatedDateTime: nine}
			must(t, h.CreateGroup(t.Context(), team, []directory.Ref{{Kind: directory.KindUser, ID: string(u)}}, nil, change(h.tenant)))
			w := h.workflow
			task.DisplayName, task.Enabled = "task", true
			w.ID, w.Tasks = uuid.NewString(), []lifecycle.Task{task}
			must(t, h.CreateWorkflow(t.Context(), w.Saved(lifecycle.Workflow{}, nine), change(h.tenant)))
			given := false
			h.engine.Directory = &betweens{h.DB, func() {
				if !given {
					given = true
					h.assign(directory.Ref{Kind: directory.KindUser, ID: string(u)})
				}
			}}
			_, err := h.engine.Activate(t.Context(), w, []directory.UserID{u}, nil, change(h.tenant))
			must(t, err)
			for range 3 {
				h.work(u)
				h.all.pass(time.Minute)
			}
			if _, err := h.Pass(t.Context(), h.tenant, u); !errors.Is(err, tap.ErrNone) {
				t.Errorf("%s made an administrator's pass: %v", task.Definition, err)
			}
			if n := members(t, h.DB, team); n != 1 {
				t.Errorf("%s took an administrator out of the group", task.Definition)
			}
			people, _, err := h.ListPeople(t.Context(), h.tenant, w.ID, "", nil, 9)
			must(t, err)
			if got := people[0].Tasks[0]; !given || got.Status != lifecycle.Failed || !strings.HasPrefix(got.FailureReason, "The person holds a role") {
				t.Errorf("%s came to %+v", task.Definition, got)
			}
		}
	})
}
