// Package accounts remembers the people who have been at this device, as the server describes
// them, so that front ends can show and admit them without it. Whether one may be an account
// of the operating system is for package userdb to say.
package accounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/fault"
)

// Faults of accounts.
var (
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "deviceAccountUnknown",
		Text: "Nobody of that name has signed in on this device.", Remedy: "Check the name.",
	}
)

// Files keeps the file; package disk has the real one.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
	Remove(name string) error
}

// Pins remembers whose names and numbers are; package names has the real one. Pin is an error
// when somebody else had one.
type Pins interface {
	Pin(id, name string, numbers ...uint32) error
}

// Cache is the people of a device. It is safe for concurrent use. Open it.
type Cache struct {
	files Files
	pins  Pins

	mu  sync.RWMutex
	all []device.Account // in the order in which they first came
}

const file = "accounts.json"

// Open reads the people that files keeps. A file that can't be read counts as empty: the
// server tells of people again as they sign in.
func Open(files Files, pins Pins) (*Cache, error) {
	c := &Cache{files: files, pins: pins}
	data, err := files.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	if json.Unmarshal(data, &c.all) != nil {
		c.all = nil
	}
	return c, nil
}

// Put keeps what the server says of a person, and reports whether anything is new. Who has a
// name or number that was somebody else's is names.ErrPinned.
func (c *Cache) Put(a device.Account) (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.pins.Pin(a.ID, a.UserName, a.UID, a.GID); err != nil {
		return false, err
	}
	at := slices.IndexFunc(c.all, func(one device.Account) bool { return one.ID == a.ID })
	next := slices.Clone(c.all)
	switch {
	case at < 0:
		next = append(next, a)
	case equal(c.all[at], a):
		return false, nil
	case c.all[at].UID != a.UID || c.all[at].GID != a.GID: // numbers never change
		return false, names.ErrPinned
	default:
		next[at] = a
	}
	return true, c.save(next)
}

func equal(a, b device.Account) bool {
	return a.UserName == b.UserName && a.UPN == b.UPN && a.DisplayName == b.DisplayName && a.UID == b.UID && a.GID == b.GID &&
		a.Home == b.Home && a.Shell == b.Shell && a.Enabled == b.Enabled && slices.Equal(a.Groups, b.Groups)
}

func (c *Cache) save(next []device.Account) error {
	data, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := c.files.Replace(file, data); err != nil {
		return err
	}
	c.all = next
	return nil
}

// Remove forgets a person.
func (c *Cache) Remove(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(c.all), func(a device.Account) bool { return a.ID == id })
	if len(next) == len(c.all) {
		return nil
	}
	return c.save(next)
}

// All returns the people, in the order in which they first came.
func (c *Cache) All() []device.Account {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.all)
}

// Find returns a person by user name, UPN or object id, or ErrUnknown. It asks nobody.
func (c *Cache) Find(name string) (device.Account, error) {
	for _, a := range c.All() {
		if strings.EqualFold(a.UserName, name) || strings.EqualFold(a.UPN, name) || a.ID == name {
			return a, nil
		}
	}
	return device.Account{}, ErrUnknown
}

// Forget removes what files keeps.
func Forget(files Files) error { return files.Remove(file) }
