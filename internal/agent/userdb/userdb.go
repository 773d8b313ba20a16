// Package userdb shows the people and groups of a tenant to the operating system, as an
// io.systemd.UserDatabase that libnss-systemd and userdbctl ask (systemd, "User/Group Record
// Lookup API via Varlink"). Every process of the machine looks names up, so all answers come
// from memory. Which names and numbers it shows, rule 20 of docs/threat-model.md says.
package userdb

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/device"
)

// Name is the name of the service, which its socket has, too: /run/systemd/userdb/<Name>.
const Name = "id.postern.Accounts"

// A Refusal is an account or group that is not shown, and why.
type Refusal struct {
	ID, Name string
	Why      error
}

// Reasons for refusals.
var (
	ErrName     = errors.New("not a name that Linux programs take")
	ErrReserved = errors.New("a name or number that the system keeps for itself")
	ErrRange    = errors.New("a number outside the tenant's range")
	ErrLocal    = errors.New("a name or number of a local account or group")
	ErrTwice    = errors.New("a name or number that another one has")
)

// A Book is what the device knows of its tenant's accounts, ready to be asked. Every field
// is required.
type Book struct {
	Local func() (Local, error) // the files of this machine, as they are now
	Pins  *names.Pins           // of the whole agent

	set sync.Mutex
	now atomic.Pointer[page]
}

// A page is one state of the book, which nobody changes any more.
type page struct {
	users   map[string]user
	byUID   map[uint32]string
	groups  map[string]group
	byGID   map[uint32]string
	members []membership // in order of user, then group
}

type user struct{ device.Account }

type group struct {
	name, id, text string
	gid            uint32
	primary        bool // of one person, and so by its name
}

type membership struct{ user, group string }

// A Listing is whom a device knows.
type Listing struct {
	Numbers     device.Numbers // the tenant's range
	Accounts    []device.Account
	LocalGroups map[string]string // object ids of groups that are local ones, and their names here
}

// Set shows what is listed from now on and nothing else. It returns who was refused; an error
// when what the names stand for could not be kept, and then all is as it was.
func (b *Book) Set(l Listing) ([]Refusal, error) {
	b.set.Lock()
	defer b.set.Unlock()
	here, err := b.Local()
	if err != nil {
		return nil, err
	}
	next := &page{users: map[string]user{}, byUID: map[uint32]string{}, groups: map[string]group{}, byGID: map[uint32]string{}}
	var refused []Refusal
	err = b.Pins.Change(func(pins names.Draft) error {
		refused = next.fill(pins, here, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(next.members, func(i, j int) bool {
		x, y := next.members[i], next.members[j]
		return cmp.Or(cmp.Compare(x.user, y.user), cmp.Compare(x.group, y.group)) < 0
	})
	next.members = slices.Compact(next.members)
	b.now.Store(next)
	return unique(refused), nil
}

// fill admits whom it may, and returns whom it may not.
func (p *page) fill(pins names.Draft, here Local, l Listing) []Refusal {
	var refused []Refusal
	accounts := slices.Clone(l.Accounts)
	sort.Slice(accounts, func(i, j int) bool { return accounts[i].ID < accounts[j].ID })
	for _, a := range accounts {
		if err := p.admit(pins, here, l.Numbers, a); err != nil {
			refused = append(refused, Refusal{a.ID, a.UserName, err})
		}
	}
	for _, a := range accounts {
		if _, shown := p.users[a.UserName]; !shown || p.users[a.UserName].ID != a.ID {
			continue
		}
		for _, g := range a.Groups {
			if err := p.join(pins, here, l, a.UserName, g); err != nil {
				refused = append(refused, Refusal{g.ID, g.Name, err})
			}
		}
	}
	return refused
}

func unique(all []Refusal) []Refusal {
	seen := map[string]Refusal{}
	for _, r := range all {
		seen[r.ID+" "+r.Name] = r
	}
	all = slices.Collect(maps.Values(seen))
	sort.Slice(all, func(i, j int) bool {
		return cmp.Or(cmp.Compare(all[i].Name, all[j].Name), cmp.Compare(all[i].ID, all[j].ID)) < 0
	})
	return all
}

// plain is what useradd and systemd take for the name of a user, and no more.
var plain = regexp.MustCompile(`^[a-z_][a-z0-9_.+-]{0,62}$`)

func (p *page) admit(pins names.Draft, here Local, span device.Numbers, a device.Account) error {
	if err := check(here, span, a.UserName, reserved, a.UID, a.GID); err != nil {
		return err
	}
	if !path.MatchString(a.Home) || !path.MatchString(a.Shell) {
		return fmt.Errorf("home %.40q or shell %.40q: %w", a.Home, a.Shell, ErrName)
	}
	if _, taken := p.users[a.UserName]; taken || p.byUID[a.UID] != "" || p.byGID[a.GID] != "" {
		return ErrTwice
	}
	if err := pins.Pin(a.ID, a.UserName, a.UID, a.GID); err != nil {
		return err
	}
	p.users[a.UserName], p.byUID[a.UID] = user{a}, a.UserName
	own := a.UserName
	if givesRights(own) { // sudoers and polkit know groups by name
		own += "-" + strconv.FormatUint(uint64(a.GID), 10)
	}
	p.groups[own] = group{name: own, id: a.ID, text: a.DisplayName, gid: a.GID, primary: true}
	p.byGID[a.GID] = own
	return nil
}

// path is a plain absolute path.
var path = regexp.MustCompile(`^(/[A-Za-z0-9_+@-][A-Za-z0-9_.+@-]*)+$`)

// check refuses what the system has or keeps.
func check(here Local, span device.Numbers, name string, reserved func(string) bool, numbers ...uint32) error {
	switch {
	case !plain.MatchString(name):
		return ErrName
	case reserved(name):
		return ErrReserved
	case here.Users[name] || here.Groups[name]:
		return ErrLocal
	}
	for _, n := range numbers {
		switch {
		case kept(n):
			return ErrReserved
		case n < span.First || n > span.Last:
			return ErrRange
		case here.UIDs[n] || here.GIDs[n]:
			return ErrLocal
		}
	}
	return nil
}

// join makes a shown user a member of a group: of the local one that an administrator named
// for its object id, or of the tenant's own.
func (p *page) join(pins names.Draft, here Local, l Listing, name string, g device.AccountGroup) error {
	if to, mapped := l.LocalGroups[g.ID]; mapped {
		if !here.Groups[to] {
			return fmt.Errorf("no local group %.40q: %w", to, ErrName)
		}
		p.members = append(p.members, membership{name, to})
		return nil
	}
	if known, ok := p.groups[g.Name]; ok && !known.primary && known.id == g.ID {
		p.members = append(p.members, membership{name, g.Name})
		return nil
	}
	if err := check(here, l.Numbers, g.Name, func(name string) bool { return reserved(name) || givesRights(name) }, g.GID); err != nil {
		return err
	}
	if _, taken := p.groups[g.Name]; taken || p.byGID[g.GID] != "" || p.byUID[g.GID] != "" {
		return ErrTwice
	}
	if err := pins.Pin(g.ID, g.Name, g.GID); err != nil {
		return err
	}
	p.groups[g.Name], p.byGID[g.GID] = group{name: g.Name, id: g.ID, gid: g.GID}, g.Name
	p.members = append(p.members, membership{name, g.Name})
	return nil
}

// Shown returns the account that has a name or UPN on this device.
func (b *Book) Shown(typed string) (device.Account, bool) {
	p := b.page()
	if u, ok := p.users[typed]; ok {
		return u.Account, true
	}
	for _, u := range p.users {
		if equalFold(u.UPN, typed) || equalFold(u.UserName, typed) {
			return u.Account, true
		}
	}
	return device.Account{}, false
}

func (b *Book) page() *page {
	if p := b.now.Load(); p != nil {
		return p
	}
	return &page{}
}
