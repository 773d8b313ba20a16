package accounts_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/agent/accounts"
	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/names"
	"github.com/postern-id/postern/internal/device"
)

func TestPeopleAreRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	open := func() *accounts.Cache {
		t.Helper()
		files, err := disk.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		pins, err := names.Open(files)
		if err != nil {
			t.Fatal(err)
		}
		c, err := accounts.Open(files, pins)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	mira := device.Account{ID: "1", UserName: "mira", UPN: "Mira@contoso.example", UID: 200001, GID: 200001, Enabled: true}
	c := open()
	for _, want := range []bool{true, false} {
		if changed, err := c.Put(mira); changed != want || err != nil {
			t.Errorf("changed: %v, %v", changed, err)
		}
	}
	for _, name := range []string{"mira", "MIRA", "mira@CONTOSO.example", "1"} {
		if a, err := open().Find(name); err != nil || a.ID != "1" {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	off := mira
	off.Enabled = false
	if changed, err := c.Put(off); !changed || err != nil {
		t.Errorf("switched off: %v %v", changed, err)
	}
	moved := mira
	moved.UID++
	if _, err := c.Put(moved); !errors.Is(err, names.ErrPinned) {
		t.Errorf("another number: %v", err)
	}
	heir := device.Account{ID: "2", UserName: "mira", UPN: "mira@contoso.example", UID: 200002, GID: 200002, Enabled: true}
	for range 2 {
		if _, err := c.Put(heir); !errors.Is(err, names.ErrPinned) {
			t.Errorf("somebody else of that name: %v", err)
		}
		if err := c.Remove("1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Remove("1"); err != nil {
		t.Fatal(err)
	}
	if _, err := open().Find("mira"); !errors.Is(err, accounts.ErrUnknown) {
		t.Errorf("removed: %v", err)
	}
}
