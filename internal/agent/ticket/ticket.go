// Package ticket hands a sign-in over from the lock screen's browser to PAM (rule 21 of
// docs/threat-model.md): 256 random bits that live for a minute in this process's memory, as
// a hash, bound to everything that is known of the one attempt they are for. The first try at
// that place spends them, right or wrong, and so does their first appearance anywhere else.
package ticket

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// Lifetime is how long a ticket works.
const Lifetime = time.Minute

// ErrInvalid says no more than that.
var ErrInvalid = &fault.Error{
	Kind: fault.Unauthorized, Code: "ticketInvalid",
	Text: "This sign-in can't be used any more.", Remedy: "Sign in once more.",
}

// A Process is one process for as long as it lives: numbers are used again, the pair is not.
type Process struct {
	PID     int32
	Started uint64 // clock ticks after boot, as in /proc/PID/stat
}

// A Binding is what a ticket is for. All of it has to be the same when it is used.
type Binding struct {
	User    string // object id
	UID     uint32
	PAMUser string
	Service string // of PAM, such as greetd
	Seat    string
	Greeter Process
	Peer    uint32 // uid of the greeter
	Boot    string // boot id of the machine
	Attempt string // id of the sign-in at the lock screen
}

// Box keeps the tickets of a device: one for each PAM user at most. It is safe for concurrent
// use. Both fields are required.
type Box struct {
	Now  func() time.Time
	Rand io.Reader

	mu   sync.Mutex
	kept map[string]kept // by PAM user
}

type kept struct {
	hash    [sha256.Size]byte
	binding Binding
	until   time.Time
}

// Issue returns a ticket for b. An earlier one for the same PAM user is void.
func (x *Box) Issue(b Binding) (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(x.Rand, raw); err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.kept == nil {
		x.kept = map[string]kept{}
	}
	x.kept[b.PAMUser] = kept{sha256.Sum256([]byte(text)), b, x.Now().Add(Lifetime)}
	return text, nil
}

// Use spends the ticket of b's PAM user, whatever text is, and returns nil if text is that
// ticket, is in time, and was issued for b.
func (x *Box) Use(text string, b Binding) error {
	_, err := x.Spend(text, b.PAMUser, func(issued Binding) bool { return issued == b })
	return err
}

// Spend is Use for who does not know what the ticket was issued for: fits compares that with
// what is known. It returns what the ticket was issued for. A guess from another place than
// the ticket's leaves it: anybody can make one, and would keep its owner out.
func (x *Box) Spend(text, pamUser string, fits func(Binding) bool) (Binding, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	one, there := x.kept[pamUser]
	hash := sha256.Sum256([]byte(text))
	right := subtle.ConstantTimeCompare(hash[:], one.hash[:]) == 1
	place := there && fits(one.binding)
	if right || place {
		delete(x.kept, pamUser)
	}
	if !there || !right || !place || !x.Now().Before(one.until) {
		return Binding{}, ErrInvalid
	}
	return one.binding, nil
}

// Cancel voids the ticket of an attempt that was given up.
func (x *Box) Cancel(attempt string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for user, one := range x.kept {
		if one.binding.Attempt == attempt {
			delete(x.kept, user)
		}
	}
}
