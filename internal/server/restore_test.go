package server_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/keyring"
	"github.com/postern-id/postern/internal/server"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/store/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// databases are where a store can be; empty is SQLite.
var databases = []struct {
	name string
	open func(t *testing.T) string
}{
	{"SQLite", func(*testing.T) string { return "" }},
	{"PostgreSQL", func(t *testing.T) string { return pgtest.Open(t) }},
}

// keyPair makes a key pair of age: the public key, and the file of the secret one.
func keyPair(t *testing.T) (recipient, identity string) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(file, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return key.Recipient().String(), file
}

// backUp writes a backup of w, which goes on running.
func (w *world) backUp(recipient string, withKey bool) (file string) {
	w.t.Helper()
	file = filepath.Join(w.t.TempDir(), "postern.backup")
	if err := server.Backup(w.t.Context(), w.options, server.BackupOptions{File: file, Recipients: []string{recipient}, WithKey: withKey}); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// restoreTo stops w and opens in its place what a backup holds, in a new directory or database.
func (w *world) restoreTo(database string, r server.RestoreOptions) server.Restored {
	w.t.Helper()
	w.close()
	w.options.Database = database
	if database != "" || r.SinceLog != "" {
		fresh := w.t.TempDir()
		copyFile(w.t, filepath.Join(w.options.Dir, keyring.MasterKeyFile), filepath.Join(fresh, keyring.MasterKeyFile))
		w.options.Dir = fresh
	}
	done, err := server.Restore(w.t.Context(), w.options, r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.open()
	return done
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// SECURITY.md, "Restore never resurrects".
func TestAPassSpentAfterTheBackupIsRefusedAfterTheRestore(t *testing.T) {
	for _, from := range databases {
		for _, to := range databases {
			t.Run("from "+from.name+" into "+to.name, func(t *testing.T) {
				w := newWorld(t, func(o *server.Options) { o.Database = from.open(t) })
				w.server.Start()
				_, once := w.issue(`{"isUsableOnce":true}`)
				recipient, identity := keyPair(t)
				file := w.backUp(recipient, false)

				// The pass is spent only now, and much comes from it.
				_, tokens := w.token(redeem(w.code("admin@contoso.example", once)))
				session, app := w.cookie(sessionCookie), w.appToken()
				unredeemed := w.codeIn(w.authorize(url.Values{"prompt": {"none"}}))

				done := w.restoreTo(to.open(t), server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true})
				if done.Entries == 0 {
					t.Error("no log entry was verified")
				}
				if a := w.authorize(url.Values{"prompt": {"none"}}); !strings.Contains(a.location, "error=login_required") {
					t.Errorf("the session %s still signs in: %q", session, a.location)
				}
				if status, v := w.token(redeem(unredeemed)); status != http.StatusBadRequest {
					t.Errorf("a code of before: %d %v", status, v)
				}
				if status, v := w.token(refresh(tokens["refresh_token"])); status != http.StatusBadRequest {
					t.Errorf("a refresh token of before: %d %v", status, v)
				}
				for name, token := range map[string]string{"a person": tokens["access_token"].(string), "an application": app} {
					if status, _ := w.api(http.MethodGet, "/v1.0/users", token, ""); status != http.StatusUnauthorized {
						t.Errorf("the access token of %s from before: %d", name, status)
					}
				}
				w.newBrowser()
				if a := w.signIn(w.authorize(nil).location, "admin@contoso.example", once); a.status != http.StatusBadRequest || !strings.Contains(a.body, `data-error="credentialRefused"`) {
					t.Fatalf("the spent pass got in: %d\n%s", a.status, a.body)
				}

				// The store is alive: the application's secret is not bearer-like, and a new pass works.
				w.newBrowser()
				_, fresh := w.issue(`{"isUsableOnce":true}`)
				w.code("admin@contoso.example", fresh)
				reports, err := server.VerifyLog(t.Context(), w.options, nil, false)
				if err != nil || len(reports) != 1 || reports[0].Report.Head.Epoch != 2 {
					t.Errorf("log verify: %+v, %v", reports, err)
				}
			})
		}
	}
}

func TestAnUnspentPassOfBeforeIsRefusedToo(t *testing.T) {
	w := newWorld(t)
	recipient, identity := keyPair(t)
	_, pass := w.issue(`{"isUsableOnce":false}`)
	file := w.backUp(recipient, false)
	done := w.restoreTo("", server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true})
	if done.Kept == "" || !store.Exists(w.options.Dir) {
		t.Errorf("the store of before is at %q", done.Kept)
	}
	if _, err := os.Stat(done.Kept); err != nil {
		t.Error(err)
	}
	if a := w.signIn(w.authorize(nil).location, "admin@contoso.example", pass); a.status != http.StatusBadRequest {
		t.Errorf("the pass got in: %d", a.status)
	}
}

func TestARestoreThatCannotBeTrustedChangesNothing(t *testing.T) {
	for _, to := range databases {
		t.Run(to.name, func(t *testing.T) {
			w := newWorld(t)
			recipient, identity := keyPair(t)
			_, stranger := keyPair(t)
			file := w.backUp(recipient, false)
			w.close()
			whole, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cut := filepath.Join(t.TempDir(), "cut")
			changed := filepath.Join(t.TempDir(), "changed")
			swapped := append([]byte(nil), whole...)
			swapped[len(swapped)-1000] ^= 1
			for name, text := range map[string][]byte{cut: whole[:len(whole)-100], changed: swapped} {
				if err := os.WriteFile(name, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			otherKey := server.Options{Dir: t.TempDir(), Log: w.options.Log}
			if _, err := keyring.CreateMaster(otherKey.Dir, strings.NewReader(strings.Repeat("k", 32))); err != nil {
				t.Fatal(err)
			}
			own := server.Options{Dir: t.TempDir(), Log: w.options.Log}
			copyFile(t, filepath.Join(w.options.Dir, keyring.MasterKeyFile), filepath.Join(own.Dir, keyring.MasterKeyFile))
			database := to.open(t)
			otherKey.Database, own.Database = database, database
			for _, c := range []struct {
				name string
				o    server.Options
				r    server.RestoreOptions
				want error
			}{
				{"the loss is not accepted", own, server.RestoreOptions{File: file, Identity: identity}, server.ErrLoss},
				{"another key of age", own, server.RestoreOptions{File: file, Identity: stranger, AcceptLoss: true}, backup.ErrKey},
				{"another master key", otherKey, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}, keyring.ErrMasterKeyWrong},
				{"no master key", server.Options{Dir: t.TempDir(), Database: database, Log: w.options.Log}, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}, keyring.ErrNoMasterKey},
				{"a file that is cut off", own, server.RestoreOptions{File: cut, Identity: identity, AcceptLoss: true}, backup.ErrDamaged},
				{"a file that was changed", own, server.RestoreOptions{File: changed, Identity: identity, AcceptLoss: true}, backup.ErrDamaged},
				{"some other file", own, server.RestoreOptions{File: identity, Identity: identity, AcceptLoss: true}, backup.ErrNotBackup},
				{"no file", own, server.RestoreOptions{File: file + "x", Identity: identity, AcceptLoss: true}, backup.ErrNotBackup},
				{"no key of age in the file", own, server.RestoreOptions{File: file, Identity: file, AcceptLoss: true}, backup.ErrIdentity},
			} {
				t.Run(c.name, func(t *testing.T) {
					if _, err := server.Restore(t.Context(), c.o, c.r); !errors.Is(err, c.want) {
						t.Fatalf("Restore: %v, want %v", err, c.want)
					}
					left, err := filepath.Glob(filepath.Join(c.o.Dir, "postern.db*"))
					if err != nil || len(left) > 0 {
						t.Errorf("%v is left behind (%v)", left, err)
					}
				})
			}
			t.Run("afterwards the right one works", func(t *testing.T) {
				if _, err := server.Restore(t.Context(), own, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}); err != nil {
					t.Fatal(err)
				}
			})
			if database != "" {
				t.Run("and a second one finds the database full", func(t *testing.T) {
					if _, err := server.Restore(t.Context(), own, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}); !errors.Is(err, store.ErrNotEmpty) {
						t.Fatalf("Restore: %v, want ErrNotEmpty", err)
					}
				})
			}
		})
	}
}

// A recipient's key is public: who has it can make a file that opens.
func TestABackupThatSomebodyElseMadeIsRefused(t *testing.T) {
	for _, to := range databases {
		t.Run(to.name, func(t *testing.T) {
			w := newWorld(t)
			recipient, identity := keyPair(t)
			file := w.backUp(recipient, false)
			w.close()
			o := server.Options{Dir: t.TempDir(), Database: to.open(t), Log: w.options.Log}
			copyFile(t, filepath.Join(w.options.Dir, keyring.MasterKeyFile), filepath.Join(o.Dir, keyring.MasterKeyFile))
			lines := openLines(t, file, identity)
			last := len(lines) - 1
			hashed := func(lines []string) string { // the end with the right hash and the old seal
				sum := sha256.Sum256([]byte(strings.Join(lines[:last], "")))
				return regexp.MustCompile(`"sha256":"[0-9a-f]*"`).ReplaceAllString(lines[last], fmt.Sprintf(`"sha256":"%x"`, sum))
			}
			for name, forge := range map[string]func(lines []string) []string{
				"a person is renamed": func(lines []string) []string {
					for i := range lines[:last] {
						lines[i] = strings.ReplaceAll(lines[i], "Administrator", "Adminixtrator")
					}
					lines[last] = hashed(lines)
					return lines
				},
				"a row is missing": func(lines []string) []string {
					return append(lines[:last-1:last-1], lines[last])
				},
				"the end is missing":        func(lines []string) []string { return lines[:last] },
				"something follows the end": func(lines []string) []string { return append(lines, lines[last]) },
				"a table nobody knows": func(lines []string) []string {
					return append([]string{lines[0], `{"table":"x; DROP TABLE tap","columns":[["id","text"]]}` + "\n"}, lines[1:]...)
				},
				"a row that is too short": func(lines []string) []string {
					return append(lines[:last:last], "[\"x\"]\n", lines[last])
				},
			} {
				t.Run(name, func(t *testing.T) {
					forged := sealLines(t, forge(append([]string(nil), lines...)), recipient)
					_, err := server.Restore(t.Context(), o, server.RestoreOptions{File: forged, Identity: identity, AcceptLoss: true})
					if !errors.Is(err, backup.ErrDamaged) {
						t.Errorf("Restore: %v, want ErrDamaged", err)
					}
				})
			}
			t.Run("the seal is of another master key", func(t *testing.T) {
				strangers := append([]string(nil), lines...)
				strangers[last] = regexp.MustCompile(`"seal":"[^"]*"`).ReplaceAllString(lines[last], `"seal":"AAAA"`)
				_, err := server.Restore(t.Context(), o, server.RestoreOptions{File: sealLines(t, strangers, recipient), Identity: identity, AcceptLoss: true})
				if !errors.Is(err, keyring.ErrMasterKeyWrong) {
					t.Errorf("Restore: %v, want ErrMasterKeyWrong", err)
				}
			})
			t.Run("a backup of a newer release", func(t *testing.T) {
				newer := append([]string(nil), lines...)
				newer[0] = regexp.MustCompile(`"release":[0-9]+`).ReplaceAllString(newer[0], fmt.Sprintf(`"release":%d`, store.Release+1))
				_, err := server.Restore(t.Context(), o, server.RestoreOptions{File: sealLines(t, newer, recipient), Identity: identity, AcceptLoss: true})
				if !errors.Is(err, backup.ErrNewer) {
					t.Errorf("Restore: %v, want ErrNewer", err)
				}
			})
			if left, err := filepath.Glob(filepath.Join(o.Dir, "postern.db*")); err != nil || len(left) > 0 {
				t.Errorf("%v is left behind (%v)", left, err)
			}
			if _, err := server.Restore(t.Context(), o, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}); err != nil {
				t.Errorf("the genuine one, afterwards: %v", err)
			}
		})
	}
}

// openLines returns the lines of a backup.
func openLines(t *testing.T, file, identity string) []string {
	t.Helper()
	key, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(key))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	packed, err := age.Decrypt(sealed, ids...)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(text), "\n")+"\n", "\n")[:strings.Count(string(text), "\n")]
}

// sealLines makes a backup of lines, as anybody can who knows the recipient.
func sealLines(t *testing.T, lines []string, recipient string) (file string) {
	t.Helper()
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	sealed, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(sealed)
	_, err = io.WriteString(z, strings.Join(lines, ""))
	if err := errors.Join(err, z.Close(), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return write(t, out.Bytes())
}

func TestARunningServerIsNotRestoredOver(t *testing.T) {
	w := newWorld(t)
	recipient, identity := keyPair(t)
	file := w.backUp(recipient, false)
	w.close()
	listen := server.Listen{Address: "127.0.0.1:0"}
	tested := errors.New("tested")
	ready := func(*server.Server) {
		if _, err := server.Restore(t.Context(), w.options, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}); !errors.Is(err, server.ErrInUse) {
			t.Errorf("Restore: %v, want ErrInUse", err)
		}
		if err := listen.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := listen.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(t.Context(), w.options, listen, ready); err == nil {
		t.Error(tested)
	}
}

func TestTheMasterKeyIsInABackupOnlyWhenAsked(t *testing.T) {
	w := newWorld(t)
	recipient, identity := keyPair(t)
	file := w.backUp(recipient, true)
	w.close()
	empty := server.Options{Dir: filepath.Join(t.TempDir(), "new"), Log: w.options.Log, PublicURL: w.options.PublicURL}
	if _, err := server.Restore(t.Context(), empty, server.RestoreOptions{File: file, Identity: identity, AcceptLoss: true}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(empty.Dir, keyring.MasterKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the master key: %v, %v", info, err)
	}
	w.options = empty
	w.open()
	w.appToken()
}

func TestABackupFileIsWholePrivateAndNeverWrittenOver(t *testing.T) {
	w := newWorld(t)
	recipient, _ := keyPair(t)
	file := w.backUp(recipient, false)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if strings.Contains(string(text), "contoso") {
		t.Error("the file can be read")
	}
	if err := server.Backup(t.Context(), w.options, server.BackupOptions{File: file, Recipients: []string{recipient}}); !errors.Is(err, backup.ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	if err := server.Backup(t.Context(), w.options, server.BackupOptions{File: file + "2"}); !errors.Is(err, backup.ErrOpenTo) {
		t.Errorf("without a recipient: %v", err)
	}
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}
