package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/store"
)

func TestAnAddressThatWasTheirsForAWhileIsKnownForAsLongAfterItWent(t *testing.T) {
	const day = 24 * time.Hour // the delay of the policy is seven
	type step struct {
		after time.Duration
		mails []string // mail, then otherMails
	}
	onBoth(t, func(t *testing.T, c store.Config) {
		db, ctx := open(t, c), t.Context()
		tenant := tenantOf(t, db, "contoso.example")
		for _, x := range []struct {
			name  string
			begin []string
			steps []step
			want  []string
		}{
			{"nothing changed", []string{"a", "b"}, nil, nil},
			{"from one property to the other", []string{"a", "b"}, []step{{30 * day, []string{"b", "a"}}}, nil},
			{"replaced", []string{"a", "b"}, []step{{30 * day, []string{"evil", "b"}}}, []string{"a"}},
			{"replaced twice, to shake it off", []string{"a"}, []step{{30 * day, []string{"evil"}}, {time.Hour, []string{"worse"}}}, []string{"a"}},
			{"one beside it first", []string{"", "b"}, []step{{30 * day, []string{"", "b", "evil"}}, {time.Minute, []string{"", "evil"}}}, []string{"b"}},
			{"many that come and go", []string{"a"}, []step{{30 * day, []string{"a", "c", "d", "e"}}, {time.Minute, []string{"a"}}}, nil},
			{"put back", []string{"a"}, []step{{30 * day, []string{"evil"}}, {day, []string{"a"}}}, nil},
			{"put back, and replaced again", []string{"a"}, []step{{30 * day, []string{"evil"}}, {day, []string{"a"}}, {day, []string{"evil"}}}, []string{"a"}},
			{"another case of letters", []string{"a"}, []step{{30 * day, []string{"A"}}}, []string{"a"}},
			{"a moment before the time is over", []string{"a"}, []step{{30 * day, []string{"evil"}}, {7*day - 1000, []string{"evil"}}}, []string{"a"}},
			{"the time is over", []string{"a"}, []step{{30 * day, []string{"evil"}}, {7 * day, []string{"evil"}}}, nil},
			{"one of long ago goes, that came in their place", []string{"a"}, []step{{30 * day, []string{"b"}}, {8 * day, []string{"evil"}}}, []string{"b"}},
			{"the first of a new account, which Graph sets by a second request", nil, []step{{time.Minute, []string{"a"}}, {day, []string{"evil"}}}, []string{"a"}},
			{"a slip in what a new account was made with, mended on its first day", []string{"", "gmial"}, []step{{day - 1000, []string{"", "gmail"}}}, nil},
			{"mended a day after it was made", []string{"", "gmial"}, []step{{day, []string{"", "gmail"}}}, []string{"gmial"}},
			{"a slip in what came by a second request", nil, []step{{time.Minute, []string{"gmial"}}, {time.Hour, []string{"gmail"}}}, nil},
			{"a slip on the first day, and what was right all along goes later", []string{"a", "gmial"}, []step{{time.Hour, []string{"a"}}, {30 * day, []string{"evil"}}}, []string{"a"}},
		} {
			u := member(tenant, directory.UserID(uuid.NewString()))
			set := func(mails []string) {
				u.Mail, u.OtherMails = "", nil
				for i, a := range mails {
					switch {
					case a == "":
					case i == 0:
						u.Mail = a
					default:
						u.OtherMails = append(u.OtherMails, a)
					}
				}
			}
			set(x.begin)
			must(t, db.CreateUser(ctx, u, change(tenant)))
			at := nine
			for _, one := range x.steps {
				at = at.Add(one.after)
				var err error
				u, err = db.User(ctx, tenant, u.ID)
				must(t, err)
				set(one.mails)
				must(t, db.UpdateUser(ctx, u, at, change(tenant)))
			}
			got, err := db.FormerAddresses(ctx, tenant, u.ID, at)
			if err != nil || !slices.Equal(got, x.want) {
				t.Errorf("%s: %q, %v, want %q", x.name, got, err, x.want)
			}
		}
	})
}

func TestAFormerAddressGoesWithThePersonAndIsKeptOnlyWherePolicyMinds(t *testing.T) {
	onBoth(t, func(t *testing.T, c store.Config) {
		db, ctx := open(t, c), t.Context()
		tenant := tenantOf(t, db, "contoso.example")
		later := nine.Add(30 * 24 * time.Hour)
		replaced := func() directory.User {
			u := member(tenant, directory.UserID(uuid.NewString()))
			u.Mail = "a"
			must(t, db.CreateUser(ctx, u, change(tenant)))
			read, err := db.User(ctx, tenant, u.ID)
			must(t, err)
			read.Mail = "evil"
			must(t, db.UpdateUser(ctx, read, later, change(tenant)))
			read, err = db.User(ctx, tenant, u.ID)
			must(t, err)
			return read
		}
		rows := func(u directory.User) int {
			return number(t, db, `SELECT COUNT(*) FROM address_change WHERE tenant_id = $1 AND user_id = $2`, tenant, u.ID)
		}
		u := replaced()
		must(t, db.DeleteUser(ctx, u, later, change(tenant)))
		if n := rows(u); n != 2 {
			t.Errorf("of somebody who can be restored there are %d rows", n) // or to delete and restore would shake it off
		}
		must(t, db.Purge(ctx, tenant, string(u.ID), change(tenant)))
		if n := rows(u); n != 0 {
			t.Errorf("of nobody there are %d rows", n)
		}
		p, err := db.RecoveryPolicy(ctx, tenant)
		must(t, err)
		p.ContactHours = 0
		must(t, db.SaveRecoveryPolicy(ctx, tenant, p, change(tenant)))
		if n := rows(replaced()); n != 0 || p.ContactHours == recovery.DefaultPolicy().ContactHours {
			t.Errorf("without a delay there are %d rows", n)
		}
	})
}
