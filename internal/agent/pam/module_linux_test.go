package pam

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A module is the C code of pam_postern.so in a program that plays libpam, built with
// sanitizers.
type module struct {
	in   io.Writer
	out  io.Reader
	said *bytes.Buffer
}

func newModule(t testing.TB) *module {
	t.Helper()
	if _, err := os.Stat("/usr/include/security/pam_modules.h"); err != nil {
		t.Skip("libpam0g-dev is missing")
	}
	program := filepath.Join(t.TempDir(), "relay")
	const source = "../../../native/pam/"
	build := exec.Command("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-o", program, source+"fuzz_relay.c", source+"rules.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m := &module{said: &bytes.Buffer{}}
	cmd := exec.Command(program)
	cmd.Stderr = m.said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.in = in
	if m.out, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, m.said)
		}
	})
	return m
}

// feed gives the module what an agent might send.
func (m *module) feed(t testing.TB, action byte, frames []byte) {
	t.Helper()
	one := binary.BigEndian.AppendUint32(nil, uint32(len(frames)))
	if _, err := m.in.Write(append(append(one, action), frames...)); err != nil {
		t.Fatalf("the module is gone: %v", err)
	}
	if _, err := io.ReadFull(m.out, make([]byte, 1)); err != nil {
		t.Fatalf("the module is gone after %q", frames)
	}
}

func frames(all ...Frame) []byte {
	var out bytes.Buffer
	for _, f := range all {
		out.WriteByte(f.Type)
		_ = binary.Write(&out, binary.BigEndian, uint32(len(f.Payload)))
		out.Write(f.Payload)
	}
	return out.Bytes()
}

// attacks are what an agent that means ill, or is broken, may send.
func attacks() [][]byte {
	f := func(t byte, text string) Frame { return Frame{t, []byte(text)} }
	long := func(n int) string { return string(bytes.Repeat([]byte("a"), n)) }
	ok := f('R', "0")
	return [][]byte{
		nil,
		frames(ok),
		frames(f('P', "PIN: "), ok),
		frames(f('P', "PIN: "), f('P', "again: "), ok),
		frames(f('E', "1"), f('E', "2"), f('E', "3"), f('E', "4"), ok),
		frames(f('P', "%s%n%s%n"), ok),
		frames(f('I', long(MaxPayload)), ok),
		frames(f('I', long(MaxPayload+1)), ok),
		frames(f('U', "root"), ok), frames(f('U', "a/b"), ok), frames(f('U', long(300)), ok),
		frames(f('V', "LD_PRELOAD=/tmp/x.so"), ok), frames(f('V', "POSTERN_METHOD"), ok), frames(f('V', "POSTERN_METHOD=pin"), ok),
		frames(f('T', "secret"), ok),
		frames(f('R', "")), frames(f('R', "0x")), frames(f('R', "-1")), frames(f('R', "99")), frames(f('R', "31")), frames(f('R', "000")), frames(f('R', "0\x00")),
		frames(f('Z', "")),
		frames(f('P', "a\x00b"), ok),
		{'R', 0xff, 0xff, 0xff, 0xff, '0'},
		{'R', 0, 0, 0, 2, '0'},
		{'R', 0, 0},
		bytes.Repeat(frames(f('I', "")), 70),
		bytes.Repeat(frames(f('X', "no")), 63),
	}
}

func TestTheModuleTakesNothingAmiss(t *testing.T) {
	m := newModule(t)
	all := attacks()
	for action := range byte(5) {
		for _, one := range all {
			m.feed(t, action, one)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var mixed []byte
		for range random.IntN(4) + 1 {
			one := bytes.Clone(all[random.IntN(len(all))])
			for range random.IntN(3) {
				if len(one) > 0 {
					one[random.IntN(len(one))] ^= byte(1 << random.IntN(8))
				}
			}
			mixed = append(mixed, one[:min(len(one), 4096)]...)
		}
		m.feed(t, byte(random.IntN(5)), mixed)
	}
}

// FuzzModule feeds the module what the fuzzer makes of attacks.
func FuzzModule(f *testing.F) {
	for _, one := range attacks() {
		f.Add(byte(0), one)
	}
	m := newModule(f)
	f.Fuzz(func(t *testing.T, action byte, data []byte) {
		if len(data) <= 1<<16 {
			m.feed(t, action, data)
		}
	})
}
