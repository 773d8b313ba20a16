//go:build !linux

package control

import "net"

// allowed leaves it to the folder, which only its owner can enter.
func allowed(net.Conn) bool { return true }
