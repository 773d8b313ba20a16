package console_test

import (
	"testing"

	"github.com/postern-id/postern/internal/console"
)

func TestANameIsTheOneThatThePageShows(t *testing.T) {
	for _, c := range []struct {
		name, typed, held string
		want              bool
	}{
		{"as it is", "Pilot", "Pilot", true},
		{"with blanks around it", "  Pilot ", "Pilot", true},
		{"with runs of blanks that look like one", "Web sign-in pilot", "Web  sign-in\tpilot", true},
		{"with a mark of direction that nobody sees", "gnp.exe", "\u202Egnp.exe", true},
		{"in another case", "pilot", "Pilot", false},
		{"another one", "Pilots", "Pilot", false},
		{"nothing", "", "Pilot", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := console.SameName(c.typed, c.held); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
