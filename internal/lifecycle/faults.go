package lifecycle

import (
	"errors"

	"github.com/postern-id/postern/internal/fault"
)

// Faults of workflows.
var (
	ErrInvalid = &fault.Error{
		Kind: fault.Invalid, Code: "workflowInvalid",
		Text: "The workflow can't be saved like this.",
	}
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "workflowUnknown",
		Text: "There is no such workflow.", Remedy: "List the workflows, and those that were deleted.",
	}
	ErrRunUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "workflowRunUnknown",
		Text: "There is no such run, report or result.", Remedy: "List the runs of the workflow; they are kept for 400 days.",
	}
	ErrMany = &fault.Error{
		Kind: fault.Invalid, Code: "workflowMany",
		Text: "There are as many of these as a tenant may have.", Remedy: "Delete one that is no longer used.",
	}
	ErrNewVersion = &fault.Error{
		Kind: fault.Invalid, Code: "workflowNeedsVersion",
		Text: "Tasks and conditions of a workflow are changed by a new version.", Remedy: "Use createNewVersion with the whole workflow.",
	}
	ErrSubjects = &fault.Error{
		Kind: fault.Invalid, Code: "workflowSubjects", Target: "subjects",
		Text: "A workflow runs on demand for 1 to 10 people of the tenant.", Remedy: "Name people who are there, each once.",
	}
	ErrExtensionUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "taskExtensionUnknown",
		Text: "There is no such custom task extension.", Remedy: "List the extensions of the tenant.",
	}
	ErrExtensionUsed = &fault.Error{
		Kind: fault.Conflict, Code: "taskExtensionUsed",
		Text: "A workflow uses this extension.", Remedy: "Take the task out of the workflow first.",
	}
)

// What the store reports beside faults.
var (
	// ErrStale says that another replica was there first.
	ErrStale = errors.New("another replica has done this")
	// ErrSettled says that a task has come to its end already.
	ErrSettled = errors.New("the task has ended already")
)
