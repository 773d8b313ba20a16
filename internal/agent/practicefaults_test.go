//go:build linux

package agent_test

import "testing"

func TestADrillSaysThatTheTPMHasNoRoom(t *testing.T) {
	w := newWorld(t)
	a, user := w.withMira()
	drill, pass := w.drill()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	w.chip.Fill()
	before := w.chip.Holds()
	a = w.open()
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := a.SignInWithPass(t.Context(), mira, secret(pass))
	w.wantCode("with no room in the TPM", err, "practiceFailed")
	if got := w.practice(drill); got.step("key") != "failed drillKeyRoom" || got.step("pin") != "passed" || got.State != "failed" {
		t.Errorf("it is %+v", got)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
		t.Errorf("the PIN that is there: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if after := w.chip.Holds(); after != before {
		t.Errorf("the TPM has %s and had %s", after, before)
	}
}
