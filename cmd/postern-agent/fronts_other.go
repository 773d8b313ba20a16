//go:build !linux

package main

import "github.com/postern-id/postern/internal/agent"

const defaultNames = off

// fronts returns none: PAM, NSS and greetd are Linux's.
func fronts(agent.Options, sockets) []agent.Front { return nil }
