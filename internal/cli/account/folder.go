package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/postern-id/postern/internal/cli/ownfile"
	"github.com/postern-id/postern/internal/graphclient"
)

// A Folder has the accounts of one person of this machine.
type Folder struct{ Path string }

// Own is the folder of the person who runs the command, made when something is first kept.
func Own() (Folder, error) {
	base, err := os.UserConfigDir()
	return Folder{filepath.Join(base, "postern", "sign-ins")}, err
}

const suffix = ".json"

// file is where the account at a server is kept. The hash keeps apart what differs in
// characters that no file name can have.
func (f Folder) file(server string) string {
	host := "server"
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		host = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
				return r
			}
			return '_'
		}, strings.ToLower(u.Host))
	}
	sum := sha256.Sum256([]byte(strings.TrimRight(server, "/")))
	return filepath.Join(f.Path, host+"-"+hex.EncodeToString(sum[:4])+suffix)
}

// Servers are those at which there is an account.
func (f Folder) Servers() ([]string, error) {
	entries, err := os.ReadDir(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		if a, err := read(filepath.Join(f.Path, e.Name())); err == nil {
			all = append(all, a.Server)
		}
	}
	return all, err
}

// Load returns the account at a server, or graphclient.ErrNotSignedIn, ErrUnsafe, ErrBroken.
func (f Folder) Load(server string) (Account, error) {
	a, err := read(f.file(server))
	if errors.Is(err, fs.ErrNotExist) {
		return Account{}, graphclient.ErrNotSignedIn.With("", "You are not signed in at "+server+".")
	}
	return a, err
}

func read(path string) (Account, error) {
	raw, err := ownfile.Read(path)
	if errors.Is(err, ownfile.ErrOpen) {
		return Account{}, ErrUnsafe
	}
	if err != nil {
		return Account{}, err
	}
	return decode(raw)
}

// Save keeps a in the place of what there was at its server.
func (f Folder) Save(ctx context.Context, a Account) error {
	return f.alone(ctx, a.Server, func() error { return f.write(a) })
}

// Remove forgets the account at a server. One that is not there is no error.
func (f Folder) Remove(ctx context.Context, server string) error {
	return f.alone(ctx, server, func() error {
		err := os.Remove(f.file(server))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// Keeper returns what keeps the tokens of the account at a server.
func (f Folder) Keeper(server string) graphclient.Keeper { return keeper{f, server} }

type keeper struct {
	folder Folder
	server string
}

// Update is described at graphclient.Keeper.
func (k keeper) Update(ctx context.Context, change func(graphclient.Tokens) (graphclient.Tokens, error)) error {
	return k.folder.alone(ctx, k.server, func() error {
		a, err := k.folder.Load(k.server)
		if err != nil {
			return err
		}
		before := a.Tokens.Access.Reveal()
		if a.Tokens, err = change(a.Tokens); err != nil || a.Tokens.Access.Reveal() == before {
			return err
		}
		return k.folder.write(a)
	})
}

// patience is how long a command waits for another one, which may be waiting for the server.
const patience = time.Minute

// alone runs do while no other process does for the same server.
func (f Folder) alone(ctx context.Context, server string, do func() error) error {
	if err := os.MkdirAll(f.Path, 0o700); err != nil {
		return err
	}
	lock := flock.New(strings.TrimSuffix(f.file(server), suffix)+".lock", flock.SetPermissions(0o600))
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ok, err := lock.TryLockContext(short, 20*time.Millisecond)
	if err != nil || !ok {
		if ctx.Err() == nil && short.Err() != nil {
			return ErrBusy
		}
		return err
	}
	return errors.Join(do(), lock.Unlock())
}

func (f Folder) write(a Account) error {
	raw, err := a.encode()
	if err != nil {
		return err
	}
	return ownfile.Replace(f.file(a.Server), raw)
}
