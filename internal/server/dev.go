package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/clock"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/sample"
	"github.com/postern-id/postern/internal/store"
)

// DevDomain is the domain of the tenant that `postern dev` makes.
const DevDomain = "contoso.example"

// devAdmin is the administrator of that tenant.
const devAdmin = "admin"

// SampleAppID is the client id of the sample application of `postern dev`.
const SampleAppID directory.AppID = "7b1c52f0-0c0e-4c55-9d5e-2f6a3a9d4e11"

// devPerson is one of the people of `postern dev`.
type devPerson struct {
	name, nick, title, department, manager string
	role                                   directory.RoleID
	group                                  string
}

// devPeople are a dozen people in groups and roles; all names are invented.
var devPeople = []devPerson{
	{name: "Aylin Demir", nick: "aylin.demir", title: "Head of IT", department: "IT", role: directory.PrivilegedAuthenticationAdministrator, group: "IT"},
	{name: "Tomás Herrera", nick: "tomas.herrera", title: "Identity engineer", department: "IT", manager: "aylin.demir", role: directory.AuthenticationPolicyAdministrator, group: "IT"},
	{name: "Dana Novak", nick: "dana.novak", title: "Helpdesk agent", department: "IT", manager: "aylin.demir", role: directory.AuthenticationAdministrator, group: "Helpdesk"},
	{name: "Jonas Lind", nick: "jonas.lind", title: "Helpdesk agent", department: "IT", manager: "aylin.demir", role: directory.AuthenticationAdministrator, group: "Helpdesk"},
	{name: "Grace Mwangi", nick: "grace.mwangi", title: "Auditor", department: "Finance", role: directory.GlobalReader, group: "Finance"},
	{name: "Mira Okafor", nick: "mira.okafor", title: "Dispatcher", department: "Logistics", manager: "sam.fischer", group: "Logistics"},
	{name: "Sam Fischer", nick: "sam.fischer", title: "Head of logistics", department: "Logistics", group: "Logistics"},
	{name: "Priya Raman", nick: "priya.raman", title: "Planner", department: "Logistics", manager: "sam.fischer", group: "Logistics"},
	{name: "Ida Berg", nick: "ida.berg", title: "Driver", department: "Logistics", manager: "sam.fischer", group: "Logistics"},
	{name: "Luca Moretti", nick: "luca.moretti", title: "Accountant", department: "Finance", manager: "grace.mwangi", group: "Finance"},
	{name: "Noor Haddad", nick: "noor.haddad", title: "Recruiter", department: "People", group: "People"},
	{name: "Kenji Sato", nick: "kenji.sato", title: "New colleague", department: "Logistics", manager: "sam.fischer", group: "Logistics"},
}

// Dev prepares the data directory of o for `postern dev`: a tenant with people on the first
// start, and at every start a new pass for the administrator. reset starts over.
func Dev(ctx context.Context, o Options, reset bool) (Created, error) {
	if _, err := os.Stat(o.Dir); err == nil { // a server that runs there must not notice anything
		unlock, err := lock(o)
		if err != nil {
			return Created{}, err
		}
		defer unlock()
	}
	if reset {
		if err := removeDev(o.Dir); err != nil {
			return Created{}, err
		}
	}
	if err := prepareDir(ctx, o); err != nil {
		return Created{}, err
	}
	s, err := Open(ctx, o)
	if err != nil {
		return Created{}, err
	}
	created, err := s.dev(ctx)
	return created, errors.Join(err, s.Close())
}

// removeDev empties a data directory that dev made, and refuses any other folder.
func removeDev(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, devMark)); err != nil {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return ErrNotDev
	}
	return os.RemoveAll(dir)
}

// devMark is a file that says that the folder may be emptied.
const devMark = "made-by-postern-dev"

func (s *Server) dev(ctx context.Context) (Created, error) {
	if err := os.WriteFile(filepath.Join(s.options.Dir, devMark), nil, 0o600); err != nil {
		return Created{}, err
	}
	tenants, err := s.db.Tenants(ctx)
	if err != nil {
		return Created{}, err
	}
	if len(tenants) == 0 {
		seed, admin, err := s.seed(NewTenant{Domain: DevDomain, Name: "Contoso", Admin: devAdmin, TimeZone: "Europe/London", EnableTAP: true}, DevDomain)
		if err != nil {
			return Created{}, err
		}
		seed.Tenant.Helpdesk = directory.Helpdesk{Phone: "020 7946 0120", Hours: "day and night"}
		admin.Mail = admin.UserPrincipalName // so that the mailbox has something to show
		seed.Users[0] = admin
		s.addPeople(&seed)
		s.addSample(&seed)
		if err := s.db.CreateTenant(ctx, seed); err != nil {
			return Created{}, err
		}
		if err := s.addDevicePolicy(ctx, seed.Tenant.ID); err != nil {
			return Created{}, err
		}
		if err := s.enableMethods(ctx, seed.Tenant.ID); err != nil {
			return Created{}, err
		}
	}
	// Nobody watches over a server that people try out: the machine's clock is right.
	if s.watch.clock.Verdict() != (clock.Verdict{}) {
		if _, err := s.acceptClock(ctx); err != nil {
			return Created{}, err
		}
	}
	return s.recoverAccess(ctx, devAdmin+"@"+DevDomain, true)
}

func (s *Server) addPeople(seed *store.Seed) {
	ids := map[string]directory.UserID{}
	groups := map[string]directory.GroupID{}
	seed.Members = map[directory.GroupID][]directory.Ref{}
	for _, p := range devPeople {
		ids[p.nick] = directory.UserID(uuid.NewString())
	}
	for _, p := range devPeople {
		seed.Users = append(seed.Users, directory.User{
			Tenant: seed.Tenant.ID, ID: ids[p.nick], AccountEnabled: true, UserPrincipalName: p.nick + "@" + DevDomain,
			DisplayName: p.name, MailNickname: p.nick, Mail: p.nick + "@" + DevDomain, JobTitle: p.title,
			Department: p.department, UserType: "Member", Manager: ids[p.manager], CreatedDateTime: seed.Tenant.CreatedAt,
		})
		if groups[p.group] == "" {
			groups[p.group] = directory.GroupID(uuid.NewString())
			seed.Groups = append(seed.Groups, directory.Group{
				Tenant: seed.Tenant.ID, ID: groups[p.group], DisplayName: p.group, MailNickname: p.group,
				SecurityEnabled: true, CreatedDateTime: seed.Tenant.CreatedAt,
			})
		}
		ref := directory.Ref{Kind: directory.KindUser, ID: string(ids[p.nick])}
		seed.Members[groups[p.group]] = append(seed.Members[groups[p.group]], ref)
		if p.role != "" {
			seed.Roles = append(seed.Roles, directory.RoleAssignment{
				Tenant: seed.Tenant.ID, ID: uuid.NewString(), Principal: ref, Role: p.role,
				Scope: directory.RootScope, CreatedAt: seed.Tenant.CreatedAt,
			})
		}
	}
}

// addSample registers the sample application, a public client whose page shows its tokens.
func (s *Server) addSample(seed *store.Seed) {
	app := directory.Application{
		Tenant: seed.Tenant.ID, ID: directory.ApplicationID(uuid.NewString()), AppID: SampleAppID,
		DisplayName: "Sample application", SignInAudience: "AzureADMyOrg", CreatedDateTime: seed.Tenant.CreatedAt,
		API:          directory.APISettings{TokenVersion: 2},
		PublicClient: directory.RedirectURIs{RedirectURIs: []string{"http://localhost/callback"}},
	}
	principal := app.Presence(directory.ServicePrincipalID(uuid.NewString()))
	seed.Applications = append(seed.Applications, app)
	seed.Principals = append(seed.Principals, principal)
	seed.Grants = append(seed.Grants, directory.PermissionGrant{
		Tenant: seed.Tenant.ID, ID: uuid.NewString(), Client: principal.ID, ConsentType: directory.AllPrincipals,
		Resource: graphPrincipal(seed), Scope: "openid profile email offline_access User.Read",
	})
}

// Running says where the parts of `postern dev` are. The JSON names are a contract.
type Running struct {
	SampleURL   string      `json:"sampleUrl"`
	MailboxURL  string      `json:"mailboxUrl"`
	ConsoleURL  string      `json:"consoleUrl"`
	LockScreens []string    `json:"lockScreens"` // one for each virtual device
	Devices     []DevDevice `json:"-"`
}

// A DevDevice is a virtual device of `postern dev`.
type DevDevice struct {
	Name    string
	Storage string // where its keys are, in words
	URL     string // opens its lock screen
	Home    func(userName string) string
}

// DevDevices are the names of the virtual devices.
var DevDevices = []string{"LAP-0417", "LAP-0418"}

// DevServer is one run of `postern dev`.
type DevServer struct {
	Options Options
	Listen  Listen
	Created Created
	Version string // of the program
	// Started is called once the server answers; the devices may still be joining.
	Started func(Running)
	// Ready is called once they have joined, with what went wrong with them.
	Ready func(Running, error)
}

// Serve serves like Serve, and beside it the sample application and the virtual devices, each
// on a port of its own.
func (d DevServer) Serve(ctx context.Context) error {
	// The devices end with the server, so that it need not wait for them.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	lab, err := d.openLab(ctx)
	if err != nil {
		return errors.Join(err, d.Listen.Close())
	}
	err = d.serveSample(ctx, func(sampleURL string) error {
		running := Running{SampleURL: sampleURL, ConsoleURL: d.Options.PublicURL + "/console/", MailboxURL: d.Options.PublicURL + "/mailbox", LockScreens: lab.urls(), Devices: lab.list()}
		return Serve(ctx, d.Options, d.Listen, func(*Server) {
			d.Started(running)
			lab.serve(ctx, func(err error) { d.Ready(running, err) })
		})
	})
	return errors.Join(err, lab.close())
}

// serveSample serves the sample application while f runs.
func (d DevServer) serveSample(ctx context.Context, f func(url string) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(ErrListen.With("", fmt.Sprintf("No port for the sample application: %v.", err)), d.Listen.Close())
	}
	client, err := trusting(CAFile(d.Options.Dir))
	if err != nil {
		return errors.Join(err, listener.Close(), d.Listen.Close())
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return errors.Join(err, listener.Close(), d.Listen.Close())
	}
	app := &sample.App{
		Issuer: d.Options.PublicURL + "/" + d.Created.TenantID + "/v2.0", ClientID: string(SampleAppID),
		URL: "http://localhost:" + port, Client: client,
	}
	web := &http.Server{Handler: app.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = web.Serve(listener) }() // until Close
	return errors.Join(f(app.URL), web.Close())
}

// trusting returns a client that trusts the CA in file.
func trusting(file string) (*http.Client, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}, nil
}

// enableMethods lets the people of `postern dev` use every method that can be tried there.
func (s *Server) enableMethods(ctx context.Context, tenant directory.TenantID) error {
	phone := authenticator.DefaultPolicy()
	phone.State = "enabled"
	for id, policy := range map[string]any{authenticator.PolicyID: phone, totp.PolicyID: totp.Policy{Targets: method.Everybody("enabled")}} {
		e := audit.Event{Tenant: string(tenant), ID: uuid.NewString(), At: s.now(), CorrelationID: uuid.NewString(), Change: &audit.Change{
			Activity: audit.MethodsPolicyUpdate, Category: audit.CategoryApplicationManagement, Service: audit.ServiceAuthenticationMethods,
			Operation: audit.OperationUpdate, Result: audit.Success, Targets: []audit.Target{{ID: id, Type: audit.TargetPolicy, DisplayName: id}},
		}}
		if err := s.db.SaveMethodPolicy(ctx, tenant, id, method.Revision{ModifiedAt: s.now()}, policy, e); err != nil {
			return err
		}
	}
	return nil
}
