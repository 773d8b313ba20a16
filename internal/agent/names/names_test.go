package names_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/names"
)

func open(t *testing.T, dir string) *names.Pins {
	t.Helper()
	files, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := names.Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestANameAndANumberStayWhoseTheyWere(t *testing.T) {
	dir := t.TempDir() + "/state"
	if err := open(t, dir).Pin("ada's id", "ada", 200001, 200001); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, id, name string
		numbers        []uint32
		want           error
	}{
		{"the same", "ada's id", "ada", []uint32{200001}, nil},
		{"another name of hers", "ada's id", "ada.king", []uint32{200001}, nil},
		{"the name for somebody else", "bob's id", "ada", []uint32{200002}, names.ErrPinned},
		{"the number for somebody else", "bob's id", "bob", []uint32{200001}, names.ErrPinned},
		{"the group's number for somebody else", "bob's id", "bob", []uint32{200002, 200001}, names.ErrPinned},
		{"her former name for somebody else", "bob's id", "ada.king", []uint32{200002}, names.ErrPinned},
		{"what the refused ones had", "carl's id", "bob", []uint32{200002}, nil},
	} {
		if err := open(t, dir).Pin(c.id, c.name, c.numbers...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

type full struct{}

func (full) Read(string) ([]byte, error)  { return nil, fs.ErrNotExist }
func (full) Replace(string, []byte) error { return errors.New("disk full") }

func TestWhatCouldNotBeKeptIsNotTaken(t *testing.T) {
	p, err := names.Open(full{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Pin("ada's id", "ada", 200001); err == nil {
			t.Error("no word of the full disk")
		}
	}
}

type damaged struct{ full }

func (damaged) Read(string) ([]byte, error) { return []byte(`{"ada":`), nil }

func TestADamagedMemoryIsNotAnEmptyOne(t *testing.T) {
	if _, err := names.Open(damaged{}); err == nil {
		t.Error("opened")
	}
}
