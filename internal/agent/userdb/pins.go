package userdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
)

// Files keeps the agent's files; package disk has the real one. Replace is durable when it
// returns, and a missing file is fs.ErrNotExist.
type Files interface {
	Read(name string) ([]byte, error)
	Replace(name string, data []byte) error
}

// Pins remembers for ever which object a name and a number stood for on this device.
type Pins struct {
	files Files
	kept  draft
}

// draft is names and numbers ("n:" in front) to object ids.
type draft map[string]string

const pinFile = "names.json"

// OpenPins reads what is remembered. What can't be read is an error: without it, somebody new
// could get an old home.
func OpenPins(files Files) (*Pins, error) {
	p := &Pins{files: files, kept: draft{}}
	data, err := files.Read(pinFile)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &p.kept); err != nil {
		return nil, fmt.Errorf("%s: %w", pinFile, err)
	}
	return p, nil
}

func (p *Pins) draft() draft { return maps.Clone(p.kept) }

func (p *Pins) keep(d draft) error {
	if maps.Equal(d, p.kept) {
		return nil
	}
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := p.files.Replace(pinFile, data); err != nil {
		return fmt.Errorf("keep the names: %w", err)
	}
	p.kept = d
	return nil
}

// pin takes a name and a number for an object, or neither.
func (d draft) pin(id, name string, number uint32) error {
	key := "n:" + strconv.FormatUint(uint64(number), 10)
	for _, k := range []string{name, key} {
		if was, ok := d[k]; ok && was != id {
			return ErrPinned
		}
	}
	d[name], d[key] = id, id
	return nil
}
