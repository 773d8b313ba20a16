package linux_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/linux"
	"github.com/postern-id/postern/internal/agent/linux/linuxtest"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/ticket"
	"github.com/postern-id/postern/internal/agent/tpm/tpmtest"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/server"
)

// TestAJoinedMachine signs people in with the real agent, a server and a TPM.
func TestAJoinedMachine(t *testing.T) { linuxtest.Outer(t) }

// A world is a server, and this machine joined to it by ada.
type world struct {
	t     *testing.T
	site  *httptest.Server
	pass  string // ada's, for many uses
	agent *agent.Agent
	state string
	me    device.Account
}

const ada = "ada@contoso.example"

func newWorld(t *testing.T) *world {
	t.Helper()
	linuxtest.Inner(t)
	chip := tpmtest.New(t)
	w := &world{t: t, site: httptest.NewUnstartedServer(nil)}
	w.site.StartTLS()
	t.Cleanup(w.site.Close)
	log := slog.New(slog.DiscardHandler)
	o := server.Options{Dir: t.TempDir(), PublicURL: w.site.URL, Hold: time.Millisecond, TPMRoots: chip.CA(), Log: log}
	created, err := server.Init(t.Context(), o, server.NewTenant{Domain: "contoso.example", Admin: "ada", TimeZone: "UTC", EnableTAP: true})
	linuxtest.Must(t, err)
	s, err := server.Open(t.Context(), o)
	linuxtest.Must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	w.site.Config.Handler = s.Handler()

	state, err := os.MkdirTemp("", "agent") //nolint:usetesting // the path of a socket has 107 bytes at most
	linuxtest.Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.site.Certificate().Raw})
	w.state = filepath.Join(state, "state")
	w.agent, err = agent.Open(agent.Options{State: w.state, TPM: chip.Where(), CA: ca, Log: log, LocalPolicy: filepath.Join(state, "policy.yaml")})
	linuxtest.Must(t, err)
	linuxtest.Must(t, w.agent.Join(t.Context(), agent.Join{
		Server: w.site.URL, UPN: ada, SignIn: agent.WithPass(ada, graphclient.NewSecret(created.Pass)),
	}))
	d, err := w.agent.Device()
	linuxtest.Must(t, err)
	w.me, err = d.Accounts.Find(ada)
	linuxtest.Must(t, err)
	again, err := server.Recover(t.Context(), o, ada, true)
	linuxtest.Must(t, err)
	w.pass = again.Pass

	var listening sync.WaitGroup
	listening.Add(2)
	fronts := linux.Options{Ready: listening.Done, PAM: "/run/postern/pam.sock", Names: linux.NamesSocket, Log: log}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.agent.Serve(ctx, linux.Names(fronts), linux.PAM(fronts)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = w.agent.Close()
	})
	listening.Wait()
	return w
}

// unplug cuts the way to the server, streams too.
func (w *world) unplug() {
	w.t.Helper()
	linuxtest.Must(w.t, w.site.Listener.Close())
	w.site.CloseClientConnections()
}

func TestInsideAPassSignsInAtTheConsole(t *testing.T) {
	w := newWorld(t)
	if got := linuxtest.Run(t, "getent", "passwd", "ada"); got == "" {
		t.Error("ada joined the machine and has no name on it")
	}
	p := linuxtest.Open(t, "login")
	p.Expect("login:").Say("ada").Expect("Temporary Access Pass").Say(w.pass).Expect("choose a device PIN").Expect("$").
		Say("echo I am $(id -un) by $POSTERN_METHOD in $PWD").Expect("I am ada by pass in /home/ada").Say("exit").Ends(0)
	linuxtest.PAMTester(t, "prompt", ada, "authenticate", "acct_mgmt").Expect("Temporary Access Pass").Say(w.pass).Ends(0)
	linuxtest.PAMTester(t, "prompt", "ada", "authenticate").Expect("Temporary Access Pass").Say("WRNG-PASS").Expect("did not work").Ends(1)
	linuxtest.PAMTester(t, "prompt", "nobody-here", "authenticate").Expect("Temporary Access Pass").Say(w.pass).Ends(1)
	linuxtest.SSH(t, "-o", "PreferredAuthentications=keyboard-interactive", "ada@here", "echo I am $(id -un) by $POSTERN_METHOD").
		Expect("Temporary Access Pass:").Say(w.pass).Expect("I am ada by pass").Ends(0)
}

func TestInsideAPINSignsInWithoutANetwork(t *testing.T) {
	w := newWorld(t)
	me, err := w.agent.SignInWithPass(t.Context(), ada, graphclient.NewSecret(w.pass))
	linuxtest.Must(t, err)
	linuxtest.Must(t, w.agent.SetPIN(t.Context(), me, "246810"))
	linuxtest.Must(t, w.agent.Contact(t.Context()))
	w.unplug()

	// What the server did not hear of waits for it.
	linuxtest.PAMTester(t, "sudo", "ada", "authenticate").Expect("Device PIN").Say("246810").Ends(0)
	waiting, err := os.ReadFile(filepath.Join(w.state, "elevations.json"))
	var told []device.Elevation
	if err != nil || json.Unmarshal(waiting, &told) != nil || len(told) != 1 || told[0].Service != "sudo" || told[0].By != "pin" ||
		told[0].User != me.ID || !told[0].Offline {
		t.Errorf("for the server's log there is %s, %v", waiting, err)
	}

	ask := func(typed string) *linuxtest.Terminal {
		return linuxtest.PAMTester(t, "prompt", "ada", "authenticate", "acct_mgmt").Expect("Device PIN").Say(typed)
	}
	ask("111111").Expect("4 tries are left").Ends(1)
	ask("246810").Ends(0)
	linuxtest.As(t, "30001", "su", "-", "ada", "-c", "id -un").Expect("Device PIN").Say("246810").Expect("ada").Ends(0)
	linuxtest.PAMTester(t, "passwd", "ada", "chauthtok").Expect("Present").Say("246810").Expect("New").Say("1111").Expect("again").Say("1111").
		Expect("at least 6").Ends(1)
	linuxtest.PAMTester(t, "passwd", "ada", "chauthtok").Expect("Present").Say("246810").Expect("New").Say("975318").Expect("again").Say("975318").
		Expect("is changed").Ends(0)
	ask("246810").Expect("tries are left").Ends(1)
	ask("975318").Ends(0)
}

func TestInsideAPINThatExpiredOpensNothingButItsChange(t *testing.T) {
	w := newWorld(t)
	me, err := w.agent.SignInWithPass(t.Context(), ada, graphclient.NewSecret(w.pass))
	linuxtest.Must(t, err)
	linuxtest.Must(t, w.agent.SetPIN(t.Context(), me, "246810"))
	d, err := w.agent.Device()
	linuxtest.Must(t, err)
	linuxtest.Must(t, os.WriteFile(filepath.Join(filepath.Dir(w.state), "policy.yaml"), []byte(devicepolicy.PINExpiration+": 30\n"), 0o600))
	d.ReadLocal()
	w.chosen(me.ID, 25*24*time.Hour)
	linuxtest.PAMTester(t, "prompt", "ada", "authenticate").Expect("Device PIN").Say("246810").Expect("expires on").Ends(0)

	w.chosen(me.ID, 31*24*time.Hour)
	ask := func(service, typed string, operations ...string) *linuxtest.Terminal {
		return linuxtest.PAMTester(t, service, "ada", append([]string{"authenticate", "acct_mgmt"}, operations...)...).Expect("Device PIN").Say(typed)
	}
	ask("prompt", "111111").Expect("4 tries are left").Ends(1)
	ask("prompt", "246810").Expect("has expired").Expect("no longer valid; new one required").Ends(1)
	linuxtest.PAMTester(t, "passwd", "ada", "chauthtok").Expect("Present").Say("246810").Expect("New").Say("246810").Expect("again").Say("246810").
		Expect("present PIN").Ends(1)
	ask("prompt", "246810").Expect("has expired").Expect("new one required").Ends(1) // still

	p := linuxtest.Open(t, "login")
	p.Expect("login:").Say("ada").Expect("Device PIN").Say("246810").Expect("has expired").
		Expect("Present").Say("246810").Expect("New").Say("975318").Expect("again").Say("975318").Expect("is changed").Expect("$").
		Say("echo I am $(id -un) by $POSTERN_METHOD").Expect("I am ada by pin").Say("exit").Ends(0)
	ask("prompt", "975318").Ends(0)
}

// chosen has a PIN be chosen some time ago.
func (w *world) chosen(user string, ago time.Duration) {
	w.t.Helper()
	file := filepath.Join(w.state, "containers", user+".json")
	text, err := os.ReadFile(file)
	linuxtest.Must(w.t, err)
	var c container.Container
	linuxtest.Must(w.t, json.Unmarshal(text, &c))
	c.SetAt = time.Now().Add(-ago)
	text, err = json.Marshal(c)
	linuxtest.Must(w.t, err)
	linuxtest.Must(w.t, os.WriteFile(file, text, 0o600))
}

func TestInsideADeletedDeviceLetsNobodyIn(t *testing.T) {
	w := newWorld(t)
	linuxtest.PAMTester(t, "prompt", "ada", "acct_mgmt").Ends(0)
	linuxtest.Must(t, w.agent.Leave(t.Context(), false))
	linuxtest.PAMTester(t, "prompt", "ada", "acct_mgmt").Ends(1)
	linuxtest.PAMTester(t, "prompt", "ada", "authenticate").Ends(1)
}

func TestInsideATicketIsWorthOneTryAtItsPlace(t *testing.T) {
	w := newWorld(t)
	linuxtest.Write(t, "/etc/pam.d/greetd", "@include common-auth\n@include common-account\n@include common-session\n", 0o644)
	greeter := linuxtest.Sleeper(t)
	binding := ticket.Binding{
		User: w.me.ID, UID: w.me.UID, PAMUser: "ada", Service: "greetd", Greeter: greeter, Peer: 100,
		Boot: linuxtest.BootID(t), Attempt: uuid.NewString(),
	}
	try := func(service string, change func(*ticket.Binding)) *linuxtest.Terminal {
		b := binding
		change(&b)
		text, err := w.agent.Tickets.Issue(b)
		linuxtest.Must(t, err)
		return linuxtest.PAMTester(t, service, "ada", "authenticate").Expect("Temporary Access Pass").Say(pam.Ticket + text)
	}
	same := func(*ticket.Binding) {}
	try("greetd", same).Ends(0)
	try("prompt", same).Ends(1)
	for name, change := range map[string]func(*ticket.Binding){
		"another seat":         func(b *ticket.Binding) { b.Seat = "seat1" },
		"an earlier boot":      func(b *ticket.Binding) { b.Boot = uuid.NewString() },
		"a greeter that ended": func(b *ticket.Binding) { b.Greeter.Started++ },
		"another number":       func(b *ticket.Binding) { b.UID++ },
		"another person":       func(b *ticket.Binding) { b.User = uuid.NewString() },
		"another name":         func(b *ticket.Binding) { b.PAMUser = "bob" },
	} {
		t.Run(name, func(t *testing.T) { try("greetd", change).Ends(1) })
	}
	text, err := w.agent.Tickets.Issue(binding)
	linuxtest.Must(t, err)
	linuxtest.As(t, "30001", "su", "ada", "-c", "true").Expect("Pass").Say(pam.Ticket + "a-guess-of-kims").Ends(1)
	for _, code := range []int{0, 1} { // once
		linuxtest.PAMTester(t, "greetd", "ada", "authenticate").Expect("Pass").Say(pam.Ticket + text).Ends(code)
	}
	_, err = w.agent.Tickets.Issue(binding)
	linuxtest.Must(t, err)
	w.agent.Tickets.Cancel(binding.Attempt)
	linuxtest.PAMTester(t, "greetd", "ada", "authenticate").Expect("Pass").Say(pam.Ticket + text).Ends(1)
}
