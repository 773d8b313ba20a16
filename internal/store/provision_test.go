package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
	"github.com/postern-id/postern/internal/store"
)

// TestWhoASourceNamesIsFoundAlongAnIndex: an import looks each row up, so a scan would make it cost the square of the file.
func TestWhoASourceNamesIsFoundAlongAnIndex(t *testing.T) {
	db := open(t, store.Config{Dir: t.TempDir()})
	e, err := filter.ParseSCIM(`externalId eq "hr-1"`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := filter.Check(e, filter.Schema{{Name: "externalId", Type: filter.TypeString, Column: "external_id", Ops: filter.Equality}})
	if err != nil {
		t.Fatal(err)
	}
	plans, err := db.PlansOfNames(t.Context(), "t", b)
	if err != nil {
		t.Fatal(err)
	}
	for name, index := range map[string]string{
		"external_id": "directory_user_external_id", "employee_id": "directory_user_employee_id",
		"directory_user": "directory_user_external_id", "directory_group": "directory_group_external_id",
	} {
		if !strings.Contains(plans[name], "INDEX "+index+" (tenant_id=? AND ") {
			t.Errorf("%s: %s", name, plans[name])
		}
	}
}

func TestWhatASourceCallsSomebodyIsUniqueInATenant(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, ctx := open(t, c), t.Context()
		here, there := tenantOf(t, db, "contoso.example"), tenantOf(t, db, "fabrikam.example")
		named := func(tenant directory.TenantID, external string) directory.User {
			u := member(tenant, directory.UserID(uuid.NewString()))
			u.ExternalID, u.Mail = external, "ida@contoso.example"
			return u
		}
		first, second := named(here, "hr-1"), named(here, "hr-2")
		for _, u := range []directory.User{first, second, named(here, "HR-1"), named(here, ""), named(here, ""), named(there, "hr-1")} {
			if err := db.CreateUser(ctx, u, change(u.Tenant)); err != nil {
				t.Fatalf("%q: %v", u.ExternalID, err)
			}
		}
		if err := db.CreateUser(ctx, named(here, "hr-1"), change(here)); !errors.Is(err, directory.ErrExternalIDTaken) {
			t.Errorf("a second one: %v", err)
		}
		second.ExternalID = "hr-1"
		if err := db.UpdateUser(ctx, second, nine, change(here)); !errors.Is(err, directory.ErrExternalIDTaken) {
			t.Errorf("a change to one that is taken: %v", err)
		}
		if got, err := db.UsersWith(ctx, here, "externalId", "hr-1", 2); err != nil || len(got) != 1 || got[0].ID != first.ID {
			t.Errorf("found %v, %v", got, err)
		}
		constant := filter.Schema{
			{Name: "type", Type: filter.TypeString, Column: "'work'", Ops: filter.Eq},
			{Name: "primary", Type: filter.TypeBool, Column: "TRUE", Ops: filter.Eq},
			{Name: "externalId", Type: filter.TypeString, Column: "external_id", Ops: filter.Equality},
		}
		for text, want := range map[string]int{`type eq "Work" and primary eq true and externalId eq "hr-1"`: 1, `type eq "home"`: 0, `primary eq false`: 0, `externalId pr`: 3} {
			e, err := filter.ParseSCIM(text)
			if err != nil {
				t.Fatal(err)
			}
			b, err := filter.Check(e, constant)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, err := db.Users(ctx, here, []filter.Bound{b}, nil, nil, 10); err != nil || len(got) != want {
				t.Errorf("%s found %d, %v", text, len(got), err)
			}
		}
	})
}

func TestAGroupChangesWithItsMembersOrNotAtAll(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, ctx := open(t, c), t.Context()
		tenant := tenantOf(t, db, "contoso.example")
		ida := member(tenant, directory.UserID(uuid.NewString()))
		if err := db.CreateUser(ctx, ida, change(tenant)); err != nil {
			t.Fatal(err)
		}
		g := directory.Group{Tenant: tenant, ID: directory.GroupID(uuid.NewString()), DisplayName: "G", MailNickname: "g", SecurityEnabled: true}
		if err := db.CreateGroup(ctx, g, nil, nil, change(tenant)); err != nil {
			t.Fatal(err)
		}
		notes := 0
		note := func(directory.Ref, bool) audit.Event { notes++; return change(tenant) }
		ref := directory.Ref{Kind: directory.KindUser, ID: string(ida.ID)}
		nobody := directory.Ref{Kind: directory.KindUser, ID: uuid.NewString()}
		renamed := g
		renamed.DisplayName = "H"
		if err := db.ChangeGroup(ctx, renamed, []directory.Ref{ref, nobody}, nil, note); !errors.Is(err, directory.ErrObjectUnknown) {
			t.Errorf("a member who is not there: %v", err)
		}
		if got, err := db.Group(ctx, tenant, g.ID); err != nil || got.DisplayName != "G" || got.Version != g.Version {
			t.Errorf("half of it happened: %+v, %v", got, err)
		}
		notes = 0
		if err := db.ChangeGroup(ctx, renamed, []directory.Ref{ref, ref}, []directory.Ref{nobody}, note); err != nil || notes != 1 {
			t.Errorf("%d members changed, %v", notes, err)
		}
		if err := db.ChangeGroup(ctx, renamed, nil, nil, note); !errors.Is(err, directory.ErrChanged) {
			t.Errorf("an old state: %v", err)
		}
	})
}

func TestWhoeverWasChangedMeanwhileIsNotDeletedByTheVersionThatWasRead(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, ctx := open(t, c), t.Context()
		tenant := tenantOf(t, db, "contoso.example")
		id := directory.UserID(uuid.NewString())
		if err := db.CreateUser(ctx, member(tenant, id), change(tenant)); err != nil {
			t.Fatal(err)
		}
		read, err := db.User(ctx, tenant, id)
		if err != nil {
			t.Fatal(err)
		}
		changed := read
		changed.Department = "Sales"
		if err := db.UpdateUser(ctx, changed, nine, change(tenant)); err != nil {
			t.Fatal(err)
		}
		if err := db.DeleteUser(ctx, read, nine, change(tenant)); !errors.Is(err, directory.ErrChanged) {
			t.Errorf("by the version before: %v", err)
		}
		if read, err = db.User(ctx, tenant, id); err != nil || read.Department != "Sales" {
			t.Fatalf("%+v, %v", read, err)
		}
		if err := db.DeleteUser(ctx, read, nine, change(tenant)); err != nil {
			t.Errorf("by the version of now: %v", err)
		}
	})
}
