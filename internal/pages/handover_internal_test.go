package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/signin"
)

// pinsOf has the device PINs of one person, and nothing else.
type pinsOf struct {
	PINs
	all []hello.Container
}

func (p pinsOf) ContainersOf(context.Context, directory.TenantID, directory.UserID) ([]hello.Container, error) {
	return p.all, nil
}

func TestADevicePINThatIsNewOrWasChosenAnewOpensNoLinkThatOthersHold(t *testing.T) {
	then := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	pin := func(device string, registered time.Time, renewed ...time.Time) hello.Container {
		c := hello.Container{DeviceID: device, RegisteredAt: registered}
		for _, at := range renewed {
			c.Renewals = append(c.Renewals, method.Renewal{At: at})
		}
		return c
	}
	long, later := then.Add(-time.Hour), then.Add(time.Hour)
	for _, c := range []struct {
		name string
		on   *signin.Device
		all  []hello.Container
		want bool
	}{
		{"one of long ago", &signin.Device{DeviceID: "a"}, []hello.Container{pin("a", long)}, true},
		{"one that was chosen anew long ago", &signin.Device{DeviceID: "a"}, []hello.Container{pin("a", long, then)}, true},
		{"a new one", &signin.Device{DeviceID: "a"}, []hello.Container{pin("a", later)}, false},
		{"one that was chosen anew lately", &signin.Device{DeviceID: "a"}, []hello.Container{pin("a", long, long, later)}, false},
		{"a new one, beside one of long ago on another device", &signin.Device{DeviceID: "a"}, []hello.Container{pin("b", long), pin("a", later)}, false},
		{"one that is gone", &signin.Device{DeviceID: "a"}, nil, false},
		{"one of no device", nil, []hello.Container{pin("", long)}, false},
	} {
		s := &Site{PINs: pinsOf{all: c.all}}
		a := knownAccount{session: signin.Session{Device: c.on, Proofs: []signin.Proof{hello.Container{}.Proof(later)}}}
		got, err := s.heldBy(httptest.NewRequest(http.MethodGet, "/", nil), a, then)
		if err != nil || (len(got.Proofs) == 1) != c.want {
			t.Errorf("%s: %v %v, want %v", c.name, got.Proofs, err, c.want)
		}
	}
}
