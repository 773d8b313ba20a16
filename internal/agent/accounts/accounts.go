// Package accounts is the people and groups of the tenant that this device knows, for NSS,
// PAM and the lock screen: answered from memory, kept on the disk, and checked before they
// count (docs/threat-model.md, rule 20). A name belongs to one object for ever: a new person
// with an old name gets no old home.
package accounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

// Faults of accounts.
var (
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "deviceAccountUnknown",
		Text: "Nobody of that name has signed in on this device.", Remedy: "Check the name.",
	}
	ErrName = &fault.Error{
		Kind: fault.Conflict, Code: "accountName",
		Text: "This name can't be used on this device.", Remedy: "Ask the helpdesk: the name is a local account's, or was another person's.",
	}
	ErrNumber = &fault.Error{
		Kind: fault.Conflict, Code: "accountNumber",
		Text: "The number of this account can't be used on this device.", Remedy: "Ask the helpdesk: it is a local account's, or outside the organisation's range.",
	}
)

// Local says which names and numbers the machine's own accounts and groups have.
type Local interface {
	UserNamed(name string) bool
	UserNumbered(uid uint32) bool
	GroupNamed(name string) bool
	GroupNumbered(gid uint32) bool
}

// Files keeps the file; package disk has the real one.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
	Remove(name string) error
}

// Cache is the accounts of a device. It is safe for concurrent use. Open it.
type Cache struct {
	files Files
	local Local
	span  device.Numbers

	mu   sync.RWMutex
	kept kept
}

// kept is the file.
type kept struct {
	Accounts []device.Account  `json:"accounts"`
	Owners   map[string]string `json:"owners"` // object ids by name, also of people who are gone
}

const file = "accounts.json"

// Open reads the accounts that files keeps. One that is not to be trusted, such as with a
// number outside numbers, is left out.
func Open(files Files, local Local, numbers device.Numbers) (*Cache, error) {
	c := &Cache{files: files, local: local, span: numbers, kept: kept{Owners: map[string]string{}}}
	data, err := files.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	var from kept
	if err := json.Unmarshal(data, &from); err != nil {
		return c, nil //nolint:nilerr // the server tells them again
	}
	if from.Owners != nil {
		c.kept.Owners = from.Owners
	}
	for _, a := range from.Accounts {
		if c.check(a) == nil {
			a.Groups = c.fitting(a.Groups)
			c.kept.Accounts = append(c.kept.Accounts, a)
		}
	}
	return c, nil
}

// names are those that useradd takes, without capitals.
var names = regexp.MustCompile(`^[a-z_][a-z0-9_.+-]{0,63}$`)

// reserved names have a meaning on many machines that /etc/passwd does not tell.
var reserved = []string{"root", "nobody", "daemon", "bin", "sys", "sudo", "wheel", "shadow", "systemd", "postern"}

// check reports why a can't be an account of this machine.
func (c *Cache) check(a device.Account) error {
	if a.ID == "" || !names.MatchString(a.UserName) ||
		c.local.UserNamed(a.UserName) || c.local.GroupNamed(a.UserName) {
		return ErrName
	}
	if slices.Contains(reserved, a.UserName) || strings.HasPrefix(a.UserName, "systemd-") {
		return ErrName
	}
	if owner, taken := c.kept.Owners[a.UserName]; taken && owner != a.ID {
		return ErrName
	}
	if !c.within(a.UID) || !c.within(a.GID) || c.local.UserNumbered(a.UID) || c.local.GroupNumbered(a.GID) {
		return ErrNumber
	}
	if !plain(a.Home) || !plain(a.Shell) || strings.ContainsAny(a.DisplayName, ":\n\x00") {
		return ErrName.With("", "The home directory, the shell or the name of this account can't be used.")
	}
	for _, other := range c.kept.Accounts {
		if other.ID != a.ID && (other.UID == a.UID || other.GID == a.GID) {
			return ErrNumber
		}
		if other.ID == a.ID && other.UID != a.UID {
			return ErrNumber.With("", "The number of this account has changed.")
		}
	}
	return nil
}

// fitting returns the groups that may be on this machine; the others give nobody anything.
func (c *Cache) fitting(groups []device.AccountGroup) []device.AccountGroup {
	var all []device.AccountGroup
	for _, g := range groups {
		if c.within(g.GID) && !c.local.GroupNumbered(g.GID) && names.MatchString(g.Name) && !c.local.GroupNamed(g.Name) {
			all = append(all, g)
		}
	}
	return all
}

func (c *Cache) within(n uint32) bool {
	return n >= c.span.First && n <= c.span.Last && c.span.First > 0
}

func plain(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.ContainsAny(path, ":\n\x00") && !strings.Contains(path, "/../")
}

// Put keeps what the server says of a person. One that may not be on this machine is ErrName
// or ErrNumber. changed reports whether anything is new.
func (c *Cache) Put(a device.Account) (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.check(a); err != nil {
		return false, err
	}
	a.Groups = c.fitting(a.Groups)
	next := kept{Owners: maps.Clone(c.kept.Owners)}
	next.Owners[a.UserName] = a.ID
	found := false
	for _, other := range c.kept.Accounts {
		if other.ID == a.ID {
			found = true
			if equal(other, a) {
				return false, nil
			}
			other = a
		}
		next.Accounts = append(next.Accounts, other)
	}
	if !found {
		next.Accounts = append(next.Accounts, a)
	}
	return true, c.save(next)
}

func equal(a, b device.Account) bool {
	return a.UserName == b.UserName && a.UPN == b.UPN && a.DisplayName == b.DisplayName && a.UID == b.UID && a.GID == b.GID &&
		a.Home == b.Home && a.Shell == b.Shell && a.Enabled == b.Enabled && slices.Equal(a.Groups, b.Groups)
}

func (c *Cache) save(next kept) error {
	data, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := c.files.Replace(file, data); err != nil {
		return err
	}
	c.kept = next
	return nil
}

// Remove forgets a person, and keeps in mind whose their name was.
func (c *Cache) Remove(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := kept{Owners: c.kept.Owners}
	for _, a := range c.kept.Accounts {
		if a.ID != id {
			next.Accounts = append(next.Accounts, a)
		}
	}
	if len(next.Accounts) == len(c.kept.Accounts) {
		return nil
	}
	return c.save(next)
}

// All returns the people, in the order in which they first came.
func (c *Cache) All() []device.Account {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.kept.Accounts)
}

// Find returns a person by user name, UPN or object id, or ErrUnknown. It asks nobody.
func (c *Cache) Find(name string) (device.Account, error) {
	name = strings.ToLower(name)
	return c.first(func(a device.Account) bool {
		return a.UserName == name || strings.ToLower(a.UPN) == name || a.ID == name
	})
}

// ByUID returns a person by number, or ErrUnknown.
func (c *Cache) ByUID(uid uint32) (device.Account, error) {
	return c.first(func(a device.Account) bool { return a.UID == uid })
}

func (c *Cache) first(is func(device.Account) bool) (device.Account, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, a := range c.kept.Accounts {
		if is(a) {
			return a, nil
		}
	}
	return device.Account{}, ErrUnknown
}

// A Group is one of the tenant's, or a person's own, with those of its members who are known
// here.
type Group struct {
	device.AccountGroup
	Members []string
}

// Groups returns all groups of the people who are known here.
func (c *Cache) Groups() []Group {
	var all []Group
	for _, a := range c.All() {
		all = append(all, Group{AccountGroup: device.AccountGroup{ID: a.ID, Name: a.UserName, GID: a.GID}})
		for _, g := range a.Groups {
			at := slices.IndexFunc(all, func(one Group) bool { return one.GID == g.GID })
			if at < 0 {
				all, at = append(all, Group{AccountGroup: g}), len(all)
			}
			all[at].Members = append(all[at].Members, a.UserName)
		}
	}
	return all
}

// Forget removes the accounts that files keeps. Whose a name was stays: homes stay, too.
func Forget(files Files) error {
	data, err := files.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var from kept
	if err != nil || json.Unmarshal(data, &from) != nil || len(from.Owners) == 0 {
		return files.Remove(file)
	}
	from.Accounts = nil
	if data, err = json.MarshalIndent(from, "", "  "); err != nil {
		return err
	}
	return files.Replace(file, data)
}
