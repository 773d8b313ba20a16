package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/backup"
	"github.com/postern-id/postern/internal/keyring"
)

var header = backup.Header{ID: "an-id", Release: 1, CreatedAt: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}

// kept is a sink that remembers.
type kept struct {
	tables []backup.Table
	rows   [][]any
}

func (k *kept) Begin(t backup.Table) error { k.tables = append(k.tables, t); return nil }

func (k *kept) Row(values []any) error { k.rows = append(k.rows, slices.Clone(values)); return nil }

var table = backup.Table{Name: "things", Columns: []backup.Column{{Name: "id", Kind: backup.Text}, {Name: "n", Kind: backup.Integer}, {Name: "yes", Kind: backup.Boolean}}}

func master(t *testing.T, letter string) *keyring.MasterKey {
	t.Helper()
	key, err := keyring.CreateMaster(t.TempDir(), strings.NewReader(strings.Repeat(letter, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func file(t testing.TB, to []age.Recipient, key backup.Wrapper, rows [][]any) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := backup.NewWriter(&out, to, header, key)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Begin(table)
	for _, row := range rows {
		err = errors.Join(err, w.Row(row))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(text []byte, key backup.Wrapper, ids ...age.Identity) (*kept, error) {
	r, err := backup.NewReader(bytes.NewReader(text), ids)
	if err != nil {
		return nil, err
	}
	k := &kept{}
	return k, errors.Join(r.CheckKey(key), r.Each(k, key))
}

func pair(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAnyRowsComeBackAsTheyWere(t *testing.T) {
	key, id := master(t, "k"), pair(t)
	rapid.Check(t, func(rt *rapid.T) {
		var rows [][]any
		for range rapid.IntRange(0, 20).Draw(rt, "rows") {
			var name any = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "\xff\xfe", "\x00", "\n", "\u2028", "{\"base64\":\"\"}"})).Draw(rt, "id")
			if rapid.IntRange(0, 9).Draw(rt, "null") == 0 {
				name = nil
			}
			rows = append(rows, []any{name, rapid.Int64().Draw(rt, "n"), rapid.Bool().Draw(rt, "yes")})
		}
		got, err := read(file(t, []age.Recipient{id.Recipient()}, key, rows), key, id)
		if err != nil {
			rt.Fatal(err)
		}
		if fmt.Sprintf("%#v", got.rows) != fmt.Sprintf("%#v", rows) || len(got.tables) != 1 {
			rt.Fatalf("got %#v, want %#v", got.rows, rows)
		}
	})
}

func TestAFileThatIsNotWholeIsRefused(t *testing.T) {
	key, id := master(t, "k"), pair(t)
	var rows [][]any
	for i := range 20000 { // more than one chunk of age, which each have a seal of their own
		rows = append(rows, []any{fmt.Sprint(i * i * 7919), int64(i), false})
	}
	whole := file(t, []age.Recipient{id.Recipient()}, key, rows)
	if len(whole) < 2*64<<10 {
		t.Fatalf("the file has only %d bytes", len(whole))
	}
	if _, err := read(whole, key, id); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 100, 300, len(whole) / 4, len(whole) / 2, len(whole) - 64<<10, len(whole) - 17, len(whole) - 1} {
		if _, err := read(whole[:n], key, id); !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNotBackup) {
			t.Errorf("the first %d of %d bytes: %v", n, len(whole), err)
		}
	}
	for _, n := range []int{200, 400, len(whole) / 2, len(whole) - 1} {
		changed := slices.Clone(whole)
		changed[n] ^= 0x20
		if _, err := read(changed, key, id); err == nil {
			t.Errorf("byte %d was changed, and nobody noticed", n)
		}
	}
	if _, err := read(append(slices.Clone(whole), 'x'), key, id); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("with a byte more: %v", err)
	}
}

func TestOnlyTheRightKeysOpenAFile(t *testing.T) {
	key, id, other := master(t, "k"), pair(t), pair(t)
	text := file(t, []age.Recipient{id.Recipient(), other.Recipient()}, key, nil)
	for name, c := range map[string]struct {
		master backup.Wrapper
		id     age.Identity
		want   error
	}{
		"the first recipient":  {key, id, nil},
		"the second recipient": {key, other, nil},
		"a stranger":           {key, pair(t), backup.ErrKey},
		"another master key":   {master(t, "x"), id, keyring.ErrMasterKeyWrong},
	} {
		if _, err := read(text, c.master, c.id); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestPassphrases(t *testing.T) {
	backup.EasyPassphrases(t)
	key := master(t, "k")
	to, err := backup.PassphraseRecipient([]byte("correct horse battery\n"))
	if err != nil {
		t.Fatal(err)
	}
	text := file(t, to, key, nil)
	for phrase, want := range map[string]error{"correct horse battery": nil, "correct horse battery\r\n": nil, "correct horse batterx": backup.ErrKey} {
		ids, err := backup.PassphraseIdentity([]byte(phrase))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(text, key, ids...); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", phrase, err, want)
		}
	}
	if _, err := backup.PassphraseRecipient([]byte("short\n")); !errors.Is(err, backup.ErrIdentity) {
		t.Errorf("a short one: %v", err)
	}
}

func TestRecipientsAreCheckedAndSecretKeysNotQuoted(t *testing.T) {
	secret := pair(t).String()
	for _, text := range []string{"", "age1", "nobody", secret} {
		if r, err := backup.Recipients([]string{text}); !errors.Is(err, backup.ErrOpenTo) || strings.Contains(err.Error(), "SECRET-KEY") {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
	if _, err := backup.Identities([]byte(secret + "x\n")); !errors.Is(err, backup.ErrIdentity) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("a broken secret key: %v", err)
	}
}

func TestADigestTellsTablesApart(t *testing.T) {
	of := func(rows ...[]any) backup.Digest {
		d := &backup.Digests{}
		err := d.Begin(table)
		for _, row := range rows {
			err = errors.Join(err, d.Row(row))
		}
		d.End()
		if err != nil {
			t.Fatal(err)
		}
		return d.Tables[table.Name]
	}
	a, b := []any{"a", int64(1), true}, []any{"b", int64(1), true}
	if of(a, b) != of(b, a) {
		t.Error("the order counts")
	}
	for _, other := range []backup.Digest{of(), of(a), of(a, a), of(a, b, b), of(a, []any{"b", int64(2), true})} {
		if other == of(a, b) {
			t.Error("two tables have the same digest")
		}
	}
}

// FuzzReader: nothing that opens makes the reader fail in another way than by an error.
func FuzzReader(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("{\"format\":\"postern-backup\",\"version\":1}\n{\"table\":\"t\",\"columns\":[[\"a\",\"text\"]]}\n[\"x\"]\n{\"end\":true}\n"))
	f.Add([]byte("\n\n"))
	f.Add([]byte("{\"format\":\"postern-backup\",\"version\":1}\n[1]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := read(backup.Packed(t, text, id.Recipient()), master(t, "k"), id); err == nil {
			t.Errorf("%q was taken for a backup", text)
		}
	})
}
