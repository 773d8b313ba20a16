//go:build !linux

package main

import "github.com/spf13/cobra"

// greeterCommands returns none: greetd is Linux's.
func greeterCommands() []*cobra.Command { return nil }
