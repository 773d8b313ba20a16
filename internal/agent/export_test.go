package agent

import "github.com/postern-id/postern/internal/agent/disk"

// Files are where the agent keeps its state.
func Files(a *Agent) *disk.Dir { return a.files }

// FromRegistry is what the registry of Windows says, in the catalog's types.
var FromRegistry = fromRegistry
