//go:build !linux

package main

import "github.com/postern-id/postern/internal/agent"

const defaultNames = off

// fronts returns none: PAM and NSS are Linux's.
func fronts(agent.Options, string, string) []agent.Front { return nil }
