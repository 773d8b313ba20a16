package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/audit/audittest"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/tap/taptest"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/signin/signintest"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/store/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// nine is when things happen here.
var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// dialects makes the place of an empty store of each kind.
var dialects = []struct {
	name  string
	place func(t testing.TB) store.Config
}{
	{"SQLite", func(t testing.TB) store.Config { return store.Config{Dir: t.TempDir()} }},
	{"PostgreSQL", func(t testing.TB) store.Config { return store.Config{Database: pgtest.Open(t)} }},
}

// onBoth runs test with the place of an empty store of each kind.
func onBoth(t *testing.T, test func(t *testing.T, c store.Config)) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) { test(t, d.place(t)) })
	}
}

// open opens a store for the length of the test.
func open(t testing.TB, c store.Config) *store.DB {
	t.Helper()
	if c.Database != "" {
		pgtest.Migrate(t, c.Database, func(address string) error {
			db, err := store.Open(context.Background(), store.Config{Database: address})
			if err == nil {
				err = db.Close()
			}
			return err
		})
	}
	db, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return db
}

// raw opens the database of c without a store.
func raw(t testing.TB, c store.Config) *sql.DB {
	t.Helper()
	driver, name := "pgx", c.Database
	if name == "" {
		driver, name = "sqlite", filepath.Join(c.Dir, "postern.db")
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// fixture is a store with what the suites need beside their contracts.
type fixture struct {
	*store.DB
	place store.Config
}

func TestStoresKeepTheContractOfPasses(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			taptest.Store(t, func(t testing.TB) taptest.Fixture {
				c := d.place(t)
				return passes{fixture{open(t, c), c}}
			})
		})
	}
}

func TestStoresKeepTheContractOfSignIns(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			signintest.Store(t, func(t testing.TB) signintest.Fixture {
				c := d.place(t)
				return &signIns{fixture{open(t, c), c}}
			})
		})
	}
}

func TestStoresKeepTheContractOfTheLog(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			audittest.SealStore(t, func(t testing.TB) audittest.Store { return open(t, d.place(t)).Log() })
		})
	}
}

func (f fixture) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if err := f.Exec(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func number(t testing.TB, db *store.DB, query string, args ...any) int {
	t.Helper()
	n, err := db.Number(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// change returns an audit event of the tenant.
func change(tenant directory.TenantID) audit.Event {
	return audit.Event{
		Tenant: string(tenant), ID: uuid.NewString(), At: nine, CorrelationID: uuid.NewString(),
		Change: &audit.Change{
			Activity: audit.UpdateUser, Category: audit.CategoryUserManagement,
			Service: audit.ServiceCoreDirectory, Operation: audit.OperationUpdate, Result: audit.Success,
		},
	}
}

// member returns a user of the tenant who can sign in.
func member(tenant directory.TenantID, id directory.UserID) directory.User {
	name := "u" + string(id)
	return directory.User{
		Tenant: tenant, ID: id, AccountEnabled: true, UserPrincipalName: name + "@contoso.example",
		DisplayName: name, MailNickname: name, UserType: "Member", CreatedDateTime: nine,
	}
}

// addUser stores u. Its event is not kept, so that suites can count theirs.
func (f fixture) addUser(t testing.TB, u directory.User) {
	t.Helper()
	e := change(u.Tenant)
	if err := f.CreateUser(context.Background(), u, e); err != nil {
		t.Fatalf("add a user: %v", err)
	}
	f.exec(t, `DELETE FROM event WHERE tenant_id = $1 AND id = $2`, u.Tenant, e.ID)
}

func (f fixture) addSession(t testing.TB, tenant directory.TenantID, user directory.UserID, pass string) string {
	t.Helper()
	id := uuid.NewString()
	f.exec(t, `
		INSERT INTO session (tenant_id, id, user_id, secret_hash, pass_id, created_at, expires_at, last_seen_at, body)
		VALUES ($1, $2, $3, '', $4, 0, 0, 0, '{}')`, tenant, id, user, pass)
	return id
}

func (f fixture) addFamily(t testing.TB, tenant directory.TenantID, user directory.UserID, session, pass string) {
	t.Helper()
	f.exec(t, `
		INSERT INTO token_family (tenant_id, id, user_id, session_id, app_id, pass_id, created_at, expires_at, body)
		VALUES ($1, $2, $3, $4, '', $5, 0, 0, '{}')`, tenant, uuid.NewString(), user, session, pass)
}

// passes is the fixture of taptest.
type passes struct{ fixture }

func (f passes) Incarnation() string { return f.DB.Incarnation }

func (f passes) AddUser(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	f.addUser(t, member(tenant, user))
}

func (f passes) Spend(ctx context.Context, p tap.Pass, transaction string, at time.Time) error {
	return f.SpendPass(ctx, p, transaction, at)
}

func (f passes) SignInWith(t testing.TB, p tap.Pass) {
	f.addFamily(t, p.Tenant, p.User, f.addSession(t, p.Tenant, p.User, p.ID), p.ID)
}

func (f passes) Living(t testing.TB, tenant directory.TenantID, user directory.UserID) (sessions, families int) {
	return number(t, f.DB, `SELECT COUNT(*) FROM session WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0`, tenant, user),
		number(t, f.DB, `SELECT COUNT(*) FROM token_family WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0`, tenant, user)
}

func (f passes) Events(t testing.TB, tenant directory.TenantID) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM event WHERE tenant_id = $1`, tenant)
}

// signIns is the fixture of signintest.
type signIns struct{ fixture }

func (f *signIns) Reopen(t testing.TB) {
	if err := f.Close(); err != nil {
		t.Fatalf("close the store: %v", err)
	}
	f.DB = open(t, f.place)
}

func (f *signIns) AddTenant(t testing.TB, tenant directory.TenantID, domain string) {
	if err := f.CreateTenant(context.Background(), store.Seed{Tenant: directory.Tenant{
		ID: tenant, DisplayName: domain, CreatedAt: nine, Domains: []directory.Domain{{Name: domain, IsDefault: true, CreatedAt: nine}},
	}}); err != nil {
		t.Fatalf("create a tenant: %v", err)
	}
}

func (f *signIns) AddUser(t testing.TB, u directory.User) { f.addUser(t, u) }

func (f *signIns) SetEnabled(t testing.TB, tenant directory.TenantID, user directory.UserID, enabled bool) {
	u, err := f.User(context.Background(), tenant, user)
	if err != nil {
		t.Fatal(err)
	}
	u.AccountEnabled = enabled
	// Not UpdateUser, which ends what a disabled user has: the suite tests the check itself.
	f.exec(t, `UPDATE directory_user SET account_enabled = $1, body = $2 WHERE tenant_id = $3 AND id = $4`, enabled, asJSON(t, u), tenant, user)
}

func (f *signIns) RemoveUser(t testing.TB, tenant directory.TenantID, user directory.UserID) {
	f.exec(t, `DELETE FROM directory_user WHERE tenant_id = $1 AND id = $2`, tenant, user)
}

func (f *signIns) AddPass(t testing.TB, tenant directory.TenantID, user directory.UserID, pass signin.PassUsed, start time.Time) {
	if err := f.PutPass(context.Background(), tap.Pass{
		Tenant: tenant, User: user, ID: pass.ID, CreatedAt: start, Start: start, Lifetime: pass.End.Sub(start),
		SingleUse: pass.SingleUse, Incarnation: f.Incarnation,
	}, change(tenant)); err != nil {
		t.Fatalf("add a pass: %v", err)
	}
}

func (f *signIns) DeletePass(t testing.TB, tenant directory.TenantID, user directory.UserID, id string) {
	if err := f.DB.DeletePass(context.Background(), tenant, user, id, nine, change(tenant)); err != nil {
		t.Fatalf("delete a pass: %v", err)
	}
}

func (f *signIns) AddFamily(t testing.TB, tenant directory.TenantID, user directory.UserID, session string) {
	f.addFamily(t, tenant, user, session, "")
}

func (f *signIns) LivingFamilies(t testing.TB, tenant directory.TenantID, user directory.UserID) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM token_family WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0`, tenant, user)
}

func (f *signIns) Events(t testing.TB, tenant directory.TenantID) int {
	return number(t, f.DB, `SELECT COUNT(*) FROM event WHERE tenant_id = $1 AND kind = $2`, tenant, string(audit.KindSignIn))
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
