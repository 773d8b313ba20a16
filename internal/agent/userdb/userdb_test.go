package userdb

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/device"
)

var (
	ada     = account("a", "ada", 200001)
	finance = device.AccountGroup{ID: "g-finance", Name: "finance-200100", GID: 200100}
)

func account(id, name string, number uint32, groups ...device.AccountGroup) device.Account {
	return device.Account{
		ID: id, UserName: name, UPN: name + "@contoso.example", DisplayName: "Ada Lovelace", UID: number, GID: number,
		Home: "/home/" + name, Shell: "/bin/bash", Groups: groups, Enabled: true,
	}
}

var span = device.Numbers{First: 200000, Last: 499999}

func listing(all ...device.Account) Listing { return Listing{Numbers: span, Accounts: all} }

func newBook(t *testing.T) *Book {
	t.Helper()
	return bookOn(t, filepath.Join(t.TempDir(), "state"))
}

// bookOn opens the book of an agent whose state is in dir, as each start does.
func bookOn(t *testing.T, dir string) *Book {
	t.Helper()
	files := t.TempDir()
	passwd, group := filepath.Join(files, "passwd"), filepath.Join(files, "group")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(passwd, "root:x:0:0:root:/root:/bin/bash\nkim:x:200050:1000:Kim:/home/kim:/bin/bash\n")
	write(group, "root:x:0:\nops:x:998:kim\nlocal:x:200060:\n")
	state, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	pins, err := names.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	return &Book{Pins: pins, Local: func() (Local, error) { return ReadLocal(passwd, group) }}
}

// refusal returns why the only account of the book is not shown, or nil.
func refusal(t *testing.T, b *Book, a device.Account) error {
	t.Helper()
	refused, err := b.Set(listing(a))
	if err != nil {
		t.Fatal(err)
	}
	_, shown := b.Shown(a.UserName)
	if shown != (len(refused) == 0) {
		t.Fatalf("shown: %v, refused: %v", shown, refused)
	}
	if shown {
		return nil
	}
	return refused[0].Why
}

func TestNamesAndNumbersThatTheMachineHasAreRefused(t *testing.T) {
	tests := []struct {
		name    string
		account device.Account
		want    error
	}{
		{"a person of the tenant", ada, nil},
		{"a person of another domain", account("a", "ada+sub.contoso.example", 200001), nil},
		{"root", account("a", "root", 200001), ErrReserved},
		{"a local name", account("a", "kim", 200001), ErrLocal},
		{"the name of a local group", account("a", "ops", 200001), ErrLocal},
		{"a name of systemd", account("a", "systemd-network", 200001), ErrReserved},
		{"a group that gives rights, also where there is none", account("a", "docker", 200001), ErrReserved},
		{"uid 0", account("a", "ada", 0), ErrReserved},
		{"nobody's number", account("a", "ada", 65534), ErrReserved},
		{"a local uid", account("a", "ada", 200050), ErrLocal},
		{"a local gid", account("a", "ada", 200060), ErrLocal},
		{"below the range", account("a", "ada", 199999), ErrRange},
		{"above the range", account("a", "ada", 500000), ErrRange},
		{"a container's number", account("a", "ada", 600000), ErrReserved},
		{"a name of digits", account("a", "1234", 200001), ErrName},
		{"a name with a colon", account("a", "ada:x", 200001), ErrName},
		{"a name with a slash", account("a", "../etc", 200001), ErrName},
		{"capitals, which is another name", account("a", "Ada", 200001), ErrName},
		{"no name", account("a", "", 200001), ErrName},
		{"a home outside", func() device.Account { a := ada; a.Home = "/home/../etc"; return a }(), ErrName},
		{"a shell with an option", func() device.Account { a := ada; a.Shell = "/bin/sh -c id"; return a }(), ErrName},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := refusal(t, newBook(t), tt.account); !errors.Is(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestAnOldNameOrNumberNeverReachesSomebodyNew(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	if err := refusal(t, bookOn(t, state), ada); err != nil {
		t.Fatal(err)
	}
	for name, heir := range map[string]device.Account{
		"the name":   account("b", "ada", 200002),
		"the number": account("b", "bob", 200001),
	} {
		if err := refusal(t, bookOn(t, state), heir); !errors.Is(err, names.ErrPinned) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := refusal(t, bookOn(t, state), account("a", "ada.king", 200001)); err != nil {
		t.Errorf("the same person under another name: %v", err)
	}
	if err := refusal(t, bookOn(t, state), ada); err != nil {
		t.Errorf("the same person again: %v", err)
	}
}

func TestNothingIsShownThatCouldNotBeRemembered(t *testing.T) {
	disk := &filling{}
	pins, err := names.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(t)
	b.Pins = pins
	if _, err := b.Set(listing(ada)); err != nil {
		t.Fatal(err)
	}
	disk.full = true
	if _, err := b.Set(listing(ada, account("b", "bob", 200002))); err == nil {
		t.Error("no word of the full disk")
	}
	if _, shown := b.Shown("bob"); shown {
		t.Error("bob is shown, and who comes after him gets his home")
	}
	if _, shown := b.Shown("ada"); !shown {
		t.Error("ada is gone")
	}
}

type filling struct{ full bool }

func (*filling) Read(string) ([]byte, error) { return nil, fs.ErrNotExist }

func (f *filling) Replace(string, []byte) error {
	if f.full {
		return errors.New("disk full")
	}
	return nil
}

func TestAPersonCalledAdminHasAnAccountAndNoRights(t *testing.T) {
	b := newBook(t)
	refused, err := b.Set(listing(account("a", "admin", 200001, device.AccountGroup{ID: "g", Name: "admin", GID: 200100})))
	if err != nil {
		t.Fatal(err)
	}
	if a, shown := b.Shown("admin"); !shown || a.UID != 200001 {
		t.Errorf("%+v %v", a, shown)
	}
	p := b.page()
	if _, there := p.groups["admin"]; there || p.byGID[200001] != "admin-200001" {
		t.Errorf("groups are %v", p.groups)
	}
	if len(refused) != 1 || !errors.Is(refused[0].Why, ErrReserved) {
		t.Errorf("the tenant's group called admin: %v", refused)
	}
}

func TestGroups(t *testing.T) {
	a := account("a", "ada", 200001, finance,
		device.AccountGroup{ID: "g-ops", Name: "ops", GID: 200101},         // called like a local one
		device.AccountGroup{ID: "g-admins", Name: "sudo", GID: 200102},     // called like one that gives rights
		device.AccountGroup{ID: "g-root", Name: "wheelers", GID: 0},        // root's number
		device.AccountGroup{ID: "g-mapped", Name: "m-200103", GID: 200103}, // on the administrator's list
		device.AccountGroup{ID: "g-bob", Name: "bob", GID: 200104})         // called like a person
	b := newBook(t)
	refused, err := b.Set(Listing{span, []device.Account{a, account("b", "bob", 200002)}, map[string]string{"g-mapped": "ops"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, m := range b.page().members {
		got[m.user+" "+m.group] = true
	}
	for _, want := range []string{"ada finance-200100", "ada ops"} {
		if !got[want] {
			t.Errorf("%s is missing", want)
		}
		delete(got, want)
	}
	if len(got) > 0 || len(refused) != 4 {
		t.Errorf("members %v, refused %v", got, refused)
	}
	if _, err := b.Set(listing(a)); err != nil {
		t.Fatal(err)
	}
	for _, m := range b.page().members {
		if m.group == "ops" {
			t.Error("ada is in a local group that nobody listed")
		}
	}
}
