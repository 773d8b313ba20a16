package jobs

import "github.com/postern-id/postern/internal/fault"

// ErrUnknown says that there is no such job that was given up.
var ErrUnknown = &fault.Error{
	Kind: fault.NotFound, Code: "jobUnknown",
	Text: "There is no such job that was given up.", Remedy: "List them again; it may have been woken already.",
}
