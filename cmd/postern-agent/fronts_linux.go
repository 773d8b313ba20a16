package main

import (
	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/linux"
)

// defaultNames is where systemd's libraries look.
const defaultNames = linux.NamesSocket

// fronts serve PAM and the names of people, each unless its socket is off.
func fronts(o agent.Options, pam, names string) []agent.Front {
	all := linux.Options{State: o.State, PAM: pam, Names: names, Log: o.Log}
	var out []agent.Front
	if names != off { // first: whoever signs in has a name
		out = append(out, linux.Names(all))
	}
	if pam != off {
		out = append(out, linux.PAM(all))
	}
	return out
}
