// Package wayland passes what browsers and their compositor say to each other, and keeps from
// browsers what only parts of a desktop need. Wayland keeps clients apart, but compositors like
// sway offer everybody ways around that: pictures of the screen, keys typed for others, windows
// above all others, the clipboard, and an end to the keys that lead back. A browser that was
// taken over from within would find them.
//
// https://wayland.freedesktop.org/docs/html/ch04.html has the wire format.
package wayland

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// offered are the interfaces that a browser may use. Each is about the client's own windows, and
// about keys and pointers while one of them has the focus.
var offered = map[string]bool{
	"wl_compositor": true, "wl_subcompositor": true, "wl_shm": true, "wl_seat": true, "wl_output": true,
	"xdg_wm_base": true, "zxdg_decoration_manager_v1": true, "zxdg_output_manager_v1": true,
	"wp_viewporter": true, "wp_presentation": true, "wp_fractional_scale_manager_v1": true, "wp_single_pixel_buffer_manager_v1": true,
	"wp_cursor_shape_manager_v1": true, "zwp_text_input_manager_v3": true,
}

// Words of the wire.
const (
	head        = 8 // bytes: object, size and opcode
	mostMessage = 1<<16 - 1

	displayObject = 1
	getRegistry   = 1 // request of wl_display
	bind          = 0 // request of wl_registry
	global        = 0 // its events
	globalRemove  = 1

	mostRegistries = 64
)

// A filter is what one client knows of its compositor's offers.
type filter struct {
	mu         sync.Mutex
	registries map[uint32]bool
	names      map[uint32]string // of what it was offered
}

var (
	errMessage = errors.New("no message of Wayland")
	errBind    = errors.New("something that was not offered is bound")
)

// size is the length of the message that data begins with, or 0 while that is not there yet.
func size(data []byte) (int, error) {
	if len(data) < head {
		return 0, nil
	}
	n := int(binary.NativeEndian.Uint32(data[4:]) >> 16)
	if n < head || n%4 != 0 {
		return 0, errMessage
	}
	return n, nil
}

// request looks at a message of the client. An error ends it.
func (f *filter) request(m []byte) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	object, opcode, args := parse(m)
	switch {
	case object == displayObject && opcode == getRegistry:
		if len(args) < 4 || len(f.registries) >= mostRegistries {
			return false, errMessage
		}
		if f.registries == nil {
			f.registries, f.names = map[uint32]bool{}, map[uint32]string{}
		}
		f.registries[binary.NativeEndian.Uint32(args)] = true
	case f.registries[object] && opcode == bind:
		name, kind, ok := nameAndKind(args)
		if !ok {
			return false, errMessage
		}
		if known, ok := f.names[name]; !ok || known != kind {
			return false, fmt.Errorf("%w: %.64q", errBind, kind)
		}
	}
	return true, nil
}

// event reports whether the client hears a message of the compositor.
func (f *filter) event(m []byte) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	object, opcode, args := parse(m)
	if !f.registries[object] {
		return true, nil
	}
	switch opcode {
	case global:
		name, kind, ok := nameAndKind(args)
		if !ok {
			return false, errMessage
		}
		if offered[kind] {
			f.names[name] = kind
		}
		return offered[kind], nil
	case globalRemove:
		if len(args) < 4 {
			return false, errMessage
		}
		_, known := f.names[binary.NativeEndian.Uint32(args)]
		return known, nil
	}
	return true, nil
}

func parse(m []byte) (object, opcode uint32, args []byte) {
	return binary.NativeEndian.Uint32(m), binary.NativeEndian.Uint32(m[4:]) & 0xffff, m[head:]
}

// nameAndKind reads what both bind and global begin with: a number and a string.
func nameAndKind(args []byte) (name uint32, kind string, ok bool) {
	if len(args) < 8 {
		return 0, "", false
	}
	name = binary.NativeEndian.Uint32(args)
	n := binary.NativeEndian.Uint32(args[4:]) // with the NUL at the end
	if n == 0 || uint64(n) > uint64(len(args)-8) {
		return 0, "", false
	}
	text, rest, found := bytes.Cut(args[8:8+n], []byte{0})
	return name, string(text), found && len(rest) == 0
}
