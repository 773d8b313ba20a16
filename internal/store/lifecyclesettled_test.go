package store_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
	"github.com/postern-id/postern/internal/lifecycle"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hires is a tenant whose workflow makes a pass for who is hired.
type hires struct {
	fixture
	*testing.T
	tenant        directory.TenantID
	all           *company
	boss, another directory.User
	workflow      lifecycle.Workflow
	engine        *lifecycle.Engine
	worker        *jobs.Worker
}

func newHires(t *testing.T, c store.Config) *hires {
	h := &hires{
		fixture: fixture{open(t, c), c}, T: t, tenant: directory.TenantID(uuid.NewString()),
		all: &company{now: nine, calls: map[string]map[directory.UserID]bool{}},
	}
	policy := tap.DefaultPolicy()
	policy.Targets = method.Everybody("enabled")
	must(t, h.CreateTenant(t.Context(), store.Seed{Tenant: directory.Tenant{
		ID: h.tenant, DisplayName: "Contoso", CreatedAt: nine, Domains: []directory.Domain{{Name: "contoso.example", IsDefault: true, CreatedAt: nine}},
	}, PassPolicy: &policy}))
	h.boss, h.another = h.manager(), h.manager()
	h.workflow = lifecycle.Workflow{
		Tenant: h.tenant, ID: uuid.NewString(), Category: lifecycle.Joiner, DisplayName: "Hire", Enabled: true, OnDemandOnly: true, Version: 1, CreatedAt: nine,
		Tasks: []lifecycle.Task{{Definition: lifecycle.GeneratePass, DisplayName: "Pass", Enabled: true, Arguments: []lifecycle.Argument{
			{Name: "tapLifetimeMinutes", Value: "60"}, {Name: "tapIsUsableOnce", Value: "true"},
		}}},
	}.Saved(lifecycle.Workflow{}, nine)
	must(t, h.CreateWorkflow(t.Context(), h.workflow, change(h.tenant)))
	h.engine = &lifecycle.Engine{
		Store: h.DB, Directory: h.DB, Registrations: h.DB, Letters: h.all, Hooks: h.all, Now: h.all.Now, Log: slog.New(slog.DiscardHandler),
		Box: outbox.Box{Seals: h.all, Now: h.all.Now}, Passes: tap.Passes{Store: h.DB, Peppers: h.all, Now: h.all.Now, Rand: rand.Reader, Incarnation: h.Incarnation},
	}
	h.worker = &jobs.Worker{Store: h.DB, Kinds: h.engine.Kinds(), Now: h.all.Now, Chance: func() float64 { return 0.5 }, Log: h.engine.Log}
	return h
}

func (h *hires) manager() directory.User {
	u := member(h.tenant, directory.UserID(uuid.NewString()))
	u.Mail = string(u.ID) + "@contoso.example"
	h.addUser(h.T, u)
	return u
}

// hire creates somebody at the company's time.
func (h *hires) hire(manager directory.UserID) directory.UserID {
	u := member(h.tenant, directory.UserID(uuid.NewString()))
	u.Manager, u.CreatedDateTime = manager, h.all.Now()
	h.addUser(h.T, u)
	return u.ID
}

// put sets the manager as Graph does.
func (h *hires) put(u, manager directory.UserID) {
	h.Helper()
	e := change(h.tenant)
	e.At = h.all.Now()
	must(h.T, h.SetManager(h.Context(), h.tenant, u, manager, e))
}

// patch changes somebody as SCIM does.
func (h *hires) patch(id directory.UserID, by func(*directory.User)) {
	h.Helper()
	u, err := h.User(h.Context(), h.tenant, id)
	must(h.T, err)
	by(&u)
	must(h.T, h.UpdateUser(h.Context(), u, h.all.Now(), change(h.tenant)))
}

// work does what is due, and says whether u has a pass and how many mails wait.
func (h *hires) work(u directory.UserID) (passed bool, mails int) {
	h.Helper()
	_, err := h.worker.Work(h.Context())
	must(h.T, err)
	_, err = h.Pass(h.Context(), h.tenant, u)
	if err != nil && !errors.Is(err, tap.ErrNone) {
		h.Fatal(err)
	}
	return err == nil, number(h.T, h.DB, `SELECT COUNT(*) FROM outbox WHERE tenant_id = $1`, h.tenant)
}

func TestWhoBecameManagerAMomentAgoGetsNobodysPass(t *testing.T) {
	const week = 7 * 24 * time.Hour // of the recovery policy, as it is at first
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		for _, one := range []struct {
			name string
			hire func() directory.UserID // who is hired, and what was done an hour ago
			wait time.Duration           // of the workflow that runs now
			why  string
		}{
			{"made with their manager", func() directory.UserID { return h.hire(h.boss.ID) }, 0, ""},
			{"the first manager of a new account, by Graph", func() directory.UserID {
				u := h.hire("")
				h.put(u, h.boss.ID)
				return u
			}, 0, ""},
			{"the first manager of a new account, by SCIM", func() directory.UserID {
				u := h.hire("")
				h.patch(u, func(u *directory.User) { u.Manager = h.boss.ID })
				return u
			}, 0, ""},
			{"the same manager, sent again", func() directory.UserID {
				u := h.hire(h.boss.ID)
				h.put(u, h.boss.ID)
				return u
			}, 0, ""},
			{"a new manager with their first address", func() directory.UserID {
				m := member(h.tenant, directory.UserID(uuid.NewString()))
				m.CreatedDateTime = h.all.Now()
				h.addUser(t, m)
				h.patch(m.ID, func(u *directory.User) { u.Mail = "new@contoso.example" })
				return h.hire(m.ID)
			}, 0, ""},
			{"another manager of a new account", func() directory.UserID {
				u := h.hire("")
				h.put(u, h.boss.ID)
				h.put(u, h.another.ID)
				return u
			}, week, "The person has had this manager for a short time only."},
			{"another manager of a new account, by SCIM", func() directory.UserID {
				u := h.hire(h.boss.ID)
				h.patch(u, func(u *directory.User) { u.Manager = h.another.ID })
				return u
			}, week, "The person has had this manager for a short time only."},
			{"another manager, after there was none for a moment", func() directory.UserID {
				u := h.hire(h.boss.ID)
				h.put(u, "")
				h.put(u, h.another.ID)
				return u
			}, week, "The person has had this manager for a short time only."},
			{"another manager, after the first one was deleted", func() directory.UserID {
				gone := h.manager()
				u := h.hire(gone.ID)
				gone.Version = directory.AnyVersion
				must(t, h.DeleteUser(t.Context(), gone, h.all.Now(), change(h.tenant)))
				h.put(u, h.another.ID)
				return u
			}, week, "The person has had this manager for a short time only."},
			{"the first manager of an account of a day", func() directory.UserID {
				u := h.hire("")
				h.all.pass(24 * time.Hour)
				h.put(u, h.another.ID)
				return u
			}, week, "The person has had this manager for a short time only."},
			{"another address of a new manager", func() directory.UserID {
				m := member(h.tenant, directory.UserID(uuid.NewString()))
				m.CreatedDateTime = h.all.Now()
				h.addUser(t, m)
				h.patch(m.ID, func(u *directory.User) { u.Mail = "new@contoso.example" })
				h.patch(m.ID, func(u *directory.User) { u.Mail = "evil@contoso.example" })
				return h.hire(m.ID)
			}, week, "The manager has had this mail address for a short time only."},
			{"another address of the manager", func() directory.UserID {
				m := h.manager()
				h.patch(m.ID, func(u *directory.User) { u.Mail = "evil@contoso.example" })
				return h.hire(m.ID)
			}, week, "The manager has had this mail address for a short time only."},
		} {
			u := one.hire()
			h.all.pass(time.Hour)
			_, before := h.work(u)
			run, err := h.engine.Activate(t.Context(), h.workflow, []directory.UserID{u}, nil, change(h.tenant))
			must(t, err)
			passed, mails := h.work(u)
			p, _, err := h.ListPeople(t.Context(), h.tenant, h.workflow.ID, run.ID, nil, 9)
			must(t, err)
			if one.wait == 0 {
				if !passed || p[0].HeldFor != "" {
					t.Errorf("%s: %+v", one.name, p[0])
				}
				continue
			}
			until, why := p[0].Held(p[0].Tasks[0])
			if passed || mails != before || p[0].Status != lifecycle.InProgress || !until.Equal(h.all.Now().Add(one.wait-time.Hour)) || why != one.why {
				t.Errorf("%s: a pass %v, %d mails more, until %v because %q, %s", one.name, passed, mails-before, until, why, p[0].Status)
			}
			h.all.pass(one.wait - time.Hour - time.Second)
			if passed, mails := h.work(u); passed || mails != before {
				t.Errorf("%s: there is a pass a second early", one.name)
			}
			h.all.pass(time.Second)
			if passed, mails := h.work(u); !passed || mails == before {
				t.Errorf("%s: there is no pass after a week", one.name)
			}
			if done, err := h.Person(t.Context(), h.tenant, p[0].ID); err != nil || done.Status != lifecycle.Completed || done.HeldFor != "" {
				t.Errorf("%s: it ended as %+v, %v", one.name, done, err)
			}
		}
	})
}

func TestWhoMayIssueAPassRunsItsWorkflowAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		h := newHires(t, c)
		u, other := h.hire(h.boss.ID), h.hire(h.boss.ID)
		h.put(u, h.another.ID)
		h.put(other, h.another.ID)
		_, err := h.engine.Activate(t.Context(), h.workflow, []directory.UserID{u, other}, map[directory.UserID]bool{u: true}, change(h.tenant))
		must(t, err)
		if passed, _ := h.work(u); !passed {
			t.Error("it waits though the caller might issue a pass")
		}
		if passed, _ := h.work(other); passed {
			t.Error("it does not wait for whom the caller might not")
		}
	})
}
