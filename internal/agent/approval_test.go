//go:build linux

package agent_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

func TestADeviceThatWaitsForApprovalSaysSoAndGoesOn(t *testing.T) {
	w := newWorld(t)
	w.graph(http.MethodPatch, "/v1.0/policies/deviceRegistrationPolicy", `{"postern_approval":"all"}`, http.StatusOK, nil)
	a := w.open()
	var told []string
	j := w.request()
	j.Tell = func(text string) { told = append(told, text) }
	if err := a.Join(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if len(told) == 0 || told[len(told)-1] != directory.ErrDevicePending.Error() {
		t.Errorf("at joining it said %q", told)
	}
	waits := func(code string) bool {
		p := a.Status().Problems
		return len(p) > 0 && p[0].Code == code
	}
	if !waits("devicePending") {
		t.Errorf("its status is %+v", a.Status().Problems)
	}
	if _, err := a.StartWeb(t.Context(), "http://localhost", ""); !errors.Is(err, directory.ErrDevicePending) {
		t.Errorf("web sign-in before it is approved: %v", err)
	}
	w.running(a)
	w.within("listening while it waits", 5*time.Second, a.Connected)
	if !waits("devicePending") || a.Status().PolicyVersion == 0 {
		t.Errorf("after a contact: %+v", a.Status())
	}
	path := "/v1.0/devices/" + a.Status().ObjectID
	w.graph(http.MethodPatch, path, `{"postern_approvalState":"approved"}`, http.StatusNoContent, nil)
	w.within("told that it is approved", 3*time.Second, func() bool { return !waits("devicePending") })
	if _, err := a.StartWeb(t.Context(), "http://localhost", ""); err != nil {
		t.Errorf("web sign-in once it is approved: %v", err)
	}
	w.graph(http.MethodPatch, path, `{"postern_approvalState":"refused"}`, http.StatusNoContent, nil)
	w.within("told that it is refused", 3*time.Second, func() bool { return waits("deviceRefused") })
}
