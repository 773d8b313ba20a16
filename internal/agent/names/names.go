// Package names remembers for ever which object of the tenant a name and a number stood for on
// this device, so that somebody new never gets an old home (rule 20 of docs/threat-model.md).
// It is the one place that does: people are let onto the device by it (package accounts) and
// shown to the operating system (package userdb). It survives leaving, as homes do.
package names

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"sync"

	"github.com/postern-id/postern/internal/fault"
)

// ErrPinned reports a name or number that somebody else had here, or that is not the one that
// an object had before.
var ErrPinned = &fault.Error{
	Kind: fault.Conflict, Code: "deviceAccountNumber",
	Text: "The name or number of this account belonged to somebody else on this device.", Remedy: "Tell the helpdesk.",
}

// Files keeps the agent's files; package disk has the real one. Replace is durable when it
// returns, and a missing file is fs.ErrNotExist.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
}

// Pins is what is remembered. It is safe for concurrent use.
type Pins struct {
	mu    sync.Mutex
	files Files
	kept  Draft
}

// A Draft is names and numbers ("n:" in front) to object ids, before they are kept.
type Draft map[string]string

// File is where it is kept, beside the agent's other files.
const File = "names.json"

// Open reads what is remembered. What can't be read is an error: without it, somebody new
// could get an old home.
func Open(files Files) (*Pins, error) {
	p := &Pins{files: files}
	if err := p.Read(); err != nil {
		return nil, err
	}
	return p, nil
}

// Read reads anew what another process of this device may have kept.
func (p *Pins) Read() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := Draft{}
	data, err := p.files.Read(File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := json.Unmarshal(data, &kept); err != nil {
			return fmt.Errorf("%s: %w", File, err)
		}
	}
	p.kept = kept
	return nil
}

// Change keeps what f makes of what is remembered, or nothing when f fails or it can't be kept.
func (p *Pins) Change(f func(Draft) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := maps.Clone(p.kept)
	if err := f(next); err != nil {
		return err
	}
	if maps.Equal(next, p.kept) {
		return nil
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := p.files.Replace(File, data); err != nil {
		return fmt.Errorf("keep the names: %w", err)
	}
	p.kept = next
	return nil
}

// Pin takes a name and numbers for an object, or is ErrPinned and takes none.
func (p *Pins) Pin(id, name string, numbers ...uint32) error {
	return p.Change(func(d Draft) error { return d.Pin(id, name, numbers...) })
}

// Pin takes a name and numbers for an object, or is ErrPinned and takes none. An object may
// get another name; the one that it had stays its own.
func (d Draft) Pin(id, name string, numbers ...uint32) error {
	keys := []string{name}
	for _, n := range numbers {
		keys = append(keys, "n:"+strconv.FormatUint(uint64(n), 10))
	}
	for _, k := range keys {
		if was, ok := d[k]; ok && was != id {
			return ErrPinned
		}
	}
	for _, k := range keys {
		d[k] = id
	}
	return nil
}
