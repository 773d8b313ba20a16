package pam_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/linux/linuxtest"
	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/userdb"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

// TestLinuxPrograms runs the programs of this machine (su, sudo, login, sshd and more) with the
// module, the service for names and the agent's end of the socket.
func TestLinuxPrograms(t *testing.T) { linuxtest.Outer(t) }

// A machine is this one, changed where nobody else sees it.
type machine struct {
	*office
	t    *testing.T
	stop func() // the agent
}

// newMachine starts an agent on a machine that is ready.
func newMachine(t *testing.T) *machine {
	t.Helper()
	linuxtest.Inner(t)
	m := &machine{t: t, office: newOffice()}
	m.start()
	t.Cleanup(func() { m.stop() })
	return m
}

// start starts the agent; stop ends it and leaves no socket.
func (m *machine) start() {
	t := m.t
	ctx, cancel := context.WithCancel(context.Background())
	state, err := disk.Open(filepath.Join(t.TempDir(), "state"))
	must(t, err)
	pins, err := names.Open(state)
	must(t, err)
	book := &userdb.Book{Pins: pins, Local: userdb.Etc}
	refused, err := book.Set(userdb.Listing{
		Numbers: device.Numbers{First: 200000, Last: 499999}, Accounts: m.accounts(), LocalGroups: map[string]string{"g-ops": "ops"},
	})
	must(t, err)
	if len(refused) > 0 {
		t.Fatalf("refused: %v", refused)
	}
	log := slog.New(slog.DiscardHandler)
	names, err := peer.Listen(ctx, "/run/systemd/userdb/"+userdb.Name)
	must(t, err)
	talk, err := peer.Listen(ctx, "/run/postern/pam.sock")
	must(t, err)
	server := &pam.Server{
		Agent: m.office, Peer: peer.Of, Now: time.Now, Log: log,
		Services: func() pam.Services { s, err := pam.ReadServices(pam.Conf); must(t, err); return s },
		Local: func(name string) bool {
			l, err := userdb.Etc()
			must(t, err)
			return l.Users[name]
		},
	}
	var done sync.WaitGroup
	done.Go(func() { _ = (&userdb.Server{Book: book, Log: log, Peer: peer.Of}).Serve(ctx, names) })
	done.Go(func() { _ = server.Serve(ctx, talk) })
	m.stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
		_ = os.Remove("/run/postern/pam.sock")
	})
}

// An office decides in the place of the rest of the agent: it knows people, PINs and passes.
type office struct {
	mu      sync.Mutex
	people  map[string]*somebody
	policy  pam.Policy
	records []string
}

type somebody struct {
	pam.Person
	pin, pass string
	wrong     int
}

var (
	errPIN  = &fault.Error{Kind: fault.Forbidden, Code: "pinWrong", Text: "That's not the PIN."}
	errPass = &fault.Error{Kind: fault.Forbidden, Code: "credentialRefused", Text: "That didn't work.", Remedy: "Check the pass."}
)

func newOffice() *office {
	o := &office{people: map[string]*somebody{}, policy: pam.Policy{Online: true, UsePIN: true, WebSignIn: true, ElevationFor: 0}}
	for i, name := range []string{"ada", "bob"} {
		o.people[name] = &somebody{Person: pam.Person{ID: "id-" + name, Name: name, UID: uint32(200001 + i), Enabled: true, PIN: device.PINSet}, pin: "246810", pass: "ABCDEFGH"}
	}
	return o
}

func (o *office) accounts() []device.Account {
	var all []device.Account
	for _, p := range o.people {
		groups := []device.AccountGroup{{ID: "g-finance", Name: "finance-200100", GID: 200100}}
		if p.Name == "ada" {
			groups = append(groups, device.AccountGroup{ID: "g-ops", Name: "admins-200101", GID: 200101})
		}
		all = append(all, device.Account{
			ID: p.ID, UserName: p.Name, UPN: p.Name + "@contoso.example", DisplayName: "Person " + p.Name, UID: p.UID, GID: p.UID,
			Home: "/home/" + p.Name, Shell: "/bin/bash", Groups: groups, Enabled: true,
		})
	}
	return all
}

// set changes what the office knows, while programs ask.
func (o *office) set(change func(*office)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

func (o *office) Person(typed string) (pam.Person, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, _, _ := strings.Cut(typed, "@contoso.example")
	p, ok := o.people[name]
	if !ok {
		return pam.Person{}, false
	}
	return p.Person, true
}

func (o *office) Policy(pam.Person) pam.Policy {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.policy
}

func (o *office) Admit(pam.Attempt) error { return nil }

func (o *office) UnlockPIN(_ context.Context, a pam.Attempt, pin string) (pam.Person, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.people[a.Person.Name]
	if pin != p.pin {
		if p.wrong++; p.wrong == 5 {
			p.PIN = device.PINLocked
		}
		return pam.Person{}, errPIN
	}
	p.wrong = 0
	return p.Person, nil
}

func (o *office) RedeemPass(_ context.Context, a pam.Attempt, pass string) (pam.Person, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, _, _ := strings.Cut(a.Request.User, "@")
	p, ok := o.people[name]
	if !ok || strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(pass)) != p.pass {
		return pam.Person{}, errPass
	}
	p.pass = "" // one-time
	return p.Person, nil
}

func (o *office) RedeemTicket(context.Context, pam.Attempt, string) (pam.Person, error) {
	return pam.Person{}, errPass
}

func (o *office) StartCode(context.Context, pam.Attempt) (pam.Grant, error) {
	return pam.Grant{URL: "https://login.contoso.example/device", Code: "WXYZ-2345", Number: "42"}, nil
}

func (o *office) AwaitCode(_ context.Context, a pam.Attempt) (pam.Person, error) {
	p, _ := o.Person(a.Request.User)
	return p, nil
}

func (o *office) ChangePIN(_ context.Context, a pam.Attempt, former, next string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.people[a.Person.Name]
	if former != p.pin {
		return errPIN
	}
	p.pin = next
	return nil
}

// Elevated implements pam.Agent.
func (o *office) Elevated(a pam.Attempt, by pam.Method) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records = append(o.records, fmt.Sprintf("elevated %s %s %q", a.Request.Service, a.Person.Name, by))
}

func (o *office) Record(a pam.Attempt, by pam.Method, result pam.Code) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records = append(o.records, fmt.Sprintf("%s %s %s %q %d remote=%v", a.Request.Action, a.Request.Service, a.Request.User, by, result, a.Remote))
}

// elevated returns how often somebody got rights by a proof.
func (o *office) elevated(name, by string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.records {
		if r == fmt.Sprintf("elevated sudo %s %q", name, by) {
			n++
		}
	}
	return n
}

// recorded tells whether a record has all parts.
func (o *office) recorded(parts ...string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.records {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(r, part)
		}
		if found {
			return true
		}
	}
	return false
}

func must(t *testing.T, err error) {
	t.Helper()
	linuxtest.Must(t, err)
}

func (m *machine) open(name string, args ...string) *linuxtest.Terminal {
	return linuxtest.Open(m.t, name, args...)
}

func (m *machine) pamtester(service, user string, operations ...string) *linuxtest.Terminal {
	return linuxtest.PAMTester(m.t, service, user, operations...)
}

func (m *machine) as(uid string, args ...string) *linuxtest.Terminal {
	return linuxtest.As(m.t, uid, args...)
}

func (m *machine) ssh(args ...string) *linuxtest.Terminal { return linuxtest.SSH(m.t, args...) }
