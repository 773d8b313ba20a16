// Package linux is the agent towards the rest of a Linux machine: people sign in by PAM
// (package pam) and have names and numbers (package userdb). It translates between these and
// the agent, which decides. docs/linux.md is the administrator's page.
package linux

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/pam"
	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/agent/userdb"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// NamesSocket is where systemd's libraries look for services like this one.
const NamesSocket = "/run/systemd/userdb/" + userdb.Name

// Options say where things are. Every field is required.
type Options struct {
	Ready func() // is called by each front once it listens
	PAM   string // socket for pam_postern.so
	Names string // socket for libnss-systemd: NamesSocket, except in tests
	Log   *slog.Logger
}

// PAM signs people in at text prompts.
func PAM(o Options) agent.Front {
	return func(ctx context.Context, a *agent.Agent) error {
		l, err := peer.Listen(ctx, o.PAM)
		if err != nil {
			return err
		}
		o.Ready()
		s := &pam.Server{
			Agent: &desk{agent: a, log: o.Log, now: time.Now}, Peer: peer.Of, Now: time.Now, Log: o.Log,
			Services: func() pam.Services { return services(o.Log) },
			Local:    func(name string) bool { return local(o.Log, name) },
		}
		return s.Serve(ctx, l)
	}
}

// services reads the administrator's file. What is wrong in it demands a fresh proof nowhere
// here, but the module lets nobody by then.
func services(log *slog.Logger) pam.Services {
	s, err := pam.ReadServices(pam.Conf)
	if err != nil {
		log.Error("the settings of PAM can't be read", "file", pam.Conf, "err", err)
	}
	return s
}

// local tells whether a name is a local account's. What can't be read might have it.
func local(log *slog.Logger, name string) bool {
	l, err := userdb.Etc()
	if err != nil {
		log.Error("the accounts of this machine can't be read", "err", err)
	}
	return err != nil || l.Users[name]
}

// Names gives people of the tenant names and numbers on this machine.
func Names(o Options) agent.Front {
	return func(ctx context.Context, a *agent.Agent) error {
		pins, err := a.Names()
		if err != nil {
			return err
		}
		n := &names{agent: a, log: o.Log, book: &userdb.Book{Local: userdb.Etc, Pins: pins}}
		l, err := peer.Listen(ctx, o.Names)
		if err != nil {
			return err
		}
		// Whoever is welcomed has a name before they are told so: programs look it up at once.
		stop := a.Watch(func(agent.Change) { n.read() })
		defer stop()
		n.read()
		o.Ready()
		return (&userdb.Server{Book: n.book, Log: o.Log, Peer: peer.Of}).Serve(ctx, l)
	}
}

type names struct {
	agent *agent.Agent
	log   *slog.Logger
	book  *userdb.Book
	mu    sync.Mutex // what is read last is shown last
}

// read shows whom the agent knows now. People of a device that the organisation switched off
// keep their names, which their files have; they can't sign in.
func (n *names) read() {
	n.mu.Lock()
	defer n.mu.Unlock()
	var l userdb.Listing
	if d, err := n.agent.Device(); err == nil {
		l.Numbers, l.Accounts = d.Identity().Tenant.Numbers, d.Accounts.All()
		l.LocalGroups = localGroups(d.Settings("")[devicepolicy.LocalGroups].Value.List())
	}
	refused, err := n.book.Set(l)
	if err != nil {
		n.log.Error("the people of this device can't be shown", "err", err)
	}
	for _, r := range refused {
		n.log.Warn("not shown on this device", "id", r.ID, "name", r.Name, "err", r.Why)
	}
}

// localGroups reads the policy: object id, =, name of the local group.
func localGroups(pairs []string) map[string]string {
	all := map[string]string{}
	for _, pair := range pairs {
		id, name, _ := strings.Cut(pair, "=")
		all[id] = name
	}
	return all
}
