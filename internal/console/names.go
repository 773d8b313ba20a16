package console

import (
	"strings"

	"github.com/postern-id/postern/internal/design"
)

// SameName compares a name with one that a person copied from a page, which shows runs of blanks
// as one and leaves out what can't be seen.
func SameName(typed, name string) bool { return seen(typed) == seen(name) }

func seen(name string) string { return strings.Join(strings.Fields(design.Clean(name)), " ") }
