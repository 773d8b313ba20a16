package directory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

func TestWhomAPreparedDeviceAdmits(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	joined := directory.Device{TrustType: directory.TrustJoined, AccountEnabled: true, Owner: "joiner"}
	prepared := func(p directory.Preparation) directory.Device {
		p.By, p.At = "technician", at
		d, err := joined.Prepared(p)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	handed := func(owner directory.UserID) directory.Device {
		d := prepared(directory.Preparation{User: "mira"})
		d.Preparation.HandedOverAt, d.Owner = at, owner
		return d
	}
	named, group := prepared(directory.Preparation{User: "mira"}), prepared(directory.Preparation{Group: "field"})
	for _, c := range []struct {
		name          string
		d             directory.Device
		user          directory.UserID
		member        bool
		admits, takes bool
	}{
		{"a device like any other admits everybody", joined, "eve", false, true, false},
		{"its user takes it", named, "mira", false, true, true},
		{"who prepares it may sign in", named, "technician", false, true, false},
		{"who joined it may", named, "joiner", false, true, false},
		{"nobody else may", named, "eve", false, false, false},
		{"whoever of the group takes it", group, "ada", true, true, true},
		{"who prepares it does not, of the group or not", group, "technician", true, true, false},
		{"nor who joined it", group, "joiner", true, true, false},
		{"nobody outside the group may", group, "eve", false, false, false},
		{"nobody is no user", group, "", false, false, false},
		{"its owner may after the hand-over", handed("mira"), "mira", false, true, false},
		{"who prepared it may not", handed("mira"), "technician", false, false, false},
		{"nor who joined it then", handed("mira"), "joiner", false, false, false},
		{"whom an administrator made its owner may", handed("ada"), "ada", false, true, false},
		{"and who was it may not", handed("ada"), "mira", false, false, false},
		{"without an owner nobody may", handed(""), "", false, false, false},
	} {
		if got := c.d.Admits(c.user, c.member); (got == nil) != c.admits || got != nil && !errors.Is(got, directory.ErrDevicePrepared) {
			t.Errorf("%s: %v", c.name, got)
		}
		if got := c.d.TakenOverBy(c.user, c.member); got != c.takes {
			t.Errorf("%s: taken over: %v", c.name, got)
		}
	}
	if again, err := handed("mira").Prepared(directory.Preparation{User: "ada", By: "technician", At: at}); err != nil || again.Admits("mira", false) == nil || again.HandedOver() {
		t.Errorf("prepared for the next one it admits the last, or does not wait: %+v, %v", again, err)
	}
	for name, p := range map[string]directory.Preparation{
		"nobody": {}, "both": {User: "mira", Group: "field"}, "oneself": {User: "me", By: "me"},
	} {
		if _, err := joined.Prepared(p); err == nil {
			t.Errorf("prepared for %s", name)
		}
	}
	own := joined
	own.TrustType = directory.TrustRegistered
	if _, err := own.Prepared(directory.Preparation{User: "mira"}); !errors.Is(err, directory.ErrPreparation) {
		t.Errorf("a registered device: %v", err)
	}
	off := joined
	off.AccountEnabled = false
	if _, err := off.Prepared(directory.Preparation{User: "mira"}); !errors.Is(err, directory.ErrDeviceDisabled) {
		t.Errorf("one that is off: %v", err)
	}
}
