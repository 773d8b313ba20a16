//go:build !windows

package agent

import "github.com/postern-id/postern/internal/devicepolicy"

// registryValues is for Windows.
func registryValues(string) (map[string]devicepolicy.Value, []error) { return nil, nil }
