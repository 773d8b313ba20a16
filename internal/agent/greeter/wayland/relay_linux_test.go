package wayland

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// message builds one of the wire's.
func message(object, opcode uint32, args ...any) []byte {
	m := append([]byte{}, make([]byte, head)...)
	for _, one := range args {
		switch one := one.(type) {
		case int:
			m = binary.NativeEndian.AppendUint32(m, uint32(one))
		case string:
			m = binary.NativeEndian.AppendUint32(m, uint32(len(one)+1))
			m = append(m, one...)
			m = append(m, make([]byte, 4-len(one)%4)...)
		}
	}
	binary.NativeEndian.PutUint32(m, object)
	binary.NativeEndian.PutUint32(m[4:], uint32(len(m))<<16|opcode)
	return m
}

// A scene is a client, and a compositor that a relay is before.
type scene struct {
	t                  *testing.T
	client, compositor *net.UnixConn
	refused            chan error
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, refused: make(chan error, 1)}
	dir := t.TempDir()
	listen := func(name string) *net.UnixListener {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
		must(t, err)
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	inside, display := listen("inside"), listen("display")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Relay(ctx, inside, filepath.Join(dir, "display"), func(err error) { s.refused <- err })
	}()
	t.Cleanup(func() { cancel(); <-done })
	var err error
	s.client, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(dir, "inside"), Net: "unix"})
	must(t, err)
	s.compositor, err = display.AcceptUnix()
	must(t, err)
	for _, c := range []*net.UnixConn{s.client, s.compositor} {
		must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
		t.Cleanup(func() { _ = c.Close() })
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) says(from net.Conn, messages ...[]byte) {
	s.t.Helper()
	for _, m := range messages {
		_, err := from.Write(m)
		must(s.t, err)
	}
}

func (s *scene) hears(at net.Conn, want []byte) {
	s.t.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(at, got)
	must(s.t, err)
	if string(got) != string(want) {
		s.t.Fatalf("%q comes, not %q", got, want)
	}
}

func (s *scene) isRefused(want error) {
	s.t.Helper()
	select {
	case err := <-s.refused:
		if !errors.Is(err, want) {
			s.t.Error(err)
		}
	case <-time.After(10 * time.Second):
		s.t.Error("nobody is sent away")
	}
}

const registry = 2

func TestWhatDesktopsNeedIsKeptFromBrowsers(t *testing.T) {
	s := newScene(t)
	s.says(s.client, message(displayObject, getRegistry, registry))
	s.hears(s.compositor, message(displayObject, getRegistry, registry))
	kept := []string{
		"zwlr_screencopy_manager_v1", "zwlr_export_dmabuf_manager_v1", "zwp_virtual_keyboard_manager_v1", "zwlr_virtual_pointer_manager_v1",
		"zwlr_layer_shell_v1", "zwlr_data_control_manager_v1", "wl_data_device_manager", "zwlr_foreign_toplevel_manager_v1",
		"zwlr_input_inhibit_manager_v1", "zwp_keyboard_shortcuts_inhibit_manager_v1", "ext_session_lock_manager_v1", "xdg_activation_v1", "one that is yet to come",
	}
	for i, kind := range kept {
		s.says(s.compositor, message(registry, global, 100+i, kind, 1))
	}
	s.says(s.compositor, message(registry, globalRemove, 100), message(registry, global, 7, "wl_compositor", 4), message(registry, globalRemove, 7))
	s.hears(s.client, message(registry, global, 7, "wl_compositor", 4))
	s.hears(s.client, message(registry, globalRemove, 7))
}

// The name of a global is a number that can be guessed.
func TestWhoBindsWhatWasNotOfferedIsSentAway(t *testing.T) {
	for _, kind := range []string{"zwlr_screencopy_manager_v1", "wl_compositor", ""} {
		s := newScene(t)
		s.says(s.client, message(displayObject, getRegistry, registry))
		s.hears(s.compositor, message(displayObject, getRegistry, registry))
		s.says(s.compositor, message(registry, global, 7, "wl_shm", 1), message(registry, global, 8, "zwlr_screencopy_manager_v1", 1))
		s.hears(s.client, message(registry, global, 7, "wl_shm", 1))
		s.says(s.client, message(registry, bind, 7, "wl_shm", 1, 3))
		s.hears(s.compositor, message(registry, bind, 7, "wl_shm", 1, 3))
		s.says(s.client, message(registry, bind, 8, kind, 1, 4))
		if text, err := io.ReadAll(s.compositor); err != nil || len(text) > 0 {
			t.Errorf("the compositor hears %q, %v", text, err)
		}
		s.isRefused(errBind)
	}
}

// A name that was offered opens what was offered by it, and nothing else; and who asks for lists
// without end is sent away before they fill the memory.
func TestWhoBindsAnotherKindByAnOfferedNameOrAsksForListsWithoutEndIsSentAway(t *testing.T) {
	var f filter
	asks := func(m []byte, want error) {
		t.Helper()
		if _, err := f.request(m); !errors.Is(err, want) {
			t.Errorf("got %v, not %v", err, want)
		}
	}
	asks(message(displayObject, getRegistry, registry), nil)
	if heard, err := f.event(message(registry, global, 7, "wl_shm", 1)); !heard || err != nil {
		t.Fatal(heard, err)
	}
	asks(message(registry, bind, 7, "wl_shm", 1, 3), nil)
	for _, kind := range []string{"wl_compositor", "zwlr_screencopy_manager_v1", "wl_shm\x00zwlr_screencopy_manager_v1"} {
		if _, err := f.request(message(registry, bind, 7, kind, 1, 4)); err == nil {
			t.Errorf("%q is bound by the name of another", kind)
		}
	}
	for i := 1; i < mostRegistries; i++ {
		asks(message(displayObject, getRegistry, registry+i), nil)
	}
	asks(message(displayObject, getRegistry, registry+mostRegistries), errMessage)
}

func TestWhatIsNoMessageEndsTheClient(t *testing.T) {
	for _, text := range []string{"\x01\x00\x00\x00\x01\x00\x04\x00", "\x01\x00\x00\x00\x01\x00\x0a\x00....", "\x01\x00\x00\x00\x01\x00\x08\x00", "\x09\x00\x00\x00\x01\x00\x0a\x00..", "\x09\x00\x00\x00\x01\x00\x0d\x00....."} {
		s := newScene(t)
		s.says(s.client, []byte(text))
		s.isRefused(errMessage)
	}
}

// Windows are drawn in memory whose file is passed, and fonts of the keyboard come as one.
func TestFilesGoWithTheirMessages(t *testing.T) {
	s := newScene(t)
	for _, way := range [][2]*net.UnixConn{{s.client, s.compositor}, {s.compositor, s.client}} {
		read, write, err := os.Pipe()
		must(t, err)
		m := message(9, 0, 1, strings.Repeat("x", 5000))
		// In two parts: the file comes with the first.
		_, _, err = way[0].WriteMsgUnix(m[:10], unix.UnixRights(int(write.Fd())), nil)
		must(t, err)
		must(t, write.Close())
		s.says(way[0], m[10:])
		text, rights := make([]byte, len(m)), make([]byte, unix.CmsgSpace(4))
		n, o, _, _, err := way[1].ReadMsgUnix(text, rights)
		must(t, err)
		files, err := filesOf(rights[:o])
		must(t, err)
		if len(files) != 1 {
			t.Fatalf("%d bytes with %d files", n, len(files))
		}
		got := os.NewFile(uintptr(files[0]), "got")
		_, err = got.WriteString("through")
		must(t, errors.Join(err, got.Close()))
		// All others who had it have closed it.
		if text, err := io.ReadAll(read); err != nil || string(text) != "through" {
			t.Errorf("%q, %v", text, err)
		}
		must(t, read.Close())
		_, err = io.ReadFull(way[1], text[n:])
		must(t, err)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(message(displayObject, getRegistry, registry), message(registry, global, 7, "wl_shm", 1), message(registry, bind, 7, "wl_shm", 1, 3))
	f.Add(message(displayObject, getRegistry, registry), message(registry, global, 7, "zwlr_layer_shell_v1", 1), message(registry, bind, 7, "zwlr_layer_shell_v1", 1, 3))
	f.Fuzz(func(t *testing.T, first, offer, asked []byte) {
		var one filter
		look := func(m []byte, may func([]byte) (bool, error)) bool {
			n, err := size(m)
			if err != nil || n == 0 || n > len(m) {
				return false
			}
			ok, err := may(m[:n])
			return ok && err == nil
		}
		look(first, one.request)
		look(offer, one.event)
		if look(asked, one.request) && one.registries[binary.NativeEndian.Uint32(asked)] && asked[4]|asked[5] == bind {
			if _, kind, _ := nameAndKind(asked[head:]); !offered[kind] {
				t.Errorf("%q is bound", kind)
			}
		}
	})
}
