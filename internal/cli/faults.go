package cli

import (
	"fmt"

	"github.com/postern-id/postern/internal/fault"
)

// ErrNotThere says that a name leads to nothing, or to more than one thing.
var ErrNotThere = &fault.Error{Kind: fault.NotFound, Code: "nothingNamedSo", Text: "There is nothing with this name."}

// ErrCredentials says that the credentials in the environment are not complete.
var ErrCredentials = &fault.Error{
	Kind: fault.Unauthorized, Code: "credentialsIncomplete",
	Text:   "The credentials in the environment are not complete.",
	Remedy: "Set POSTERN_CLIENT_ID, POSTERN_CLIENT_SECRET and POSTERN_TENANT together, or unset the secret and run: postern login",
}

// ErrSignInEnded says that the server takes the kept sign-in no longer.
var ErrSignInEnded = &fault.Error{
	Kind: fault.Unauthorized, Code: "signInEnded",
	Text: "Your sign-in has ended.", Remedy: "Run: postern login",
}

func notFound(format string, args ...any) error {
	return ErrNotThere.With("", fmt.Sprintf(format, args...))
}
