package access

import (
	"fmt"
	"regexp"

	"github.com/postern-id/postern/internal/fault"
)

// Faults of authentication contexts.
var (
	ErrContext = &fault.Error{
		Kind: fault.Invalid, Code: "accessContext", Text: "The authentication context can't be saved like this.",
	}
	ErrContextExists = &fault.Error{
		Kind: fault.Conflict, Code: "accessContextExists",
		Text: "There is an authentication context with this id.", Remedy: "Change that one, or take another id.",
	}
)

// CheckContext reports whether an authentication context may be saved; the error is [ErrContext].
func CheckContext(x ContextClass) error {
	switch {
	case !contextID.MatchString(x.ID):
		return ErrContext.With("id", "The id of an authentication context is c1 to c99.")
	case x.DisplayName == "" || len(x.DisplayName) > longestWords:
		return ErrContext.With("displayName", fmt.Sprintf("An authentication context has a displayName of 1 to %d bytes.", longestWords))
	case len(x.Description) > longestDescription:
		return ErrContext.With("description", fmt.Sprintf("The description of an authentication context has at most %d bytes.", longestDescription))
	}
	return nil
}

const longestDescription = 1024 // bytes

var contextID = regexp.MustCompile(`^c[1-9][0-9]?$`)
