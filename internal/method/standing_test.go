package method

import (
	"testing"

	"github.com/postern-id/postern/internal/signin"
)

func TestStanding(t *testing.T) {
	password := signin.Yield{Factors: signin.Knowledge}
	codes := signin.Yield{Factors: signin.Possession}
	key := signin.Yield{Factors: signin.Possession | signin.Inherence, PhishingResistant: true}
	phone := signin.Yield{Factors: signin.Possession | signin.Inherence}
	var off signin.Yield
	for _, c := range []struct {
		name string
		all  []Holding
		want Standing
	}{
		{"nothing", nil, Standing{}},
		{"a password", []Holding{{password, password}}, Standing{}},
		{"two things of the same kind", []Holding{{codes, codes}, {codes, codes}}, Standing{}},
		{"a password and codes", []Holding{{password, password}, {codes, codes}}, Standing{MFARegistered: true, MFACapable: true}},
		{"a password that is off, and codes", []Holding{{password, off}, {codes, codes}}, Standing{MFARegistered: true}},
		{"a key", []Holding{{key, key}}, Standing{true, true, true, true}},
		{"a frozen key", []Holding{{key, off}}, Standing{MFARegistered: true}},
		{"a phone that may only be a second factor", []Holding{{phone, codes}}, Standing{MFARegistered: true}},
		{"a frozen key and a phone", []Holding{{key, off}, {phone, phone}}, Standing{MFARegistered: true, MFACapable: true, PasswordlessCapable: true}},
		{"a frozen key and codes", []Holding{{key, off}, {codes, codes}}, Standing{MFARegistered: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := StandingOf(c.all); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
