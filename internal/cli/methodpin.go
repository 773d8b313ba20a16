package cli

import (
	"bufio"
	"io"
	"strings"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrNotConfirmed says that a name which was to be typed was not.
var ErrNotConfirmed = &fault.Error{
	Kind: fault.Invalid, Code: "notConfirmed",
	Text: "That is not the name. Nothing was removed.", Remedy: "Type it as it is shown, or say --yes.",
}

// pinLost says what goes with a device PIN, as the console and the lock screen do (docs/device-pin.md).
var pinLost = []string{
	"What is lost with the device PIN of %s:",
	"  - the key in that computer by which the PIN signs in; it can't be copied or brought back, and a new one can be set up",
	"  - what came from the PIN: sessions and sign-ins of applications end at once",
	"No files are encrypted with this key: they stay, and there is nothing to make a copy of.",
}

// surePIN asks for the name of the computer before its PIN is removed, of the person where it has none.
func (e *env) surePIN(user string, one graphclient.Object) error {
	e.say(pinLost[0], user)
	for _, line := range pinLost[1:] {
		e.say("%s", line)
	}
	name := first(one.Text("name"), user)
	e.say("Type the name, %s, to go on:", name)
	return typed(e.command.InOrStdin(), name)
}

// typed reads a line and reports whether it is the name, as a fault.
func typed(in io.Reader, name string) error {
	line, err := bufio.NewReader(io.LimitReader(in, 1024)).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	if !strings.EqualFold(strings.Join(strings.Fields(line), " "), strings.Join(strings.Fields(name), " ")) {
		return ErrNotConfirmed
	}
	return nil
}
