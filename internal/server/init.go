package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/internal/store"
)

// NewTenant says what init creates.
type NewTenant struct {
	Domain    string
	Name      string // display name; empty takes the domain's first label
	Admin     string // local part of the administrator's UPN
	TimeZone  string // IANA name
	EnableTAP bool
	App       string // display name of an application with every Graph permission; empty makes none
}

// Created is what init tells, once. The JSON names are a contract.
type Created struct {
	TenantID      string `json:"tenantId"`
	Domain        string `json:"domain"`
	Administrator string `json:"adminUserPrincipalName"`
	Pass          string `json:"temporaryAccessPass"`
	PublicURL     string `json:"publicUrl"`
	CACertificate string `json:"caCertificate"`
	ClientID      string `json:"clientId,omitempty"`
	ClientSecret  string `json:"clientSecret,omitempty"`
}

// appSecretLifetime bounds the secret of the application that init makes.
const appSecretLifetime = 90 * 24 * time.Hour

// Init creates a tenant with its first Global Administrator in the data directory of o,
// which it makes if it is not there. A domain that has a tenant is
// directory.ErrDomainTaken, and nothing changes.
func Init(ctx context.Context, o Options, n NewTenant) (Created, error) {
	domain, err := directory.ParseDomain(n.Domain)
	if err != nil {
		return Created{}, err
	}
	if _, err := time.LoadLocation(n.TimeZone); err != nil || n.TimeZone == "Local" {
		return Created{}, directory.ErrZoneInvalid.With("time-zone", "")
	}
	if err := prepareDir(ctx, o); err != nil {
		return Created{}, err
	}
	s, err := Open(ctx, o)
	if err != nil {
		return Created{}, err
	}
	created, err := s.createTenant(ctx, n, domain)
	if err == nil {
		s.noteFirstURL(ctx)
	}
	return created, errors.Join(err, s.Close())
}

// noteFirstURL keeps where the server will be, so that nobody has to say it again. One that ran knows better.
func (s *Server) noteFirstURL(ctx context.Context) {
	served, err := s.db.ServedURL(ctx)
	if err == nil && served == "" {
		err = s.db.NoteServedURL(ctx, s.options.PublicURL)
	}
	if err != nil { // the tenant is there, and its pass is told once
		s.options.Log.WarnContext(ctx, "the public URL could not be noted", "err", err)
	}
}

// prepareDir makes the data directory, its master key and its CA where they are missing. A
// directory that holds a store but no master key is left alone: a new key would open nothing.
func prepareDir(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return store.ErrDir.With("data", fmt.Sprintf("The data directory can't be made: %v.", err))
	}
	release, err := store.Alone(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer release()
	_, err = keyring.LoadMaster(o.Dir, o.MasterKey)
	if errors.Is(err, keyring.ErrNoMasterKey) && !store.Exists(o.Dir) {
		_, err = keyring.CreateMaster(o.Dir, rand.Reader)
	}
	if err != nil {
		return err
	}
	return ensureCA(o.Dir, time.Now())
}

func (s *Server) createTenant(ctx context.Context, n NewTenant, domain string) (Created, error) {
	if err := s.watch.clock.Verdict().Err; err != nil {
		return Created{}, err
	}
	seed, admin, err := s.seed(n, domain)
	if err != nil {
		return Created{}, err
	}
	out := Created{
		TenantID: string(seed.Tenant.ID), Domain: domain, Administrator: admin.UserPrincipalName,
		PublicURL: s.options.PublicURL, CACertificate: CAFile(s.options.Dir),
	}
	if n.App != "" {
		if out.ClientID, out.ClientSecret, err = s.addApplication(&seed, n.App); err != nil {
			return Created{}, err
		}
	}
	if err := s.db.CreateTenant(ctx, seed); err != nil {
		return Created{}, err
	}
	_, code, err := s.passes.Bootstrap(ctx, seed.Tenant.ID, admin.ID, false, func(p tap.Pass) audit.Event {
		return s.bootstrapEvent(p, admin, audit.RecoverAccess)
	})
	out.Pass = code.Reveal()
	return out, err
}

// seed puts together what the tenant starts with, and its administrator.
func (s *Server) seed(n NewTenant, domain string) (store.Seed, directory.User, error) {
	now := s.now()
	name := n.Name
	if name == "" {
		first, _, _ := strings.Cut(domain, ".")
		name = strings.ToUpper(first[:1]) + first[1:]
	}
	tenant := directory.Tenant{
		ID: directory.TenantID(uuid.NewString()), DisplayName: name, CreatedAt: now, TimeZone: n.TimeZone,
		Domains: []directory.Domain{{Name: domain, IsDefault: true, IsInitial: true, CreatedAt: now}},
	}
	admin := directory.User{
		Tenant: tenant.ID, ID: directory.UserID(uuid.NewString()), AccountEnabled: true,
		UserPrincipalName: n.Admin + "@" + domain, DisplayName: "Administrator", MailNickname: n.Admin,
		UserType: "Member", CreatedDateTime: now,
	}
	if err := admin.Check(tenant); err != nil {
		return store.Seed{}, admin, err
	}
	known := directory.WellKnown(tenant)
	seed := store.Seed{
		Tenant: tenant, Users: []directory.User{admin},
		Applications: known.Applications, Principals: known.ServicePrincipals, Grants: known.Grants,
		Roles: []directory.RoleAssignment{{
			Tenant: tenant.ID, ID: uuid.NewString(), Role: directory.GlobalAdministrator, Scope: directory.RootScope,
			Principal: directory.Ref{Kind: directory.KindUser, ID: string(admin.ID)}, CreatedAt: now,
		}},
	}
	var err error
	if seed.Keys, err = s.generate(tenant.ID, now); err != nil {
		return seed, admin, err
	}
	seed.Version = seedVersion
	if n.EnableTAP {
		policy := tap.DefaultPolicy()
		policy.State, policy.ModifiedAt = "enabled", now
		seed.PassPolicy = &policy
	}
	seed.Events = append(seed.Events, s.ownEvent(tenant.ID, audit.Change{
		Activity: audit.CreateCompany, Category: audit.CategoryDirectoryManagement, Service: audit.ServiceCoreDirectory,
		Operation: audit.OperationAdd,
		Targets:   []audit.Target{{ID: string(tenant.ID), Type: audit.TargetDirectory, DisplayName: name}},
	}))
	return seed, admin, nil
}

// addApplication puts a confidential application with every Graph application permission
// into seed and returns its id and secret.
func (s *Server) addApplication(seed *store.Seed, name string) (clientID, secret string, err error) {
	now := s.now()
	app := directory.Application{
		Tenant: seed.Tenant.ID, ID: directory.ApplicationID(uuid.NewString()), AppID: directory.AppID(uuid.NewString()),
		DisplayName: name, SignInAudience: "AzureADMyOrg", CreatedDateTime: now,
		API: directory.APISettings{TokenVersion: 2},
	}
	principal := app.Presence(directory.ServicePrincipalID(uuid.NewString()))
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	secret = base64.RawURLEncoding.EncodeToString(raw)
	hash, err := seedMAC(s.wrapper, seed, oauthSecretLabel, []byte(secret))
	if err != nil {
		return "", "", err
	}
	seed.Applications = append(seed.Applications, app)
	seed.Principals = append(seed.Principals, principal)
	seed.Secrets = map[directory.ApplicationID]directory.Secret{app.ID: {
		KeyID: uuid.NewString(), DisplayName: "init", Hint: secret[:3], Hash: hash, StartAt: now, EndAt: now.Add(appSecretLifetime),
	}}
	graph := graphPrincipal(seed)
	for _, role := range directory.GraphAppRoles() {
		seed.AppRoles = append(seed.AppRoles, directory.AppRoleAssignment{
			Tenant: seed.Tenant.ID, ID: uuid.NewString(), Resource: graph, AppRoleID: role.ID, CreatedDateTime: now,
			Principal: directory.Ref{Kind: directory.KindServicePrincipal, ID: string(principal.ID)},
		})
	}
	return string(app.AppID), secret, nil
}

// oauthSecretLabel is the label under which package oauth hashes client secrets.
const oauthSecretLabel = "client secret"

func graphPrincipal(seed *store.Seed) directory.ServicePrincipalID {
	for _, p := range seed.Principals {
		if p.AppID == directory.GraphAppID {
			return p.ID
		}
	}
	return ""
}

// seedKeys is the key store of a tenant that is not stored yet.
type seedKeys struct{ seed *store.Seed }

func (k seedKeys) Keys(context.Context, string) ([]keyring.Key, error) { return k.seed.Keys, nil }
func (k seedKeys) FirstTenant(context.Context) (string, error)         { return string(k.seed.Tenant.ID), nil }

func (k seedKeys) ReplaceKey(context.Context, keyring.Key, time.Time, time.Time, audit.Event) error {
	return keyring.ErrNoKey
}

// seedMAC is the tenant's keyed hash before the tenant is stored.
func seedMAC(w keyring.Wrapper, seed *store.Seed, label string, message []byte) (string, error) {
	now := seed.Tenant.CreatedAt
	ring := &keyring.Ring{Store: seedKeys{seed}, Wrapper: w, Now: func() time.Time { return now }}
	return ring.MAC(context.Background(), string(seed.Tenant.ID), label, message)
}

// ownEvent is an event of the server itself: a local command, or work in the background.
func (s *Server) ownEvent(tenant directory.TenantID, change audit.Change) audit.Event {
	change.Result = audit.Success
	return audit.Event{Tenant: string(tenant), ID: uuid.NewString(), At: s.now(), CorrelationID: uuid.NewString(), Change: &change}
}

func (s *Server) bootstrapEvent(p tap.Pass, u directory.User, activity string) audit.Event {
	return s.ownEvent(p.Tenant, audit.Change{
		Activity: activity, Category: audit.CategoryUserManagement, Service: audit.ServicePostern, Operation: audit.OperationAdd,
		Targets: []audit.Target{{ID: string(u.ID), Type: audit.TargetUser, DisplayName: u.DisplayName, UserPrincipalName: u.UserPrincipalName}},
		Details: []audit.KeyValue{{Key: "temporaryAccessPassMethodId", Value: p.ID}},
	})
}

// Recover gives the Global Administrator upn a new bootstrap pass, without a sign-in: who
// can read the master key owns the machine. It works beside a running server, which then
// mails all Global Administrators.
func Recover(ctx context.Context, o Options, upn string, multi bool) (Created, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return Created{}, err
	}
	created, err := s.recoverAccess(ctx, upn, multi)
	if err == nil {
		o.Log.Warn("a Global Administrator was given a new bootstrap pass", slog.String("upn", created.Administrator))
	}
	return created, errors.Join(err, s.Close())
}

func (s *Server) recoverAccess(ctx context.Context, upn string, multi bool) (Created, error) {
	if err := s.watch.clock.Verdict().Err; err != nil {
		return Created{}, err
	}
	_, domain, _ := strings.Cut(strings.ToLower(upn), "@")
	tenant, err := s.db.TenantOf(ctx, domain)
	if err != nil {
		return Created{}, err
	}
	user, err := s.db.UserByName(ctx, tenant, upn)
	if err != nil {
		return Created{}, err
	}
	roles, err := s.db.RolesOf(ctx, tenant, string(user.ID))
	if err != nil {
		return Created{}, err
	}
	if !holdsRole(roles, directory.GlobalAdministrator) || !user.AccountEnabled {
		return Created{}, ErrNotAdministrator
	}
	passes, id := s.passes, uuid.NewString()
	passes.Letters = func(ctx context.Context, p tap.Pass) ([]outbox.Item, error) {
		return s.recoveredLetters(ctx, user, p, id)
	}
	if err := s.takePasses(ctx, tenant, id); err != nil {
		return Created{}, err
	}
	if err := s.exemptRecovered(ctx, tenant, user, id); err != nil {
		return Created{}, err
	}
	_, code, err := passes.Bootstrap(ctx, tenant, user.ID, multi, func(p tap.Pass) audit.Event {
		e := s.bootstrapEvent(p, user, audit.RecoverAccess)
		e.CorrelationID = id
		return e
	})
	return Created{
		TenantID: string(tenant), Domain: domain, Administrator: user.UserPrincipalName, Pass: code.Reveal(),
		PublicURL: s.options.PublicURL, CACertificate: CAFile(s.options.Dir),
	}, err
}

// takePasses has a tenant's policy take passes again wherever it did not, or the way back in would
// lead nowhere.
func (s *Server) takePasses(ctx context.Context, tenant directory.TenantID, correlationID string) error {
	old := signin.DefaultPolicy()
	from, err := s.db.MethodPolicy(ctx, tenant, signin.PolicyID, &old)
	if err != nil {
		return err
	}
	p, changed := old.With(tap.MethodID)
	if !changed {
		return nil
	}
	before, err := json.Marshal(old)
	if err != nil {
		return err
	}
	after, err := json.Marshal(p)
	if err != nil {
		return err
	}
	e := s.ownEvent(tenant, audit.Change{
		Activity: audit.UpdatePolicy, Category: audit.CategoryPolicy, Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationUpdate,
		Result: audit.Success, ResultReason: "Access was recovered",
		Targets: []audit.Target{{
			ID: signin.PolicyID, Type: audit.TargetPolicy, DisplayName: "Sign-in Methods Policy",
			Modified: []audit.ModifiedProperty{{DisplayName: "Policy", OldValue: string(before), NewValue: string(after)}},
		}},
	})
	e.CorrelationID = correlationID
	from.ModifiedAt = s.now()
	if err := s.db.SaveMethodPolicy(ctx, tenant, signin.PolicyID, from, p, e); err != nil {
		return err
	}
	s.options.Log.Warn("the policy of sign-in methods takes passes again, as methods that break the glass")
	return nil
}

func holdsRole(roles []directory.RoleID, want directory.RoleID) bool {
	return slices.Contains(roles, want)
}
