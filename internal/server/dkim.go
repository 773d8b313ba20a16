package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/outbox/dkim"
	"github.com/postern-id/postern/internal/outbox/smtp"
)

// errSelector says that a name for DKIM is none.
var errSelector = smtp.ErrConfig.With("smtp-dkim-selector", "A selector for DKIM is a name of the DNS, such as postern1, and so is the domain.")

// dkimFile holds the private part of a key, sealed under the master key.
func dkimFile(o Options, selector string) string {
	return filepath.Join(o.Dir, "dkim-"+strings.ToLower(selector)+".sealed")
}

func dkimPlace(selector string) []string { return []string{"dkim", strings.ToLower(selector)} }

// DKIMRecord returns the TXT record that the domain of --smtp-from publishes under selector, and
// makes the key where there is none; made says so.
func DKIMRecord(o Options, domain, selector string) (name, text string, made bool, err error) {
	if !dkim.IsName(domain) || !dkim.IsName(selector) {
		return "", "", false, errSelector
	}
	master, err := keyring.LoadMaster(o.Dir, o.MasterKey)
	if err != nil {
		return "", "", false, err
	}
	key, err := openDKIM(o, master, domain, selector)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = makeDKIM(o, master, domain, selector); err == nil {
			made = true
		}
	}
	if err != nil {
		return "", "", false, err
	}
	name, text, err = key.Record()
	return name, text, made, err
}

func makeDKIM(o Options, w keyring.Wrapper, domain, selector string) (*dkim.Key, error) {
	plain, err := dkim.Generate()
	if err != nil {
		return nil, err
	}
	sealed, err := w.Wrap(plain, dkimPlace(selector)...)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(dkimFile(o, selector), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteString(sealed + "\n"); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return openDKIM(o, w, domain, selector)
}

func openDKIM(o Options, w keyring.Wrapper, domain, selector string) (*dkim.Key, error) {
	sealed, err := os.ReadFile(dkimFile(o, selector))
	if err != nil {
		return nil, err
	}
	plain, err := w.Unwrap(strings.TrimSpace(string(sealed)), dkimPlace(selector)...)
	if err != nil {
		return nil, fmt.Errorf("open the DKIM key: %w", err)
	}
	private, err := dkim.Parse(plain)
	if err != nil {
		return nil, fmt.Errorf("read the DKIM key: %w", err)
	}
	return &dkim.Key{Domain: domain, Selector: selector, Private: private}, nil
}

// signed returns m with the key that signs its mail, if it names one.
func (m Mail) signed(o Options) (Mail, error) {
	if m.DKIMSelector == "" || m.Host == "" {
		return m, nil
	}
	master, err := keyring.LoadMaster(o.Dir, o.MasterKey)
	if err != nil {
		return m, err
	}
	_, domain, _ := strings.Cut(m.From, "@")
	m.key, err = openDKIM(o, master, domain, m.DKIMSelector)
	if errors.Is(err, fs.ErrNotExist) {
		err = smtp.ErrConfig.With("smtp-dkim-selector", "There is no key for this selector. Make it with: postern mail dkim "+domain+" --selector "+m.DKIMSelector)
	}
	return m, err
}
