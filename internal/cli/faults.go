package cli

import (
	"errors"
	"fmt"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// Exit codes, as docs/cli.md lists them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotAllowed  = 3
	exitNotFound    = 4
	exitUnreachable = 5
)

// ErrUsage says that a command was not used as it works.
var ErrUsage = &fault.Error{
	Kind: fault.Invalid, Code: "usageWrong",
	Text: "This is not how the command works.", Remedy: "See: postern help",
}

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

// Error is a failure of a command with its exit code.
type Error struct {
	Code int // 1 to 5
	Err  error
}

// Error returns what a person is told.
func (e *Error) Error() string { return printable(e.Err.Error()) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func usage(format string, args ...any) error {
	f := ErrUsage.With("", fmt.Sprintf(format, args...))
	f.Remedy = ""
	return &Error{exitUsage, f}
}

func notFound(format string, args ...any) error {
	return &Error{exitNotFound, ErrNotThere.With("", fmt.Sprintf(format, args...))}
}

// coded gives err its exit code.
func coded(err error) error {
	if _, done := errors.AsType[*Error](err); done || err == nil {
		return err
	}
	return &Error{codeOf(err), err}
}

func codeOf(err error) int {
	for _, one := range []struct {
		fault error
		code  int
	}{
		{graphclient.ErrUnreachable, exitUnreachable},
		{graphclient.ErrCertificate, exitUnreachable},
		{graphclient.ErrClock, exitNotAllowed},
		{graphclient.ErrNotSignedIn, exitNotAllowed},
		{graphclient.ErrPath, exitUsage},
		{graphclient.ErrAddress, exitUsage},
	} {
		if errors.Is(err, one.fault) {
			return one.code
		}
	}
	if e, ok := errors.AsType[*graphclient.Error](err); ok {
		switch e.Status {
		case 401, 403:
			return exitNotAllowed
		case 404:
			return exitNotFound
		}
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		switch f.Kind {
		case fault.Unauthorized, fault.Forbidden:
			return exitNotAllowed
		case fault.NotFound:
			return exitNotFound
		}
	}
	return exitFailed
}
