package container

import (
	"reflect"
	"slices"
	"testing"
)

// The lock screen, the console and the command line say that with a container goes a key to sign in by, that no
// files are encrypted with it, and that there is nothing to make a copy of (docs/device-pin.md). Whoever adds a
// field that holds more than that changes what they say, and offers a copy.
func TestAContainerHoldsAKeyToSignInByAndNothingThatCouldBeCopied(t *testing.T) {
	for _, one := range []struct {
		of    reflect.Type
		known []string
	}{
		{reflect.TypeFor[Container](), []string{
			"Version", "IDs", "State", "Method", "Key", "Salt", "Counter", "Reset", "ResetVersion", "CreatedAt", "SetAt", "History", "Next", "Software",
		}},
		{reflect.TypeFor[Software](), []string{"Public", "RecoveryKey", "Salt", "ByPIN", "Offline", "Recovery", "ByRecovery", "Key", "Former"}},
		{reflect.TypeFor[History](), []string{"Former", "Key"}},
	} {
		for f := range one.of.Fields() {
			if !slices.Contains(one.known, f.Name) {
				t.Errorf("%s has %s: is it lost with the PIN, and can it be kept?", one.of, f.Name)
			}
		}
	}
}
