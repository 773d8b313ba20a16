package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
)

// A Reader reads one file.
type Reader struct {
	Header Header

	lines *bufio.Reader
	sum   hash.Hash
	buf   []byte
}

// maxLine is more than a row has bytes.
const maxLine = 64 << 20

// NewReader decrypts r with one of keys and reads the header.
func NewReader(r io.Reader, keys []age.Identity) (*Reader, error) {
	plain, err := age.Decrypt(r, keys...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNotBackup, err)
	}
	unpacked, err := gzip.NewReader(plain)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	in := &Reader{lines: bufio.NewReaderSize(unpacked, 64<<10), sum: sha256.New()}
	line, err := in.next()
	if err != nil {
		return nil, err
	}
	switch err := json.Unmarshal(line, &in.Header); {
	case err != nil || in.Header.Format != format:
		return nil, ErrNotBackup
	case in.Header.Version > Version:
		return nil, ErrNewer
	case in.Header.Version != Version:
		return nil, ErrDamaged
	}
	in.sum.Write(line)
	return in, nil
}

// next returns the next line with its end, which is good until the next call.
func (r *Reader) next() ([]byte, error) {
	r.buf = r.buf[:0]
	for {
		part, err := r.lines.ReadSlice('\n')
		r.buf = append(r.buf, part...)
		switch {
		case err == nil:
			return r.buf, nil
		case !errors.Is(err, bufio.ErrBufferFull) || len(r.buf) > maxLine:
			return nil, fmt.Errorf("%w (%w)", ErrDamaged, err)
		}
	}
}

// CheckKey reports whether wrapper is the master key that the backup was made under, by the
// error that its Unwrap returns.
func (r *Reader) CheckKey(wrapper Wrapper) error {
	id, err := wrapper.Unwrap(r.Header.KeyCheck, headerPlace(r.Header.ID)...)
	if err == nil && string(id) != r.Header.ID {
		return ErrDamaged
	}
	return err
}

// Each hands all rows to sink. It returns nil only if the file is whole and was made under
// wrapper's master key, which is known at the end: until then the sink must not let anybody
// see what it got.
func (r *Reader) Each(sink Sink, wrapper Wrapper) error {
	var columns []Column
	var values []any
	var rows int64
	for {
		line, err := r.next()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte("{\"end\"")) {
			return r.end(line, rows, wrapper)
		}
		r.sum.Write(line)
		if line[0] == '{' {
			t, err := parseHead(line)
			if err != nil {
				return err
			}
			columns, values = t.Columns, make([]any, len(t.Columns))
			if err := sink.Begin(t); err != nil {
				return err
			}
			continue
		}
		if columns == nil {
			return ErrDamaged
		}
		if err := parseRow(line, columns, values); err != nil {
			return err
		}
		rows++
		if err := sink.Row(values); err != nil {
			return err
		}
	}
}

func parseHead(line []byte) (Table, error) {
	var h head
	if err := json.Unmarshal(line, &h); err != nil || h.Table == "" || len(h.Columns) == 0 {
		return Table{}, ErrDamaged
	}
	t := Table{Name: h.Table}
	for _, c := range h.Columns {
		t.Columns = append(t.Columns, Column{Name: c[0], Kind: Kind(c[1])})
	}
	return t, nil
}

// end checks the last line, and that nothing comes after it.
func (r *Reader) end(line []byte, rows int64, wrapper Wrapper) error {
	var l last
	if err := json.Unmarshal(line, &l); err != nil {
		return ErrDamaged
	}
	sum := r.sum.Sum(nil)
	sealed, err := wrapper.Unwrap(l.Seal, endPlace(r.Header.ID)...)
	if err != nil {
		return err
	}
	if !l.End || l.Rows != rows || l.Hash != hex.EncodeToString(sum) || subtle.ConstantTimeCompare(sealed, sum) != 1 {
		return ErrDamaged
	}
	// Reading to the end is what checks the sums of gzip and age.
	if n, err := r.lines.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return ErrDamaged
	}
	return nil
}
