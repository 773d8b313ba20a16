package program

import (
	"errors"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// Exit codes, as docs/cli.md lists them.
const (
	Done        = 0
	Failed      = 1
	WrongUse    = 2
	NotAllowed  = 3
	NotFound    = 4
	Unreachable = 5
)

// codes are the exit codes of errors that no kind tells.
var codes = []struct {
	err  error
	code int
}{
	{graphclient.ErrUnreachable, Unreachable},
	{graphclient.ErrCertificate, Unreachable},
	{graphclient.ErrAnswer, Unreachable},
	{graphclient.ErrClock, NotAllowed},
	{graphclient.ErrNotSignedIn, NotAllowed},
	{graphclient.ErrPath, WrongUse},
	{graphclient.ErrAddress, WrongUse},
}

// Code returns the exit code of a command that ended with err.
func Code(err error) int {
	if err == nil {
		return Done
	}
	if _, ok := errors.AsType[usage](err); ok {
		return WrongUse
	}
	for _, one := range codes {
		if errors.Is(err, one.err) {
			return one.code
		}
	}
	if e, ok := errors.AsType[*graphclient.Error](err); ok {
		switch e.Status {
		case 401, 403:
			return NotAllowed
		case 404:
			return NotFound
		}
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		switch f.Kind {
		case fault.Unauthorized, fault.Forbidden:
			return NotAllowed
		case fault.NotFound:
			return NotFound
		}
	}
	return Failed
}
