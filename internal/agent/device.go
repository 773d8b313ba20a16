package agent

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/postern-id/postern/internal/agent/accounts"
	"github.com/postern-id/postern/internal/agent/contact"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/container/soft"
	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/habits"
	"github.com/postern-id/postern/internal/agent/identity"
	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/agent/pin"
	"github.com/postern-id/postern/internal/agent/policy"
	"github.com/postern-id/postern/internal/agent/ticket"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// Device is a joined device: its identity, and all that works by it.
type Device struct {
	Link     *link.Link
	Policy   *policy.Keeper
	Accounts *accounts.Cache
	PINs     *pin.Service
	Habits   *habits.Book

	options Options
	files   *disk.Dir
	chip    *tpm.TPM    // nil without one
	soft    *soft.Store // PINs without a TPM; nil with one
	closed  chan struct{}

	mu            sync.RWMutex
	identity      identity.Identity
	mark          contact.Mark
	policyTrouble error
	localTrouble  []error
}

func newTickets(now func() time.Time) *ticket.Box { return &ticket.Box{Now: now, Rand: rand.Reader} }

// openDevice opens the device that files names.
func openDevice(o Options, files *disk.Dir, pins *names.Pins) (*Device, error) {
	i, err := identity.Load(files)
	if err != nil {
		return nil, err
	}
	if i.State != identity.Joined {
		return nil, identity.ErrNotJoined
	}
	chip, err := openTPM(o.TPM, i.Storage)
	if err != nil {
		return nil, err
	}
	d, err := newDevice(o, files, pins, i, chip)
	if err != nil && chip != nil {
		return nil, errors.Join(err, chip.Close())
	}
	return d, err
}

func newDevice(o Options, files *disk.Dir, pins *names.Pins, i identity.Identity, chip *tpm.TPM) (*Device, error) {
	d := &Device{options: o, files: files, chip: chip, identity: i, closed: make(chan struct{})}
	key, err := i.Signer(chip)
	if err != nil {
		return nil, err
	}
	client, err := o.client(append(append([]byte{}, i.CA...), o.CA...))
	if err != nil {
		return nil, err
	}
	d.Link = &link.Link{Base: i.Server, Tenant: i.Tenant.TenantID, HTTP: client, Key: key, Now: o.Now, Patience: o.Patience}
	d.Policy, d.policyTrouble = policy.Open(files, d.want(), i.PolicyKeys)
	if d.Accounts, err = accounts.Open(files, pins); err != nil {
		return nil, err
	}
	if d.Habits, err = habits.Open(files); err != nil {
		return nil, err
	}
	d.mark = readMark(files)
	d.ReadLocal()
	err = d.openPINs()
	return d, err
}

func (d *Device) want() policy.Want {
	return policy.Want{Issuer: d.identity.Tenant.Issuer, Tenant: d.identity.Tenant.TenantID, Device: d.identity.DeviceID}
}

func (d *Device) openPINs() error {
	files, err := disk.Open(filepath.Join(d.options.State, "containers"))
	if err != nil {
		return err
	}
	d.PINs = &pin.Service{
		Server: d.Link, Link: d.Link, About: d.identity.Tenant, DeviceID: d.identity.DeviceID, Now: d.options.Now, Offline: d.Offline,
	}
	if d.chip == nil {
		d.soft = &soft.Store{Files: files, Now: d.options.Now, Offline: func(user string) bool {
			return d.Settings(user).On(devicepolicy.SoftwareOffline)
		}}
		d.PINs.Containers = pin.File{Store: d.soft}
		return nil
	}
	d.PINs.Containers = pin.TPM{Store: &container.Store{
		Files: files, Chip: d.chip, Attestation: d.identity.Attestation, Now: d.options.Now, Rand: rand.Reader,
	}}
	return nil
}

func (d *Device) close() {
	close(d.closed)
	d.Link.HTTP.CloseIdleConnections()
	if d.chip != nil {
		_ = d.chip.Close() // what it holds is in itself
	}
}

// Identity returns what the device is to its tenant.
func (d *Device) Identity() identity.Identity {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.identity
}

// CheckKey reports why the device's key can't be used any more: its TPM was cleared, or is
// another one.
func (d *Device) CheckKey() error {
	if d.chip == nil {
		return nil
	}
	return d.chip.Holds(d.Identity().Key)
}

// change changes the identity, on the disk first.
func (d *Device) change(f func(*identity.Identity)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.identity
	f(&next)
	if err := identity.Save(d.files, next); err != nil {
		return err
	}
	d.identity = next
	return nil
}

// ReadLocal reads the values of the machine's owner anew, and reports whether they changed.
func (d *Device) ReadLocal() {
	values, wrong := readLocal(d.options.LocalPolicy, d.Identity().Tenant.TenantID)
	d.Policy.SetLocal(values)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.localTrouble = wrong
}

// readLocal reads the file and, on Windows, the registry, which wins.
func readLocal(path, tenant string) (map[string]devicepolicy.Value, []error) {
	raw, wrong := readFile(path)
	more, also := registryValues(tenant)
	maps.Copy(raw, more)
	values, unfit := policy.CheckLocal(raw, tenant)
	return values, slices.Concat(wrong, also, unfit)
}

func readFile(path string) (map[string]devicepolicy.Value, []error) {
	raw := map[string]devicepolicy.Value{}
	text, err := os.ReadFile(path)
	if path == "" || errors.Is(err, os.ErrNotExist) {
		return raw, nil
	}
	if err != nil {
		return raw, []error{fmt.Errorf("read the local policy: %w", err)}
	}
	parsed, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return raw, []error{fmt.Errorf("%s is not YAML: %w", path, err)}
	}
	var wrong []error
	for uri, v := range parsed {
		one, err := json.Marshal(v)
		var value devicepolicy.Value
		if err == nil {
			err = json.Unmarshal(one, &value)
		}
		if err != nil {
			wrong = append(wrong, &policy.Wrong{URI: uri, Err: err})
			continue
		}
		raw[uri] = value
	}
	return raw, wrong
}

// Domain is what may be left out of a name here: what policy prefers, else the tenant's default.
func (d *Device) Domain() string {
	tenant := d.Identity().Tenant
	if one := d.Settings("")[devicepolicy.PreferredTenantDomain].Value.Text(); one != "" {
		return one
	}
	if tenant.DefaultDomain == "" && len(tenant.Domains) > 0 { // of a server from before there was one
		return tenant.Domains[0]
	}
	return tenant.DefaultDomain
}

// FullName is a typed name with its domain.
func (d *Device) FullName(typed string) string {
	domain := d.Domain()
	if strings.Contains(typed, "@") || domain == "" {
		return typed
	}
	return typed + "@" + domain
}

const markFile = "contact.json"

func readMark(files *disk.Dir) contact.Mark {
	var m contact.Mark
	if data, err := files.Read(markFile); err == nil {
		_ = json.Unmarshal(data, &m) // without a mark nothing works offline
	}
	return m
}

// note keeps the time at which the server signed a policy, by all clocks.
func (d *Device) note(signed time.Time) error {
	m := contact.Mark{Server: signed, Wall: d.options.Now()}
	if d.chip != nil {
		clock, err := d.chip.ReadClock()
		if err != nil {
			return err
		}
		m.Chip = &clock
	}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := d.files.Replace(markFile, data); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mark = m
	return nil
}

// Offline returns how long a person may go on without the server, or why they may not.
func (d *Device) Offline(user string) (time.Duration, error) {
	i := d.Identity()
	if i.Ended != "" {
		return 0, ended(i.Ended)
	}
	if a, err := d.Accounts.Find(user); err != nil || !a.Enabled {
		return 0, contact.ErrNever
	}
	settings := d.Policy.Effective(user)
	days := int(settings[devicepolicy.OfflineDays].Value.Int())
	if i.Storage == device.Software && !settings.On(devicepolicy.SoftwareOffline) {
		days = 0
	}
	d.mu.RLock()
	m := d.mark
	d.mu.RUnlock()
	// The policy is signed, the mark is not: it counts for the TPM's clock only.
	if signed := d.Policy.SignedAt(); signed.Before(m.Server) {
		m.Server = signed
	}
	now := contact.Reading{Wall: d.options.Now()}
	if d.chip != nil {
		clock, err := d.chip.ReadClock()
		if err != nil {
			return 0, err
		}
		now.Chip = &clock
		if m.Chip == nil {
			return 0, contact.ErrClock
		}
	}
	return contact.Left(m, days, now)
}
